"""What notebooks can't say of themselves: exported, cleaned, in order, and complete as a wheel."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv

from conftest import ROOT, notebooks

# The rooms of the design, from the top of the table down; `view` may use all but `cli`.
ROOMS = ["core", "weights", "media", "faces", "speech", "sync", "data", "run", "curate", "wav2kp", "view", "all", "cli"]


def copy_of_tree(tmp_path):
    "The notebooks, the package and what nbdev reads, somewhere else."
    tree = tmp_path / "tree"
    tree.mkdir()
    for name in ("nbs", "face2nb"):
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints"))
    for name in ("settings.ini", "setup.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tree / name)
    return tree


def files(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file() and "__pycache__" not in p.parts and ".ipynb_checkpoints" not in p.parts}


def run(*command, **kw):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=600, **kw)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"[-6000:]
    return done


def script(name):
    return os.path.join(sysconfig.get_path("scripts"), name)


def differing(a, b):
    return sorted(name for name in a.keys() | b.keys() if a.get(name) != b.get(name))


def test_modules_are_exported(tmp_path):
    tree = copy_of_tree(tmp_path)
    run(script("nbdev_export"), cwd=tree)
    assert differing(files(tree / "face2nb"), files(ROOT / "face2nb")) == [], "run nbdev_export and commit what it writes"
    assert (tree / "pyproject.toml").read_text() == (ROOT / "pyproject.toml").read_text()


def test_notebooks_are_clean(tmp_path):
    tree = copy_of_tree(tmp_path)
    run(script("nbdev_clean"), cwd=tree)
    assert differing(files(tree / "nbs"), files(ROOT / "nbs")) == [], "run nbdev_clean and commit what it writes"


def test_readme_is_current(tmp_path):
    out = tmp_path / "README.md"
    run(sys.executable, ROOT / "scripts" / "make_readme.py", out)
    assert out.read_text() == (ROOT / "README.md").read_text(), "run make readme and commit what it writes"


def modules():
    "The notebooks that become modules: neither the front page nor the tutorials."
    return [p for p in notebooks() if p.name != "index.ipynb" and p.parent.name != "tutorials"]


def test_tutorials_are_read_and_not_imported():
    found = [p for p in notebooks() if p.parent.name == "tutorials"]
    assert [p.stem for p in found] == ["01_pairs", "02_looking", "03_training", "04_many", "05_speech", "06_faces", "07_feeding", "09_wav2kp"]
    for notebook in found:
        cells = json.loads(notebook.read_text())["cells"]
        source = ["".join(c["source"]) for c in cells]
        assert not [s for s in source if "#| export" in s or "#| default_exp" in s], notebook
        assert "**Takes**" in source[0] and "**At the end you have**" in source[0], f"{notebook} does not say what it takes and what it gives"
        # hidden cells are tests and housekeeping, which no reader sees
        assert 15 <= sum(not s.startswith("#| hide") for s in source) <= 40, notebook
        # the state of a widget that the site shows live comes on top
        assert len(json.dumps(cells, ensure_ascii=False)) < 500_000, f"{notebook} is large: show fewer pictures"
        told = [c for c in cells if c["cell_type"] == "code" and not c["source"][0].startswith(("#| hide", "#| eval: false"))]
        assert any(c["outputs"] for c in told), f"the outputs of {notebook} are not stored: run scripts/run_notebooks.py"
        for s in source:
            for link in re.findall(r"\]\(([^)#:]+)\)", s):
                assert (notebook.parent / link).exists(), f"{notebook} points to {link}, which is not there"
    assert not (ROOT / "face2nb" / "tutorials").exists()
    assert "tutorials" not in (ROOT / "face2nb" / "_modidx.py").read_text()


def test_notebooks_are_numbered():
    for notebook in modules():
        number, name = re.fullmatch(r"(\d\d\d?)_(\w+)\.ipynb", notebook.name).groups()
        source = "".join("".join(c["source"]) + "\n" for c in json.loads(notebook.read_text())["cells"])
        module = re.search(r"#\| default_exp (\S+)", source).group(1)
        room = notebook.parent.relative_to(ROOT / "nbs").as_posix()
        assert module == (name if room == "." else f"{room}.{name}"), notebook
        if room != ".":
            tens = {"media": 1, "faces": 2, "speech": 3, "sync": 4, "data": 5, "run": 6, "curate": 7, "wav2kp": 8, "view": 9}
            assert int(number[0]) == tens[room], notebook


def imports_of(module):
    "The modules of ours that a module imports; nbdev writes them relative to it."
    path = (ROOT / module.replace(".", "/")).with_suffix(".py")
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            base = module.split(".")[: -node.level] if node.level else []
            name = ".".join(base + ([node.module] if node.module else []))
            if name.split(".")[0] == "face2nb":
                yield name
        if isinstance(node, ast.Import):
            yield from (a.name for a in node.names if a.name.split(".")[0] == "face2nb")


def test_rooms_import_only_upwards():
    numbers = {}
    for notebook in modules():
        folder, (number, _, name) = notebook.parent.relative_to(ROOT / "nbs").as_posix(), notebook.stem.partition("_")
        # where the ten numbers of a room are spent, one is divided: 590, 591 and 592 stand between 58 and 60
        numbers[f"face2nb.{name}" if folder == "." else f"face2nb.{folder}.{name}"] = number
    checked = 0
    for module, number in numbers.items():
        room = ROOMS.index(module.split(".")[1])
        for imported in imports_of(module):
            if imported == "face2nb":
                continue
            other = ROOMS.index(imported.split(".")[1])
            checked += 1
            assert other < room or (other == room and numbers[imported] < number), f"{module} imports {imported}, which stands below it"
    assert checked > 20


def test_a_name_is_defined_once():
    "`from face2nb.all import *` must not let one room's name hide another's."
    rooms = {}
    for path in (ROOT / "face2nb").rglob("*.py"):
        if path.name in ("__init__.py", "_modidx.py", "all.py", "cli.py"):
            continue
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
                for name in ast.literal_eval(node.value):
                    rooms.setdefault(name, []).append(path.relative_to(ROOT).as_posix())
    assert len(rooms) > 50
    assert {name: places for name, places in rooms.items() if len(places) > 1} == {}


def test_wheel_runs_outside_the_tree(tmp_path):
    "The built wheel, in an environment that has the dependencies but not this checkout, does the demo."
    tree = copy_of_tree(tmp_path)
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", tmp_path / "dist", tree)
    [wheel] = (tmp_path / "dist").glob("*.whl")
    venv.create(tmp_path / "venv", with_pip=False, symlinks=True)
    python = tmp_path / "venv" / "bin" / "python"
    site = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").stdout.strip()
    # a plain path line borrows the installed libraries without obeying the .pth file of the editable install among them
    with open(os.path.join(site, "borrowed.pth"), "w") as f:
        f.write(sysconfig.get_path("purelib") + "\n")
    run(sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", "--no-index", "--ignore-installed", wheel)
    where = run(python, "-c", "import face2nb.all; print(face2nb.__file__)", cwd=tmp_path).stdout
    assert str(tmp_path / "venv") in where
    env = os.environ | {"FACE2NB_CACHE": str(tmp_path / "cache")}
    done = run(tmp_path / "venv" / "bin" / "face2nb_extract", "--demo", "--frames", "20", "--output", tmp_path / "out", cwd=tmp_path, env=env)
    assert "demo.png" in done.stdout
    assert (tmp_path / "out" / "demo.png").stat().st_size > 20_000
    [row] = [json.loads(line) for line in (tmp_path / "out" / "manifest.jsonl").read_text().splitlines()]
    assert (row["status"], row["n_faces"], row["n_audios"]) == ("ok", 20, 20)


def test_nothing_of_one_machine_is_in_the_tree():
    pattern = re.compile(r"[^\w.~/](/home|/root|/work|/Users|/tmp/tmp)/")
    for path in [*notebooks(), *(ROOT / "face2nb").rglob("*.py"), ROOT / "README.md", ROOT / "CHANGELOG.md"]:
        assert not pattern.search(path.read_text()), f"{path} names a folder of one machine: {pattern.search(path.read_text()).group()}"
