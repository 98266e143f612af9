"""wav2kp from a film to a film, and on real clips, where clips and networks are at hand."""

import csv
from dataclasses import fields

import numpy as np
import pytest
import torch

from face2nb.cli import wav2kp_predict, wav2kp_train
from face2nb.core import BadSetting
from face2nb.data.store import load
from face2nb.media.demo import sketch_face, talking_clip, voice
from face2nb.media.video import frames, probe, timestamps
from face2nb.run.annotate import AnnotateSettings, annotate
from face2nb.run.extract import setting_comments
from face2nb.speech.mfcc import RATE, to_sound
from face2nb.wav2kp.dataset import KeypointClip, KeypointDataset, load_dataset
from face2nb.wav2kp.evaluation import error_summary, evaluate, region_errors
from face2nb.wav2kp.job import SpeakSettings
from face2nb.wav2kp.model import KeypointStream, Wav2kpSettings, clip_shapes, new_model, predict
from face2nb.wav2kp.shapes import face_size, mouth_opening
from face2nb.wav2kp.training import TrainSettings, train

SETTINGS = AnnotateSettings(landmarks=True, faces="largest")


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def test_from_a_film_to_a_film(task, tmp_path, capsys):
    "Annotated, and trained and predicted by the commands."
    (tmp_path / "films").mkdir()
    film = talking_clip(tmp_path / "films" / "talks.mp4", 12, seed=0)
    done = annotate(tmp_path / "films", tmp_path / "OUT", SETTINGS, workers=0)
    assert done.status.tolist() == ["ok"]
    small = "--window 6 --delay 3 --layers 1 --hidden 64 --epochs 40 --batch 4 --seconds 1 --learning_rate 4e-3 --dropout 0.3".split()
    code = wav2kp_train(["-i", f"{tmp_path}/OUT", "-o", f"{tmp_path}/MODEL", "--by", "seconds", "--share", "0.25", *small])
    said = capsys.readouterr()
    assert code == 0, said.err
    assert "nearest neighbour" in said.out and len(load_dataset(tmp_path / "MODEL" / "clips.npz")) == 1
    with open(tmp_path / "MODEL" / "errors.csv", newline="") as f:
        opening = {row["method"]: float(row["opening"] or "nan") for row in csv.DictReader(f)}
    assert opening["model"] > 0.4, opening  # nine seconds are little; the tutorial has 18, and gets 0.9
    code = wav2kp_predict(["-m", f"{tmp_path}/MODEL/model.pt", "-i", str(film), "-o", f"{tmp_path}/SAID", "--film", "-w", "0"])
    assert code == 0, capsys.readouterr().err
    keypoints = load(tmp_path / "SAID" / "talks_keypoints.npz")
    np.testing.assert_allclose(keypoints.time, timestamps(film))
    assert keypoints.keypoints.shape == (300, 68, 2)
    info = probe(tmp_path / "SAID" / "talks_keypoints.mp4")
    assert (info.n_frames, info.has_audio) == (300, True)
    # the lips of the film move as those of the keypoints do
    dark = np.array([(np.abs(f.rgb.astype(int) - (120, 40, 48)).sum(2) < 60).sum() for f in frames(tmp_path / "SAID" / "talks_keypoints.mp4")])
    assert np.corrcoef(dark, mouth_opening(keypoints.keypoints))[0, 1] > 0.9


@pytest.fixture(scope="module")
def real(task, tmp_path_factory):
    "A clip of somebody who speaks, one whose first part has a face and whose second has none, and one that sings through cuts."
    from conftest import SHARED

    folder = SHARED / "clips"
    if not folder.is_dir():
        pytest.skip("needs real clips in ../shared/clips, which are not there")
    out = tmp_path_factory.mktemp("annotated")
    names = ("vretalk_5.mp4", "pyfeat_face_noface.mov", "facerec_hamilton.mp4")
    annotate([folder / name for name in names], out, SETTINGS, workers=0)
    return KeypointDataset.from_annotations(out)


def test_a_clip_is_learnt_by_heart(real, tmp_path):
    "To an error of the mouth under 1 % of the face, at the frames' own times."
    one = [c for c in real if c.video == "vretalk_5.mp4"]
    settings = TrainSettings(window=20, delay=10, epochs=25, patience=25, batch=2, dropout=0.0, learning_rate=4e-3)
    model = train(one, tmp_path, settings)
    true, rest = clip_shapes(one[0], model.settings, model.face.numpy())
    said = predict(model, to_sound(one[0].sound), times=one[0].times, neutral=rest)
    errors = region_errors(said, true, float(face_size(rest[None])[0]))
    assert errors["mouth"] < 1 and errors["opening"] > 0.9, errors
    summary = error_summary(evaluate(model, one, one))
    assert summary.mouth["model"] < 0.75 * summary.mouth["mean face"], summary


