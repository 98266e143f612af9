"""Real clips of many kinds, where they are at hand: the figures that were checked by eye, kept from changing."""

import json
import logging

import numpy as np
import pytest
from facenet_pytorch import MTCNN

from face2nb.data.annotation import VideoAnnotation
from face2nb.data.store import load
from face2nb.faces.detect import FaceDetector
from face2nb.media.audio import read_audio
from face2nb.media.video import frames, probe
from face2nb.run.extract import ExtractSettings, extract_video


@pytest.mark.parametrize("name, count", [("vretalk_3.mp4", 20), ("pyfeat_face_noface.mov", 20), ("facerec_hamilton.mp4", 20)])
def test_exact_is_facenet_pytorch(clips, name, count):
    pictures = np.stack([f.rgb for f in frames(clips / name, count)])
    detector, reference = FaceDetector("exact"), MTCNN(keep_all=True)
    found = [faces for i in range(0, count, 16) for faces in detector.detect(pictures[i:i + 16])]
    for rgb, faces in zip(pictures, found):
        boxes, probs = reference.detect(rgb)
        assert len(faces) == (0 if boxes is None else len(boxes))
        if len(faces):
            assert np.abs(faces.boxes - boxes).max() < 0.5 and np.abs(faces.probs - probs.astype(float)).max() < 0.005


def test_no_audio_saves_nothing(clips, tmp_path):
    row = extract_video(clips / "hysts_video03.mp4", tmp_path / "x", ExtractSettings())
    assert row["status"] == "no_audio" and list(tmp_path.iterdir()) == []


def test_sound_that_starts_late(clips, tmp_path):
    "The sound begins at 2.43 s, at the cut after which no face is to be seen: all windows but the last few are silent."
    info = probe(clips / "pyfeat_face_noface.mov")
    assert abs(info.audio_delay - 2.430) < 0.001
    row = extract_video(clips / "pyfeat_face_noface.mov", tmp_path / "x", ExtractSettings(audio_dtype="float32"))
    faces, audio = load(tmp_path / "x_faces.npz"), load(tmp_path / "x_audio.npz")
    assert row["n_faces"] == row["n_audios"] == len(faces.data)
    silent = audio.data.reshape(len(audio.data), -1).max(axis=1) == 0
    assert silent[faces.time + 0.1 < info.audio_delay].all()
    sound = read_audio(clips / "pyfeat_face_noface.mov")
    first = np.flatnonzero(sound)[0] / 16000
    assert info.audio_delay - 0.002 < first < info.audio_delay + 0.1


def test_picture_that_starts_late(clips):
    "The picture begins at 0.852 s, the sound at 0.008 s: what was heard before the first picture is cut, the rest stays in place."
    import av

    with av.open(str(clips / "facerec_hamilton.mp4")) as container:
        blocks = [(float(b.pts * b.time_base), b.to_ndarray().mean(0)) for b in container.decode(audio=0)]
    sound = read_audio(clips / "facerec_hamilton.mp4", 44100)
    start = probe(clips / "facerec_hamilton.mp4").video_start
    assert abs(start - 0.852) < 0.001
    for at, samples in blocks[60::40]:
        i = round((at - start) * 44100)
        assert np.abs(sound[i:i + len(samples)] - samples).max() < 1e-4


def test_every_clip_runs(clips, tmp_path):
    logging.disable(logging.CRITICAL)
    expected = {"hysts_video03.mp4": "no_audio"}
    for path in sorted(p for p in clips.iterdir() if p.suffix in (".mp4", ".mov", ".mpg")):
        row = extract_video(path, tmp_path / path.stem, ExtractSettings(frames=6))
        assert row["status"] == expected.get(path.name, "ok"), (path, row)
    logging.disable(logging.NOTSET)


def test_annotation_that_mexca_wrote(clips, tmp_path):
    "mexca's own file comes in as a table of six faces in 25 frames, and out again with every value as it was."
    path = clips / "annotations" / "mexca_av5s_video_annotation.json"
    if not path.is_file():
        pytest.skip(f"needs {path.name} in ../shared/clips/annotations, which is not there")
    table = VideoAnnotation.from_json(path)
    assert table.frame.tolist() == [95, 100, 105, 110, 115, 120] and table.frames.tolist() == list(range(0, 121, 5))
    assert table.points.shape == (6, 5, 2) and len(table.aus) == 41 and table.landmarks is None
    assert set(table.label) <= set(table.average_embeddings) and {len(e) for e in table.average_embeddings.values()} == {512}
    assert json.loads(table.write_json(tmp_path / "again.json").read_text()) == json.loads(path.read_text())
    assert VideoAnnotation.read_parquet(table.write_parquet(tmp_path / "table.parquet")) == table
