"""Exports are read by the libraries they are made for, and a run that is killed again and again ends with the same bytes."""

import importlib.util
import json
import os
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT
from test_cli import alive

from face2nb.data.export import FORMS, find_shards, read_samples
from face2nb.data.store import MANIFEST, append_row, load, manifest_rows, save_npz
from face2nb.media.demo import demo_clip
from face2nb.run.export import ExportSettings, export, rebuild
from face2nb.run.extract import ExtractSettings, extract

# The long version: FACE2NB_KILLS=10 python -m pytest tests/test_export.py -k killed -s
KILLS = int(os.environ.get("FACE2NB_KILLS", 1))
PARTS = dict(train=["a.mp4"], test=["b.mp4"])


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    "Faces and sounds of two clips."
    folder = tmp_path_factory.mktemp("run")
    for name, seconds in {"a.mp4": 1.2, "b.mp4": 0.8}.items():
        demo_clip(folder / "in" / name, seconds)
    extract(folder / "in", folder / "out", ExtractSettings(frames=12, size=64), workers=0)
    return folder / "out"


@pytest.fixture(scope="module")
def noise(tmp_path_factory):
    "A run of four videos with faces that no form can make small."
    folder, rng = tmp_path_factory.mktemp("noise"), np.random.default_rng(0)
    for name in "abcd":
        n = 150
        facts = dict(frame=np.arange(n, dtype=np.int32), time=np.arange(n) / 25, box=np.zeros((n, 4), np.float32), prob=np.ones(n, np.float32))
        faces = dict(data=rng.integers(0, 255, (n, 150, 150, 3), dtype=np.uint8), **facts, track=np.zeros(n, np.int32), color="rgb")
        files = [save_npz(folder / f"{name}_faces.npz", **faces)]
        files.append(save_npz(folder / f"{name}_audio.npz", data=rng.integers(0, 255, (n, 47, 13, 3), dtype=np.uint8), time=facts["time"]))
        sums = {f.name: name * 64 for f in files}  # whatever they are, the plans hold them
        append_row(folder, dict(video=f"{name}.mp4", job="extract", status="ok", n_faces=n, n_audios=n, outputs=sums))
    return folder


def sums(folder):
    return {name: digest for row in manifest_rows(folder, "export").values() for name, digest in row["outputs"].items()}


EXPORT = "from face2nb.run.export import *; export({output!r}, {destination!r}, ExportSettings(shard=1, to={to!r}), workers=2)"


