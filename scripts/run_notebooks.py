"""Run notebooks and keep their outputs: `python scripts/run_notebooks.py [NOTEBOOK …]` (all without arguments).

Cells marked `#| eval: false` are left alone. Pictures are stored as JPEG, which keeps the repository small.
"""

import os
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


def main(paths):
    with tempfile.TemporaryDirectory() as home:
        profile = Path(home) / "profile_default"
        profile.mkdir()
        (profile / "ipython_kernel_config.py").write_text(CONFIG)
        # cells that call our commands find them beside this Python
        path = os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])
        os.environ |= {"IPYTHONDIR": home, "FACE2NB_CACHE": os.path.join(home, "cache"), "PATH": path}
        for path in paths:
            notebook = nbformat.read(path, as_version=4)
            Client(notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(path.parent)}}).execute()
            # widgets live only as long as their kernel; what is stored is their text
            notebook.metadata.pop("widgets", None)
            nbformat.write(notebook, path)
            print(path.relative_to(ROOT), f"{path.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main([Path(p).resolve() for p in sys.argv[1:]] or sorted((ROOT / "nbs").rglob("*.ipynb")))
