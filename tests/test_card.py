"Takedown: what is left in a folder and its exports when a source or a person was taken out, also after a kill at any moment."

import json
import logging
import shutil
import tarfile
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from face2nb.core import BadSetting, DamagedFile, sha256
from face2nb.curate.curate import account_run, curate, join_run
from face2nb.curate.evidence import load_evidence
from face2nb.curate.prepare import PrepareSettings, prepare
from face2nb.curate.segments import CurateSettings
from face2nb.data.annotation import VideoAnnotation
from face2nb.data.export import FORMS, read_samples, sample_key, shard_name, write_shard
from face2nb.data.ledger import load_ledger, load_table, save_table
from face2nb.data.review import load_reviews, write_review
from face2nb.data.store import REMOVED, append_json, append_row, load, manifest_rows, read_json, removed_key
from face2nb.media.clip import write_clip
from face2nb.media.find import address_video
from face2nb.media.demo import demo_clip, portrait, talking_clip, voice
from face2nb.run import card as card_module
from face2nb.run.annotate import AnnotateSettings, annotate
from face2nb.run.card import card, check_commercial, remove, restore, weights_touched
from face2nb.run.export import ExportSettings, export
from face2nb.run.extract import ExtractSettings, extract
from face2nb.run.report import plan, run_status
from face2nb.run.speech import SpeechSettings, encode_speech
from conftest import model_file

ADA = ("adalovelace", "Adalovelace", "day one/adalovelace.mp4", sample_key("day one/adalovelace.mp4", 0)[:-7])
EXTRACT = ExtractSettings(frames=6, size=48, faces="all", device="cpu")
ANNOTATE = AnnotateSettings(frames=6, json=True, draw=True, device="cpu")


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    logging.disable(logging.WARNING)
    yield
    logging.disable(logging.NOTSET)
    torch.set_num_threads(before)


def two_people(path, n=15, alone=0):
    "A portrait and its mirror image side by side, and then the left one alone."
    face = cv2.resize(portrait(), (256, 300))
    picture = np.hstack([face, face[:, ::-1]])
    left = np.where(np.arange(512)[None, :, None] < 256, picture, 128).astype(np.uint8)
    pictures = ((k / 25, np.roll(picture if k < n else left, k % 5, 0)) for k in range(n + alone))
    return write_clip(path, pictures, (n + alone) / 25, 25, voice((n + alone) / 25, 16000), 16000)


def put_names(out, video, names):
    "Name the tracks of a video by where they are: left or right of the middle."
    row = manifest_rows(out, "annotate")[video]
    path = next(out / n for n in row["outputs"] if n.endswith(".parquet"))
    table = VideoAnnotation.read_parquet(path)
    middle = {t: table.box[table.track == t][:, [0, 2]].mean() for t in np.unique(table.track).tolist()}
    named = table.with_labels({t: names[int(x > 256)] for t, x in middle.items()})
    named = replace(named, average_embeddings={n: np.full(3, k) for k, n in enumerate(names)})
    named.write_parquet(path), named.write_json(path.with_suffix(".json"))
    append_row(out, row | dict(outputs={n: sha256(out / n) for n in row["outputs"]}))


