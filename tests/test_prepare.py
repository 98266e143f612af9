"The data set of talking heads: what a frame counter, a click track and plain readers find in it, and what becomes of bad input."

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
import torch

from face2nb.core import WeightsUnavailable
from face2nb.curate.formats import ConvertSettings, convert_clip
from face2nb.curate.prepare import PrepareSettings, prepare
from face2nb.media.audio import read_audio
from face2nb.media.clip import write_clip
from face2nb.media.demo import demo_clip, portrait, voice
from face2nb.media.video import frames, synthesize
from face2nb.speech.features import load_features
from test_speech import tiny  # noqa: F401  a fixture

SECONDS = int(os.environ.get("FACE2NB_DRIFT_SECONDS", 30))  # 600 for the ten minutes that are told in the documentation
BITS, BLOCK = 16, 8


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def counted(k):
    "A picture that says in two rows of black and white blocks which one it is, the second row the other way round."
    bits = np.array([k >> b & 1 for b in range(BITS)], np.uint8)
    rows = np.stack([bits, 1 - bits]).repeat(2, axis=0)
    return np.repeat((rows * 200 + 30).repeat(BLOCK, 0).repeat(BLOCK, 1)[..., None], 3, 2)


def read_count(rgb):
    blocks = rgb.mean(2).reshape(4, BLOCK, BITS, BLOCK).mean((1, 3)) > 128
    assert (blocks[0] != blocks[2]).all(), "the counter can't be read"
    return int(blocks[0] @ (1 << np.arange(BITS)))


def uneven(seconds):
    "A phone in bad light: 22 to 60 pictures a second, in turns."
    rng, times = np.random.default_rng(0), [0.0]
    while times[-1] < seconds:
        rate = (60, 30, 22)[int(times[-1] // 3) % 3]
        times.append(times[-1] + rng.uniform(0.8, 1.2) / rate)
    return np.round(times, 5)


@pytest.mark.parametrize("name", ["29.97", "uneven"])
def test_no_drift(name, tmp_path):
    "A burnt-in frame counter and a click each second, after conversion to 25 pictures a second and 16 kHz."
    times = np.arange(round(SECONDS * 29.97)) * 1001 / 30000 if name == "29.97" else uneven(SECONDS)
    sound = np.zeros(round((times[-1] + 0.1) * 16000), np.float32)
    seconds = np.arange(1, int(times[-1]))
    for s in seconds:
        sound[s * 16000 : s * 16000 + 40] = 0.8
    source = synthesize(tmp_path / "source.mp4", [counted(k) for k in range(len(times))], times, sound)
    (tmp_path / "specified_formats").mkdir()
    row = convert_clip(source, tmp_path / "specified_formats" / "clip", ConvertSettings(device="cpu"))
    seen = [(f.time, read_count(f.rgb)) for f in frames(row["files"][0])]
    shown, numbers = np.array([t for t, _ in seen]), np.array([k for _, k in seen])
    assert np.abs(shown - np.arange(len(seen)) / 25).max() < 1e-4
    off = times[numbers] - shown
    slowest = np.diff(times).max()
    assert off.max() <= 0.0201 and off.min() >= -max(0.0201, slowest - 0.019), (off.min(), off.max())
    assert np.abs(off).mean() < 0.012
    ends = [np.median(off[: len(off) // 10]), np.median(off[-len(off) // 10 :])]
    assert abs(ends[1] - ends[0]) < 0.005, f"the pictures drift: {ends}"
    wave = read_audio(row["files"][1])
    assert len(wave) == len(seen) * 640
    heard = [np.argmax(np.abs(wave[s * 16000 - 800 : s * 16000 + 800]) > 0.3) - 800 for s in seconds if s * 16000 + 800 < len(wave)]
    assert np.abs(heard).max() <= 32, f"clicks are off by {np.abs(heard).max() / 16:.1f} ms"
    print(f"{name}: {times[-1]:.0f} s, pictures {1e3 * off.min():+.1f} to {1e3 * off.max():+.1f} ms, first tenth {1e3 * ends[0]:+.2f} ms, last {1e3 * ends[1]:+.2f} ms, clicks within {np.abs(heard).max() / 16:.2f} ms")
