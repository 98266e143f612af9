"""Lip sync on real clips, with fits that have not seen their speakers, where clips and networks are at hand."""

import sys

import numpy as np
import pytest
import torch

from conftest import ROOT
from face2nb.media.audio import read_audio
from face2nb.sync.lipcca import LipCCA, load_sync, sound_features, sync_statistics
from face2nb.sync.lipsync import apply_offset, estimate_sync, read_lips, shift_sound
from face2nb.sync.offset import join_estimates
from face2nb.sync.trace import lipcca_trace

pytest.importorskip("ai_edge_litert", reason="needs the extra: pip install 'face2nb[mesh]'")

# all clips in `clips` by two of the corpus's speakers, and a talking head from the web
SPEAKERS = {
    "s30": ["s30_bbac3n", "s30_bbac4s", "s30_bbac5p", "s30_bbac6a", "s30_bbai7n"],
    "s31": ["s31_bbac2n", "s31_bbac3s", "s31_bbac4p", "s31_bbac5a", "s31_bbai6n"],
}


@pytest.fixture(scope="module")
def known(task):
    "Lips and sound of the clips, and for each speaker the default without him or her."
    from conftest import SHARED

    folder = SHARED / "clips"
    if not folder.is_dir():
        pytest.skip("needs real clips in ../shared/clips, which are not there")
    torch.set_num_threads(1)
    default, clips = load_sync(), {}
    for who, names in SPEAKERS.items():
        read = {name: (read_lips(path := folder / "grid" / f"{name}.mpg"), read_audio(path)) for name in names}
        rest = default.statistics
        for (at, lips), wave in read.values():
            rest = rest - sync_statistics(lips, sound_features(wave, at), rest.basis)
        model = LipCCA(rest, default.threshold)
        clips |= {name: (*clip, model) for name, clip in read.items()}
    return clips


def test_clips_in_sync_are_found_in_sync(known):
    found = {name: lipcca_trace(*clip).estimate() for name, clip in known.items()}
    given = [e for e in found.values() if e.determined]
    assert len(given) >= 6, found
    assert all(abs(e.offset) <= 3 for e in given), found


@pytest.mark.parametrize("frames", (-8, -3, 5, 8))
def test_shifts_are_found(known, frames):
    right = []
    for clip in known.values():
        if (own := lipcca_trace(*clip).estimate()).determined:
            moved = lipcca_trace(*clip, frames / 25).estimate()
            # the peak, given an estimate or not: with 8 of 75 frames gone, the clip is below three seconds
            peak = int(moved.curve.argmax()) - 15
            right.append(abs(peak + own.offset - frames) <= 1)
    assert np.mean(right) >= 0.9


def test_other_peoples_sound_gets_no_estimate(known, clips):
    "Of people who say other things: those of one series of the corpus say the same words at the same times."
    others = ["brbk7n", "lbax4n", "lrwp9a", "pwij3p", "sbia1a", "sbwe5n", "swiz3n"]
    sounds = [read_audio(clips / "grid" / f"{name}.mpg") for name in others]
    true = [lipcca_trace(*clip).estimate().confidence for clip in known.values()]
    swapped = [lipcca_trace(lips, sound, model).estimate() for lips, _, model in known.values() for sound in sounds]
    assert np.mean([e.determined for e in swapped]) <= 0.1  # of 70: five in a hundred, and chance
    assert np.mean(np.greater.outer(true, [e.confidence for e in swapped])) >= 0.88


def test_clips_of_a_speaker_together_tell_more(known):
    for who in SPEAKERS:
        each = [lipcca_trace(*clip).estimate() for name, clip in known.items() if name.startswith(who)]
        joined = join_estimates(each)
        assert joined.determined and abs(joined.offset) <= 1.5
        assert joined.confidence > max(e.confidence for e in each)


def test_late_sound_of_a_file_is_put_right(known, clips, tmp_path):
    "From file to file, by the default."
    path = clips / "vretalk_3.mp4"
    before, lips, sound, default = estimate_sync(path), read_lips(path), read_audio(path), load_sync()
    late = lipcca_trace(lips, shift_sound(sound, 0.2), default).estimate()
    assert before.determined and late.determined
    assert abs(late.audio_delay - before.audio_delay - 0.2) < 0.02 and abs(late.offset - before.offset + 5) < 0.5
    assert abs(lipcca_trace(lips, apply_offset(sound, before), default).estimate().audio_delay) < 0.02


def test_music_is_not_speech(known, clips):
    assert not estimate_sync(clips / "moviepy_chaplin.mp4").determined


def test_speakers_are_told_apart_as_the_files_say():
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        from fit_lipsync import speaker
    finally:
        sys.path.pop(0)
    assert [speaker(n) for n in ("s1_bbaf3s", "s30_bbac3n", "sbia1a", "sbwe5n", "swiz3n", "sadtalker_katiehill", "bbaf2n")] == ["s1", "s30", "s3", "s32", "swiz3n", "sadtalker_katiehill", "s1"]
