"""Turn the notebooks into pages that Sphinx reads: `#| export` cells become documented names, the rest stays as it is."""

import ast
import contextlib
import copy
import importlib
import inspect
import io
import os
import re
import shlex
import textwrap
from configparser import ConfigParser
from pathlib import Path

import nbformat
from execnb.nbio import dict2nb
from fastcore.docments import docments
from nbdev.process import NBProcessor
from nbdev.processors import hide_line

ROOT = Path(__file__).resolve().parent.parent
NBS = ROOT / "nbs"
WIDGET_VIEW, WIDGET_STATE = "application/vnd.jupyter.widget-view+json", "application/vnd.jupyter.widget-state+json"

# The rooms in the order in which data flows through them; a room imports only from those above it.
ROOMS = {
    "core": "What every room shares: the records, the errors, and the clock.",
    "weights": "Every model file: where it comes from, how it is verified, and what its licence allows.",
    "media": "Files come in; frames with their times, and the waveform on the same clock, go out.",
    "faces": "Frames come in; boxes, tracks and square crops go out.",
    "speech": "A waveform comes in; features of the sound go out.",
    "sync": "Faces and a waveform come in; each face leaves with the sound that belongs to it.",
    "data": "Arrays come in; files that are whole or not there, and a manifest, go out; what was decided by looking is kept beside them.",
    "run": "Videos and a job come in; the job is done for each of them, by many processes or many machines.",
    "curate": "Raw footage comes in; clips worth training on go out.",
    "wav2kp": "Sound comes in; the motion of a face goes out.",
    "view": "Results come in; pictures, reports and widgets to judge them by go out.",
    "all": "Every name of the rooms above, for a notebook's first line.",
    "cli": "The console commands, and no logic of their own.",
}


def config():
    "What settings.ini says."
    parser = ConfigParser(delimiters=["="])
    parser.read(ROOT / "settings.ini", encoding="utf-8")
    return parser["DEFAULT"]


def notebooks(nbs=NBS):
    "All notebooks, in the order of their numbers within their folders."
    return sorted(p for p in nbs.rglob("*.ipynb") if not any(part.startswith((".", "_")) for part in p.parts[len(nbs.parts) :]))


def page_name(notebook, nbs=NBS):
    "The page of a notebook: its path without the number, as its module is called."
    path = notebook.relative_to(nbs).with_suffix("")
    if path.as_posix() == "index":
        return "overview"
    return (path.parent / re.sub(r"^\d+_", "", path.name)).as_posix()


def public_names():
    "Each name that `face2nb.all` brings, and the module that defines it."
    names = {}
    for path in sorted((ROOT / "face2nb").rglob("*.py")):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        if path.stem in ("__init__", "_modidx", "all", "cli"):
            continue
        names |= {name: module for name in getattr(importlib.import_module(module), "__all__", [])}
    return names


# -- names

_DEFS = (ast.FunctionDef, ast.AsyncFunctionDef)


def _defaulted(args):
    "Each argument with its prefix, its annotation and its default, in the order of the signature."
    plain = args.posonlyargs + args.args
    defaults = [None] * (len(plain) - len(args.defaults)) + args.defaults
    yield from (("", a, d) for a, d in zip(plain, defaults))
    if args.vararg:
        yield "*", args.vararg, None
    elif args.kwonlyargs:
        yield "*", None, None
    yield from (("", a, d) for a, d in zip(args.kwonlyargs, args.kw_defaults))
    if args.kwarg:
        yield "**", args.kwarg, None


def _parameters(node):
    "(prefix, name, type, default) of a function's or dataclass's parameters, as they are written."
    if isinstance(node, ast.ClassDef):
        for field in node.body:
            if isinstance(field, ast.AnnAssign) and not field.target.id.startswith("_"):
                default = field.value and ("…" if isinstance(field.value, ast.Call) else ast.unparse(field.value))
                yield "", field.target.id, ast.unparse(field.annotation), default
    else:
        for prefix, arg, default in _defaulted(node.args):
            if arg is None:
                yield prefix, "", "", None
            else:
                yield prefix, arg.arg, ast.unparse(arg.annotation) if arg.annotation else "", default and ast.unparse(default)


def _cell(text):
    "Text for a cell of a pipe table."
    return str(text).replace("\n", " ").replace("|", "\\|")


