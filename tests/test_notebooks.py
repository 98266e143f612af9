"""Each notebook is one test: its cells run from top to bottom in a process of their own."""

import os
import subprocess
import sys

import pytest

from conftest import ROOT, notebooks

RUN = "import pathlib, sys, nbdev.test; ok, seconds = nbdev.test.test_nb(pathlib.Path(sys.argv[1])); sys.exit(not ok)"


# the longest first, since several run side by side
@pytest.mark.parametrize("notebook", sorted(notebooks(), key=lambda p: p.parent.name != "tutorials"), ids=lambda p: p.relative_to(ROOT / "nbs").with_suffix("").as_posix())
def test_notebook(notebook, tmp_path):
    # nothing is read from or left in the user's own cache, and the folder is the notebook's, as in Jupyter
    path = os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])
    env = os.environ | {"MPLBACKEND": "agg", "FACE2NB_CACHE": str(tmp_path), "PATH": path}
    done = subprocess.run([sys.executable, "-c", RUN, str(notebook)], cwd=notebook.parent, env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"[-6000:]
