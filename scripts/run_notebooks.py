"""Run notebooks and keep their outputs: `python scripts/run_notebooks.py [NOTEBOOK …]` (all without arguments).

Cells marked `#| eval: false` are left alone. Pictures are stored as JPEG, which keeps the repository small. Widgets
live only as long as their kernel, and what is stored of them is their text; where a cell is marked `#| widget`, the
state that the widget has at that moment is stored as well, so that the documentation can show it.
"""

import copy
import json
import os
import re
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parent.parent
CONFIG = "c.InlineBackend.figure_formats = {'jpeg'}\nc.InlineBackend.print_figure_kwargs = {'bbox_inches': 'tight', 'dpi': 80, 'pil_kwargs': {'quality': 80}}\n"


VIEW, STATE = "application/vnd.jupyter.widget-view+json", "application/vnd.jupyter.widget-state+json"

# what the threads of a widget send is heard only as long as its cell runs: so it runs on for a while
WAIT = """import time
def _wait(*_): time.sleep(3)
get_ipython().events.register("post_run_cell", _wait)"""
GO_ON = 'get_ipython().events.unregister("post_run_cell", _wait)'


def marked(cell):
    "Whether the widget that a cell shows is to be kept."
    return cell.cell_type == "code" and bool(re.search(r"^#\|\s*widget\s*$", cell.source, re.M))


class Client(NotebookClient):
    "Runs all cells but those that say otherwise, and remembers how the widgets of marked cells were then."

    async def async_execute_cell(self, cell, cell_index, *args, **kw):
        if cell.cell_type == "code" and "#| eval: false" in cell.source:
            return cell
        if not marked(cell):
            return await super().async_execute_cell(cell, cell_index, *args, **kw)
        await self._aside(WAIT, cell_index)
        done = await super().async_execute_cell(cell, cell_index, *args, **kw)
        await self._aside(GO_ON, cell_index)
        self.nb.cells[cell_index] = done
        # later cells may do with the widget what they like
        self.set_widgets_metadata()
        models = self.nb.metadata.get("widgets", {}).get(STATE, {}).get("state", {})
        self.moments = [*getattr(self, "moments", []), (cell, copy.deepcopy(models))]
        return done

    async def _aside(self, source, cell_index):
        "Run something that is no part of the notebook."
        await super().async_execute_cell(nbformat.v4.new_code_cell(source), cell_index, store_history=False)


def _parts(model):
    "The models that a model refers to."
    return set(re.findall(r"IPY_MODEL_(\w+)", json.dumps(model)))


def _belongs(path, state):
    "Whether a buffer still has a place in the state, which may have changed since it came."
    for key in path[:-1]:
        if not (key in state if isinstance(state, dict) else isinstance(state, list) and key < len(state)):
            return False
        state = state[key]
    return isinstance(state, dict) or (isinstance(state, list) and path[-1] < len(state))


def keep_widgets(notebook, moments):
    "Keep the state of what marked cells show, and no other: (cell, all models when it had run) each."
    notebook.metadata.pop("widgets", None)
    state = {}
    for cell, models in moments:
        views = [o.data[VIEW] for o in cell.outputs if VIEW in o.get("data", {})]
        kept, waiting = [], [view["model_id"] for view in views]
        while waiting:
            name = waiting.pop(0)
            if name in models and name not in kept:
                kept.append(name)
                waiting += sorted(_parts(models[name]))
        # links between widgets are shown by none, and work without a kernel
        kept += [n for n, m in models.items() if n not in kept and "Link" in m["model_name"] and _parts(m) <= set(kept)]
        # numbers in place of random names, so that running again changes nothing; likewise with temporary folders
        numbers = {name: f"{n:032x}" for n, name in enumerate(kept, len(state))}
        for name in kept:
            model = models[name]
            if "buffers" in model:
                model["buffers"] = [b for b in model["buffers"] if _belongs(b["path"], model["state"])]
            text = re.sub("|".join(kept), lambda m: numbers[m.group()], json.dumps(model))
            text = re.sub(re.escape(tempfile.gettempdir()) + r"/tmp\w+", "…", text)
            state[numbers[name]] = json.loads(text)
        for view in views:
            view["model_id"] = numbers.get(view["model_id"], view["model_id"])
    if state:
        notebook.metadata["widgets"] = {STATE: {"state": state, "version_major": 2, "version_minor": 0}}


def run(path):
    "Run one notebook and keep its outputs."
    notebook = nbformat.read(path, as_version=4)
    client = Client(notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(path.parent)}})
    client.execute()
    keep_widgets(notebook, getattr(client, "moments", []))
    nbformat.write(notebook, path)


def main(paths):
    with tempfile.TemporaryDirectory() as home:
        profile = Path(home) / "profile_default"
        profile.mkdir()
        (profile / "ipython_kernel_config.py").write_text(CONFIG)
        # cells that call our commands find them beside this Python
        path = os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])
        # examples that need a model file keep their outputs only where it is at hand
        if (weights := ROOT.parent / "shared" / "weights").is_dir():
            os.environ.setdefault("FACE2NB_WEIGHTS", str(weights))
        os.environ |= {"IPYTHONDIR": home, "FACE2NB_CACHE": os.path.join(home, "cache"), "PATH": path}
        for path in paths:
            run(path)
            print(path.relative_to(ROOT), f"{path.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main([Path(p).resolve() for p in sys.argv[1:]] or sorted((ROOT / "nbs").rglob("*.ipynb")))
