import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# Real clips stand beside the checkout where they stand at all; tests that need them say so and skip.
SHARED = Path(os.environ.get("FACE2NB_SHARED", ROOT.parent / "shared"))


def pytest_configure(config):
    # model files as well; nothing is ever fetched by a test
    if (SHARED / "weights").is_dir():
        os.environ.setdefault("FACE2NB_WEIGHTS", str(SHARED / "weights"))
    config.addinivalue_line("markers", "cluster: needs Ray, the extra [ray]; leave out with -m 'not cluster'")


def pytest_report_header(config):
    return f"real clips: {'found' if (SHARED / 'clips').is_dir() else 'not there, the tests that need them skip'}"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    "Tests that share a site, a server or a long run stay in one process; all others go wherever there is room."
    from xdist.scheduler import LoadScopeScheduling

    class Scheduler(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            together = ("tests/test_docs.py", "tests/test_explorer.py", "tests/test_curate.py")
            return nodeid.split("::")[0] if nodeid.startswith(together) else nodeid

    return Scheduler(config, log)


@pytest.fixture
def clips():
    folder = SHARED / "clips"
    if not folder.is_dir():
        pytest.skip("needs real clips in ../shared/clips, which are not there")
    return folder


def model_file(name):
    "The path of a model file, by its name in the table; skips where it is not at hand, and a damaged one fails."
    from face2nb.core import WeightsUnavailable
    from face2nb.weights import WEIGHTS, weight_path

    try:
        return weight_path(name, download=False)
    except WeightsUnavailable as e:
        if "is not on this machine" in str(e):
            pytest.skip(f"needs {name} ({WEIGHTS[name].source}) in FACE2NB_WEIGHTS")
        raise


@pytest.fixture(scope="module")
def task():
    "The model file of the face mesh."
    from face2nb.faces.landmarks import TASK

    pytest.importorskip("ai_edge_litert", reason="needs the extra: pip install 'face2nb[mesh]'")
    return model_file(TASK)


def notebooks():
    "All notebooks, in the order of their numbers within their folders."
    return sorted(p for p in (ROOT / "nbs").rglob("*.ipynb") if ".ipynb_checkpoints" not in p.parts)