def samples(out, video):
    "The pairs of a video, as an export holds them."
    outputs = manifest_rows(out)[video]["outputs"]
    faces, sounds = (load(out / next(n for n in outputs if n.endswith(end))) for end in ("_faces.npz", "_audio.npz"))
    for i in range(len(faces["data"])):
        about = dict(video=video, row=i, color="rgb") | {k: faces[k][i].tolist() for k in ("frame", "time", "box", "prob", "track")}
        yield dict(key=sample_key(video, i), face=faces["data"][i], mfcc=sounds["data"][i], wave=None, about=about)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    "Three videos, two people in one of them, all jobs that need no network, and an export in each form."
    root = tmp_path_factory.mktemp("made")
    source, out = root / "in", root / "out"
    (source / "day one").mkdir(parents=True)
    talking_clip(source / "day one" / "adalovelace.mp4", 1)
    demo_clip(source / "ben.mp4", 0.8)
    two_people(source / "pair.mp4")
    extract(source, out, EXTRACT, workers=0, recursive=True)
    annotate(source, out, ANNOTATE, workers=0, recursive=True)
    encode_speech(source, out, SpeechSettings(device="cpu"), workers=0, recursive=True)
    put_names(out, "pair.mp4", ("left", "right"))
    write_review(out, "day one/adalovelace.mp4", "accept", "Adalovelace herself")
    write_review(out, "ben.mp4", "accept")
    for form in FORMS:
        place = root / form
        shards = [place / shard_name(form, "train", n) for n in range(2)]
        write_shard(shards[0], (s for v in ("ben.mp4", "day one/adalovelace.mp4") for s in samples(out, v)), form)
        write_shard(shards[1], (s for v in ("pair.mp4", "ben.mp4") for s in samples(out, v)), form)
        outputs = [{p.relative_to(place).as_posix(): sha256(p) for p in ([s] if s.is_file() else sorted(s.iterdir()))} for s in shards]
        (place / "plans").mkdir()
        for n, (o, videos) in enumerate(zip(outputs, (["ben.mp4", ADA[2]], ["pair.mp4", "ben.mp4"]))):
            (place / "plans" / f"train-{n}.json").write_text(json.dumps(dict(per_shard=9, videos=[dict(video=v) for v in videos])))
            row = dict(video=f"train-{n}", job="export", status="partial", error=f"Left out: {videos[1]}: 1 sample.", run="../out", n_samples=9)
            append_row(place, row | dict(settings={}, outputs=o))
        append_json(out / "exports.jsonl", dict(video="*", export=str(place)))
    (out / "parts.json").write_text(json.dumps(dict(train=["ben.mp4", "pair.mp4"], test=["day one/adalovelace.mp4"])))
    card(out), card(root / "hf")
    return root


@pytest.fixture
def there(made, tmp_path):
    "A copy of it, in a place of its own."
    shutil.copytree(made, tmp_path / "made")
    root = tmp_path / "made"
    for path in (root / "out" / "exports.jsonl", root / "out" / "manifest.jsonl", *(root / f / "manifest.jsonl" for f in FORMS)):
        path.write_text(path.read_text().replace(str(made), str(root)))
    shutil.copystat(made / "in" / "ben.mp4", root / "in" / "ben.mp4")
    return root


def opened(path):
    "All that a file holds: its bytes, and what is packed in them."
    yield path.read_bytes()
    if path.suffix == ".npz":
        yield from (array.tobytes() for array in load(path).values())
    if path.suffix == ".parquet":
        yield from (str(column.to_pylist()).encode() for column in pq.read_table(path).columns)


def whatever(root):
    "Name and content of every file of the run and its exports."
    for folder in (root / "out", *(root / form for form in FORMS)):
        for path in sorted(folder.rglob("*")):
            yield path.relative_to(root), list(opened(path)) if path.is_file() else []


def traces(root, words, faces):
    "Files in whose name or content one of these words or faces is."
    pixels, found = [face.tobytes() for face in faces], []
    for name, contents in whatever(root):
        if any(w in str(name) for w in words) or any(w.encode() in c for c in contents for w in words) or any(p in c for c in contents for p in pixels):
            found.append(str(name))
    for form in FORMS:
        found += [s["key"] for s in read_samples(root / form) if any(np.array_equal(s["face"], f) for f in faces)]
    return found


def sums(root, *words):
    "Checksums of the files whose name has one of these words."
    return {str(n): sha256(root / n) for n, _ in whatever(root) if any(w in str(n) for w in words) and (root / n).is_file()}




