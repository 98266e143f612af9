"""Training from a run and from its shards, over processes: what cells of a notebook do badly."""

import json
import multiprocessing
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from face2nb.core import DamagedFile
from face2nb.data.export import write_shard
from face2nb.data.loader import Face2Dataset, Face2Iterable, SampleIndex, Selection
from face2nb.data.store import append_row, save_npz

VIDEOS, FACES, SIDE = 4, 60, 32


def make_run(out, side=SIDE, faces=FACES):
    "A run whose faces are bright, and whose sounds are loud, in videos with an odd number."
    out.mkdir()
    rng = np.random.default_rng(0)
    for v in range(VIDEOS):
        data = rng.integers(0, 200, (faces, side, side, 3)) + 40 * (v % 2)
        facts = dict(frame=np.arange(faces, dtype=np.int32), time=np.arange(faces) / 25, color=np.array("rgb"))
        facts |= dict(box=np.tile(np.float32([0, 0, 90, 90]), (faces, 1)), prob=np.ones(faces, np.float32))
        save_npz(out / f"{v}_faces.npz", data=data.astype(np.uint8), **facts, track=np.zeros(faces, np.int32))
        sounds = rng.integers(0, 200, (faces, 47, 13, 3)) + 40 * (v % 2)
        save_npz(out / f"{v}_audio.npz", data=sounds.astype(np.uint8), time=facts["time"])
        outputs = {f"{v}_faces.npz": "", f"{v}_audio.npz": ""}
        append_row(out, dict(video=f"{v}.mp4", status="ok", n_faces=faces, outputs=outputs))
    return out


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("loader") / "OUT")


@pytest.fixture(scope="module")
def shards(run):
    "The same as WebDataset shards, with labels."
    index, folder = SampleIndex(run), run.parent / "EXPORT"
    for k in range(4):
        samples = (index.sample(*index.locate(i)) for i in range(k, len(index), 4))
        write_shard(folder / f"train-{k:06d}.tar", (s | dict(about=s["about"] | dict(label=odd(s["about"]))) for s in samples))
    return folder


def odd(about):
    return int(about["video"][0]) % 2


def places(batches):
    return [place for b in batches for place in zip(b.metadata["video"], b.metadata["row"].tolist())]


class Network(torch.nn.Module):
    "Looks at a face and listens to its sound, a little: means of squares of the picture, and of the MFCC."

    def __init__(self):
        super().__init__()
        self.see, self.hear = torch.nn.Conv2d(3, 4, 8, 8), torch.nn.Conv2d(3, 4, (8, 4), (8, 4))
        self.tell = torch.nn.Linear(8, 2)

    def forward(self, face, mfcc):
        seen, heard = self.see(face.float() / 255 - 0.5), self.hear(mfcc.float() / 255 - 0.5)
        return self.tell(torch.cat([seen.flatten(2).mean(2), heard.flatten(2).mean(2)], 1))


