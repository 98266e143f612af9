"""Features of speech on real clips: as long as the picture, at the right time, quick, and in flat memory."""

import csv
import time
import tracemalloc

import numpy as np
import pytest
import torch

from face2nb.media.audio import read_audio
from face2nb.media.video import timestamps
from face2nb.run.speech import SpeechSettings, encode_speech
from face2nb.speech.features import align, load_features, step_times
from face2nb.speech.mfcc import RATE, mfcc39, mfcc39_blocks


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    "A HuBERT and a Whisper with random weights, as small as they come."
    transformers = pytest.importorskip("transformers", reason="needs the extra: pip install 'face2nb[speech]'")
    folder = tmp_path_factory.mktemp("models")
    torch.manual_seed(0)
    small = dict(hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64)
    hubert = transformers.HubertConfig(**small, conv_dim=(16,) * 7, num_conv_pos_embedding_groups=4)
    transformers.HubertModel(hubert).save_pretrained(folder / "hubert")
    small = dict(d_model=32, encoder_layers=2, encoder_attention_heads=4, encoder_ffn_dim=64)
    small |= dict(decoder_layers=1, decoder_attention_heads=4, decoder_ffn_dim=64, vocab_size=60)
    tokens = dict(pad_token_id=1, bos_token_id=2, eos_token_id=2, decoder_start_token_id=2)
    transformers.WhisperModel(transformers.WhisperConfig(**small, **tokens)).save_pretrained(folder / "whisper")
    return f"hubert={folder / 'hubert'}", f"whisper={folder / 'whisper'}"


def test_all_clips_are_as_long_as_their_picture(clips, tiny, tmp_path):
    "Exactly two steps of 50 Hz for each frame at 25 a second, also where the sound starts late."
    settings = SpeechSettings(("mfcc39", "hubert", "whisper"), tiny, device="cpu")
    table = encode_speech(clips, tmp_path, settings, workers=0).set_index("video")
    assert set(table.status) == {"ok", "no_audio"}
    at_25 = 0
    for video, row in table[table.status == "ok"].iterrows():
        times = timestamps(clips / video)
        end = times[-1] + np.median(np.diff(times))
        stem = video.rpartition(".")[0]
        for name, rate in dict(mfcc39=100, hubert=50, whisper=50).items():
            features = load_features(tmp_path / f"{stem}_{name}.npy", verify=True)
            assert len(features) == round(end * rate), (video, name)
            assert np.isfinite(features.values).all()
            aligned = align(features, times)
            assert aligned.shape[features.time_axis] == len(times)
            if np.abs(times - np.arange(len(times)) / 25).max() < 1e-3:
                at_25 += 1
                assert len(features) == len(times) * rate // 25, (video, name)
                assert aligned.shape[features.time_axis + 1] == rate // 25
    assert at_25 >= 3 * 8
    # sound from 2.43 s on: nothing is heard before, and something is right after
    late = load_features(tmp_path / "pyfeat_face_noface_mfcc39.npy")
    heard = late.times[np.argmax(late.values[:, 0] > late.values[:50, 0].max() + 1)]
    assert 2.41 < heard < 2.6, heard


def test_words_are_where_they_are_said(clips):
    "The annotated words of a GRID clip against the energy in the first coefficient."
    sound = read_audio(clips / "grid_id2_swwp2s.mpg")
    energy = mfcc39(sound)[:, 0]
    times = step_times(len(energy), 100, 0.0125)
    with open(clips / "annotations" / "grid_id2_swwp2s_words.csv") as f:
        words = [(float(r["start_s"]), float(r["end_s"]), r["word"]) for r in csv.DictReader(f)]
    level = {(a, word): energy[(times >= a) & (times < b)].mean() for a, b, word in words}
    silence = max(v for (_, word), v in level.items() if word == "sil")
    for (start, word), v in level.items():
        assert word == "sil" or v > silence + 3, (start, word, v, silence)
    spoken = [(a, b) for a, b, word in words if word != "sil"]
    loud = times[energy > (silence + np.median(energy[(times > spoken[0][0]) & (times < spoken[-1][1])])) / 2]
    assert abs(loud[0] - spoken[0][0]) < 0.1 and abs(loud[-1] - spoken[-1][1]) < 0.2, (loud[0], loud[-1])
    said = ((times >= spoken[0][0]) & (times < spoken[-1][1])).astype(float)
    match = {k: np.corrcoef(np.roll(said, k)[30:-30], energy[30:-30])[0, 1] for k in range(-25, 26)}
    assert abs(max(match, key=match.get)) <= 8, max(match, key=match.get)


def test_mfcc39_is_quick():
    "The best of three, in the processor's own time, since other tests run beside this one."
    sound, best = np.random.default_rng(0).normal(0, 0.1, 60 * RATE).astype(np.float32), np.inf
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    for _ in range(3):
        begin = time.process_time()
        mfcc39(sound)
        best = min(best, time.process_time() - begin)
    torch.set_num_threads(before)
    assert 60 / best > 250, f"{60 / best:.0f} times as fast as it lasts"


def test_memory_is_that_of_a_minute():
    "Twenty minutes need no more than two, beside the sound itself."
    minute, peaks = np.random.default_rng(0).normal(0, 0.1, 60 * RATE).astype(np.float32), []
    for minutes in (2, 20):
        sound = np.tile(minute, minutes)
        tracemalloc.start()
        assert sum(len(block) for block in mfcc39_blocks(sound)) == minutes * 6000 - 1
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0] < 150e6