def test_a_source(there):
    "Nothing of it is left anywhere; the others are what they were, and stay."
    out, source = there / "out", there / "in"
    faces = load(out / "day one" / "adalovelace_faces.npz")["data"]
    digest = sha256(source / "day one" / "adalovelace.mp4")
    assert len(faces) >= 4 and len(traces(there, ADA, faces)) > 20, "a search that finds nothing proves nothing"
    before = sums(there, "ben_", "pair_", "ben_mp4", "pair_mp4")
    known = {(r["video"], r["job"]): r for job in ("extract", "annotate", "speech") for r in manifest_rows(out, job).values()}
    planned = remove(out, "day one/adalovelace.mp4", why="asked by mail", dry_run=True)
    assert set(planned.action) == {"deleted"} and not (out / REMOVED).exists()
    done = remove(out, "day one/adalovelace.mp4", why="asked by mail")
    assert done[done.action == "samples dropped"]["count"].tolist() == [len(faces)] * 4
    assert traces(there, ADA, faces) == []
    assert {k: v for k, v in sums(there, "ben_", "pair_", "ben_mp4", "pair_mp4").items()} == before
    for (video, job), row in known.items():
        if "adalovelace" not in video:
            assert manifest_rows(out, job)[video] == row
    for form in FORMS:
        for row in manifest_rows(there / form, "export").values():
            assert row["outputs"] and all(sha256(there / form / n) == s for n, s in row["outputs"].items())
    assert load_reviews(out).video.tolist() == ["ben.mp4"]
    assert (source / "day one" / "adalovelace.mp4").is_file(), "sources are only ever read"
    lines = list(read_json(out / REMOVED))
    assert [(r["state"], r["why"], r["source_sha256"]) for r in lines] == [(s, "asked by mail", digest) for s in ("begun", "done")]
    assert set(lines[0]["sha256"]) == set(done.sha256.dropna())
    assert run_status(out).loc[("removed", ""), "videos"] == 1
    assert json.loads((out / "parts.json").read_text()) == dict(train=["ben.mp4", "pair.mp4"], test=[])
    assert "Taken out on request: 1 source, the last time on 20" in (out / "README.md").read_text()


def test_an_export(there):
    "What is in an export was touched by what touched the run; out of its reach nobody can tell."
    page = card(there / "frames").read_text()
    assert "| samples | 18 |" in page and "| videos read | 3 |" in page and "MTCNN" in page and str(there) not in page
    assert weights_touched(there / "hf").weight.tolist() == ["onet.pt", "pnet.pt", "rnet.pt"]
    check_commercial(there / "hf")
    shutil.move(there / "out", there / "elsewhere")
    with pytest.raises(BadSetting, match="whatever export used"):
        check_commercial(there / "hf")
    shutil.move(there / "elsewhere", there / "out")
    shutil.move(there / "hf", there / "lost")
    with pytest.raises(BadSetting, match="nothing has been removed"):
        remove(there / "out", "ben.mp4")
    assert not (there / "out" / REMOVED).exists() and (there / "out" / "ben_faces.npz").exists()
    remove(there / "out", "ben.mp4", exports=False)
    assert not (there / "out" / "ben_faces.npz").exists() and list(read_json(there / "out" / REMOVED))[0]["exports"] is False


def test_it_stays_out(there):
    "Whatever is asked, and under whatever name; and it comes back when it is let in."
    out, source = there / "out", there / "in"
    faces = load(out / "day one" / "adalovelace_faces.npz")["data"]
    remove(out, source / "day one" / "adalovelace.mp4")
    for again in (dict(), dict(resume=False), dict(retry=True, verify=True)):
        table = extract(source, out, EXTRACT, workers=0, recursive=True, **again).set_index("video")
        assert table.status.to_dict() == {"day one/adalovelace.mp4": "removed", "ben.mp4": "ok", "pair.mp4": "ok"}
        assert set(table.resume) == ({"unchanged"} if again.get("resume", True) else {"unchanged", "new"})
    annotate(source, out, replace(ANNOTATE, draw=False), workers=0, recursive=True)
    encode_speech(source, out, SpeechSettings(device="cpu", deltas="standard"), workers=0, recursive=True)
    shutil.copy(source / "day one" / "adalovelace.mp4", source / "x.mp4")
    rows = extract(source, out, EXTRACT, workers=0).set_index("video")
    assert rows.status["x.mp4"] == "removed"
    assert traces(there, ADA, faces) == [] and not list(out.glob("x_*"))
    with pytest.raises(BadSetting, match="was not removed"):
        restore(out, "ben.mp4")
    restore(out, "day one/adalovelace.mp4")
    table = extract(source, out, EXTRACT, workers=0, recursive=True).set_index("video")
    assert table.status.tolist() == ["ok"] * 4
    assert np.array_equal(load(out / "day one" / "adalovelace_faces.npz")["data"], faces)


