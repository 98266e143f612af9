"""Write README.md from nbs/index.ipynb: `python scripts/make_readme.py [TARGET]`."""

import re
import sys
from pathlib import Path

import nbformat
from nbconvert import MarkdownExporter

ROOT = Path(__file__).resolve().parent.parent


def main(target):
    notebook = nbformat.read(ROOT / "nbs" / "index.ipynb", as_version=4)
    notebook.cells = [c for c in notebook.cells if not c.source.startswith("#| hide")]
    notebook.metadata.language_info = {"name": "python"}
    text, _ = MarkdownExporter().from_notebook_node(notebook)
    text = "\n".join(line.rstrip() for line in text.replace("](images/", "](nbs/images/").splitlines())
    text = re.sub(r"```python\n!(.*)\n```", r"```sh\n\1\n```", text)
    while "\n\n\n" in text:
        text = text.replace("\n\n\n", "\n\n")
    Path(target).write_text(text.strip() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else ROOT / "README.md")
