"""Trains `face2nb.wav2kp` on talking clips, and says how well it does on seconds and on people that it has not seen.

    python benchmarks/train_wav2kp.py CLIPS WORK

CLIPS is a folder with the clips that `fit_lipsync.py` names, WORK one for tables, models, strips and films. Each clip is
annotated once; the runs go on where they were broken off. Five questions:

    overfit   can it learn one clip by heart?
    seconds   the last quarter of each clip that is longer than 3 s is held out
    video     clips are held out, some of people of whom others are learnt from
    who-N     people are held out, in two different choices

For the last three, the state of a network is chosen on clips that are neither learnt from nor judged on; for `seconds`, where
all clips are learnt from, it is the last one.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch

from fit_lipsync import OTHERS, speaker, talking

ONE = "vretalk_5.mp4"  # the clip that is learnt by heart


def clips_of(folder, work):
    "The clips with who speaks, annotated if need be."
    from face2nb.run.annotate import AnnotateSettings, annotate
    from face2nb.wav2kp.dataset import KeypointDataset

    done = annotate(list(talking(folder).values()), work / "annotated", AnnotateSettings(landmarks=True, faces="largest"), workers=1)
    print(f"{len(done)} clips annotated, {(done.resume != 'unchanged').sum()} of them now; {done.status.value_counts().to_dict()}")
    return KeypointDataset.from_annotations(work / "annotated", lambda video: speaker(Path(video).stem))


def report(name, model, learn, held, work, seconds):
    "Print what was learnt and how wrong it is; write a strip and a film of one held-out clip."
    from face2nb.speech.mfcc import to_sound
    from face2nb.view.motion import show_motion
    from face2nb.wav2kp.animation import animate
    from face2nb.wav2kp.evaluation import error_summary, evaluate
    from face2nb.wav2kp.model import clip_shapes, predict

    errors = evaluate(model, held, learn)
    errors.to_csv(work / name / "errors.csv", index=False)
    print(f"\n{name}: learnt from {learn}, judged on {held}; {seconds:.0f} s of training now, best epoch {model.trained['epoch']}")
    corpus = ~errors.video.map(lambda v: Path(v).stem in OTHERS)
    for kind, part in (("all", errors), ("corpus", errors[corpus]), ("others", errors[~corpus])):
        if len(part):
            print(f"{kind}, {part.video.nunique()} clips:\n{error_summary(part).round(2).to_string()}")
    clip = max(held, key=lambda c: (c.video == ONE, c.seconds))
    true, rest = clip_shapes(clip, model.settings, model.face.numpy())
    sound, times = to_sound(clip.sound), clip.times - clip.sound_start
    said = predict(model, sound, times=times, neutral=rest)
    show_motion({"true": true, "said": said}, clip.times, title=clip.video).savefig(work / name / "strip.png", dpi=110)
    first = int(times[0] * 16000)
    film = animate([true, said], sound[first:], work / name / "film.mp4", fps=1 / np.median(np.diff(times)), times=times - times[0])
    begin = time.perf_counter()
    predict(model, np.tile(sound, 1 + 60 * 16000 // len(sound))[: 60 * 16000])
    print(f"a minute of sound takes {(time.perf_counter() - begin) / 60:.4f} of its time; {film}")


def main():
    from face2nb.wav2kp.dataset import split_clips
    from face2nb.wav2kp.training import TrainSettings, train

    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("clips", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--only", nargs="+", help="some of the questions")
    options = parser.parse_args()
    torch.set_num_threads(1)
    clips = clips_of(options.clips, options.work)
    print(clips)
    one = [c for c in clips if c.video == ONE]
    by_heart = TrainSettings(epochs=150, patience=150, batch=2, dropout=0.0, learning_rate=2e-3)
    questions = {"overfit": (one, one, one, by_heart)}
    splits = ("seconds", "seconds", 0.25, 0), ("video", "video", 0.2, 0), ("who-0", "who", 0.25, 0), ("who-2", "who", 0.25, 2)
    for name, by, share, seed in splits:
        learn, held = split_clips(clips, by, share, seed)
        choose, settings = None, TrainSettings(epochs=15)
        if by != "seconds":  # what a state is chosen by is neither learnt from nor judged on
            learn, choose = split_clips(learn, by, 0.15, seed)
            settings = TrainSettings()
        questions[name] = learn, choose, held, settings
    for name, (learn, choose, held, settings) in questions.items():
        if not options.only or name in options.only:
            begin = time.perf_counter()
            model = train(learn, options.work / name, settings, choose)
            report(name, model, learn, held, options.work, time.perf_counter() - begin)


if __name__ == "__main__":
    main()
