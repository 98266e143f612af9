"""Fits the default of `face2nb.sync.lipcca` on talking clips, and says how good it is on speakers that it has not seen.

    python benchmarks/fit_lipsync.py CLIPS --evaluate          the table, by length of clip
    python benchmarks/fit_lipsync.py CLIPS --write FILE.npz    the fit, which comes with face2nb as sync/lipcca.npz

CLIPS is a folder with the clips named below. With --cache FOLDER, lips and sounds are read from the clips only once.

Every figure is of fits without the clip's speaker: components, mixtures and threshold are all fitted on the others.
"""

import argparse
from pathlib import Path

import numpy as np

# Who speaks. The corpus names a speaker in most files (s1_bbaf3s). Where it does not, face and clothes tell: four are
# speakers that are there under their number, in the same shirt; five are of their own. The others are one clip each.
SAME = dict(bbaf2n="s1", pwij3p="s2", grid_id2_swwp2s="s2", sbia1a="s3", sbwe5n="s32")
OTHERS = "vretalk_2 vretalk_3 vretalk_5 real3d_may5s sadtalker_katiehill latentsync_demo1 latentsync_demo2".split()
# left out: sadtalker_aoc, the footage of vretalk_3; mexca_av5s and facerec_hamilton, whose faces are small or sing
PROVENANCE = (
    "49 clips of 3 s by 13 speakers of the GRID corpus (CC BY 4.0) and 7 clips of talking heads of 5 to 20 s, samples of "
    "video-retalking, Real3DPortrait, SadTalker and LatentSync (MIT or Apache-2.0 repositories); benchmarks/fit_lipsync.py"
)
SHIFTS = range(-8, 9)


def speaker(name):
    "Whose clip this is."
    first, _, rest = name.partition("_")
    return SAME.get(name) or (first if rest and first[0] == "s" and first[1:].isdigit() else name)


def words(name):
    "The first two of the six words of a sentence of the corpus, as its name codes them; empty for others."
    last = name.rpartition("_")[2]
    return last[:2] if name not in OTHERS else ""


def talking(folder):
    "The clips to fit on, by name."
    found = sorted((folder / "grid").glob("*.mpg")) + [folder / "grid_id2_swwp2s.mpg"] + [folder / f"{n}.mp4" for n in OTHERS]
    return {path.stem: path for path in found}


def read(path, cache):
    "Which frames, lips, and sound of a clip."
    from face2nb.media.audio import read_audio
    from face2nb.sync.lipsync import read_lips

    kept = cache and cache / f"{path.stem}.npz"
    if kept and kept.exists():
        with np.load(kept) as stored:
            return stored["at"], stored["lips"], stored["wave"]
    (at, lips), wave = read_lips(path), read_audio(path)
    if kept:
        cache.mkdir(parents=True, exist_ok=True)
        np.savez(kept, at=at, lips=lips, wave=wave)
    return at, lips, wave


def spoken(path, wave, cache):
    "Frame by frame of 25 a second from 0 s on, whether the main face is the one that speaks."
    from face2nb.sync.lipsync import read_crops
    from face2nb.sync.speaker import ActiveSpeaker, speaker_view

    kept = cache and cache / f"{path.stem}_spoken.npy"
    if kept and kept.exists():
        return np.load(kept)
    first, crops = read_crops(path)
    scores = ActiveSpeaker()(map(speaker_view, crops), wave[first * 640 :], smooth=2)
    speaks = np.concatenate([np.zeros(first, bool), scores > 0])
    if kept:
        np.save(kept, speaks)
    return speaks


def features(clips):
    "Lips and sound of each clip, as a fit wants them."
    from face2nb.sync.lipcca import sound_features

    return {name: (lips, sound_features(wave, at)) for name, (at, lips, wave) in clips.items()}


def parts(at, lips, wave, frames):
    "A clip in pieces of so many frames; None: the clip as it is."
    if frames is None:
        return [(at, lips)]
    return [(at[i : i + frames], lips[i : i + frames]) for i in range(0, len(at) - frames + 1, frames)]


CUTS = {None: "whole", 75: "cut to 3 s", 125: "cut to 5 s"}


