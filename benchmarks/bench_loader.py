"""How fast training gets its samples, against reading the npz files plainly and against WebDataset, and how much memory that takes.

    python benchmarks/bench_loader.py CLIP ...     random access and one after the other, with 0, 1 and 2 workers; memory over an epoch
    python benchmarks/bench_loader.py --open       opening a folder of 100,000 videos, and looking into files

The clips are extracted first (faces of 224 pixels), and a long video of 20,000 faces is made by repeating theirs. Rates are
medians of repeats that take turns; ratios of one run can be compared from machine to machine, faces per second can't. Reading
plainly is what `np.load(path)["data"][i]` does: it inflates the file for each face. It is so slow for the long video that a few
accesses must do. WebDataset reads shards of the same faces, PNG as face2nb_export writes them, by the library of that name.
"""

import argparse, io, itertools, json, os, statistics, sys, tempfile, time
from pathlib import Path

import numpy as np
import torch

from face2nb.data.export import write_shard
from face2nb.data.loader import Face2Dataset, Face2Iterable, SampleIndex, Selection
from face2nb.data.store import MANIFEST, Spool, append_row, manifest_rows, save_npz

LONG = 20_000  # faces
REPEATS = 3


def make_long(run, out):
    "A run of one video with many faces, those of another run again and again."
    out.mkdir()
    index = SampleIndex(run)
    with Spool(out) as faces, Spool(out) as sounds:
        for i in itertools.cycle(range(len(index))):
            sample = index.sample(*index.locate(i))
            # no two alike, as no two frames of a video are
            faces.append(np.roll(sample["face"], len(faces) % 97, 1)[None])
            sounds.append(sample["mfcc"][None])
            if len(faces) == LONG:
                break
        frame = np.arange(LONG, dtype=np.int32)
        facts = dict(frame=frame, time=frame / 25, box=np.tile(np.float32([0, 0, 100, 100]), (LONG, 1)))
        facts |= dict(prob=np.ones(LONG, np.float32), track=np.zeros(LONG, np.int32), color=np.array("rgb"))
        save_npz(out / "long_faces.npz", data=faces, **facts)
        save_npz(out / "long_audio.npz", data=sounds, time=frame / 25)
    outputs = {"long_faces.npz": "", "long_audio.npz": ""}
    append_row(out, dict(video="long.mp4", status="ok", n_faces=LONG, n_audios=LONG, outputs=outputs))


def rate(loader):
    "Faces a second over an epoch. The one before it started the workers, which counts once in a training."
    begin, n = time.perf_counter(), 0
    for batch in loader:
        n += len(batch[0])
    return n / (time.perf_counter() - begin)


class Plain(torch.utils.data.Dataset):
    "Faces and sounds as most of us would read them: np.load for each access."

    def __init__(self, run):
        rows = manifest_rows(run).values()
        files = [[run / next(f for f in r["outputs"] if f.endswith(e)) for e in ("_faces.npz", "_audio.npz")] for r in rows if r["n_faces"]]
        self.places = [(faces, sounds, i) for r, (faces, sounds) in zip((r for r in rows if r["n_faces"]), files) for i in range(r["n_faces"])]

    def __len__(self):
        return len(self.places)

    def __getitem__(self, i):
        faces, sounds, row = self.places[i]
        return tuple(torch.from_numpy(np.load(path)["data"][row]).movedim(-1, 0) for path in (faces, sounds))


def plain(run, most):
    "Faces a second of random plain reading, in this process."
    data, order = Plain(run), np.random.default_rng(0)
    begin = time.perf_counter()
    for _ in range(most):
        data[int(order.integers(len(data)))]
    return most / (time.perf_counter() - begin)


def by_webdataset(shards, workers):
    import cv2, webdataset

    def decode(key, data):
        if key.endswith(".png"):
            return torch.from_numpy(cv2.cvtColor(cv2.imdecode(np.frombuffer(data, np.uint8), 1), cv2.COLOR_BGR2RGB)).movedim(-1, 0)
        return torch.from_numpy(np.load(io.BytesIO(data))).movedim(-1, 0) if key.endswith(".npy") else json.loads(data)

    data = webdataset.WebDataset(shards, shardshuffle=100, seed=0, empty_check=False).shuffle(512)
    data = data.decode(decode).to_tuple("png", "mfcc.npy")
    return torch.utils.data.DataLoader(data, batch_size=32, num_workers=workers, persistent_workers=workers > 0)


def memory():
    "MB that this process and its workers hold: each its share of what several hold together."
    total = 0
    for folder in [Path("/proc/self"), *(Path(f"/proc/{p.pid}") for p in torch.multiprocessing.active_children())]:
        total += sum(int(line.split()[1]) for line in open(folder / "smaps_rollup") if line.startswith("Pss:"))
    return total / 1024


def compare(name, run, shards, plain_accesses, ranks):
    "Rates over epochs, of one of several ranks where an epoch would be long."
    samples, rank = Face2Dataset(run), dict(rank=0, world_size=ranks)
    print(f"\n{name}: {len(samples):,} faces, of which {len(samples) // ranks:,} make an epoch")
    how = {
        "random": lambda w: samples.loader(32, workers=w, **rank),
        "iterable": lambda w: Face2Iterable(run, **rank).loader(32, workers=w),
        "our shards": lambda w: Face2Iterable(shards).loader(32, workers=w),
    }
    try:
        import webdataset  # noqa: F401

        tars = [str(p) for p in sorted(shards.glob("*.tar"))]
        how["webdataset"] = lambda w: by_webdataset(tars, w)
    except ImportError:
        print("webdataset is not installed: no comparison with it")
    loaders = {(kind, workers): how[kind](workers) for workers in (0, 1, 2) for kind in how}
    rates = {job: [] for job in [("plain", 0), *loaders]}
    for loader in loaders.values():
        rate(loader)
    for _ in range(REPEATS):
        rates["plain", 0].append(plain(run, plain_accesses))
        for job, loader in loaders.items():
            rates[job].append(rate(loader))
    base = statistics.median(rates["plain", 0])
    print(f"{'':12}{'workers':>8}{'faces/s':>10}{'× plain':>10}{'least':>8}{'most':>8}")
    for (kind, workers), found in rates.items():
        middle = statistics.median(found)
        print(f"{kind:12}{workers:>8}{middle:>10.1f}{middle / base:>10.1f}{min(found):>8.1f}{max(found):>8.1f}")