def _table(rows, obj, returns, names, more=None):
    "Parameters and what is returned, as a table; nothing where neither is documented."
    docs = docments(obj, full=True, args_kwargs=True)
    lines = []
    for prefix, name, kind, default in rows:
        if not name:
            continue
        said = docs.get(name, {}).get("docment") or (more or {}).get(name, "")
        kind, default = (f"`{_cell(x)}`" if x else "" for x in (kind, default))
        lines.append(f"| `{prefix}{name}` | {link_names(kind, names)} | {default} | {link_names(_cell(said), names)} |")
    said = (docs.get("return") or {}).get("docment") or ""
    if returns and (returns != "None" or said):
        kind = f"`{_cell(returns)}`" if returns else ""
        lines.append(f"| **returns** | {link_names(kind, names)} | | {link_names(_cell(said), names)} |")
    if not lines:
        return ""
    return "\n".join([":::{div} parameters", "| Parameter | Type | Default | Meaning |", "|---|---|---|---|", *lines, ":::"])


class Api:
    "Directives for the names that a cell defines."

    def __init__(self, module, git_url, branch, names):
        self.module, self.seen, self.known = importlib.import_module(module), set(), names
        path = Path(self.module.__file__)
        self.url = f"{git_url}/blob/{branch}/{path.relative_to(ROOT).as_posix()}"
        self.lines = {}
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            for name in self.names(node):
                self.lines.setdefault(name, node.lineno)

    @staticmethod
    def names(node):
        "The names that a statement defines, methods that are patched in with their class."
        if isinstance(node, _DEFS):
            patched = any("patch" in ast.unparse(d) for d in node.decorator_list) and node.args.args
            return [f"{ast.unparse(node.args.args[0].annotation)}.{node.name}" if patched else node.name]
        if isinstance(node, ast.ClassDef):
            return [node.name]
        if isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            return [n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name)]
        return []

    def public(self, name):
        return name.split(".")[0] in self.module.__all__ and not name.split(".")[-1].startswith("_")

    def of_cell(self, source):
        "Markdown that documents the public names of a cell; empty if it has none."
        lines = source.splitlines()
        parts = []
        for node in ast.parse(source).body:
            for name in self.names(node):
                if self.public(name) and name not in self.seen:
                    self.seen.add(name)
                    parts.append(self.entry(node, name, lines))
        return "\n\n".join(parts)

    def entry(self, node, name, lines, depth=6):
        "One name, with the methods of a class inside."
        obj = inspect.getattr_static(self.module, name) if "." not in name else None
        if "." in name:
            owner, _, method = name.rpartition(".")
            obj = inspect.getattr_static(getattr(self.module, owner), method)
        options, head, body = [], name, []
        if isinstance(node, (ast.Assign, ast.AnnAssign)):
            kind = "data"
            value = re.sub(r"\s+", " ", self.value(node, name))
            options.append(f":value: {value if len(value) <= 90 else value[:88] + '…'}")
            comment = re.search(r"  # (.+)$", lines[node.end_lineno - 1])
            body += [comment.group(1)] if comment else []
        elif isinstance(node, ast.ClassDef):
            kind = "exception" if issubclass(obj, BaseException) else "class"
            made = next((n for n in node.body if isinstance(n, _DEFS) and n.name == "__init__"), None)
            rows = list(_parameters(made))[1:] if made else list(_parameters(node)) if kind == "class" else []
            head += self.signature(rows)
            body += [link_names(ast.get_docstring(node) or "", self.known), _table(rows, obj, "", self.known, self.fields(node, lines)) if rows else ""]
            for inner in node.body:
                if isinstance(inner, _DEFS) and (not inner.name.startswith("_") or (inner.name == "__call__" and ast.get_docstring(inner))):
                    if f"{name}.{inner.name}" not in self.seen:
                        self.seen.add(f"{name}.{inner.name}")
                        body.append(self.entry(inner, f"{name}.{inner.name}", lines, depth - 1))
        else:
            kind = "method" if "." in name else "function"
            decorators = {ast.unparse(d).split(".")[-1] for d in node.decorator_list}
            rows = list(_parameters(node))
            if kind == "method" and "staticmethod" not in decorators:
                rows = rows[1:]
            returns = ast.unparse(node.returns) if node.returns else ""
            if decorators & {"property", "cached_property"}:
                kind, call = "property", obj.fget if isinstance(obj, property) else obj.func
                options += [f":type: {returns}"] if returns else []
            else:
                options += [f":{d}:" for d in ("classmethod", "staticmethod") if d in decorators]
                call = getattr(obj, "__func__", obj)
                head += self.signature(rows) + (f" -> {returns}" if returns else "")
            body += [link_names(ast.get_docstring(node) or "", self.known), _table(rows, call, "" if kind == "property" else returns, self.known)]
        link = f":::{{div}} source-link\n[source]({self.url}#L{self.lines[name]})\n:::" if depth == 6 else ""
        fence = ":" * depth
        inner = "\n\n".join(filter(None, [link, *map(textwrap.dedent, body)]))
        options = "\n".join([f":module: {self.module.__name__}", *options])
        return f"{fence}{{py:{kind}}} {head}\n{options}\n\n{inner}\n{fence}"

    @staticmethod
    def value(node, name):
        "What is assigned to a name, as it is written, also where several names are assigned at once."
        for target in getattr(node, "targets", []):
            if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                return ast.unparse(node.value.elts[[t.id for t in target.elts].index(name)])
        return ast.unparse(node.value)

    @staticmethod
    def fields(node, lines):
        "The comments behind the fields of a dataclass, also behind those that take several lines."
        found = {n.target.id: re.search(r"  # (.+)$", lines[n.end_lineno - 1]) for n in node.body if isinstance(n, ast.AnnAssign)}
        return {name: match.group(1) for name, match in found.items() if match}

    @staticmethod
    def signature(rows):
        return "(" + ", ".join(f"{p}{n}" + (f"={d}" if d else "") for p, n, _, d in rows) + ")"