def test_clips_end_where_faces_do(real):
    "Cuts, frames without a face, sound that begins late and a picture that begins late."
    hamilton = [c for c in real if c.video == "facerec_hamilton.mp4"]
    assert hamilton and all(np.diff(c.times).max() <= 0.2 for c in real)
    for cut in (0.66, 2.73, 7.03):  # of the shots, on the clock: container time less the 0.852 s by which the picture starts late
        assert not any(c.times[0] < cut - 0.05 and c.times[-1] > cut + 0.05 for c in hamilton), cut
    # its face is gone when the sound begins, at 2.43 s: what is heard is silent, or only in the margin
    assert all(c.times[-1] < 2.5 for c in real if c.video == "pyfeat_face_noface.mov")
    assert len({c.video for c in real} | {v for v, _ in real.left_out}) == 3


@pytest.mark.parametrize("sr", (8000, 22050, 44100, 48000))
def test_any_rate_of_sound_and_frames(sr):
    "The faces of a sound do not hang on how it was sampled, but for what a lower rate can't hold."
    rng = np.random.default_rng(0)
    times, sound = np.arange(75) / 25, (voice(3, RATE) * 32767).astype(np.int16)
    clip = KeypointClip("a", "a", times, 0.5 + 0.2 * rng.standard_normal((1, 68, 2)) + 0.01 * rng.standard_normal((75, 68, 2)), [0, 0, 256], sound)
    model = new_model([clip], Wav2kpSettings(hidden=16))
    mine, theirs = predict(model, voice(3, RATE), fps=29.97), predict(model, voice(3, sr), sr=sr, fps=29.97)
    assert len(mine) == len(theirs) == 90
    if sr > 16000:
        assert np.abs(mine - theirs).max() < 0.05 * np.abs(mine - mine.mean(0)).max() + 1e-3
    assert np.isfinite(predict(model, np.zeros(sr), sr=sr)).all()  # silence has a face


@pytest.mark.parametrize("settings", (TrainSettings, SpeakSettings))
def test_each_setting_says_what_it_is(settings):
    "The command line shows what stands beside a field."
    assert {f.name for f in fields(settings)} == setting_comments(settings).keys()


def test_nothing_to_learn_from(tmp_path, capsys):
    "One sentence, and nothing is left behind."
    with pytest.raises(BadSetting, match="face2nb_annotate"):
        KeypointDataset.from_annotations(tmp_path)
    assert wav2kp_train(["-i", str(tmp_path), "-o", f"{tmp_path}/MODEL"]) == 2
    assert capsys.readouterr().err.count("\n") == 1 and not (tmp_path / "MODEL").exists()
    (tmp_path / "model.pt").write_bytes(b"no model")
    assert wav2kp_predict(["-m", f"{tmp_path}/model.pt", "-i", str(tmp_path), "-o", f"{tmp_path}/SAID"]) == 1
    err = capsys.readouterr().err
    assert "can't be read as tensors" in err and err.count("\n") == 1 and not (tmp_path / "SAID").exists()


def test_a_network_may_listen(tmp_path):
    "HuBERT in place of MFCC, with random weights: learnt from, kept, and asked again; there is no stream."
    transformers = pytest.importorskip("transformers", reason="needs the extra: pip install 'face2nb[speech]'")
    config = dict(hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=16, conv_dim=(8,) * 7, num_conv_pos_embedding_groups=2)
    transformers.HubertModel(transformers.HubertConfig(**config)).save_pretrained(tmp_path / "hubert")
    transformers.Wav2Vec2FeatureExtractor(do_normalize=True).save_pretrained(tmp_path / "hubert")
    times = np.arange(75) / 25
    opening = 0.05 * (1 - np.cos(2 * np.pi * 2 * times))
    clip = KeypointClip("a", "a", times, sketch_face(opening), [0, 0, 256], (voice(3, RATE) * 32767).astype(np.int16))
    settings = TrainSettings("hubert", str(tmp_path / "hubert"), layer=1, window=10, delay=5, hidden=8, epochs=1)
    model = train([clip], tmp_path / "MODEL", settings)
    assert predict(model, to_sound(clip.sound)).shape == (75, 68, 2)
    assert (model.settings.feature, len(model.heard_mean)) == ("hubert", 16)
    with pytest.raises(BadSetting, match="mfcc40"):
        KeypointStream(model)
