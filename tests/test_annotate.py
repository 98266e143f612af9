"""Annotating real clips: against the reference's boxes, with a drawn film, and with names."""

import json

import numpy as np
import pytest
import torch
from facenet_pytorch.models.inception_resnet_v1 import InceptionResnetV1

from face2nb.data.annotation import VideoAnnotation
from face2nb.data.store import read_manifest
from face2nb.media.demo import talking_clip
from face2nb.media.video import frames, probe
from face2nb.run import annotate as job
from face2nb.run.annotate import AnnotateSettings, annotate
from face2nb.run.extract import ExtractSettings, extract


def overlap(a, b):
    "Intersection over union of two boxes."
    both = np.prod(np.clip(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0, None))
    return both / (np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2]) - both)


def test_boxes_are_those_of_mexca(clips, tmp_path):
    annotate(clips / "mexca_av5s.mp4", tmp_path, workers=0)
    own = VideoAnnotation.read_parquet(tmp_path / "mexca_av5s_faces.parquet")
    # earlier frames show faces that the reference leaves out for their size
    reference = VideoAnnotation.from_json(clips / "annotations" / "mexca_av5s_video_annotation.json")[95:121]
    assert len(reference) == 6
    for frame, time, box in zip(reference.frame, reference.time, reference.box):
        here = own[int(frame) : int(frame) + 1]
        assert max(overlap(box, b) for b in here.box) > 0.99 and abs(here.time[0] - time) < 1e-6


def test_a_film_to_judge_by(clips, task, tmp_path):
    settings = AnnotateSettings(frames=12, landmarks=True, pose=True, actions=True, draw=True, json=True, faces="largest")
    [row] = annotate(clips / "facerec_hamilton.mp4", tmp_path, settings, workers=0).to_dict("records")
    table = VideoAnnotation.read_parquet(tmp_path / "facerec_hamilton_faces.parquet")
    assert row["status"] == "ok" and row["n_frames"] == 12 and len(table) == len(np.unique(table.frame)) == row["n_faces"] >= 8
    # on the singer's own shot; others have profiles, at which the mesh may doubt
    front = np.abs(table.yaw) < 20
    points = table.landmarks[front]
    low, high = table.box[front, None, :2], table.box[front, None, 2:]
    assert front.sum() >= 4 and ((points > low - 0.1 * (high - low)) & (points < high + 0.15 * (high - low))).all()
    film = tmp_path / "facerec_hamilton_faces.mp4"
    assert probe(film).has_audio and abs(probe(film).n_frames - 12) <= 1
    # what is drawn is seen
    for own, drawn in zip(frames(clips / "facerec_hamilton.mp4", 12), frames(film)):
        apart = np.abs(own.rgb.astype(int) - drawn.rgb).max(2) > 90
        assert apart.any() == (own.index in table.frame)
    assert len(json.loads((tmp_path / "facerec_hamilton_faces.json").read_text())["frame"]) == 12


@pytest.fixture(scope="module")
def encoder_weights(tmp_path_factory):
    "Weights of the right shapes and of no worth."
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "random.pt"
    torch.save(InceptionResnetV1(pretrained=None, classify=False).state_dict(), path)
    return path


def test_names_through_the_runner(encoder_weights, tmp_path, monkeypatch):
    "Tracks of an extraction are read, embeddings made, names given, and all of it is resumed."
    clip = talking_clip(tmp_path / "talk.mp4", 1)
    out = tmp_path / "OUT"
    extract(clip, out, ExtractSettings(size=64), workers=0)
    monkeypatch.setattr(job, "_encoder", lambda *_: job.FaceEncoder(path=encoder_weights, device="cpu"))
    monkeypatch.setattr(AnnotateSettings, "check", lambda self: None)  # the published weights are not needed here
    monkeypatch.setattr(job, "tracked_faces", None)  # faces must not be looked for a second time
    settings = AnnotateSettings(identity=True, embeddings=True, num_faces=1, frames="full")
    [row] = annotate(clip, out, settings, workers=0).to_dict("records")
    table = VideoAnnotation.read_parquet(out / "talk_faces.parquet")
    assert (row["status"], row["n_people"], row["n_tracks"]) == ("ok", 1, 1)
    assert set(table.label) == {"0"} and table.embedding.shape == (25, 512) and list(table.average_embeddings) == ["0"]
    assert np.allclose(np.linalg.norm(table.embedding, axis=1), 1, atol=1e-5)
    [again] = annotate(clip, out, settings, workers=0).to_dict("records")
    assert again["resume"] == "unchanged"
    [more] = annotate(clip, out, AnnotateSettings(identity=True, num_faces=2), workers=0).to_dict("records")
    assert more["error_type"] == "NotEnoughFacesError" and "find 2 people" in more["error"]
    assert len(read_manifest(out)) == len(read_manifest(out, "annotate")) == 1