# -- text

_FENCE = re.compile(r"(^```.*?^```[^\n]*$)", re.M | re.S)


def _outside_fences(text, change):
    return "".join(part if part.startswith("```") else change(part) for part in _FENCE.split(text))


def link_names(text, names):
    "Let each name of ours in `backticks` lead to where it is documented; not in headings and links."

    def change(part):
        def one(match):
            name = match.group(1)
            return f"{{py:obj}}`{name} <{names[name]}.{name}>`" if name in names else match.group()

        lines = (
            line if line.startswith("#") else re.sub(r"(?<![\[\w`{}])`(\w+)`(?![\]`])", one, line)
            for line in part.split("\n")
        )
        return "\n".join(lines)

    return _outside_fences(text, change)


def link_files(text, folder, page, nbs, git_url, branch):
    "Links between notebooks become links between pages; those to other files of the repository lead there."

    def one(match):
        before, target, anchor = match.groups()
        if re.match(r"[a-z]+:|#|/", target):
            return match.group()
        for base in (folder, nbs.parent):
            path = Path(os.path.normpath(base / target))
            if path.suffix == ".ipynb" and path.is_file() and path.is_relative_to(nbs):
                there = page_name(path, nbs) + ".ipynb"
                return f"{before}{os.path.relpath(there, os.path.dirname(page) or '.')}{anchor or ''})"
            if path.exists() and path.is_relative_to(nbs) and path.suffix in (".jpg", ".png", ".svg"):
                return f"{before}{os.path.relpath(path.relative_to(nbs), os.path.dirname(page) or '.')})"
            if path.exists() and path.is_relative_to(nbs.parent):
                return f"{before}{git_url}/blob/{branch}/{path.relative_to(nbs.parent).as_posix()})"
        return match.group()

    return _outside_fences(text, lambda part: re.sub(r"(\]\()([^)#\s]+)(#[^)\s]*)?\)", one, part))


# -- notebooks


def _is_test(cell):
    "Whether a cell only tests: it asserts, shows nothing and defines nothing that is shown later."
    if cell.outputs:
        return False
    words = re.findall(r"^(\w+)", cell.source, re.M)
    return any(w == "assert" or w.startswith("test_") for w in words)


def _defines(source):
    "Whether a cell defines functions or classes; those of imports and of the module's own constants are passed over."
    return any(isinstance(node, (*_DEFS, ast.ClassDef)) for node in ast.parse(source).body)


