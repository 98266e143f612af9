"""How surely `ActiveSpeaker` tells who talks, on real clips: faces while they talk and while they pause, faces that do not
talk, the same faces with silence, and photographs of them, still, panned and zoomed over, with their speech.

    python benchmarks/speaking.py CLIPS

CLIPS is a folder with the clips of `fit_lipsync.py`, moviepy_chaplin.mp4 and pyfeat_face_noface.mov. A face counts as
talking at a step whose sound, averaged over three steps, is louder than 0.15 of the clip's loud ones (its 95 % quantile),
and as pausing below 0.05.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np

from fit_lipsync import OTHERS, talking

SILENT = ("moviepy_chaplin.mp4", "pyfeat_face_noface.mov")  # a silent film with music; a smile before the sound begins


def faces_of(pictures):
    "What `ActiveSpeaker` sees of each track of a second and longer, the longest first: its first step, and pictures. Pictures are gone through twice."
    from face2nb.faces.crop import regular_track, track_crops
    from face2nb.faces.detect import FaceDetector
    from face2nb.faces.track import Shots, Tracker, as_tracks
    from face2nb.sync.speaker import speaker_view

    shots, tracker = Shots(), Tracker()
    for _, faces in FaceDetector("guided", min_face_size=40).detect_video(pictures(), shots):
        tracker(faces, shots.of(faces.index))
    table = tracker.table()
    tracks = sorted((t for t in as_tracks(table) if t.times[-1] - t.times[0] > 1), key=len, reverse=True)
    regular, seen = [regular_track(t, table["times"]) for t in tracks], [[] for _ in tracks]
    for i, _, crop in track_crops(pictures(), regular):
        seen[i].append(speaker_view(crop))
    return [(r.first, views) for r, views in zip(regular, seen)]


def loudness(sound, first, n):
    "Of the sound of each step, over that of the loud ones."
    from face2nb.sync.speaker import smooth_scores

    steps = [sound[640 * (first + k) :][:640] for k in range(n)]
    level = smooth_scores([np.sqrt((s**2).mean()) if len(s) else 0 for s in steps], 1)
    return level / max(np.percentile(level, 95), 1e-9)


def moving(picture, n, zoom, pan):
    "A photograph that a camera moves over: `zoom` times as large in the end, moved by `pan` of its width."
    from face2nb.core import Frame

    height, width = picture.rgb.shape[:2]
    for k in range(n):
        size, x = 1 + (zoom - 1) * k / n, pan * width * k / n
        table = np.array([[size, 0, width / 2 * (1 - size) - x], [0, size, height / 2 * (1 - size)]])
        yield Frame(k, k / 25, cv2.warpAffine(picture.rgb, table, (width, height), borderMode=cv2.BORDER_REPLICATE))


def main():
    import pandas as pd
    import torch

    from face2nb.media.audio import read_audio
    from face2nb.media.video import frames
    from face2nb.sync.speaker import ActiveSpeaker

    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("clips", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    speaker, talks, rows = ActiveSpeaker(), [], []

    def judge(what, name, first, seen, sound):
        score = speaker(seen, sound[640 * first :], smooth=2)
        rows.append(dict(what=what, name=name, mean=score.mean(), highest=score.max(), above=(score > 0).mean()))
        return score

    for name, path in talking(options.clips).items():
        sound, (first, seen) = read_audio(path), faces_of(lambda: frames(path, problems=[]))[0]
        score, loud = judge("talking clip", name, first, seen, sound), loudness(sound, first, len(seen))
        said, paused = score[loud > 0.15], score[loud < 0.05]
        talks.append(dict(name=name, mean=score.mean(), talking=said.mean(), above=(said > 0).mean(), pausing=paused.mean()))
        if name in OTHERS:
            judge("with silence", name, first, seen, np.zeros_like(sound))
            photo = next(p for p in frames(path, problems=[]) if p.index == 60)
            for kind, zoom, pan in (("still", 1, 0), ("zoomed", 1.4, 0), ("panned", 1, 0.15), ("both", 1.3, -0.1)):
                for track in faces_of(lambda: moving(photo, 100, zoom, pan)):
                    judge(f"photograph, {kind}", name, *track, sound)
    for name in SILENT:
        sound = read_audio(options.clips / name, problems=[])
        for track in faces_of(lambda: frames(options.clips / name, problems=[])):
            judge("no talk", name, *track, sound)
    talks = pd.DataFrame(talks)
    print(f"{len(talks)} talking clips; mean score while they talk {talks.talking.min():.2f} to {talks.talking.max():.2f}, "
          f"above 0 in {talks.above.mean():.3f} of these steps, in the worst clip {talks.above.min():.2f}; while they pause "
          f"{talks.pausing.min():.2f} to {talks.pausing.max():.2f}; below 0 over all: {', '.join(talks.name[talks['mean'] < 0])}")
    quiet = pd.DataFrame([r for r in rows if r["what"] != "talking clip"])
    print(quiet.groupby("what").agg(tracks=("name", "size"), highest_mean=("mean", "max"), highest=("highest", "max"), above=("above", "mean")).round(2).to_string())
    print(quiet[quiet.above > 0].round(2).to_string(index=False))


if __name__ == "__main__":
    main()
