"""From raw clips to clips of one person speaking in sync, by the command, where real clips and networks are at hand."""

import os
import subprocess
import sys
import threading
import time
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from unittest.mock import patch

import numpy as np
import pytest
import torch

from conftest import model_file
from face2nb import cli
from face2nb.core import sha256
from face2nb.curate.curate import account_run, curate, rethreshold
from face2nb.curate.evidence import load_evidence
from face2nb.data.ledger import load_ledger, load_table
from face2nb.curate.segments import CurateSettings
from face2nb.data.store import read_manifest
from face2nb.media.audio import read_audio
from face2nb.media.demo import talking_clip
from face2nb.media.video import frames, probe, synthesize

CLIPS = ["vretalk_3.mp4", "facerec_hamilton.mp4", "mexca_av5s.mp4", "pyfeat_face_noface.mov", "moviepy_chaplin.mp4", "hysts_video03.mp4"]
SETTINGS = CurateSettings(min_face_size=40, min_track=15, shortest=1.0, device="cpu")
OPTIONS = ["--min_face_size", "40", "--min_track", "15", "--shortest", "1", "--device", "cpu"]


@pytest.fixture(scope="module", autouse=True)
def networks(task):
    "The mesh by `task`, the speaker's network here; one thread, as several tests at once get in each other's way."
    model_file("pretrain_AVA.model")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def command(*args):
    "The command, as a process that is still running."
    code = "import sys; from face2nb.cli import curate; sys.exit(curate(sys.argv[1:]))"
    env = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.Popen([sys.executable, "-c", code, *map(str, args)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    "The output of a run over six clips and a file that is none, and what the command said."
    from conftest import SHARED

    if not (SHARED / "clips").is_dir():
        pytest.skip("needs real clips in ../shared/clips, which are not there")
    folder = tmp_path_factory.mktemp("curate")
    (folder / "broken.mp4").write_bytes(b"no film")
    process = command("-i", *(SHARED / "clips" / c for c in CLIPS), folder / "broken.mp4", "-o", folder / "out", "-w", 2, *OPTIONS)
    said, complained = process.communicate(timeout=300)
    assert process.returncode == 1, complained  # because of the broken one
    return folder / "out", said, complained


def test_every_second_is_kept_or_has_a_reason(run):
    out, said, complained = run
    sums, manifest = account_run(out), read_manifest(out, "curate").set_index("video")
    assert set(sums.problem) == {""} and sums.track.notna().sum() > 15
    assert manifest.status.to_dict() == dict.fromkeys(CLIPS, "ok") | {"hysts_video03.mp4": "no_audio", "broken.mp4": "error"}
    ledger = load_ledger(out)
    assert ledger[ledger.video == "broken.mp4"].step.tolist() == ["read"]
    [mute] = ledger[ledger.video == "hysts_video03.mp4"].itertuples()
    assert mute.step == "sound" and abs(mute.end - probe(manifest.source["hysts_video03.mp4"]).duration) < 0.041
    lines = {line.split()[0]: line for line in said.splitlines()}
    assert "1 clips" in lines["kept"] and "does not speak" in lines["speaking"] and "broken.mp4" in complained


def test_who_speaks_is_kept_and_nobody_else(run):
    out, *_ = run
    clips, ledger = load_table(out / "clips.parquet"), load_ledger(out)
    assert set(clips.video) == {"vretalk_3.mp4"} and clips.speaking.min() > 2 and clips.sync_from.tolist() == ["clip"]
    assert abs(clips.offset[0]) < 3 and abs(clips.offset[0] + 25 * clips.audio_delay[0]) < 1e-6
    for video in ("moviepy_chaplin.mp4", "pyfeat_face_noface.mov"):
        own = ledger[(ledger.video == video) & ledger.track.notna()]
        assert set(own.step) <= {"speaking", "size", "track"} and (own.step == "speaking").any()
        scores = [t.looked.score.mean() for t in load_evidence(out / f"{video.rpartition('.')[0]}_evidence.npz").tracks if t.looked]
        assert scores and max(scores) < -1


@pytest.mark.parametrize("video, cuts", [("mexca_av5s", [3.56]), ("facerec_hamilton", [1.51 - 0.852, 3.58 - 0.852, 7.88 - 0.852])])
def test_tracks_end_at_known_cuts(run, video, cuts):
    "On the clock, whose zero is the first picture: that of one of the clips begins at 0.852 s."
    tracks = load_evidence(run[0] / f"{video}_evidence.npz").tracks
    starts, ends = (np.array([getattr(t, k) for t in tracks]) for k in ("start", "end"))
    for cut in cuts:
        assert not ((starts < cut - 0.041) & (ends > cut + 0.041)).any()
        assert np.abs(np.concatenate([starts, ends]) - cut).min() <= 0.041


def test_a_clip_is_whole(run):
    out, *_ = run
    [clip] = load_table(out / "clips.parquet").to_dict("records")
    film, wav = out / clip["file"], (out / clip["file"]).with_suffix(".wav")
    shown, sound = list(frames(film)), read_audio(wav)
    n = clip["frames"]
    assert (len(shown), shown[0].rgb.shape, len(sound)) == (n, (224, 224, 3), 640 * n)
    assert n == round(25 * (clip["end"] - clip["start"])) == len(clip["frame"]) == len(clip["boxes"])
    assert (sha256(film), sha256(wav)) == (clip["sha256"], clip["wav_sha256"])
    first = round(clip["start"] * 16000)
    np.testing.assert_allclose(sound, read_audio(clip["source"])[first : first + len(sound)], atol=1 / 32768)
    heard = read_audio(film)[: len(sound)]
    moved = np.arange(-160, 161)
    likeness = [np.dot(heard[8000:-8000], np.roll(sound, k)[8000:-8000]) for k in moved]
    assert abs(moved[np.argmax(likeness)]) <= 80  # the film's sound is where the WAV has it, to 5 ms


def test_thresholds_are_turned_without_looking(run, clips):
    out, *_ = run
    begin = time.perf_counter()
    more = rethreshold(out, min_sync_confidence=1.0, max_offset=15)
    assert time.perf_counter() - begin < 5
    kept = load_table(out / "clips.parquet")
    assert set(kept.video) < set(more.video) and more.seconds.sum() > 5
    with patch("face2nb.curate.evidence.look", side_effect=AssertionError("looked again")):
        same = curate([clips / c for c in CLIPS], out, SETTINGS, workers=0)
        assert set(same.resume) == {"unchanged"}
        before = (out / kept.file[0]).stat().st_mtime_ns
        again = curate([clips / c for c in CLIPS], out, replace(SETTINGS, min_sync_confidence=1.0, max_offset=15.0), workers=0)
    assert set(again.resume) == {"changed settings"}
    now = load_table(out / "clips.parquet")
    assert now[["video", "track", "start", "end"]].values.tolist() == more[["video", "track", "start", "end"]].values.tolist()
    assert (out / kept.file[0]).stat().st_mtime_ns == before  # what is the same was not cut again
    assert set(account_run(out).problem) == {""}


def test_late_sound_is_found_and_put_right(clips, tmp_path):
    "200 ms later the estimate is 5 frames less, and the corrected sound is the one that it was."
    source, settings = clips / "vretalk_3.mp4", replace(SETTINGS, apply_offset=True)
    pictures = list(frames(source))
    late = synthesize(tmp_path / "late.mkv", [p.rgb[:588:2, :588:2] for p in pictures], [p.time for p in pictures], read_audio(source), sound_start=0.2, sound_codec="flac")
    plain = synthesize(tmp_path / "plain.mkv", [p.rgb[:588:2, :588:2] for p in pictures], [p.time for p in pictures], read_audio(source), sound_codec="flac")
    curate([late, plain], tmp_path / "out", settings, workers=0)
    table = load_table(tmp_path / "out" / "clips.parquet").set_index("video")
    assert sorted(table.index) == ["late.mkv", "plain.mkv"]
    assert abs(table.offset["late.mkv"] - table.offset["plain.mkv"] + 5) < 0.5
    assert abs(table.moved["late.mkv"] - table.moved["plain.mkv"] - 0.2) < 0.02
    begins = {v: round(table.start[v] * 16000) for v in table.index}
    sounds = {v: read_audio((tmp_path / "out" / table.file[v]).with_suffix(".wav")) for v in table.index}
    first, last = max(begins.values()), min(begins[v] + len(sounds[v]) for v in begins)
    a, b = (sounds[v][first - begins[v] : last - begins[v]] for v in begins)
    moved = np.arange(-800, 801)
    best = moved[np.argmax([np.dot(a[8000:-8000], np.roll(b, k)[8000:-8000]) for k in moved])]
    assert abs(best) <= 320  # 20 ms, half a frame


def test_a_killed_run_goes_on(tmp_path):
    "Killed when the first video has its evidence: in the end all is as if nothing had happened."
    for seed in (2, 5):
        talking_clip(tmp_path / f"{seed}.mp4", 2.4, seed)
    options = ["-i", tmp_path / "2.mp4", tmp_path / "5.mp4", "-w", "0", "--sync", "off", "--min_face_size", "60", "--shortest", "1", "--device", "cpu"]
    process = command(*options, "-o", tmp_path / "killed")
    end = time.time() + 60
    while not list((tmp_path / "killed").glob("*_evidence.npz")) and process.poll() is None and time.time() < end:
        time.sleep(0.05)
    process.kill()
    process.communicate()
    assert not (tmp_path / "killed" / "clips.parquet").exists()
    for folder in ("killed", "whole"):
        process = command(*options, "-o", tmp_path / folder)
        said, complained = process.communicate(timeout=120)
        assert process.returncode == 0, complained
        assert set(account_run(tmp_path / folder).problem) == {""}
    killed, whole = (load_table(tmp_path / f / "clips.parquet") for f in ("killed", "whole"))
    assert len(whole) and killed.drop(columns="sha256").equals(whole.drop(columns="sha256"))
    assert not [p for p in (tmp_path / "killed").rglob(".*.tmp")]


def test_a_list_of_addresses(tmp_path):
    "One is fetched, cut and named in the table, the other has its row in the ledger; nothing is fetched twice."
    pytest.importorskip("yt_dlp", reason="needs the extra: pip install 'face2nb[curate]'")
    (tmp_path / "web").mkdir()
    talking_clip(tmp_path / "web" / "talk.mp4", 2.4, 2)
    asked = []

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args):
            asked.append(self.path)

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=tmp_path / "web")) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        base = f"http://127.0.0.1:{server.server_port}"
        (tmp_path / "list.txt").write_text(f"{base}/talk.mp4\n{base}/none.mp4\n")
        settings = CurateSettings(sync="off", min_face_size=60, shortest=1.0, device="cpu")
        curate(tmp_path / "list.txt", tmp_path / "out", settings, workers=0)
        before = len(asked)
        again = curate(tmp_path / "list.txt", tmp_path / "out", settings, workers=0)
        server.shutdown()
    assert before and not [path for path in asked[before:] if "talk" in path] and set(again.resume) == {"unchanged"}
    clips, ledger = load_table(tmp_path / "out" / "clips.parquet"), load_ledger(tmp_path / "out")
    assert len(clips) and set(clips.url) == {f"{base}/talk.mp4"} and "downloads" in clips.source[0]
    assert ledger[ledger.step == "download"].video.tolist() == [f"{base}/none.mp4"]
    assert set(account_run(tmp_path / "out").problem) == {""}


def test_what_is_missing_is_said_before_anything_starts(tmp_path, capfd):
    for wrong, code in ((["--sync_model", tmp_path / "none.npz"], 1), (["--reference", tmp_path / "nobody.jpg"], 2), (["--shortest", "9", "--longest", "5"], 2)):
        assert cli.curate(["-i", str(tmp_path), "-o", str(tmp_path / "out"), *map(str, wrong)]) == code
        said, complained = capfd.readouterr()
        assert not said and complained.splitlines()[-1].startswith("face2nb_curate: ") and not (tmp_path / "out").exists()
    with pytest.raises(SystemExit, match="2"):
        cli.curate(["-i", str(tmp_path), "-o", str(tmp_path / "out"), "--bridge", "long"])