def start(output, destination, to, marker):
    command = [sys.executable, "-c", EXPORT.format(output=str(output), destination=str(destination), to=to)]
    env = os.environ | dict(MARKER=marker, PYTHONPATH=os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
    return subprocess.Popen(command, start_new_session=True, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def done(destination):
    path = destination / MANIFEST
    return path.read_bytes().count(b"\n") if path.exists() else 0


@pytest.mark.parametrize("to", ["webdataset", "frames"])
def test_killed_and_started_again(noise, tmp_path, to):
    whole, broken, left = tmp_path / "whole", tmp_path / "broken", []
    export(noise, whole, ExportSettings(shard=1, to=to), workers=0)
    shards = len(sums(whole))
    assert shards > 30
    for seed in range(KILLS):
        marker, before = f"export-{seed}-{os.getpid()}", done(broken)
        process, until = start(noise, broken, to, marker), time.time() + 60
        while process.poll() is None and done(broken) < before + max(1, min(8, 30 // KILLS)) and time.time() < until:
            time.sleep(0.005)
        time.sleep(random.Random(seed).uniform(0, 0.03))
        assert process.poll() is None, process.communicate()[1]
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        while alive(marker) and time.time() < until:
            time.sleep(0.05)
        assert before < done(broken) < shards
        left.append(len(list(broken.rglob(".*.tmp"))))
    rows = export(noise, broken, ExportSettings(shard=1, to=to), workers=0)
    assert (rows.resume == "unchanged").sum() >= 1 and (rows.status == "ok").all()
    print(f"\n{shards} shards; temporary files left by each kill: {left}")
    assert sums(broken) == sums(whole)
    assert list(broken.rglob(".*.tmp")) == []
    files = [{p.relative_to(f): p.read_bytes() for p in f.rglob("*") if p.is_file() and p.name not in (MANIFEST, "run.log")} for f in (whole, broken)]
    assert files[0] == files[1]
    assert len(find_shards(broken)) == shards
    rebuild(broken, tmp_path / "back")
    for name in "abcd":
        for end in ("faces", "audio"):
            a, b = (load(folder / f"{name}_{end}.npz") for folder in (noise, tmp_path / "back"))
            assert a.keys() == b.keys() and all(np.array_equal(a[k], b[k]) for k in a)


def offline(tmp_path, script, *args):
    "Run a script with libraries that would rather ask the network, in a process that tells them not to."
    env = os.environ | dict(HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1", HF_HOME=str(tmp_path / "hf"), HF_HUB_DISABLE_TELEMETRY="1", HF_DATASETS_DISABLE_PROGRESS_BARS="1")
    ran = subprocess.run([sys.executable, "-c", script, *map(str, args)], capture_output=True, text=True, timeout=300, env=env)
    assert ran.returncode == 0, ran.stderr[-3000:]
    return json.loads(ran.stdout.splitlines()[-1])


DATASETS = """
import json, sys
import numpy as np
from datasets import Audio, Image, load_dataset
hf, clips, frames, tars = sys.argv[1:]
data, found = load_dataset(hf), {}
row = data["test"].cast_column("wave", Audio(decode=False))[3]
found["hf"] = {part: len(d) for part, d in data.items()}
found["types"] = [type(data["train"].features[c]).__name__ for c in ("face", "mfcc", "wave")] + [data["train"].features["wave"].sampling_rate]
found["row"] = [row["video"], row["row"], int(np.asarray(row["face"]).sum()), int(np.asarray(row["mfcc"]).sum()), len(row["wave"]["bytes"])]
clip = load_dataset(clips, split="train")[0]
found["clip"] = [len(clip["faces"]), list(np.shape(clip["mfcc"])), clip["rows"], int(np.asarray(clip["faces"][1]).sum())]
pictures = load_dataset("imagefolder", data_dir=frames)
found["frames"] = {part: len(d) for part, d in pictures.items()}
found["picture"] = sorted(int(np.asarray(r["image"]).sum()) for r in pictures["test"])
stream = load_dataset("webdataset", data_files=dict(train=tars), split="train", streaming=True)
found["tar"] = sorted(int(np.asarray(r["png"]).sum()) for r in stream)
print(json.dumps(found))
"""


@pytest.mark.skipif(importlib.util.find_spec("datasets") is None, reason="needs the library datasets")
def test_datasets_opens_it(run, tmp_path):
    for to in ("hf", "frames"):
        export(run, tmp_path / to, ExportSettings(to=to, sound="both"), PARTS, workers=0)
    export(run, tmp_path / "clips", ExportSettings(to="hf", view="clip", window=4, stride=4), workers=0)
    export(run, tmp_path / "tars", ExportSettings(), PARTS, workers=0)
    found = offline(tmp_path, DATASETS, *(tmp_path / n for n in ("hf", "clips", "frames")), tmp_path / "tars" / "test-*.tar")
    samples = {part: list(read_samples(tmp_path / "hf", part)) for part in PARTS}
    assert found["hf"] == found["frames"] == {part: 12 for part in PARTS}
    assert found["types"] == ["Image", "Array3D", "Audio", 16000]
    s = samples["test"][3]
    assert found["row"] == ["b.mp4", s["about"]["row"], s["face"].sum(), s["mfcc"].sum(), 44 + 6400]
    assert found["tar"] == found["picture"] == sorted(s["face"].sum() for s in samples["test"])
    clip = next(read_samples(tmp_path / "clips"))
    assert found["clip"] == [4, [4, 47, 13, 3], clip["about"]["rows"], clip["faces"][1].sum()]


WEBDATASET = """
import json, sys
import webdataset
found = {}
for name, url in zip(("pairs", "clips"), sys.argv[1:]):
    rows = list(webdataset.WebDataset(url, shardshuffle=False).decode("rgb8"))
    found[name] = [[r["__key__"], sorted(k for k in r if not k.startswith("__")), int(r.get("png", r.get("00.png")).sum()), int(r["mfcc.npy"].sum()), r["json"]["video"]] for r in rows]
print(json.dumps(found))
"""


@pytest.mark.skipif(importlib.util.find_spec("webdataset") is None, reason="needs the library webdataset")
def test_webdataset_reads_it(run, tmp_path):
    export(run, tmp_path / "pairs", ExportSettings(), workers=0)
    export(run, tmp_path / "clips", ExportSettings(view="clip", window=3, stride=3), workers=0)
    found = offline(tmp_path, WEBDATASET, *(tmp_path / n / "train-000000.tar" for n in ("pairs", "clips")))
    pictures = dict(pairs=["png"], clips=["00.png", "01.png", "02.png"])
    for name, rows in found.items():
        samples = list(read_samples(tmp_path / name))
        assert len(samples) == len(rows) == (24 if name == "pairs" else 8)
        for row, s in zip(rows, samples):
            face = s["face"] if "face" in s else s["faces"][0]
            assert row == [s["key"], sorted([*pictures[name], "json", "mfcc.npy"]), face.sum(), s["mfcc"].sum(), s["about"]["video"]]


def test_pandas_reads_it(run, tmp_path):
    export(run, tmp_path / "out", ExportSettings(to="parquet", shard=1), PARTS, workers=0)
    table = pd.read_parquet(tmp_path / "out" / "data", columns=["video", "row", "time", "part"], filters=[("part", "==", "test")])
    assert (len(table), set(table.video), set(table.part)) == (12, {"b.mp4"}, {"test"})
    faces = load(run / "b_faces.npz")
    assert table.sort_values("row").time.tolist() == faces.time.tolist()


def test_two_workers_write_what_one_process_does(run, tmp_path):
    for n, workers in enumerate((0, 2)):
        export(run, tmp_path / f"{n}", ExportSettings(to="parquet", sound="wav"), PARTS, workers=workers)
    assert sums(tmp_path / "0") == sums(tmp_path / "1")


def test_real_clips_come_back(clips, tmp_path):
    extract([clips / "latentsync_demo1.mp4", clips / "grid_id2_swwp2s.mpg"], tmp_path / "out", ExtractSettings(frames=10, color="bgr"), workers=0)
    for to in FORMS:
        export(tmp_path / "out", tmp_path / to, ExportSettings(to=to, picture="webp"), workers=0)
        rebuild(tmp_path / to, tmp_path / "back" / to)
        for path in (p for end in ("faces", "audio") for p in (tmp_path / "out").glob(f"*_{end}.npz")):
            a, b = load(path), load(tmp_path / "back" / to / path.name)
            assert a.keys() == b.keys() and all(np.array_equal(a[k], b[k]) for k in a), (to, path.name)