def _live_widgets(notebook):
    "Ids of the widgets whose state is kept in the notebook."
    return set(notebook.metadata.get("widgets", {}).get(WIDGET_STATE, {}).get("state", {}))


def _outputs(cell, live):
    "The cell's outputs; a widget without its state can't be shown, and says so."
    kept = []
    for output in cell.outputs:
        view = output.get("data", {}).get(WIDGET_VIEW)
        if view is None:
            kept.append(output)
        elif view["model_id"] in live:
            output.data = {WIDGET_VIEW: view, "text/plain": "A widget, which needs JavaScript."}
            kept.append(output)
        else:
            output.data = {"text/html": '<p class="no-widget">A widget: run this cell in Jupyter to use it.</p>'}
            kept.append(output)
    return kept


def page_of(notebook, names, live=True, nbs=NBS):
    "The notebook's page: a notebook in MyST's dialect, with its names documented and its tests folded."
    page, cfg = page_name(notebook, nbs), config()
    nb = nbformat.read(notebook, as_version=4)
    processed = NBProcessor(nb=dict2nb(copy.deepcopy(dict(nb))), procs=[hide_line])
    processed.process()
    directives = [getattr(c, "directives_", {}) for c in processed.nb.cells]
    sources = [c.source for c in processed.nb.cells]
    module = next((d["default_exp"][0] for d in directives if "default_exp" in d), None)
    api = Api(f"{cfg['lib_name']}.{module}", cfg["git_url"], cfg["branch"], names) if module else None
    models = _live_widgets(nb) if live else set()
    cells = []
    for cell, how, source in zip(nb.cells, directives, sources):
        if cell.cell_type == "markdown":
            text = link_files(source, notebook.parent, page, nbs, cfg["git_url"], cfg["branch"])
            cell.source = link_names(text, names)
            if page == "overview":  # which is the README too, where the site has to be named
                cell.source = re.sub(r"^Documentation: .*\n+", "", cell.source, flags=re.M)
            if not cells:
                cell.source = _title(cell.source, module, notebook, page, cfg)
            cells.append(cell)
        elif cell.cell_type == "code" and "hide" not in how and "default_exp" not in how:
            source = re.sub(r"^#\|.*\n?", "", source, flags=re.M).strip("\n")
            if {"export", "exports", "exporti"} & how.keys():
                text = api.of_cell(source)
                if not text and not _defines(source):
                    continue
                if text:
                    cells.append(nbformat.v4.new_markdown_cell(text))
                code = nbformat.v4.new_code_cell(source)
                hidden = [n.name for n in ast.parse(source).body if isinstance(n, (*_DEFS, ast.ClassDef))]
                what = "source" if text else f"source of {', '.join(hidden)}"
                code.metadata = {"tags": ["hide-input"], "mystnb": _prompts(what)}
                cells.append(code)
            elif source:
                cell.source, cell.execution_count = source, None
                cell.outputs = _outputs(cell, models)
                if _is_test(cell):
                    cell.metadata = {"tags": ["hide-input"], "mystnb": _prompts("test")}
                cells.append(cell)
    if module == "all":
        cells.append(nbformat.v4.new_markdown_cell(_every_name(names)))
    if not models:
        nb.metadata.pop("widgets", None)
    nb.cells = cells
    for n, cell in enumerate(cells):
        cell.id = f"{n:08x}"
    nb.metadata.language_info = {"name": "python", "pygments_lexer": "ipython3"}
    return nbformat.writes(nb)


def _prompts(what):
    return {"code_prompt_show": f"Show the {what}", "code_prompt_hide": f"Hide the {what}"}


def _title(text, module, notebook, page, cfg):
    "The first cell: title, summary, and where the module and its notebook are."
    if page == "overview":
        text = re.sub(r"^# .*$", "# Overview", text, count=1, flags=re.M)
    text = re.sub(r"^> (.*)$", r":::{div} summary" + "\n" + r"\1" + "\n:::", text, count=1, flags=re.M)
    if module:
        full, path = f"{cfg['lib_name']}.{module}", notebook.relative_to(ROOT).as_posix() if notebook.is_relative_to(ROOT) else notebook.name
        base = f"{cfg['git_url']}/blob/{cfg['branch']}"
        text += (
            f"\n\n:::{{py:module}} {full}\n:::\n\n:::{{div}} where\n`{full}` · written in [{path}]({base}/{path})"
            f" · [module]({base}/{full.replace('.', '/')}.py)\n:::"
        )
    return text


