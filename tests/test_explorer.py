"""The explorer in a real browser: as an app, and in JupyterLab."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from browser import browser_page  # noqa: F401

from face2nb.data.annotation import VideoAnnotation
from face2nb.data.review import load_reviews
from face2nb.data.store import append_row, save_npz
from face2nb.media.demo import demo_clip
from face2nb.run.extract import ExtractSettings, extract
from test_cli import COMMAND

EXPLORE = str(Path(COMMAND).with_name("face2nb_explore"))
ROOT = ".f2-explorer"


@pytest.fixture(scope="module")
def output(tmp_path_factory):
    "Results of three videos, one of them broken, with a thousand rows of others and a result of 20,000 faces."
    folder = tmp_path_factory.mktemp("explored")
    (folder / "in").mkdir()
    shutil.copy(demo_clip(), folder / "in" / "demo.mp4")
    demo_clip(folder / "in" / "short <b>.mp4", seconds=1)
    (folder / "in" / "broken.mp4").write_text("no video")
    out = folder / "OUT"
    extract(folder / "in", out, ExtractSettings(), workers=0)
    annotated(out)
    n = 20_000
    patches = np.repeat(np.repeat(np.random.default_rng(0).integers(0, 255, (500, 14, 14, 3), dtype=np.uint8), 8, 1), 8, 2)
    facts = dict(frame=np.arange(n, dtype=np.int32), time=np.arange(n) / 25.0, prob=np.ones(n, np.float32), track=np.zeros(n, np.int32))
    box = np.tile(np.array([10, 10, 90, 90], np.float32), (n, 1))
    save_npz(out / "long_faces.npz", data=np.concatenate([patches] * (n // 500)), box=box, color=np.array("rgb"), **facts)
    append_row(out, dict(video="long.mp4", status="ok", n_faces=n, n_tracks=1, video_seconds=n / 25, outputs={"long_faces.npz": ""}))
    for k in range(1000):
        append_row(out, dict(video=f"more/{k:04}.mp4", status="no_face", n_faces=0, n_tracks=0, video_seconds=5 + k, outputs={}))
    return out


def annotated(out):
    "What is known of the faces of one video, as the other job leaves it."
    tracks = VideoAnnotation.from_tracks(out / "short <b>_tracks.npz", "short <b>.mp4")
    k = len(tracks)
    points = tracks.box[:, None, :2] + np.linspace(0.2, 0.8, 68)[:, None] * (tracks.box[:, None, 2:] - tracks.box[:, None, :2])
    angles = dict(yaw=np.full(k, -30.0), pitch=np.full(k, 5.0), roll=np.zeros(k))
    known = replace(tracks, landmarks=points, label=["Grace <i>"] * k, confidence=np.ones(k), **angles)
    known.write_parquet(out / "short <b>_faces.parquet")
    append_row(out, dict(video="short <b>.mp4", job="annotate", status="ok", outputs={"short <b>_faces.parquet": ""}))


@contextmanager
def started(*command, **kw):
    "A server, and its lines as they come; ended with all it started."
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **kw)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)
        process.stdout.close()


def line_with(process, pattern):
    seen = []
    for line in process.stdout:
        seen.append(line)
        if found := re.search(pattern, line):
            return found.group()
    raise AssertionError("".join(seen))


@pytest.fixture(scope="module")
def app(output):
    "The address of `face2nb_explore`."
    pytest.importorskip("voila", reason="needs Voila: pip install 'face2nb[app]'")
    with started(EXPLORE, str(output), "--no_browser", "--port", "8931", "--by", "Ada") as process:
        yield line_with(process, r"http://127\.0\.0\.1:\d+/\S*")


def data(page):
    return page.eval_on_selector(ROOT, "e => ({...e.dataset})")


def wait_for(page, position, video=None, selector=""):
    wanted = f'{ROOT}[data-ready="{position}"]' + (f'[data-video="{video}"]' if video else "")
    page.wait_for_selector(wanted + selector, timeout=60_000)


def test_what_is_known_of_faces(browser_page, app):  # noqa: F811
    page = browser_page()
    page.goto(app)
    wait_for(page, 0)
    choose(page, "short <b>.mp4")
    page.wait_for_selector(f'{ROOT}[data-video="short <b>.mp4"][data-frame="0"]')
    page.wait_for_function("() => document.querySelectorAll('.f2-boxes .f2-axis').length === 6")
    # nine lines through the 68 points; the name is text and no markup
    assert page.eval_on_selector_all(".f2-boxes .f2-mark", "all => all.length") == 9
    assert page.eval_on_selector_all(".f2-boxes text", "all => all.map(e => e.textContent)") == ["0 Grace <i>"]
    assert "Grace <i>" in page.inner_text(".f2-facts") and "−30° 5° 0°" in page.inner_text(".f2-facts")


def picture(page, name):
    "The bytes of a picture as the page holds it."
    return page.evaluate(f"async () => Array.from(new Uint8Array(await (await fetch(document.querySelector('.f2-{name}').src)).arrayBuffer()))")


def choose(page, video):
    page.fill(".f2-find", video)
    page.click(f'.f2-row[data-video="{video}"]')


def until(true, seconds=20):
    end = time.time() + seconds
    while not true() and time.time() < end:
        time.sleep(0.05)
    assert true()


def look_through(page, output):
    "What a user does: moves, plays, chooses, rejects."
    wait_for(page, 0, "demo.mp4")
    page.wait_for_selector(f'{ROOT}[data-frame="0"]')
    first, frame = picture(page, "face"), picture(page, "frame")
    page.focus(ROOT)
    for key in ("ArrowRight", "ArrowRight", "Shift+ArrowRight"):
        page.keyboard.press(key)
    wait_for(page, 12)
    assert picture(page, "face") != first and "13 of 100 faces" in page.inner_text(".f2-text")
    page.wait_for_selector(f'{ROOT}[data-frame="12"]')
    assert picture(page, "frame") != frame
    assert page.eval_on_selector_all(".f2-boxes text", "all => all.map(e => e.textContent)") == ["0"]
    page.keyboard.press("End")
    wait_for(page, 99)
    page.keyboard.press("Home")
    wait_for(page, 0)
    page.wait_for_selector(f'{ROOT}[data-sound="demo.mp4"]')
    page.keyboard.press("Space")
    page.wait_for_function(f"() => Number(document.querySelector('{ROOT}').dataset.position) > 20")
    assert data(page)["playing"] == "true"
    page.keyboard.press("Space")
    assert data(page)["playing"] == ""
    page.keyboard.press("w")
    before = len(load_reviews(output))
    page.keyboard.press("r")
    until(lambda: len(load_reviews(output)) == before + 1)
    page.wait_for_selector(".f2-row[data-video='demo.mp4'][data-mark=reject]")


def test_the_app(browser_page, app, output):  # noqa: F811
    page = browser_page()
    page.goto(app)
    look_through(page, output)
    last = load_reviews(output).iloc[-1]
    assert (last.video, last.decision, last.by) == ("demo.mp4", "reject", "Ada")
    # a note on one face leaves the decision on the video alone
    page.click(".f2-scope[data-scope=face]")
    page.keyboard.press("n")
    page.keyboard.type("a note")
    page.keyboard.press("Enter")
    until(lambda: "a note" in load_reviews(output).note.tolist())
    row = load_reviews(output).query("note == 'a note'").iloc[0]
    assert (row.decision, row.track, row.frame) == ("none", 0, int(data(page)["position"]))
    # what was decided is undone on the video
    page.click(".f2-scope[data-scope=video]")
    page.click(".f2-undo")
    until(lambda: "demo.mp4" not in load_reviews(output).query("frame.isna()").video.tolist())
    # names are text, whatever they hold
    choose(page, "short <b>.mp4")
    wait_for(page, 0, "short <b>.mp4")
    assert page.inner_text(".f2-title") == "short <b>.mp4"
    choose(page, "broken.mp4")
    page.wait_for_selector(f'{ROOT}[data-video="broken.mp4"][data-ready=none]')
    assert "is not a media file" in page.inner_text(".f2-message")
    assert page.errors == [] and page.outside == []
    page.context.close()


def test_the_list(browser_page, app, output):  # noqa: F811
    page = browser_page(width=800)
    page.goto(app)
    wait_for(page, 0)
    assert page.inner_text(".f2-count") == "1,004 videos"
    page.select_option(".f2-filters select[aria-label=status]", "ok")
    assert page.inner_text(".f2-count") == "3 of 1,004 videos"
    names = "rows => [...rows].sort((a, b) => a.offsetTop - b.offsetTop).map(e => e.dataset.video)"
    page.click(".f2-head[data-key=faces]")
    assert page.eval_on_selector_all(".f2-row", names) == ["short <b>.mp4", "demo.mp4", "long.mp4"]
    page.click(".f2-head[data-key=faces]")
    assert page.eval_on_selector_all(".f2-row", names)[0] == "long.mp4"
    page.fill("input[aria-label='faces to']", "99")
    assert page.eval_on_selector_all(".f2-row", names) == ["short <b>.mp4"]
    page.fill("input[aria-label='faces to']", "")
    page.select_option(".f2-filters select[aria-label=status]", "")
    page.fill("input[aria-label='seconds from']", "1000")
    assert page.inner_text(".f2-count") == "5 of 1,004 videos"
    page.fill("input[aria-label='seconds from']", "")
    # only rows that are seen exist
    assert page.eval_on_selector_all(".f2-row", "rows => rows.length") < 100
    append_row(output, dict(video="new.mp4", status="error", error="came later", outputs={}))
    page.click(".f2-foot button")
    page.wait_for_function("() => document.querySelector('.f2-count').textContent === '1,005 videos'")
    assert page.errors == []
    page.context.close()


def test_twenty_thousand_faces(browser_page, app, output):  # noqa: F811
    page = browser_page()
    page.goto(app)
    wait_for(page, 0)
    choose(page, "long.mp4")
    wait_for(page, 0, "long.mp4")
    # the time from a move of the slider to the face on the screen, anywhere in the video
    moves = page.evaluate(
        """async () => {
            const root = document.querySelector('.f2-explorer'), slider = root.querySelector('.f2-slider'), took = [];
            let seed = 1;
            const next = () => (seed = (seed * 48271) % 2147483647) % 20000;
            for (let k = 0; k < 21; k++) {
                const to = k ? next() : 19999, begin = performance.now();
                slider.value = to;
                slider.dispatchEvent(new Event('input'));
                while (root.dataset.ready !== String(to)) await new Promise((go) => setTimeout(go, 1));
                took.push(performance.now() - begin);
            }
            return took;
        }"""
    )
    print(f"\na jump: median {np.median(moves[1:]):.0f} ms, longest {max(moves[1:]):.0f} ms; the first to the end, while it is unpacked: {moves[0]:.0f} ms")
    assert np.median(moves[1:]) < 200
    assert page.errors == []
    page.context.close()


def test_in_jupyterlab(browser_page, output, tmp_path):  # noqa: F811
    pytest.importorskip("jupyterlab", reason="needs JupyterLab")
    # settings, kernels and a home of its own, so that nothing of this machine's user is read or written
    folders = {f"JUPYTER_{kind}_DIR": str(tmp_path / kind.lower()) for kind in ("CONFIG", "DATA", "RUNTIME")}
    for folder in folders.values():
        Path(folder).mkdir()
    kernel = tmp_path / "data" / "kernels" / "python3"
    kernel.mkdir(parents=True)
    (kernel / "kernel.json").write_text(json.dumps(dict(argv=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"], display_name="python3", language="python")))
    (tmp_path / "config" / "labconfig").mkdir()
    (tmp_path / "config" / "labconfig" / "page_config.json").write_text(json.dumps({"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}))
    (tmp_path / "work").mkdir()
    source = f"from face2nb.all import *\nexplore({str(output)!r}, 'demo.mp4')"
    cell = dict(cell_type="code", id="one", metadata={}, source=source, execution_count=None, outputs=[])
    meta = dict(kernelspec=dict(name="python3", display_name="python3", language="python"))
    (tmp_path / "work" / "look.ipynb").write_text(json.dumps(dict(nbformat=4, nbformat_minor=5, metadata=meta, cells=[cell])))
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--ip=127.0.0.1", "--port=8941", "--IdentityProvider.token=t", f"--ServerApp.root_dir={tmp_path / 'work'}"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    env = os.environ | folders | {"HOME": str(tmp_path), "FACE2NB_CACHE": str(tmp_path / "cache")}
    with started(*command, cwd=tmp_path / "work", env=env) as process:
        address = line_with(process, r"http://127\.0\.0\.1:\d+/lab")
        page = browser_page(height=1000)
        page.goto(f"{address}/tree/look.ipynb?token=t&reset")
        page.wait_for_selector(".jp-NotebookPanel .jp-Notebook", timeout=90_000)
        page.wait_for_function("() => document.body.innerText.includes('| Idle')", timeout=90_000)
        page.click("text=Run >> nth=0")
        page.click(".lm-Menu-itemLabel >> text='Run All Cells'")
        look_through(page, output)
        page.keyboard.press("a")  # JupyterLab's own A would insert a cell
        until(lambda: load_reviews(output).query("video == 'demo.mp4' and frame.isna()").decision.tolist() == ["accept"])
        assert page.locator(".jp-Notebook .jp-Cell").count() == 1
        assert page.outside == [], page.outside
        page.context.close()