def test_a_person(there):
    "One of two goes, the other stays as it was, row by row."
    out = there / "out"
    table = VideoAnnotation.read_parquet(out / "pair_faces.parquet")
    old, heard = load(out / "pair_faces.npz"), load(out / "pair_audio.npz")
    left = old["box"][:, [0, 2]].mean(1) < 256
    assert left.sum() == (~left).sum() == 6
    before = sums(there, "adalovelace_", "ben_", "ben_mp4")
    with pytest.raises(BadSetting, match="known there is left, right"):
        remove(out, "pair.mp4", identity="middle")
    with pytest.raises(BadSetting, match="a number within one video"):
        remove(out, identity=0)
    done = remove(out, identity="left", why="a letter")
    assert sorted(done[done.action == "rewritten"].file) == ["pair_audio.npz", "pair_faces.json", "pair_faces.npz", "pair_faces.parquet", "pair_tracks.npz"]
    assert {"pair_faces.mp4", "pair_mfcc39.npy"} <= set(done[done.action == "deleted"].file)
    assert done[done.action == "samples dropped"]["count"].tolist() == [6] * 4
    now, sound = load(out / "pair_faces.npz"), load(out / "pair_audio.npz")
    for name in ("data", "frame", "time", "box", "prob", "track"):
        assert np.array_equal(now[name], old[name][~left]), name
    assert np.array_equal(sound["data"], heard["data"][~left]) and np.array_equal(sound["time"], heard["time"][~left])
    assert (load(out / "pair_tracks.npz")["box"][:, [0, 2]].mean(1) > 256).all()
    rest = VideoAnnotation.read_parquet(out / "pair_faces.parquet")
    right = table.label == "right"
    assert set(rest.label) == {"right"} and list(rest.average_embeddings) == ["right"]
    assert np.array_equal(rest.box, table.box[right]) and np.array_equal(rest.frames, table.frames)
    assert "left" not in (out / "pair_faces.json").read_text() and len(VideoAnnotation.from_json(out / "pair_faces.json")) == right.sum()
    assert sums(there, "adalovelace_", "ben_", "ben_mp4") == before
    assert traces(there, (), old["data"][left]) == []
    assert traces(there, (), old["data"][~left]), "who stays is still there"
    row = manifest_rows(out)["pair.mp4"]
    assert row["n_faces"] == row["n_audios"] == 6 and all(sha256(out / n) == s for n, s in row["outputs"].items())
    assert manifest_rows(out, "annotate")["pair.mp4"]["n_people"] == 1
    assert manifest_rows(out, "speech")["pair.mp4"]["status"] == "removed"
    for again in (True, False):
        rows = extract(there / "in", out, EXTRACT, workers=0, resume=again).set_index("video")
        assert rows.n_faces["pair.mp4"] == 6 and rows.status["pair.mp4"] == "ok"
    encode_speech(there / "in", out, SpeechSettings(device="cpu"), workers=0, resume=False)
    assert not (out / "pair_mfcc39.npy").exists()
    remove(out, "pair.mp4", identity="right")  # the last one takes the video along
    assert traces(there, ("pair",), old["data"]) == []


class Killed(BaseException):
    pass


def copied(there, to):
    "Another copy, whose paths are its own."
    shutil.copytree(there, to)
    for path in (to / "out" / "exports.jsonl", to / "out" / "manifest.jsonl"):
        path.write_text(path.read_text().replace(str(there), str(to)))
    return to


STEPS = ("append_json", "atomic_path", "save_npz", "_delete", "drop_samples", "_keep_lines", "hold_output")


@pytest.mark.parametrize("who", [dict(source="day one/adalovelace.mp4"), dict(source="pair.mp4", identity="left")])
def test_killed_at_any_moment(who, there, tmp_path, monkeypatch):
    "Broken off before any step that writes, and given again, it ends as if nothing had been."
    plain = {name: getattr(card_module, name) for name in STEPS}
    left, calls = 10**6, 0

    def step(name):
        def call(*args, **kw):
            nonlocal left, calls
            left, calls = left - 1, calls + 1
            if left < 0:
                raise Killed
            return plain[name](*args, **kw)

        return call

    for name in STEPS:
        monkeypatch.setattr(card_module, name, step(name))
    whole = copied(there, tmp_path / "whole")
    remove(whole / "out", **who)
    steps = calls
    assert steps > 30
    for allowed in range(0, steps, 4):
        broken = copied(there, tmp_path / f"broken {allowed}")
        out, left = broken / "out", allowed
        with pytest.raises(Killed):
            remove(out, **who)
        left = 10**6
        before = sums(broken, "_faces.", "_audio.", "_tracks.", "_mfcc39.")
        rows = extract(there / "in", out, EXTRACT, workers=0, recursive=True).set_index("video")
        assert set(rows.resume) == {"unchanged"}, "a run in between must not undo it"
        assert sums(broken, "_faces.", "_audio.", "_tracks.", "_mfcc39.") == before
        remove(out, **who)
        assert alike(whole) == alike(broken), allowed
        assert list(read_json(out / REMOVED))[-1]["state"] == "done"
        shutil.rmtree(broken)


