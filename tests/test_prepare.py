"The data set of talking heads: what a frame counter, a click track and plain readers find in it, and what becomes of bad input."

import itertools
import os
import re
import signal
import subprocess
import sys
import time

import cv2
import numpy as np
import pandas as pd
import pytest
import torch

from face2nb import cli
from face2nb.curate.formats import ClipSpeechSettings, ConvertSettings, convert_clip, encode_clip
from face2nb.curate.prepare import PrepareSettings, prepare
from face2nb.data.ledger import account, load_ledger
from face2nb.media.audio import read_audio
from face2nb.media.clip import write_clip
from face2nb.media.convert import cut_video
from face2nb.media.demo import demo_clip, portrait, voice
from face2nb.media.video import frames, synthesize
from face2nb.speech.features import load_features
from conftest import SHARED
from test_speech import tiny  # noqa: F401  a fixture

SECONDS = int(os.environ.get("FACE2NB_DRIFT_SECONDS", 20))  # 600 for the ten minutes that are told in the documentation
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


@pytest.fixture(scope="module")
def mirrored(tmp_path_factory, task):
    "Two seconds of a real talking head, as they are and mirrored, with the files of landmarks and pose."
    clips = SHARED / "clips"
    if not clips.is_dir():
        pytest.skip("needs real clips in ../shared/clips, which are not there")
    root = tmp_path_factory.mktemp("mirrored")
    pictures = [f for f in itertools.islice(frames(clips / "vretalk_3.mp4"), 50)]
    for name, way in (("seen", 1), ("turned", -1)):
        shown = ((f.time, np.ascontiguousarray(f.rgb[:, ::way])) for f in pictures)
        write_clip(root / f"{name}.mp4", shown, 2.0, 25, quality="high")
    settings = PrepareSettings(steps="formats frames landmarks pose", device="cpu")
    table = prepare(root, root / "set", settings, workers=0)
    assert table.status.tolist() == ["kept", "kept"]
    return root / "set" / "specified_formats" / "videos"


def test_signs_of_the_pose(mirrored):
    "In a mirror yaw and roll change their sign, pitch stays."
    seen, turned = (np.load(mirrored / "pose_orientations" / "pose_data" / f"{n}-001.npy") for n in ("seen", "turned"))
    assert seen.shape == turned.shape == (50, 3)
    assert np.abs(seen * (-1, 1, -1) - turned).mean(0).max() < 1.5
    assert np.abs(seen[:, [0, 2]]).max() > 4, "a head that never turns proves no sign"
    assert np.corrcoef(seen[:, 0], turned[:, 0])[0, 1] < -0.9


def test_landmarks_by_a_plain_reader(mirrored):
    "The text files, read by what the format says and nothing else."
    points = {}
    for line in (mirrored / "landmarks" / "seen-001.txt").read_text().splitlines():
        name, *words = line.split(" ")
        assert re.fullmatch(r"\d{6}\.png", name) and len(words) == 68 and name not in points
        points[name] = np.array([[int(v) for v in word.split("_")] for word in words])
    pictures = sorted(p.name for p in (mirrored / "video_frames" / "seen-001").glob("*.png"))
    assert list(points) == pictures == [f"{k:06}.png" for k in range(1, 51)]
    for name, face in points.items():
        eyes, mouth = face[36:48].mean(0), face[48:68].mean(0)
        assert (face[36:42, 0].mean() < face[42:48, 0].mean()) and eyes[1] < face[30, 1] < mouth[1] < face[8, 1]


def made(path, pictures, seconds=2.4, sound=True, fps=25):
    "A film of pictures that a function gives by number."
    n = round(seconds * fps)
    write_clip(path, ((k / fps, pictures(k)) for k in range(n)), seconds, fps, voice(seconds, 16000) if sound else None, 16000)


