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


def tracks_of(pictures):
    "Tracks of a second and longer, the longest first."
    from face2nb.faces.detect import FaceDetector
    from face2nb.faces.track import Shots, Tracker, as_tracks

    shots, tracker = Shots(), Tracker()
    for _, faces in FaceDetector("guided", min_face_size=40).detect_video(pictures, shots):
        tracker(faces, shots.of(faces.index))
    return sorted((t for t in as_tracks(tracker.table()) if t.times[-1] - t.times[0] > 1), key=len, reverse=True)


def loudness(sound, first, n):
    "Of the sound of each step, over that of the loud ones."
    from face2nb.sync.speaker import smooth_scores

    steps = [sound[640 * (first + k) :][:640] for k in range(n)]
    level = smooth_scores([np.sqrt((s**2).mean()) if len(s) else 0 for s in steps], 1)
    return level / max(np.percentile(level, 95), 1e-9)


def scores(speaker, pictures, track, sound):
    "Of each step of a track, as `speaking` gives them, and how loud it is."
    from face2nb.faces.crop import regular_track, track_crops
    from face2nb.sync.speaker import speaker_view

    pictures = list(pictures)
    regular = regular_track(track, np.array([p.time for p in pictures]))
    seen = [speaker_view(crop) for *_, crop in track_crops(pictures, [regular])]
    return speaker(seen, sound[640 * regular.first :], smooth=2), loudness(sound, regular.first, len(regular))


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
    for name, path in talking(options.clips).items():
        pictures, sound = list(frames(path, problems=[])), read_audio(path)
        track = tracks_of(pictures)[0]
        score, loud = scores(speaker, pictures, track, sound)
        said, paused = score[loud > 0.15], score[loud < 0.05]
        talks.append(dict(name=name, mean=score.mean(), talking=said.mean(), above=(said > 0).mean(), pausing=paused.mean()))
        if name in OTHERS:
            rows.append(("with silence", name, scores(speaker, pictures, track, np.zeros_like(sound))[0]))
            for kind, zoom, pan in (("still", 1, 0), ("zoomed", 1.4, 0), ("panned", 1, 0.15), ("both", 1.3, -0.1)):
                photo = list(moving(pictures[60], 100, zoom, pan))
                rows.append((f"photograph, {kind}", name, scores(speaker, photo, tracks_of(photo)[0], sound)[0]))
    for name in SILENT:
        pictures, sound = list(frames(options.clips / name, problems=[])), read_audio(options.clips / name, problems=[])
        rows += [("no talk", name, scores(speaker, pictures, t, sound)[0]) for t in tracks_of(pictures)]
    talks = pd.DataFrame(talks)
    print(f"{len(talks)} talking clips; mean score while they talk {talks.talking.min():.2f} to {talks.talking.max():.2f}, "
          f"above 0 in {talks.above.mean():.3f} of these steps, in the worst clip {talks.above.min():.2f}; while they pause "
          f"{talks.pausing.min():.2f} to {talks.pausing.max():.2f}; below 0 over all: {', '.join(talks.name[talks['mean'] < 0])}")
    quiet = pd.DataFrame([dict(what=what, name=name, mean=s.mean(), highest=s.max(), above=(s > 0).mean()) for what, name, s in rows])
    print(quiet.groupby("what").agg(tracks=("name", "size"), highest_mean=("mean", "max"), highest=("highest", "max"), above=("above", "mean")).round(2).to_string())
    print(quiet[quiet.above > 0].round(2).to_string())


if __name__ == "__main__":
    main()