def alike(root):
    "What two folders must have in common that went the same way."
    told = (REMOVED, "run.log", "README.md", "manifest.jsonl", "exports.jsonl")
    rows = [r for job in ("extract", "annotate", "speech") for r in manifest_rows(root / "out", job).values()]
    rows = sorted((r["video"], r["job"], r["status"], r.get("n_faces"), str(r["outputs"])) for r in rows)
    files = sums(root, "")
    return set(files), {n: s for n, s in files.items() if not n.endswith(told)}, rows


def test_a_curated_folder(tmp_path, task):
    "What was fetched, clips, evidence and tables: of a source, and of one of two people."
    model_file("pretrain_AVA.model")
    out, address = tmp_path / "out", "https://example.org/adalovelace.mp4"
    film = out / "downloads" / f"{address_video(address).stem}.mp4"
    film.parent.mkdir(parents=True)
    talking_clip(film, 1.2)
    append_row(film.parent, dict(video=address, job="download", status="ok", source=address, settings={}, error=None, outputs={film.name: sha256(film)}))
    two_people(tmp_path / "pair.mp4", 30, 20)
    settings = CurateSettings(sync="off", min_speaking=-100, shortest=0.5, min_track=10, min_face_size=50, device="cpu")
    inputs = [film, tmp_path / "pair.mp4"]
    curate(inputs, out, settings, workers=0)
    clips = load_table(out / "clips.parquet")
    assert sorted(clips.video.value_counts().tolist()) == [1, 3] and clips.url.notna().sum() == 1
    assert (account_run(out).problem == "").all()
    path, row = out / "pair_clips.parquet", manifest_rows(out, "curate")["pair.mp4"]
    table = load_table(path)
    left = np.array([np.vstack(b)[:, [0, 2]].mean() < 256 for b in table.boxes])
    assert left.tolist().count(True) == 2, "a cut makes two tracks of whoever stays"
    save_table(path, table.assign(identity=left.astype(int)), pq.read_schema(path))
    append_row(out, row | dict(outputs={n: sha256(out / n) for n in row["outputs"]}))
    join_run(out)
    gone, stays = table[left], table[~left].iloc[0]
    with pytest.raises(BadSetting, match="known there is 0, 1"):
        remove(out, "pair.mp4", identity=7)
    remove(out, identity={"pair.mp4": 1})
    assert not any((out / f).with_suffix(s).exists() for f in gone.file for s in (".mp4", ".wav", ".txt"))
    assert sha256(out / stays.file) == stays.sha256
    evidence = load_evidence(out / "pair_evidence.npz")
    assert [t.id for t in evidence.tracks] == [stays.track] and len(evidence.tracks[0].looked.score) == stays.frames
    assert set(load(out / "pair_tracks.npz")["track"].tolist()) == {stays.track}
    for name in (path, out / "clips.parquet"):
        assert load_table(name).query("video == 'pair.mp4'").track.tolist() == [stays.track]
    assert manifest_rows(out, "curate")["pair.mp4"]["n_clips"] == 1
    assert load_ledger(out).query("step == 'removed'")[["start", "end"]].values.tolist() == [[1.2, 2.0]]
    assert (account_run(out).problem == "").all()
    remove(out, film.name, why="asked")
    left_over = [str(p) for p in out.rglob("*") if "adalovelace" in str(p) or p.is_file() and any(b"adalovelace" in c for c in opened(p))]
    assert left_over == []
    assert load_table(out / "clips.parquet").video.tolist() == ["pair.mp4"]
    rows = curate([tmp_path / "pair.mp4", address], out, settings, workers=0, resume=False)
    assert rows.video.tolist() == ["pair.mp4"] and rows.n_clips.tolist() == [1], "neither cut nor fetched again"
    assert (account_run(out).problem == "").all()


