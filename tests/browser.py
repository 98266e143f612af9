"""A page in a real browser that remembers its errors, and every request that would have left the machine.

    from browser import browser_page, serve

    def test_it(browser_page, tmp_path):      # a fixture: skips where there is no browser
        with serve(tmp_path) as address:
            page = browser_page()             # or browser_page(width=800, dark=True)
            page.goto(address)
            assert page.errors == [] and page.outside == []

`FACE2NB_CHROMIUM` names the browser; without it the usual names are looked for.
"""

import os
import shutil
import threading
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# no name but this machine's is even looked up, so that nothing leaves it, whatever a page asks for
ARGS = "--no-sandbox --disable-gpu --disable-background-networking --disable-component-update --disable-sync".split()
ARGS += ["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"]
HERE = {"127.0.0.1", "localhost"}


def chromium():
    "Path of the browser, or None."
    named = os.environ.get("FACE2NB_CHROMIUM")
    if named and not shutil.which(named):
        raise FileNotFoundError(f"FACE2NB_CHROMIUM is {named}, which can't be run")
    return next(filter(None, map(shutil.which, [named] if named else NAMES)), None)


def _watch(page):
    "Let a page keep what went wrong in it, and what it asked of other machines."
    page.errors, page.outside = [], []

    def request(url):
        if urlsplit(url).scheme in ("http", "https", "ws", "wss") and urlsplit(url).hostname not in HERE:
            page.outside.append(url)

    page.on("console", lambda m: page.errors.append(f"{m.text} ({m.location.get('url', '')})") if m.type == "error" else None)
    page.on("pageerror", lambda e: page.errors.append(str(e)))
    page.on("request", lambda r: request(r.url))
    page.on("websocket", lambda w: request(w.url))
    return page


@contextmanager
def open_browser():
    "Give a function that opens pages in a browser started for the purpose."
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=ARGS)

        def open_page(width=1280, height=800, dark=False, **more):
            "A page of its own, without a history; `errors` and `outside` grow while it is used."
            context = browser.new_context(viewport=dict(width=width, height=height), color_scheme="dark" if dark else "light", **more)
            return _watch(context.new_page())

        yield open_page
        browser.close()


@pytest.fixture(scope="module")
def browser_page():
    "A function that opens watched pages, see `open_browser`; without a browser the test is skipped."
    pytest.importorskip("playwright.sync_api", reason="needs Playwright: pip install playwright")
    if not chromium():
        pytest.skip(f"needs a browser, and none of {', '.join(NAMES)} is there: install Chromium, or name one in FACE2NB_CHROMIUM")
    with open_browser() as open_page:
        yield open_page


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@contextmanager
def serve(folder):
    "Serve a folder on this machine alone; gives its address."
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