def epoch_memory(run, faces):
    print(f"\nmemory of all processes over {faces:,} faces, MB at each tenth")
    for kind, data in (("random", Face2Dataset(run)), ("iterable", Face2Iterable(run))):
        for workers in (0, 2):
            held, n = [], 0
            for batch in data.loader(32, workers=workers):
                n += len(batch.face)
                if n >= (len(held) + 1) * faces // 10:
                    held.append(memory())
                if n >= faces:
                    break
            print(f"{kind:10}{workers} workers  {' '.join(f'{m:.0f}' for m in held)}")


def opening():
    from face2nb.run.extract import ExtractSettings
    from face2nb.run.pool import _VERSIONS
    from dataclasses import asdict

    with tempfile.TemporaryDirectory() as folder:
        folder, digest = Path(folder), "0" * 64
        with open(folder / MANIFEST, "w") as f:
            for i in range(100_000):
                stem = f"person{i // 1000:03d}/video_{i:06d}"
                row = dict(video=f"{stem}.mp4", job="extract", status="ok", n_faces=200 + i % 100, n_audios=200 + i % 100)
                row |= dict(n_frames=300, n_shots=1, n_tracks=1, video_seconds=12.0, audio_seconds=12.0, drift=0.0, error=None)
                row |= dict(seconds=1.0, outputs={stem + e: digest for e in ("_faces.npz", "_audio.npz", "_tracks.npz")})
                row |= dict(source=f"/videos/{stem}.mp4", source_bytes=10**6, source_mtime=1.7e9, source_sha256=digest)
                row |= dict(settings=asdict(ExtractSettings()), settings_hash="0" * 12, versions=_VERSIONS)
                f.write(json.dumps(row) + "\n")
        seconds = []
        for _ in range(REPEATS):
            before, begin = memory(), time.perf_counter()
            data = Face2Dataset(folder)
            seconds.append(time.perf_counter() - begin)
        columns = sum(a.nbytes for a in (data.index.names._array, data.index._files, data.index._sources._array, data.index.counts))
        print(f"{data!r}: opened in {statistics.median(seconds):.2f} s; a manifest of {(folder / MANIFEST).stat().st_size / 1e6:.0f} MB")
        print(f"its columns take {columns / 2**20:.0f} MB; the process grew by {memory() - before:.0f} MB")
        begin = time.perf_counter()
        next(iter(Face2Iterable(folder).loader(1, shuffle=False).dataset.index.names))
        print(f"the same for Face2Iterable in {time.perf_counter() - begin:.2f} s")
    with tempfile.TemporaryDirectory() as folder:
        folder, n = Path(folder), 300
        for i in range(400):
            facts = dict(frame=np.arange(n, dtype=np.int32), time=np.arange(n) / 25, box=np.zeros((n, 4), np.float32))
            facts |= dict(prob=np.ones(n, np.float32), track=np.zeros(n, np.int32), color=np.array("rgb"))
            save_npz(folder / f"{i}_faces.npz", data=np.zeros((n, 64, 64, 3), np.uint8), **facts)
            save_npz(folder / f"{i}_audio.npz", data=np.zeros((n, 47, 13, 3), np.uint8), time=facts["time"])
            with open(folder / MANIFEST, "a") as f:
                outputs = [f"{i}_faces.npz", f"{i}_audio.npz"]
                f.write(json.dumps(dict(video=f"{i}.mp4", status="ok", n_faces=n, outputs=outputs)) + "\n")
        seconds = []
        for _ in range(REPEATS):
            begin = time.perf_counter()
            SampleIndex(folder, Selection("clip"))
            seconds.append(time.perf_counter() - begin)
        print(f"looking into files for clips: {statistics.median(seconds) / 400 * 1e3:.2f} ms a video")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clips", nargs="*")
    parser.add_argument("--open", action="store_true")
    parser.add_argument("--faces", type=int, default=LONG, help="faces over which memory is watched")
    args = parser.parse_args()
    if args.open:
        return opening()
    if not args.clips:
        sys.exit("Name some clips with faces and sound.")
    from face2nb.run.extract import extract

    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        rows = extract(args.clips, folder / "run", workers=0)
        print(f"{int(rows.n_faces.sum())} faces of {len(rows)} clips")
        make_long(folder / "run", folder / "long")
        for name, accesses, ranks in (("run", 50, 1), ("long", 2, 20)):
            index = SampleIndex(folder / name)
            order = np.random.default_rng(0).permutation(len(index))[: len(index) // ranks]
            for k, part in enumerate(np.array_split(order, 4)):
                write_shard(folder / f"{name}_shards/train-{k:06d}.tar", (index.sample(*index.locate(int(i))) for i in part))
            compare(name, folder / name, folder / f"{name}_shards", accesses, ranks)
        epoch_memory(folder / "long", args.faces)


if __name__ == "__main__":
    main()