def test_a_data_set(tmp_path):
    "A video goes out of a data set of talking heads with all that its clips became."
    (tmp_path / "in").mkdir()
    for name, seed in (("adalovelace", 1), ("ben", 2)):
        talking_clip(tmp_path / "in" / f"{name}.mp4", 1.2, seed)
    steps = PrepareSettings(steps="scenes filter crop formats frames speech", min_speaking=0, min_sharpness=0, min_duration=0.5, device="cpu")
    out = tmp_path / "set"
    assert prepare(tmp_path / "in", out, steps, workers=0).status.tolist() == ["kept", "kept"]
    with pytest.raises(BadSetting, match="adalovelace-001 was made from adalovelace.mp4 in this folder"):
        remove(out, "adalovelace-001")
    before = {p: sha256(p) for p in out.rglob("ben*") if p.is_file()}
    assert len(before) > 5
    remove(out, "adalovelace.mp4")
    again = prepare(tmp_path / "in", out, steps, workers=0)
    assert again.video.tolist() == ["ben.mp4"]
    left = [str(p) for p in out.rglob("*") if "adalovelace" in str(p) or p.is_file() and any(b"adalovelace" in c for c in opened(p))]
    assert left == []
    assert {p: sha256(p) for p in before} == before


def test_exports_go_on(there):
    "Shards as the command writes them: what is resumed after a removal is what was left, byte by byte."
    out = there / "out"
    (out / "exports.jsonl").unlink()
    for form in FORMS:
        shutil.rmtree(there / form)
        export(out, there / form, ExportSettings(to=form), workers=0)
        page = card(there / form).read_text()
        assert "| samples | " in page and "MTCNN" in page and ("configs:" in page) == (form == "hf")
    faces = load(out / "day one" / "adalovelace_faces.npz")["data"]
    assert len(traces(there, ADA, faces)) > 20
    remove(out, "day one/adalovelace.mp4")
    assert traces(there, ADA, faces) == []
    for form in FORMS:
        keys = [s["key"] for s in read_samples(there / form)]
        shards = {p: sha256(p) for p in (there / form).rglob("*") if p.suffix in (".tar", ".parquet", ".png", ".npy")}
        rows = export(out, there / form, ExportSettings(to=form), workers=0)
        assert rows.status.tolist() == ["ok"] and rows.n_samples.sum() == len(keys) == 18
        assert [s["key"] for s in read_samples(there / form)] == keys and {p: sha256(p) for p in shards} == shards
    remove(out, "pair.mp4", identity="left")
    for form in FORMS:
        assert len(list(read_samples(there / form))) == 12
        # rows of the files have moved up, and with them the names of the samples of the one who stays
        assert export(out, there / form, ExportSettings(to=form), workers=0).n_samples.sum() == 12
        again = export(out, there / form, ExportSettings(to=form), workers=0)
        assert set(again.resume) == {"unchanged"}
    assert traces(there, ADA, faces) == []


def test_only_its_own(there):
    "A manifest that names files of others is refused, and a table without its extraction loses its person too."
    out = there / "out"
    victim = there / "victim.txt"
    victim.write_text("not yours")
    row = manifest_rows(out)["ben.mp4"]
    append_row(out, row | dict(outputs=row["outputs"] | {"../victim.txt": ""}))
    with pytest.raises(DamagedFile, match="outside of it"):
        remove(out, "ben.mp4")
    assert victim.is_file() and (out / "ben_faces.npz").is_file() and not (out / REMOVED).exists()
    looked = there / "looked"
    annotate(there / "in" / "pair.mp4", looked, replace(ANNOTATE, draw=False), workers=0)
    encode_speech(there / "in" / "pair.mp4", looked, SpeechSettings(device="cpu"), workers=0)
    put_names(looked, "pair.mp4", ("left", "right"))
    assert "pair_tracks.npz" not in manifest_rows(looked, "annotate")["pair.mp4"]["outputs"]
    remove(looked, "pair.mp4", identity="right")
    assert (load(looked / "pair_tracks.npz")["box"][:, [0, 2]].mean(1) < 256).all()
    assert set(VideoAnnotation.read_parquet(looked / "pair_faces.parquet").label) == {"left"}
    remove(looked, "pair.mp4")
    assert sorted(p.name for p in looked.iterdir()) == ["manifest.jsonl", "removed.jsonl", "run.log"]