@pytest.mark.parametrize("form", ["pairs", "clips", "run", "shards"])
def test_training_learns(run, shards, form):
    torch.manual_seed(0)
    data = {
        "pairs": lambda: Face2Dataset(run, label=odd),
        "clips": lambda: Face2Dataset(run, "clip", window=5, stride=5, label={f"{v}.mp4": v % 2 for v in range(VIDEOS)}),
        "run": lambda: Face2Iterable(run, label=odd, buffer=64),
        "shards": lambda: Face2Iterable(shards, buffer=64),
    }[form]()
    loader = data.loader(batch_size=20 if form != "clips" else 8, workers=1)
    network, losses = Network(), []
    learner = torch.optim.Adam(network.parameters(), 0.02)
    for _ in range(5):
        total = n = 0
        for batch in loader:
            face, mfcc = batch[0].flatten(0, -4), batch.mfcc.flatten(0, -4)
            label = batch.label.repeat_interleave(len(face) // len(batch.label))
            loss = torch.nn.functional.cross_entropy(network(face, mfcc), label)
            learner.zero_grad()
            loss.backward()
            learner.step()
            total, n = total + loss.item() * len(label), n + len(label)
        losses.append(total / n)
        assert n == VIDEOS * FACES
    assert losses[-1] < min(0.1, losses[0] / 10), losses


def test_workers_open_their_own_files(run):
    "Whatever the process has open that workers are forked from, each face is the one that is stored."
    data = Face2Dataset(run, open_files=2)
    for i in range(0, len(data), 7):
        data[i]  # files are open here, in the middle
    stored = {v: np.load(run / f"{v}_faces.npz")["data"] for v in range(VIDEOS)}
    loader = data.loader(16, workers=2, multiprocessing_context="fork")
    got = 0
    for batch in loader:
        for face, video, row in zip(batch.face, batch.metadata["video"], batch.metadata["row"].tolist()):
            assert np.array_equal(face.permute(1, 2, 0).numpy(), stored[int(video[0])][row])
            got += 1
        data[got % len(data)]  # and the parent goes on reading
    assert got == len(data)


def test_spawned_workers_share_epochs_and_counts(tmp_path):
    run = make_run(tmp_path / "OUT")
    stored = {f"{v}.mp4": np.load(run / f"{v}_faces.npz")["data"] for v in range(3)}
    (run / "3_faces.npz").unlink()
    data = Face2Iterable(run, damaged="skip", buffer=16)
    data.index.open(0).faces[30]  # a file is open here, in the middle
    loader = data.loader(16, workers=2, multiprocessing_context="spawn")
    batches = list(loader)
    for batch in batches:
        for face, video, row in zip(batch.face, batch.metadata["video"], batch.metadata["row"].tolist()):
            assert np.array_equal(face.permute(1, 2, 0).numpy(), stored[video][row])
    first, second = places(batches), places(loader)
    assert sorted(first) == sorted(second) and first != second and len(set(first)) == 3 * FACES
    assert data.n_skipped == 2 * FACES and "does not exist" in data.skipped["3.mp4"]


def test_nothing_readable_is_an_error(tmp_path):
    run = make_run(tmp_path / "OUT")
    for path in run.glob("*_faces.npz"):
        path.unlink()
    for data in (Face2Dataset(run, damaged="skip"), Face2Iterable(run, damaged="skip")):
        for workers in (0, 1):
            with pytest.raises(DamagedFile, match="Not one sample"):
                list(data.loader(16, workers=workers))
        assert data.n_skipped == 2 * VIDEOS * FACES


def test_a_worker_s_error_reaches_the_training(tmp_path):
    run = make_run(tmp_path / "OUT")
    (run / "2_audio.npz").write_bytes(b"nothing")
    for data in (Face2Dataset(run), Face2Iterable(run)):
        with pytest.raises(DamagedFile, match="2_audio.npz"):
            list(data.loader(16, workers=1))


def _rank(rank, world_size, port, run, queue):
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    torch.distributed.init_process_group("gloo", rank=rank, world_size=world_size)
    stream = Face2Iterable(run, even=True, buffer=32)
    loader = stream.loader(8, workers=1)
    queue.put((rank, len(loader), places(loader), places(Face2Dataset(run).loader(8))))
    torch.distributed.barrier()
    torch.distributed.destroy_process_group()


def test_ranks_of_torch_distributed_share_an_epoch(run, tmp_path):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    ranks = [context.Process(target=_rank, args=(r, 2, port, run, queue)) for r in range(2)]
    for process in ranks:
        process.start()
    found = [queue.get(timeout=100) for _ in ranks]
    for process in ranks:
        process.join(30)
        assert process.exitcode == 0
    for which in (2, 3):
        assert sorted(found[0][which] + found[1][which]) == sorted((f"{v}.mp4", i) for v in range(VIDEOS) for i in range(FACES))
    assert len(found[0][2]) == len(found[1][2]) and found[0][1] == found[1][1] == 15


def test_memory_stays_flat_over_an_epoch(tmp_path):
    "In a process of its own: what an epoch reads does not stay. 2 x 240 faces of 150 kB are 72 MB, its buffer 10."
    run = make_run(tmp_path / "OUT", side=224)
    code = f"""
import sys; sys.path.insert(0, {str(Path(__file__).resolve().parent.parent)!r})
from face2nb.data.loader import Face2Dataset, Face2Iterable
from face2nb.run.pool import used_memory
for data in (Face2Dataset({str(run)!r}, open_files=2), Face2Iterable({str(run)!r}, buffer=64)):
    loader = data.loader(8)
    for _ in range(2): n = sum(len(b.face) for b in loader)
    before = used_memory()
    for _ in range(3): n += sum(len(b.face) for b in loader)
    print(n, (used_memory() - before) / 2**20)
"""
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert out[0] == out[2] == str(4 * VIDEOS * FACES)
    assert float(out[1]) < 15 and float(out[3]) < 15, out


def test_100000_videos_open_in_seconds(tmp_path):
    with open(tmp_path / "manifest.jsonl", "w") as f:
        for i in range(100_000):
            outputs = {f"{i}_faces.npz": "0" * 64, f"{i}_audio.npz": "0" * 64}
            f.write(json.dumps(dict(video=f"{i}.mp4", status="ok", n_faces=200, source=f"/v/{i}.mp4", outputs=outputs)) + "\n")
    begin = time.perf_counter()
    data = Face2Dataset(tmp_path)
    assert len(data) == 20_000_000 and data.index.locate(19_999_999) == (99_999, 199)
    assert time.perf_counter() - begin < 20  # about one second where nobody else works
    begin = time.perf_counter()
    with pytest.raises(DamagedFile, match="does not exist"):
        data[12_345_678]
    assert time.perf_counter() - begin < 1


def test_real_clips(clips, tmp_path):
    "A clip of somebody who talks, from extraction to a batch of clips with their sound."
    from face2nb.media.audio import read_audio
    from face2nb.run.extract import ExtractSettings, extract

    source = clips / "grid_id2_swwp2s.mpg"
    extract(source, tmp_path / "OUT", ExtractSettings(size=96), workers=0)
    data = Face2Dataset(tmp_path / "OUT", "clip", window=10, stride=10, wave=True)
    batch = next(iter(data.loader(4, workers=1)))
    assert batch.faces.shape[1:] == (10, 3, 96, 96) and batch.mfcc.shape[1:] == (10, 3, 47, 13)
    sound = read_audio(source)
    for wave, n, times in zip(batch.wave, batch.metadata["wave_length"], batch.times):
        first = round(float(times[0]) * 16000) - 1600
        there = np.arange(first, first + int(n))
        inside = (there >= 0) & (there < len(sound))
        assert np.array_equal(wave[: int(n)].numpy()[inside], sound[there[inside]])
        assert torch.allclose(times.diff(), torch.tensor(0.04, dtype=torch.float64), atol=0.002)
    assert len(SampleIndex(tmp_path / "OUT", Selection(min_size=30))) > 50
