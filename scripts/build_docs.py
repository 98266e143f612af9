"""Build the documentation from the notebooks: `python scripts/build_docs.py [--output _docs] [--work build/docs]`.

Notebooks are not run; the outputs that they hold are shown. A warning is an error, and so is a dead link.
"""

import argparse
import logging
import os
import re
import shutil
import subprocess
import sys
import time
import warnings
from pathlib import Path

from docs_links import check_links
from docs_pages import (
    NBS,
    ROOMS,
    ROOT,
    commands_page,
    licences_table,
    notebooks,
    page_name,
    page_of,
    public_names,
    room_page,
    rooms_table,
    section_of,
)

DOCS = ROOT / "docs"
WIDGETS = ROOT / "build" / "widgets"


class Source:
    "The folder that Sphinx reads: only what changed is written, and what is no longer made is removed."

    def __init__(self, folder):
        self.folder, self.kept = folder, set()

    def write(self, name, content):
        content = content.encode() if isinstance(content, str) else content
        path = self.folder / name
        self.kept.add(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.is_file() or path.read_bytes() != content:
            path.write_bytes(content)

    def copy(self, folder, name=""):
        for path in sorted(folder.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                self.write(Path(name) / path.relative_to(folder), path.read_bytes())

    def sweep(self):
        for path in list(self.folder.rglob("*")):
            if path.is_file() and path not in self.kept:
                path.unlink()


def _toctree(caption, pages):
    return "\n".join(["```{toctree}", ":hidden:", f":caption: {caption}", "", *pages, "```", ""]) if pages else ""


def _order(name):
    "The place of a room in the design's table; what is not in it comes last."
    return list(ROOMS).index(name) if name in ROOMS else len(ROOMS)


def write_source(folder, nbs=NBS):
    "Write everything that Sphinx reads; gives the notebooks by page."
    source, names = Source(folder), public_names()
    source.copy(DOCS)
    live = (WIDGETS / "packages.json").is_file()
    if live:
        source.copy(WIDGETS, "_static/widgets")
    for path in nbs.rglob("*"):
        if path.is_file() and path.suffix in (".jpg", ".png", ".svg", ".gif") and not path.name.startswith("."):
            source.write(path.relative_to(nbs), path.read_bytes())
    pages, rooms, tutorials = {}, {}, []
    for notebook in notebooks(nbs):
        page = page_name(notebook, nbs)
        pages[page] = notebook
        source.write(f"{page}.ipynb", page_of(notebook, names, live, nbs))
        room, _, inside = page.partition("/")
        if room == "tutorials":
            tutorials.append(page)
        elif page != "overview":
            rooms.setdefault(room, []).extend([notebook] if inside else [])
    folders = {}
    for room, inside in sorted(rooms.items(), key=lambda item: _order(item[0])):
        folders[room] = f"{room}/index.md" if inside else f"{room}.ipynb"
        if inside:
            source.write(f"{room}/index.md", room_page(room, inside, nbs))
    source.write("generated/rooms.md", rooms_table({r: f"/{target}" for r, target in folders.items()}, nbs))
    source.write("generated/licences.md", licences_table())
    source.write("generated/speed.md", section_of(nbs / "index.ipynb", "How fast"))
    source.write("commands.md", commands_page())
    source.write("changelog.md", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))
    home = (DOCS / "index.md").read_text(encoding="utf-8")
    explained = re.search(r"^<!-- explained: (.*) -->$", home, re.M).group(1).split()
    button = "\n".join([f":::{{button-ref}} {t}\n:ref-type: doc\n:color: primary\nFirst tutorial\n:::" for t in tutorials[:1]])
    home = home.replace("<!-- first tutorial -->", button)
    toc = [
        _toctree("Start", ["overview"]),
        _toctree("Tutorials", tutorials),
        _toctree("Explanations", explained),
        _toctree("Reference", ["commands", *(target.rsplit(".", 1)[0] for target in folders.values())]),
        _toctree("Project", ["changelog"]),
    ]
    source.write("index.md", home + "\n\n" + "\n\n".join(filter(None, toc)))
    source.sweep()
    return pages


def render(work):
    "Let Sphinx make `work/site` of `work/source`; a warning is an error."
    command = [sys.executable, "-m", "sphinx", "-b", "html", "-W", "--keep-going", "-q", "-j", "auto"]
    command += ["-d", work / "doctrees", work / "source", work / "site"]
    env = os.environ | {"FACE2NB_SETTINGS": str(ROOT / "settings.ini")}
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    said = (done.stdout + done.stderr).strip()
    if done.returncode or said:
        raise RuntimeError(f"Sphinx is not content:\n{said[-8000:]}")


def build(output, work, nbs=NBS):
    "Build the site; gives the pages, the links checked and those outside, or raises with what is wrong."
    pages = write_source(work / "source", nbs)
    render(work)
    shutil.rmtree(output, ignore_errors=True)
    # the theme's templates and Sphinx's own notes are no part of the site
    shutil.copytree(work / "site", output, ignore=shutil.ignore_patterns("*macros.html", ".buildinfo*"))
    for page, notebook in pages.items():  # what is downloaded is the notebook itself, not the page made of it
        shutil.copy(notebook, output / "_sources" / f"{page}.ipynb")
    (output / ".nojekyll").touch()
    dead, checked, outside = check_links(output)
    if dead:
        raise RuntimeError("Dead links:\n" + "\n".join(dead))
    return pages, checked, outside


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--output", type=Path, default=ROOT / "_docs", help="folder for the site (default: _docs)")
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "docs", help="folder for what is in between")
    args = parser.parse_args()
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    begin = time.time()
    try:
        pages, checked, outside = build(args.output.resolve(), args.work.resolve())
    except RuntimeError as e:
        sys.exit(str(e))
    (args.work / "outside.txt").write_text("\n".join(outside) + "\n")
    count = sum(1 for _ in args.output.rglob("*.html"))
    print(
        f"{args.output}: {count} pages, {len(pages)} of them notebooks, in {time.time() - begin:.0f} s; "
        f"{checked:,} links are whole, {len(outside)} lead outside (listed in {args.work / 'outside.txt'})"
    )


if __name__ == "__main__":
    main()
