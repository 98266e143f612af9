"""Killed at random moments and started again, a run ends as if nothing had happened."""

import json
import os
import random
import signal
import subprocess
import time
from collections import Counter

import numpy as np

from face2nb.data.store import LOG, MANIFEST, load, read_manifest
from face2nb.media.demo import demo_clip
from test_cli import COMMAND, alive

# The long version: FACE2NB_KILLS=20 FACE2NB_KILL_CLIPS=40 FACE2NB_KILL_FRAMES=full python -m pytest tests/test_kills.py -s
KILLS, CLIPS = int(os.environ.get("FACE2NB_KILLS", 3)), int(os.environ.get("FACE2NB_KILL_CLIPS", 8))
FRAMES = os.environ.get("FACE2NB_KILL_FRAMES", "6")


def start(folder, output, **more):
    command = [COMMAND, "-i", str(folder), "-o", str(output), "-f", FRAMES, "-w", "2"]
    return subprocess.Popen(command, start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | more)


def rows(output):
    "The videos of the manifest's whole lines, as they stand there."
    text = (output / MANIFEST).read_text() if (output / MANIFEST).exists() else ""
    return [json.loads(line)["video"] for line in text.splitlines(keepends=True) if line.endswith("\n") and line.strip()]


def temporary(output):
    return [p.name for p in output.rglob(".*") if p.name.endswith(".tmp")]


def begun(output):
    "How many runs have begun to work here."
    return (output / LOG).read_text().count(" begin ") if (output / LOG).exists() else 0


def wait_until(true, seconds=60):
    until = time.time() + seconds
    while not true() and time.time() < until:
        time.sleep(0.05)


def test_killed_again_and_again(tmp_path):
    (tmp_path / "in").mkdir()
    for n in range(CLIPS):
        demo_clip(tmp_path / "in" / f"{n:02}.mp4", seconds=1 + n / 25)
    begin = time.time()
    undisturbed = start(tmp_path / "in", tmp_path / "whole")
    _, err = undisturbed.communicate()
    assert undisturbed.returncode == 0, err
    took, kills, seen, left = time.time() - begin, 0, [], 0
    for seed in range(KILLS):
        marker = f"killed-{seed}-{os.getpid()}"
        runs, done = begun(tmp_path / "out"), len(rows(tmp_path / "out"))
        process = start(tmp_path / "in", tmp_path / "out", MARKER=marker)
        # Not by the clock alone, for machines differ: a kill comes at any moment of the start, or some moments after
        # the next videos are done, few enough that some are left to the runs that follow
        random_ = random.Random(seed)
        if seed % 4:
            more = random_.randint(1, max(1, (CLIPS - 1) // KILLS))
            wait_until(lambda: process.poll() is not None or (begun(tmp_path / "out") > runs and len(rows(tmp_path / "out")) >= done + more))
            time.sleep(random_.uniform(0, took / CLIPS))
        else:
            time.sleep(random_.uniform(0, took / 2))
        if process.poll() is None:
            kills += 1
            os.killpg(process.pid, signal.SIGKILL)
        assert process.wait() in (0, -signal.SIGKILL), process.communicate()[1]
        wait_until(lambda: not alive(marker))
        assert alive(marker) == [], "a worker outlived its run"
        seen.append(len(rows(tmp_path / "out")))
        left += len(temporary(tmp_path / "out"))
        assert max(Counter(rows(tmp_path / "out")).values(), default=1) == 1, "a video was done twice"
    last = start(tmp_path / "in", tmp_path / "out")
    said, err = last.communicate()
    assert last.returncode == 0, err
    print(f"\nundisturbed {took:.0f} s; {kills} kills while it ran; videos done after each: {seen}; temporary files left by kills: {left}")
    assert seen == sorted(seen) and kills
    line = [line for line in (tmp_path / "out" / LOG).read_text().splitlines() if " begin " in line][-1]
    assert seen[-1] == 0 or f"{seen[-1]} unchanged" in line
    assert temporary(tmp_path / "out") == []
    whole, out = (read_manifest(tmp_path / name).set_index("video") for name in ("whole", "out"))
    assert sorted(out.index) == sorted(whole.index) and (out.status == "ok").all()
    assert out.n_faces.to_dict() == whole.n_faces.to_dict()
    assert {p.name for p in (tmp_path / "out").glob("*.npz")} == {p.name for p in (tmp_path / "whole").glob("*.npz")}
    for path in (tmp_path / "whole").glob("*.npz"):
        a, b = load(path), load(tmp_path / "out" / path.name)
        assert a.keys() == b.keys() and all(np.array_equal(a[k], b[k]) for k in a), path.name