def test_bad_input(tmp_path):
    "Each kind ends in a row with its reason, or in the data set."
    face = portrait()
    face = np.ascontiguousarray(face[: 2 * (face.shape[0] // 2), : 2 * (face.shape[1] // 2)])
    size, empty = face.shape[:2], np.full((240, 320, 3), 90, np.uint8)
    side = face[:, : size[1]]
    made(tmp_path / "two.mp4", lambda k: np.hstack([side, side]))
    made(tmp_path / "nobody.mp4", lambda k: empty)
    made(tmp_path / "portrait.mp4", lambda k: np.pad(face, ((size[0] // 2, size[0] // 2), (0, 0), (0, 0)), "edge"))
    made(tmp_path / "silent.mp4", lambda k: face, sound=False)
    made(tmp_path / "three_frames.mp4", lambda k: face, seconds=0.12)
    (tmp_path / "torn.mp4").write_bytes((tmp_path / "portrait.mp4").read_bytes()[:5000])
    settings = PrepareSettings(steps="scenes filter crop formats", min_speaking=0, min_sharpness=0, device="cpu")
    table = prepare(tmp_path, tmp_path / "set", settings, workers=0)
    told = dict(zip(table.video, table.status + " " + table.step.fillna("")))
    assert told == {
        "nobody.mp4": "rejected face",
        "portrait.mp4": "kept ",
        "silent.mp4": "rejected sound",
        "three_frames.mp4": "rejected duration",
        "torn.mp4": "error read",
        "two.mp4": "rejected faces",
    }, told
    assert (table.reason.fillna("").str.len() > 10)[table.status != "kept"].all()


STEPS = ("scenes", "filter", "crop", "formats", "frames", "speech")  # those that need no model file
WORDS = ("--steps", *STEPS, "--min_speaking", "0", "--device", "cpu", "-w", "0")


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    "A face that stays, under an awkward name, one that leaves the picture, and three frames of one."
    folder = tmp_path_factory.mktemp("three")
    head = cv2.resize(portrait()[:480, 80:450], (185, 240))
    wide = np.pad(head, ((0, 0), (90, 150), (0, 0)), "edge")
    made(folder / "ein 'Gesicht' é.mp4", lambda k: wide[:, 40 + k % 4 :][:, :240])
    made(folder / "leaves.mp4", lambda k: wide[:, 60 + 2 * k :][:, :240])
    made(folder / "few.mp4", lambda k: wide[:, 60:300], seconds=0.12)
    return folder


def test_the_command(three, tmp_path, capsys):
    "What it says, that kept and rejected add up, and that a second call does nothing."
    words = ["-i", str(three), "-o", str(tmp_path), *WORDS]
    assert cli.prepare(words) == 0
    said = capsys.readouterr().out
    assert "3 videos with 3 scenes" in said and "1 clips" in said and str(three) not in said
    ledger, scenes = load_ledger(tmp_path), pd.read_parquet(tmp_path / "scenes.parquet")
    assert dict(zip(ledger.video, ledger.step)) == {"few.mp4": "duration", "leaves.mp4": "leaves"}
    assert ledger[["score", "threshold"]].notna().all(axis=None)
    films = scenes.groupby("video", as_index=False).agg(start=("start", "min"), end=("end", "max")).assign(track=None)
    assert set(account(films, scenes[scenes.step == ""].assign(track=None), ledger).problem) == {""}
    before = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.mp4")}
    assert before and cli.prepare(words) == 0 and before == {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.mp4")}
    assert cli.report([str(tmp_path)]) == 0
    page = (tmp_path / "report.html").read_text()
    assert "the face leaves the picture" in page and str(three) not in page


def test_three_frames_are_a_clip(three, tmp_path):
    "Where nothing is filtered, the shortest clip has its files as well."
    settings = PrepareSettings(steps=("crop", "formats", "frames", "speech"), device="cpu")
    assert prepare(three / "few.mp4", tmp_path, settings, workers=0).status.tolist() == ["kept"]
    at = tmp_path / "specified_formats"
    assert len(list((at / "videos" / "video_frames" / "few-001").iterdir())) == 3
    assert len(read_audio(at / "audios" / "audios_16k" / "few-001.wav")) == 3 * 640
    assert len(load_features(at / "audios" / "mfcc_features" / "few-001.npy")) == 3 * 4


def contents(folder):
    "All files of a data set by name, pictures with what is in them."
    found = [p for p in folder.rglob("*") if p.is_file() and p.name not in ("run.log", "manifest.jsonl")]
    read = {p: cv2.imread(str(p)).astype(int) if p.suffix == ".png" else None for p in found}
    return {p.relative_to(folder).as_posix(): picture for p, picture in read.items()}


def test_killed_run_goes_on(three, tmp_path):
    "A run that is killed while it writes pictures, and run again, gives what an undisturbed one gives."
    start = "import sys; from face2nb.cli import prepare; sys.exit(prepare(sys.argv[1:]))"
    words = ["-i", str(three), "-o", str(tmp_path / "killed"), *WORDS]
    run = subprocess.Popen([sys.executable, "-c", start, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    seen, deadline = tmp_path / "killed" / "specified_formats" / "videos" / "video_frames", time.monotonic() + 120
    while not (pngs := list(seen.rglob("*.png"))) and run.poll() is None and time.monotonic() < deadline:
        time.sleep(0.002)
    run.send_signal(signal.SIGKILL)
    run.wait()
    assert pngs, "it was to be killed while it wrote pictures"
    for out in ("killed", "whole"):
        assert cli.prepare(["-i", str(three), "-o", str(tmp_path / out), *WORDS]) == 0
    killed, whole = (contents(tmp_path / out) for out in ("killed", "whole"))
    assert killed.keys() == whole.keys()
    # x264 does not give the same bits each time
    apart = [np.abs(killed[name] - picture).mean() for name, picture in whole.items() if picture is not None]
    assert len(apart) == 60 and max(apart) < 2


def test_networks_of_speech_have_their_folders(tiny, tmp_path):  # noqa: F811
    "Two steps of a network for each picture, in the folder that talking-face has for it."
    root = tmp_path / "specified_formats"
    root.mkdir()
    clip = convert_clip(demo_clip(), root / "demo", ConvertSettings(device="cpu"))["files"][0]
    assert encode_clip(clip, root / "demo", ClipSpeechSettings(("hubert", "whisper"), tiny, device="cpu"))["status"] == "ok"
    for name in ("hubert", "whisper"):
        assert load_features(root / "audios" / f"{name}_features" / "demo.npy", verify=True).values.shape == (3, 200, 32)


@pytest.mark.parametrize("name", ["vretalk_5.mp4", "grid_id2_swwp2s.mpg", "pyfeat_face_noface.mov"])
def test_pieces_of_real_clips_are_exact(name, clips, tmp_path):
    "Copied or encoded, a piece shows the frames it should, at their times, and is heard as the whole is."
    whole = [(f.time, f.rgb) for f in frames(clips / name, problems=[])]
    times, half, sound = np.array([t for t, _ in whole]), len(whole) // 2, read_audio(clips / name, problems=[])
    pieces = {tmp_path / "a.mp4": (0, times[half]), tmp_path / "b.mp4": (times[half], np.inf)}
    done = cut_video(clips / name, pieces, [])
    for path, begin, end in zip(pieces, (0, half), (half, len(whole))):
        shown = list(frames(path))
        assert np.abs([f.time for f in shown] - (times[begin:end] - times[begin])).max() < 1.1e-3
        apart = [np.abs(f.rgb.astype(int) - rgb).mean() for f, (_, rgb) in zip(shown, whole[begin:end])]
        assert max(apart) <= (0 if done[path] else 4), (path.name, max(apart))
        heard = read_audio(path)
        meant = sound[round(times[begin] * 16000) :][: len(heard)]
        inner = slice(800, min(len(heard), len(meant)) - 1600)
        if np.abs(meant[inner]).max(initial=0) > 0.01:
            assert np.corrcoef(heard[inner], meant[inner])[0, 1] > 0.98, path.name