def evaluate(clips, speaks):
    "A row for each piece of each clip, of a fit without its speaker."
    from face2nb.sync.lipcca import fit_lipcca, sound_features, with_sound_of
    from face2nb.sync.trace import lipcca_trace

    pairs, rows = features(clips), []
    for who in dict.fromkeys(map(speaker, clips)):
        training = {name: pair for name, pair in pairs.items() if speaker(name) != who}
        model, _ = fit_lipcca(training, {name: speaker(name) for name in training})
        for name in (n for n in clips if speaker(n) == who):
            for cut in CUTS if name in OTHERS else (None,):
                for at, lips in parts(*clips[name], cut):
                    wave = clips[name][2]
                    true = model.estimate(lips, sound_features(wave, at))
                    moved = [lipcca_trace((at, lips), wave, model, s / 25).estimate() for s in SHIFTS]
                    swapped = {n: model.estimate(*with_sound_of(lips, pair[1])) for n, pair in training.items()}
                    swapped = {n: e for n, e in swapped.items() if e.frames >= 0.9 * min(true.frames, 75)}
                    alike = [e for n, e in swapped.items() if words(n) and words(n) == words(name)]
                    kind = f"web, {CUTS[cut]}" if name in OTHERS else "corpus, 3 s"
                    talks = name not in OTHERS or speaks[name][at[0] : at[-1] + 1].mean() > 0.75
                    rows.append(dict(name=name, kind=kind, talks=talks, true=true, moved=moved, swapped=list(swapped.values()), alike=alike, threshold=model.threshold))
    return rows


def kinds(rows):
    "Which rows make a row of the table."
    yield from ((kind, [r for r in rows if r["kind"] == kind]) for kind in dict.fromkeys(r["kind"] for r in rows))
    cut = [r for r in rows if "cut" in r["kind"]]
    for kind in dict.fromkeys(r["kind"] for r in cut):
        yield f"{kind}, speaking", [r for r in cut if r["kind"] == kind and r["talks"]]
    yield "all of 3 s", [r for r in rows if "3 s" in r["kind"]]
    yield "all that are longer", [r for r in rows if "3 s" not in r["kind"]]


def recovered(row):
    "Shifts found within a frame of the clip's own estimate plus the shift: where an estimate was given, how many got one, and by the peak alone."
    from face2nb.sync.offset import curve_peak

    own = curve_peak(row["true"].curve, row["true"].frames)[0]
    got = [(s, -e.offset) for s, e in zip(SHIFTS, row["moved"]) if e.determined]
    peaks = sum(abs(curve_peak(e.curve, e.frames)[0] - own - s) <= 1 for s, e in zip(SHIFTS, row["moved"]))
    return sum(abs(delay - own - s) <= 1 for s, delay in got), len(got), peaks


def auc(rows):
    "How often a true sound has more confidence than a swapped one."
    true, swapped = [r["true"].confidence for r in rows], [e.confidence for r in rows for e in r["swapped"]]
    above = np.subtract.outer(true, swapped)
    return np.mean(above > 0) + np.mean(above == 0) / 2


def table(rows):
    "The figures, by kind of clip."
    import pandas as pd

    out = {}
    for kind, of in kinds(rows):
        delays = [-r["true"].offset for r in of if r["true"].determined]
        right, tried, peaks = np.sum([recovered(r) for r in of if r["true"].determined], axis=0)
        out[kind] = {
            "pieces": len(of),
            "given an estimate": len(delays),
            "within 1 frame of 0": np.mean(np.abs(delays) <= 1),
            "within 3 frames of 0": np.mean(np.abs(delays) <= 3),
            "shifts right": right / tried,
            "by the peak alone": peaks / (len(SHIFTS) * len(delays)),
            "AUC": auc(of),
            "AUC, mean of speakers": np.mean([auc([r for r in of if speaker(r["name"]) == who]) for who in {speaker(r["name"]) for r in of}]),
            "swapped given an estimate": np.mean([e.determined for r in of for e in r["swapped"]]),
            "of these, with the same words": np.sum([e.determined for r in of for e in r["alike"]])
            / max(1, np.sum([e.determined for r in of for e in r["swapped"]])),
            "pairs with the same words": np.sum([len(r["alike"]) for r in of]) / np.sum([len(r["swapped"]) for r in of]),
        }
    return pd.DataFrame(out).T.astype({"pieces": int, "given an estimate": int}).round(3)


def main():
    from face2nb.sync.lipcca import fit_lipcca, save_sync

    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("clips", type=Path)
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--evaluate", action="store_true")
    parser.add_argument("--write", type=Path)
    options = parser.parse_args()
    clips = {name: read(path, options.cache) for name, path in talking(options.clips).items()}
    groups = {name: speaker(name) for name in clips}
    print(f"{len(clips)} clips of {len(set(groups.values()))} speakers, {sum(len(at) for at, _, _ in clips.values())} frames")
    if options.evaluate:
        speaks = {name: spoken(options.clips / f"{name}.mp4", clips[name][2], options.cache) for name in OTHERS}
        rows = evaluate(clips, speaks)
        print(table(rows).to_string())
        thresholds = [r["threshold"] for r in rows]
        print(f"thresholds {min(thresholds):.2f} to {max(thresholds):.2f}")
        for r in rows:
            if r["kind"] == "web, whole" or (r["true"].determined and abs(r["true"].offset) > 1.5):
                print(f"  {r['name']:22s} {r['kind']:20s} {r['true']}")
    model, scored = fit_lipcca(features(clips), groups, provenance=PROVENANCE)
    print(model)
    if options.write:
        print(save_sync(model, options.write), options.write.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
