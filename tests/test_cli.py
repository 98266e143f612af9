"""The command as a process of its own: exit status, streams, and what a signal leaves behind."""

import json
import os
import signal
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import pytest

from face2nb.data.store import load
from face2nb.media.demo import demo_clip

COMMAND = os.path.join(sysconfig.get_path("scripts"), "face2nb_extract")


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return demo_clip(tmp_path_factory.mktemp("demo") / "clip.mp4", seconds=1)


def face2nb_extract(*argv):
    return subprocess.run([COMMAND, *map(str, argv)], capture_output=True, text=True, timeout=300)


def rows(folder):
    return {r["video"]: r for r in map(json.loads, (folder / "manifest.jsonl").read_text().splitlines())}


def test_folder_with_good_and_bad(clip, tmp_path):
    videos = tmp_path / "some videos"
    (videos / "deep").mkdir(parents=True)
    for name in ("a.mp4", "A b 'c' %03d.MP4", "-dash.mp4", "deep/a.mp4"):
        (videos / name).write_bytes(clip.read_bytes())
    (videos / "bad.mov").write_text("no video")
    (videos / "notes.txt").write_text("no video either")
    done = face2nb_extract("-i", videos, "-o", tmp_path / "out", "-f", 4, "-w", 2, "--recursive")
    assert done.returncode == 1, done.stderr
    got = rows(tmp_path / "out")
    assert {name: r["status"] for name, r in got.items()} == {"a.mp4": "ok", "A b 'c' %03d.MP4": "ok", "-dash.mp4": "ok", "deep/a.mp4": "ok", "bad.mov": "error"}
    assert "bad.mov" in done.stderr and "Traceback" not in done.stderr
    for r in got.values():
        assert {"video", "status", "n_faces", "n_audios", "seconds", "error", "settings_hash", "versions", "outputs"} <= r.keys()
        for name in r["outputs"]:
            assert len(load(tmp_path / "out" / name).time) == 4
    assert not [p for p in (tmp_path / "out").rglob("*") if p.name.endswith(".tmp")]
    again = face2nb_extract("-i", videos / "a.mp4", "-o", tmp_path / "out", "-f", 2)
    assert again.returncode == 0, again.stderr
    assert len((tmp_path / "out" / "manifest.jsonl").read_text().splitlines()) == 5  # one row for each video


@pytest.mark.parametrize("argv, said", [
    ((), "no input"),
    (("-i", "{clip}"), "no output"),
    (("-i", "{clip}", "-o", "{tmp}/out", "-c", "rbg"), "rbg"),
    (("-i", "{tmp}/nowhere", "-o", "{tmp}/out"), "does not exist"),
    (("-i", "{tmp}", "-o", "{tmp}/out"), "holds no video"),
    (("-i", "{clip}", "-o", "/proc/nowhere"), "can't be written"),
    (("-i", "{clip}", "-o", "{tmp}/out", "--colour", "rgb"), "unrecognized"),
])
def test_wrong_use_is_one_sentence(clip, tmp_path, argv, said):
    done = face2nb_extract(*(a.format(clip=clip, tmp=tmp_path) for a in argv))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.stderr
    assert said in done.stderr


@pytest.mark.parametrize("how, status", [(signal.SIGINT, 130), (signal.SIGTERM, -signal.SIGTERM), (signal.SIGKILL, -signal.SIGKILL)])
def test_a_stopped_run_leaves_no_half_file_and_no_process(clip, tmp_path, how, status):
    (tmp_path / "in").mkdir()
    for n in range(12):
        (tmp_path / "in" / f"{n:02}.mp4").write_bytes(clip.read_bytes())
    marker = f"stopped-by-{how}-{os.getpid()}"  # found again in the environment of whatever is still running
    process = subprocess.Popen(
        [COMMAND, "-i", str(tmp_path / "in"), "-o", str(tmp_path / "out"), "-w", "1"],
        stderr=subprocess.PIPE, text=True, env=os.environ | {"MARKER": marker},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background job ignores Ctrl-C, and so would its children
    )
    manifest = tmp_path / "out" / "manifest.jsonl"
    until = time.time() + 120
    while not (manifest.is_file() and manifest.read_text()) and process.poll() is None and time.time() < until:
        time.sleep(0.05)
    process.send_signal(how)
    assert process.wait(timeout=60) == status
    assert 0 < len(rows(tmp_path / "out")) < 12
    for path in (tmp_path / "out").glob("*.npz"):
        load(path)
    if Path("/proc/self/environ").exists():
        until = time.time() + 20
        while alive(marker) and time.time() < until:
            time.sleep(0.1)
        assert alive(marker) == []
    assert "Traceback" not in process.stderr.read()


@pytest.mark.skipif(sys.platform == "win32", reason="needs limits of the system")
def test_a_full_disk_leaves_nothing_half_written(clip, tmp_path):
    "No file may grow beyond 100 kB: the faces can't be written, the manifest can."
    import resource

    (tmp_path / "in").mkdir()
    for name in ("a.mp4", "b.mp4"):
        (tmp_path / "in" / name).write_bytes(clip.read_bytes())
    command = [COMMAND, "-i", str(tmp_path / "in"), "-o", str(tmp_path / "out"), "-f", "8", "-w", "1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)))
    assert done.returncode == 1 and "could not be written" in done.stderr and "Traceback" not in done.stderr, done.stderr
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["manifest.jsonl", "run.log"]
    again = face2nb_extract(*command[1:])
    assert again.returncode == 0 and "2 failed before" in again.stdout, again.stdout + again.stderr


def alive(marker):
    "Processes whose environment holds the marker."
    found = []
    for environ in Path("/proc").glob("[0-9]*/environ"):
        try:
            if marker.encode() in environ.read_bytes():
                found.append(environ.parent.name)
        except OSError:
            pass  # gone, or not ours
    return found


def test_help_without_the_script():
    "The help works as a module too, which is how a cluster without scripts on its path calls it."
    done = subprocess.run([sys.executable, "-c", "from face2nb.cli import main; main(['--help'])"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "--min_face_size" in done.stdout
