"""Run notebooks and keep their outputs: `python scripts/run_notebooks.py [NOTEBOOK …]` (all without arguments).

Cells marked `#| eval: false` are left alone. Pictures are stored as JPEG, which keeps the repository small. Widgets
live only as long as their kernel, and what is stored of them is their text; where a cell is marked `#| widget`, the
state of the widget that it shows is stored as well, so that the documentation can show it.
"""

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


class Client(NotebookClient):
    "Runs all cells but those that say otherwise."

    async def async_execute_cell(self, cell, *args, **kw):
        if cell.cell_type == "code" and "#| eval: false" in cell.source:
            return cell
        return await super().async_execute_cell(cell, *args, **kw)


VIEW, STATE = "application/vnd.jupyter.widget-view+json", "application/vnd.jupyter.widget-state+json"


def _parts(model):
    "The models that a model refers to."
    return set(re.findall(r"IPY_MODEL_(\w+)", json.dumps(model)))


def keep_widgets(notebook):
    "Of the state of all widgets, keep what the cells marked `#| widget` show, under numbers in place of random names."
    stored = notebook.metadata.pop("widgets", {}).get(STATE, {})
    models = stored.get("state", {})
    marked = [c for c in notebook.cells if c.cell_type == "code" and re.search(r"^#\|\s*widget\s*$", c.source, re.M)]
    views = [o.data[VIEW] for c in marked for o in c.outputs if VIEW in o.get("data", {})]
    kept, waiting = [], [view["model_id"] for view in views]
    while waiting:
        name = waiting.pop(0)
        if name in models and name not in kept:
            kept.append(name)
            waiting += sorted(_parts(models[name]))
    # links between widgets are shown by none, and work without a kernel
    kept += [n for n, m in models.items() if n not in kept and "Link" in m["model_name"] and _parts(m) <= set(kept)]
    if not kept:
        return
    numbers = {name: f"{n:032x}" for n, name in enumerate(kept)}
    text = json.dumps({name: models[name] for name in kept})
    stored["state"] = json.loads(re.sub("|".join(kept), lambda m: numbers[m.group()], text))
    notebook.metadata["widgets"] = {STATE: stored}
    for view in views:
        view["model_id"] = numbers.get(view["model_id"], view["model_id"])


def run(path):
    "Run one notebook and keep its outputs."
    notebook = nbformat.read(path, as_version=4)
    Client(notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(path.parent)}}).execute()
    keep_widgets(notebook)
    nbformat.write(notebook, path)


def main(paths):
    with tempfile.TemporaryDirectory() as home:
        profile = Path(home) / "profile_default"
        profile.mkdir()
        (profile / "ipython_kernel_config.py").write_text(CONFIG)
        # cells that call our commands find them beside this Python
        path = os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])
        os.environ |= {"IPYTHONDIR": home, "FACE2NB_CACHE": os.path.join(home, "cache"), "PATH": path}
        for path in paths:
            run(path)
            print(path.relative_to(ROOT), f"{path.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main([Path(p).resolve() for p in sys.argv[1:]] or sorted((ROOT / "nbs").rglob("*.ipynb")))
