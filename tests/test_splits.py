"Splits of real clips: planted copies are found, and takes of the same words by the same person are none."

import itertools

import cv2
import numpy as np
import pytest

from face2nb.core import BadSetting
from face2nb.data.store import manifest_rows
from face2nb.media.audio import read_audio
from face2nb.media.video import frames, synthesize
from face2nb.run.extract import ExtractSettings, extract
from face2nb.run.splits import check_leaks, load_strips, split
from face2nb.sync.copies import COPY_SCORES, find_match


def rewrite(source, target, start=0.0, seconds=9.0, mirrored=False, side=1.0, fps=None, quality=None, sound=None):
    "A film written anew: a piece of it, in a mirror, smaller, at another rate, through JPEG, with another sound."
    kept = [f for f in frames(source) if start <= f.time < start + seconds]
    if fps:
        times = np.array([f.time for f in kept])
        kept = [kept[i] for i in np.searchsorted(times, np.arange(times[0], times[-1], 1 / fps) - 1e-6)]
    begin, images = kept[0].time, []
    for f in kept:
        width, height = (round(n * side / 2) * 2 for n in f.rgb.shape[1::-1])
        image = cv2.resize(f.rgb[:, ::-1] if mirrored else f.rgb, (width, height), interpolation=cv2.INTER_AREA)
        if quality:
            image = cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], 1)
        images.append(image)
    times = [n / fps for n in range(len(kept))] if fps else [f.time - begin for f in kept]
    heard = read_audio(sound or source)[round(begin * 16000) : round((begin + seconds) * 16000)]
    return synthesize(target, images, times, heard)


SAME_WORDS = ("s1_bbaf3s", "s1_bbaf4p", "s3_bbaf1s", "s3_bbaf2p", "s33_bbac1s", "s33_bbac2p")
COPIES = {
    "anew": dict(quality=30),
    "mirror": dict(mirrored=True),
    "small": dict(side=0.6, fps=15),
    "cut": dict(start=0.8, seconds=2.0),
    "all": dict(start=0.6, mirrored=True, side=0.8, quality=50),
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    from conftest import SHARED

    if not (SHARED / "clips").is_dir():
        pytest.skip("needs real clips in ../shared/clips, which are not there")
    clips, folder = SHARED / "clips", tmp_path_factory.mktemp("splits")
    films = folder / "films"
    films.mkdir()
    originals = [clips / "grid" / f"{name}.mpg" for name in SAME_WORDS]
    originals += [clips / "vretalk_3.mp4", clips / "sadtalker_aoc.mp4", clips / "real3d_may5s.mp4"]
    for source, (name, how) in zip([originals[0], originals[8], originals[2], originals[8], originals[8]], COPIES.items()):
        rewrite(source, films / f"{source.stem}~{name}.mp4", **how)
    rewrite(originals[8], films / "real3d_may5s~sound.mp4", sound=originals[3])
    out = folder / "out"
    rows = extract([*originals, films], out, ExtractSettings(size=96), workers=0)
    assert (rows.status == "ok").all()
    return out


def sides(run):
    "Originals for training, copies for the test."
    names = sorted(manifest_rows(run))
    return dict(train=[n for n in names if "~" not in n], test=[n for n in names if "~" in n])


def test_planted_copies_are_found(run):
    leaks = check_leaks(run, sides(run), workers=0)
    assert not leaks.attrs["unchecked"]
    pairs = {(r.kind, *sorted((r.video_a.split(".")[0], r.video_b.split(".")[0]))) for r in leaks.itertuples()}
    borrowed = {("sound", "real3d_may5s~sound", "s3_bbaf2p")}  # whose sound it was
    assert borrowed <= pairs
    assert all(b.split("~")[0] == a for _, a, b in pairs - borrowed)
    found = {(kind, b) for kind, _, b in pairs - borrowed}
    names = {n.split(".")[0] for n in sides(run)["test"]}
    assert {n for kind, n in found if kind == "sound"} == {n for n in names if not n.endswith("~sound")}
    assert {n for kind, n in found if kind == "face"} >= {n for n in names if n.startswith("real3d")}
    faces = {r.video_b.split(".")[0]: r for r in leaks.itertuples() if r.kind == "face"}  # by the copy, which sorts last
    assert faces["real3d_may5s~mirror"].mirrored and not faces["real3d_may5s~sound"].mirrored
    assert abs(faces["real3d_may5s~cut"].shift + 0.8) < 0.05


def test_takes_of_the_same_words_are_no_copies(run):
    names = sides(run)["train"]
    strips = {n: load_strips(run / next(o for o in manifest_rows(run, "fingerprint")[n]["outputs"])) for n in names}
    scores = {}
    for a, b in itertools.combinations(names, 2):
        for kind in COPY_SCORES:
            of = ([s for s in strips[n] if s.kind == kind] for n in (a, b))
            scores[kind, a, b] = max(find_match(x, y).score for x, y in itertools.product(*of))
    footage = {k for k in scores if {"sadtalker_aoc.mp4", "vretalk_3.mp4"} == set(k[1:])}  # one and the same
    assert len(footage) == 2 and all(scores[k] > COPY_SCORES[k[0]] for k in footage)
    others = {k: s for k, s in scores.items() if k not in footage}
    assert max((s, k) for k, s in others.items() if k[0] == "sound")[0] < 0.3
    assert max((s, k) for k, s in others.items() if k[0] == "face")[0] < COPY_SCORES["face"]


def test_no_false_alarm_in_any_split(run):
    names = sides(run)["train"]
    for seed in range(4):
        parts = split(run, "random", (0.5, 0.5), seed)
        leaks = check_leaks(run, {p: [n for n in parts[p] if n in names] for p in parts}, workers=0)
        assert {(r.video_a, r.video_b) for r in leaks.itertuples()} <= {("sadtalker_aoc.mp4", "vretalk_3.mp4")}


def test_sound_or_picture_alone(run, clips, tmp_path):
    "What an extraction with sound alone, or with faces alone, has left is compared as far as it goes."
    rewrite(clips / "real3d_may5s.mp4", tmp_path / "copy.mp4", start=0.5)
    for settings, kind in ((ExtractSettings(video=False), "sound"), (ExtractSettings(audio=False, size=96), "face")):
        out = tmp_path / kind
        extract([clips / "real3d_may5s.mp4", tmp_path / "copy.mp4"], out, settings, workers=0)
        leaks = check_leaks(out, dict(train=["real3d_may5s.mp4"], test=["copy.mp4"]), workers=0)
        assert [r.kind for r in leaks.itertuples()] == [kind]
        assert abs(leaks["shift"][0] - 0.5) < 0.05  # from the copy to the original, in the order of their names


def test_each_video_must_be_known(run):
    with pytest.raises(BadSetting, match="is no video of"):
        check_leaks(run, dict(train=["nobody.mp4"], test=[]))
