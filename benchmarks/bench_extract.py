"""How fast an extraction is, against a plain loop over facenet-pytorch and against decoding alone, and whether it finds the same faces.

    python benchmarks/bench_extract.py CLIP ...          three ratios and the agreement for each clip, on one core
    python benchmarks/bench_extract.py --workers CLIP …  one worker against two, on several copies of the clips
    python benchmarks/bench_extract.py --memory          peak memory over the length of a generated clip

Ratios of one run can be compared from machine to machine; frames per second can't. Everything is repeated, in turn, and the
median counts. The reference is slow, so it gets a sample of the frames, spread evenly, and is charged the time of decoding
one frame for each.
"""

import argparse, json, os, resource, statistics, subprocess, sys, tempfile, time
from pathlib import Path

ONE_CORE = {k: "1" for k in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")}


def pin():
    "One core and one thread for this process."
    import cv2, torch

    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    torch.set_num_threads(1)
    cv2.setNumThreads(1)


def decode(clip):
    "Seconds a frame for decoding to RGB, and the number of frames."
    from face2nb.media.video import frames

    begin = time.perf_counter()
    n = sum(1 for _ in frames(clip, threads=1))
    return (time.perf_counter() - begin) / n, n


def reference(clip, sample, folder):
    "Seconds a frame for the plain loop (without decoding) over a sample of frames, and the boxes it found."
    import numpy as np, torch, torchaudio
    from facenet_pytorch import MTCNN
    from PIL import Image

    from face2nb.media.audio import read_audio
    from face2nb.media.video import frames

    sound = torch.from_numpy(np.pad(read_audio(clip), (1600, 3200))) if has_sound(clip) else torch.zeros(10**8)
    pictures, mtcnn = list(frames(clip, sample, threads=1)), MTCNN(device="cpu")
    mtcnn.detect(Image.fromarray(pictures[0].rgb))
    begin, found, faces, images = time.perf_counter(), {}, [], []
    for picture in pictures:
        image = Image.fromarray(picture.rgb)
        boxes, probs = mtcnn.detect(image)
        if boxes is None:
            continue
        largest = max(range(len(boxes)), key=lambda i: (boxes[i][2] - boxes[i][0]) * (boxes[i][3] - boxes[i][1]))
        found[picture.index] = boxes[largest].tolist()
        x1, y1, x2, y2 = boxes[largest]
        half, x, y = max(x2 - x1, y2 - y1) / 2, (x1 + x2) / 2, (y1 + y2) / 2
        crop = image.crop((round(x - half), round(y - half), round(x + half), round(y + half)))
        faces.append(np.array(crop.resize((224, 224))))
        at = round(picture.time * 16000)
        window = sound[at : at + 3200][None]
        images.append(torchaudio.compliance.kaldi.mfcc(window, sample_frequency=16000, frame_length=15, frame_shift=4).numpy())
    if faces:
        np.savez_compressed(Path(folder) / "faces.npz", data=np.stack(faces))
        np.savez_compressed(Path(folder) / "audio.npz", data=np.stack(images))
    return (time.perf_counter() - begin) / len(pictures), found


def has_sound(clip):
    from face2nb.media.video import probe

    return probe(clip).has_audio


def settings_for(clip, **changes):
    from face2nb.run.extract import ExtractSettings

    return ExtractSettings(audio=has_sound(clip), device="cpu", **changes)


def ours(clip, folder, **changes):
    "Seconds a frame for an extraction by one worker, once it is warm."
    from face2nb.run.extract import extract_video, init_worker

    settings = settings_for(clip, **changes)
    init_worker(settings.video, settings)
    begin = time.perf_counter()
    row = extract_video(clip, Path(folder) / "ours", settings)
    return (time.perf_counter() - begin) / max(1, row.get("n_frames", 1))


def measure(clip, repeat, sample):
    "All figures of one clip, in this process."
    import numpy as np

    from face2nb.data.store import load

    pin()
    with tempfile.TemporaryDirectory() as folder:
        ours(clip, folder)
        times = {k: [] for k in ("reference", "face2nb", "decoding", "exact", "audio")}
        for i in range(repeat):
            times["decoding"].append(decode(clip)[0])
            times["face2nb"].append(ours(clip, folder))
            if i == 0:
                guided = dict(load(Path(folder) / "ours_tracks.npz")) if (Path(folder) / "ours_tracks.npz").exists() else None
                plain, found = reference(clip, sample, folder)
                times["reference"].append(plain)
                times["exact"].append(ours(clip, folder, detect="exact"))
                exact = dict(load(Path(folder) / "ours_tracks.npz")) if (Path(folder) / "ours_tracks.npz").exists() else None
            else:
                times["reference"].append(reference(clip, max(8, sample // 4), folder)[0])
            if has_sound(clip):
                begin = time.perf_counter()
                ours(clip, folder, video=False)
                times["audio"].append(time.perf_counter() - begin)
        n = decode(clip)[1]
    t = {k: statistics.median(v) for k, v in times.items() if v}
    t["reference"] += t["decoding"]
    return dict(clip=Path(clip).name, frames=n, **t, **agreement(guided, exact, n), same=same(found, exact), rss=peak())


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def same(found, exact):
    "Worst difference in pixels of exact boxes to the reference's largest ones."
    import numpy as np

    worst = 0.0
    for index, box in found.items():
        boxes = exact["box"][(exact["frame"] == index) & exact["found"]]
        worst = max(worst, float(np.abs(boxes - np.array(box)).max(1).min()) if len(boxes) else float("inf"))
    return worst


def agreement(guided, exact, n):
    "How the largest faces of exact are met by guided."
    import numpy as np

    from face2nb.faces.detect import overlaps

    if exact is None or guided is None:
        return dict(sure=0, met=float("nan"), there=float("nan"), ghosts=float("nan"), apart=[])
    met, there, ghosts, none, apart = [], [], 0, 0, []
    for index in range(n):
        mine = guided["box"][(guided["frame"] == index) & (guided["track"] >= 0)]
        rows = (exact["frame"] == index) & exact["found"]
        boxes, probs = exact["box"][rows], exact["prob"][rows]
        if not len(boxes):
            none += 1
            ghosts += len(guided["box"][(guided["frame"] == index) & guided["found"]]) > 0
            continue
        area = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
        largest = int(area.argmax())
        if probs[largest] < 0.95 or min(boxes[largest, 2:] - boxes[largest, :2]) < 40:
            continue
        there.append(len(mine) > 0)
        overlap = 0.0
        if len(mine):
            chosen = int(np.prod(mine[:, 2:] - mine[:, :2], axis=1).argmax())
            # where the two name different people of about equal size, the same person is compared
            sizes = np.prod(mine[:, 2:] - mine[:, :2], axis=1)
            alike = [i for i in range(len(mine)) if sizes[i] >= 0.7 * sizes[chosen]]
            overlap = overlaps(boxes[[largest]], mine[[chosen]])[0, 0]
            overlap = overlap if overlap >= 0.3 else overlaps(boxes[[largest]], mine[alike]).max()
        met.append(overlap)
        if overlap < 0.9:
            apart.append((index, round(float(overlap), 3)))
    return dict(
        sure=len(met),
        met=float(np.mean(np.array(met) >= 0.9)) if met else float("nan"),
        there=float(np.mean(there)) if there else float("nan"),
        ghosts=ghosts / none if none else 0.0,
        apart=sorted(apart, key=lambda a: a[1])[:5],
    )


def table(rows):
    "The figures of all clips as text."
    print(f"{'clip':<26}{'a ref':>8}{'b ours':>8}{'c dec.':>8}{'b/a':>7}{'c/b':>7}{'exact/a':>9}{'IoU≥.9':>8}{'face':>8}{'ghosts':>8}{'exact-a px':>11}")
    for r in rows:
        fps = {k: 1 / r[k] for k in ("reference", "face2nb", "decoding", "exact")}
        print(
            f"{r['clip'][:25]:<26}{fps['reference']:>8.1f}{fps['face2nb']:>8.1f}{fps['decoding']:>8.1f}"
            f"{fps['face2nb'] / fps['reference']:>7.1f}{fps['decoding'] / fps['face2nb']:>7.1f}{fps['exact'] / fps['reference']:>9.1f}"
            f"{r['met']:>8.1%}{r['there']:>8.1%}{r['ghosts']:>8.1%}{r['same']:>11.5f}"
        )


def workers(clips, copies):
    "One worker against two over the same list of videos, frames per second."
    from face2nb.run.extract import extract

    rates = {}
    with tempfile.TemporaryDirectory() as folder:
        inputs = Path(folder) / "in"
        inputs.mkdir()
        for i in range(copies):
            for clip in clips:
                (inputs / f"{i}_{Path(clip).name}").symlink_to(Path(clip).resolve())
        for n in (1, 2, 1, 2):
            seen = []
            os.environ.update(ONE_CORE)
            note = lambda p: seen.append((p.seconds, p.frames))
            extract(inputs, Path(folder) / f"out{n}", settings_for(clips[0]), workers=n, progress=note, resume=False)
            # between a fifth and four fifths of all frames: start-up and the last worker's lonely end are left out
            (t0, f0), *_, (t1, f1) = [s for s in seen if 0.2 * seen[-1][1] <= s[1] <= 0.8 * seen[-1][1]]
            rates.setdefault(n, []).append((f1 - f0) / (t1 - t0))
    one, two = (statistics.median(rates[n]) for n in (1, 2))
    print(f"1 worker: {one:.1f} frames/s, 2 workers: {two:.1f} frames/s, ratio {two / one:.2f}")


def memory(minutes=(1, 3, 10)):
    "Peak memory of a worker for generated clips of 640 x 360, 25 fps."
    for m in minutes:
        out = subprocess.run([sys.executable, __file__, "--memory_of", str(m)], capture_output=True, text=True, check=True)
        print(f"{m:>3} minutes: {out.stdout.strip()}")


def make_film(path, minutes):
    "A film of a face that moves and a voice."
    import cv2, numpy as np

    from face2nb.media.demo import portrait, voice
    from face2nb.media.video import synthesize

    photo, frame = cv2.resize(portrait(), (256, 300)), np.full((360, 640, 3), 90, np.uint8)

    class Pictures:
        def __len__(self):
            return round(minutes * 60 * 25)

        def __getitem__(self, i):
            if i >= len(self):
                raise IndexError(i)
            frame[:] = 90
            x = int(150 + 100 * np.sin(i / 40))
            frame[30:330, x : x + 256] = photo
            return frame

    pictures = Pictures()
    synthesize(path, pictures, np.arange(len(pictures)) / 25, voice(minutes * 60, 16000))


def memory_of(minutes):
    with tempfile.TemporaryDirectory() as folder:
        film = Path(folder) / "film.mp4"
        # in a process of its own: making the film takes memory too
        subprocess.run([sys.executable, __file__, "--memory_of", str(minutes), "--film", film], check=True)
        pin()
        ours(film, folder, frames=8)
        before, seconds = peak(), ours(film, folder)
        n = round(minutes * 60 * 25)
        print(f"{n:,} frames, {1 / seconds:.0f} frames/s, peak {peak():.0f} MB ({before:.0f} MB of it for eight frames)")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", nargs="*", metavar="CLIP", help="video files")
    parser.add_argument("--repeat", type=int, default=3, help="how often to measure (default: 3)")
    parser.add_argument("--sample", type=int, default=40, help="frames for the reference (default: 40)")
    parser.add_argument("--workers", action="store_true", help="one worker against two")
    parser.add_argument("--copies", type=int, default=6, help="of each clip, for --workers (default: 6)")
    parser.add_argument("--memory", action="store_true", help="peak memory over length")
    parser.add_argument("--memory_of", type=float, help=argparse.SUPPRESS)
    parser.add_argument("--film", help=argparse.SUPPRESS)
    parser.add_argument("--json", metavar="FILE", help="write the figures there as well")
    args = parser.parse_args()
    if args.film:
        return make_film(args.film, args.memory_of)
    if args.memory_of:
        return memory_of(args.memory_of)
    if args.memory:
        return memory()
    if not args.clips:
        parser.error("name at least one clip")
    if args.workers:
        return workers(args.clips, args.copies)
    rows = []
    for clip in args.clips:
        rows.append(measure(clip, args.repeat, args.sample))
        print(json.dumps({k: round(v, 5) if isinstance(v, float) else v for k, v in rows[-1].items()}), flush=True)
    table(rows)
    if args.json:
        Path(args.json).write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
