"Who speaks, on real clips and with the published weights, where both are at hand."

import sys

import numpy as np
import pytest
import torch
from conftest import ROOT, model_file

from face2nb.core import NoAudioStream, Track
from face2nb.faces.crop import regular_track, track_crops
from face2nb.faces.detect import FaceDetector
from face2nb.faces.track import Shots, Tracker, as_tracks
from face2nb.media.audio import read_audio
from face2nb.media.video import frames
from face2nb.sync.speaker import ActiveSpeaker, smooth_scores, speaker_view, speaking

MODEL = "pretrain_AVA.model"


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    "Several threads of several tests at once get in each other's way."
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def speaker():
    "The network; a damaged file fails."
    model_file(MODEL)
    return ActiveSpeaker(MODEL)


def tracks_of(video):
    "Tracks of a second and longer, the longest first."
    shots, tracker = Shots(), Tracker()
    for _, faces in FaceDetector("guided", min_face_size=40).detect_video(frames(video, problems=[]), shots):
        tracker(faces, shots.of(faces.index))
    tracks = [t for t in as_tracks(tracker.table()) if t.times[-1] - t.times[0] > 1]
    return sorted(tracks, key=len, reverse=True)


def loudness(sound, table):
    "Of the sound of each step, smoothed as the scores are, over that of the loud ones."
    steps = [sound[round(640 * 25 * t) :][:640] for t in table.time]
    level = smooth_scores([np.sqrt((s**2).mean()) if len(s) else 0 for s in steps], 1)
    return level / np.percentile(level, 95)


def views(video, track):
    return [speaker_view(crop) for *_, crop in track_crops(frames(video), [regular_track(track)])]


@pytest.mark.parametrize("clip", ["vretalk_2.mp4", "real3d_may5s.mp4", "grid_id2_swwp2s.mpg", "grid/s30_bbac4s.mpg", "grid/s4_bbaf1p.mpg"])
def test_who_talks_is_heard(clips, speaker, clip):
    table = speaking(clips / clip, tracks_of(clips / clip)[:1], speaker)
    level = loudness(read_audio(clips / clip), table)
    said, paused = table.score[level > 0.15], table.score[level < 0.05]
    assert table.score.mean() > 0.5 and said.mean() > 3 and (said > 0).mean() > 0.9
    assert paused.mean() < -0.5


def test_who_does_not_talk(clips, speaker):
    "Music with a silent film, a smile before the sound begins, and a photograph, or a silence, where somebody talks."
    for clip in ("moviepy_chaplin.mp4", "pyfeat_face_noface.mov"):
        table = speaking(clips / clip, tracks_of(clips / clip), speaker, problems=[])
        assert table.groupby("track").score.mean().max() < -2 and (table.score > 0).mean() < 0.01
    clip = clips / "vretalk_3.mp4"
    track = tracks_of(clip)[0]
    seen, sound = views(clip, track), read_audio(clip)
    assert speaker(seen, sound).mean() > 2
    assert (speaker(seen, np.zeros_like(sound), smooth=2) < 0).all()
    assert (speaker([seen[60]] * len(seen), sound, smooth=2) < 0).all()


def test_a_photo_that_a_camera_moves_over_does_not_talk(clips, speaker):
    "Panned and zoomed, found by the detector like any film, with the clip's speech."
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        from speaking import faces_of, moving
    finally:
        sys.path.pop(0)

    clip = clips / "vretalk_3.mp4"
    photo = next(p for p in frames(clip) if p.index == 60)
    for zoom, pan in ((1.4, 0), (1.2, -0.1)):
        (first, seen), *_ = faces_of(lambda: moving(photo, 60, zoom, pan))
        assert len(seen) > 50 and (speaker(seen, read_audio(clip)[640 * first :], smooth=2) < 0).all()


def test_singer_and_audience(clips, speaker):
    "One sings, others listen, in shots of a film whose picture begins late and runs at 29.97 frames a second."
    clip = clips / "facerec_hamilton.mp4"
    tracks = tracks_of(clip)
    table = speaking(clip, tracks, speaker, problems=[])
    means = table.groupby("track").score.mean()
    assert means.idxmax() == tracks[0].id and means.max() > 0.5 and (means > 0).sum() == 1
    for t in tracks:
        own = table[table.track == t.id]
        assert abs(own.time.iloc[0] - t.times[0]) < 0.041 and abs(own.time.iloc[-1] - t.times[-1]) < 0.041
        np.testing.assert_allclose(np.diff(own.time), 0.04, atol=1e-9)


def test_little_and_nothing(clips, speaker):
    clip = clips / "grid_id2_swwp2s.mpg"
    track = tracks_of(clip)[0]
    few = Track(3, 0, track.frames[30:35], track.times[30:35], track.boxes[30:35])
    table = speaking(clip, [few], speaker)
    assert len(table) == 5 and np.isfinite(table.score).all()
    with pytest.raises(NoAudioStream):
        speaking(clips / "hysts_video03.mp4", [few], speaker)