def _every_name(names):
    "A table of all names, for the page of `all`."
    lines = ["## Every name", "", ":::{div} parameters", "| Name | Module | What it is |", "|---|---|---|"]
    for name, module in sorted(names.items(), key=lambda item: item[0].lower()):
        obj = getattr(importlib.import_module(module), name)
        said = (inspect.getdoc(obj) or "").split("\n")[0] if callable(obj) else ""
        lines.append(f"| {{py:obj}}`{name} <{module}.{name}>` | `{module.split('.', 1)[1]}` | {_cell(said)} |")
    return "\n".join([*lines, ":::"])


# -- pages that are made from the package


def summary_of(notebook):
    "The `>` line of a notebook."
    first = nbformat.read(notebook, as_version=4).cells[0].source
    found = re.search(r"^> (.*)$", first, re.M)
    return found.group(1) if found else ""


def room_page(room, inside, nbs=NBS):
    "A room: its sentence, and its modules with what comes in and goes out of each."
    lines = [f"# {room}", "", ":::{div} summary", ROOMS.get(room, ""), ":::", "", "| Module | What comes in, what goes out |", "|---|---|"]
    for notebook in inside:
        name = page_name(notebook, nbs).split("/")[-1]
        lines.append(f"| [{name}]({name}.ipynb) | {_cell(summary_of(notebook))} |")
    toc = [page_name(n, nbs).split("/")[-1] for n in inside]
    return "\n".join([*lines, "", "```{toctree}", ":hidden:", "", *toc, "```", ""])


def rooms_table(folders, nbs=NBS):
    "All rooms with their sentences, in the order of the data."
    lines = ["| Room | What it does |", "|---|---|"]
    for room, target in folders.items():
        lines.append(f"| [{room}]({target}) | {ROOMS.get(room, '')} |")
    return "\n".join(lines) + "\n"


def commands_page():
    "Every console command with what its `--help` says."
    parts = ["# Command line", "", ":::{div} summary", "Every command, and what its `--help` says.", ":::", ""]
    columns = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = "96"
    try:
        for script in shlex.split(config()["console_scripts"]):
            name, _, entry = script.partition("=")
            module, _, function = entry.partition(":")
            out = io.StringIO()
            with contextlib.redirect_stdout(out), contextlib.suppress(SystemExit):
                getattr(importlib.import_module(module), function)(["--help"])
            if "usage:" not in out.getvalue():
                raise RuntimeError(f"{name} --help says nothing")
            parts += [f"## {name}", "", "```text", out.getvalue().strip(), "```", ""]
    finally:
        os.environ.pop("COLUMNS")
        if columns:
            os.environ["COLUMNS"] = columns
    return "\n".join(parts)


def licences_table():
    "The model files and their licences, from the package's own table."
    from face2nb.weights import WEIGHTS

    lines = ["| File | What it does | Size | Licence | Commercial use |", "|---|---|---|---|---|"]
    for w in WEIGHTS.values():
        known = "allowed" if w.commercial else "not known to be allowed"
        name = f"[`{w.name}`]({w.source})" if w.source.startswith("https://") else f"`{w.name}`"
        size = f"{w.bytes / 1e6:.1f}\u00a0MB" if w.bytes > 1e6 else f"{w.bytes / 1e3:.0f}\u00a0kB"
        lines.append(f"| {name} | {_cell(w.what)} | {size} | {_cell(w.licence)} | {known} |")
    lines += ["", "## Checksums", "", "| File | sha256 |", "|---|---|"]
    lines += [f"| `{w.name}` | `{w.sha256 or 'noted when it is first fetched'}` |" for w in WEIGHTS.values()]
    return "\n".join(lines) + "\n"


def section_of(notebook, heading):
    "The text of one section of a notebook, without its heading, so that its figures stand in one place."
    text = "\n\n".join(c.source for c in nbformat.read(notebook, as_version=4).cells if c.cell_type == "markdown")
    found = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", text, re.M | re.S)
    if not found:
        raise KeyError(f"{notebook.name} has no section '{heading}'")
    return found.group(1).strip() + "\n"
