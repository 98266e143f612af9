"""Fetching from a server on this machine that breaks off, hangs, lies and leads astray; nothing else is ever asked."""

import json
import re
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from conftest import ROOT

pytest.importorskip("yt_dlp", reason="needs the extra: pip install 'face2nb[curate]'")

import face2nb.curate.download
from face2nb.core import BadSetting
from face2nb.curate.download import DownloadSettings, download
from face2nb.data.store import read_manifest
from face2nb.media.find import web_address
from face2nb.media.demo import demo_clip

SECRET = "what-only-this-machine-should-see"


class Site(ThreadingHTTPServer):
    "A site whose pages are functions of the request; counts what was asked and what was sent."

    daemon_threads = True

    def __init__(self, clip):
        super().__init__(("127.0.0.1", 0), Page)
        self.clip, self.asked, self.connections = clip, Counter(), []  # of a connection: which byte was asked for, None for all; and bytes sent
        self.here, self.over = f"http://127.0.0.1:{self.server_port}", threading.Event()

    def handle_error(self, request, client_address):
        "A client that goes away is what happens here all the time."


class Page(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        site, name = self.server, self.path.split("?")[0]
        site.asked[name] += 1
        kind, _, _ = name.strip("/").partition("/")
        getattr(self, kind.replace(".", "_"), self.gone)()

    def answer(self, body=b"", status=200, **headers):
        self.send_response(status)
        for key, value in (dict(Content_Length=len(body), Content_Type="text/html", Connection="close") | headers).items():
            self.send_header(key.replace("_", "-"), str(value))
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True

    def gone(self):
        self.answer(b"gone", 404)

    def clip(self, breaks_at=None, ranges=True):
        "A whole clip, or the part that was asked for; breaks off once at a byte, if told so."
        site, data = self.server, self.server.clip
        wanted = re.match(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "")) if ranges else None
        first, last = (int(wanted[1]), int(wanted[2] or len(data) - 1)) if wanted else (0, len(data) - 1)
        connection = [first if wanted else None, 0]
        site.connections.append(connection)
        self.send_response(206 if wanted else 200)
        for key, value in {"Content-Type": "video/mp4", "Content-Length": last + 1 - first, "Connection": "close"}.items():
            self.send_header(key, str(value))
        if ranges:
            self.send_header("Accept-Ranges", "bytes")
        if wanted:
            self.send_header("Content-Range", f"bytes {first}-{last}/{len(data)}")
        self.end_headers()
        self.close_connection = True
        end = last + 1 if breaks_at is None else min(last + 1, breaks_at)
        for at in range(first, end, 4096):
            connection[1] += self.wfile.write(data[at : min(at + 4096, end)])

    def breaks(self):
        "Each connection gets 70,000 bytes further."
        first = int(re.match(r"bytes=(\d+)-|", self.headers.get("Range", ""))[1] or 0)
        self.clip(breaks_at=first + 70_000)

    def breaks_once(self):
        "Breaks off until told better."
        self.clip(breaks_at=None if self.server.over.is_set() else 30_000)

    def no_ranges(self):
        self.clip(ranges=False)

    def page(self):
        self.answer(b"<html><body>Nothing but words</body></html>")

    def text(self):
        self.answer(SECRET.encode() * 1000, Content_Type="video/mp4")

    def hangs(self):
        self.server.over.wait(20)

    def stalls(self):
        "Sends half of it and then nothing more."
        self.send_response(200)
        self.send_header("Content-Type", "video/mp4")
        self.send_header("Content-Length", str(len(self.server.clip)))
        self.end_headers()
        self.wfile.write(self.server.clip[:30_000])
        self.server.over.wait(20)

    def endless(self):
        "Does not say how long it is."
        self.send_response(200)
        self.send_header("Content-Type", "video/mp4")
        self.send_header("Connection", "close")
        self.end_headers()
        while not self.server.over.is_set():
            self.wfile.write(bytes(1 << 16))

    def file(self):
        self.answer(status=302, Location="file:///etc/hostname")

    def inside(self):
        self.answer(status=302, Location=f"http://localhost:{self.server.server_port}/text/x.mp4")

    def moved(self):
        self.answer(status=302, Location="/clip/moved.mp4")

    def local(self):
        self.answer(b'<html><video src="file:///etc/hostname"></video></html>')

    def playlist(self):
        self.answer(b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile:///etc/hostname\n#EXT-X-ENDLIST\n", Content_Type="application/x-mpegURL")

    def many(self):
        self.answer(b'<html><video src="/clip/a.mp4"></video><video src="/clip/b.mp4"></video></html>')

    def titled(self):
        "A page whose words are half letters and line breaks."
        about = {"@context": "https://schema.org", "@type": "VideoObject", "name": "half \ud83d a\nletter", "contentUrl": f"{self.server.here}/clip/a.mp4"}
        self.answer(f'<html><script type="application/ld+json">{json.dumps(about)}</script></html>'.encode())

    def refuses(self):
        self.answer(b"no", 403)

    def closes(self):
        self.close_connection = True

    def broken(self):
        self.answer(b"no", 503)

    def asks(self):
        "Sends a cookie, and answers only who has the right one."
        if "key=open" not in self.headers.get("Cookie", ""):
            return self.answer(b"who are you?", 401)
        self.clip()


@pytest.fixture
def site():
    server = Site(demo_clip(seconds=4).read_bytes())
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.over.set()
    server.shutdown()
    server.server_close()


def fetch(site, out, *names, settings=(), **run):
    "The rows of some pages, by their names."
    settings = DownloadSettings(**dict(retries=2, socket_timeout=5) | dict(settings))
    rows = download([site.here + name if name.startswith("/") else name for name in names], out, settings, 0, **run)
    return list(rows.astype(object).where(rows.notna(), None).itertuples(index=False))


def stands(out):
    "What is in the folder besides the manifest and the log."
    return sorted(p.name for p in out.iterdir() if p.name not in ("manifest.jsonl", "run.log"))


def test_a_clip_comes_whole_and_once(site, tmp_path):
    [row] = fetch(site, tmp_path, "/clip/talk.mp4")
    assert (row.status, row.site, row.id, row.bytes) == ("ok", "generic", "talk", len(site.clip))
    assert (tmp_path / row.file).read_bytes() == site.clip
    assert stands(tmp_path) == sorted(row.outputs) and list(row.outputs) == [row.file, row.file[:-4] + ".info.json"]
    about = json.loads((tmp_path / row.file[:-4]).with_suffix(".info.json").read_text())
    assert about["title"] == "talk" and not {"http_headers", "cookies", "formats", "url"} & about.keys()
    asked = site.asked.total()
    [again] = fetch(site, tmp_path, "/clip/talk.mp4")
    assert (again.resume, site.asked.total()) == ("unchanged", asked)
    (tmp_path / row.file).unlink()
    [again] = fetch(site, tmp_path, "/clip/talk.mp4")
    assert again.resume == "changed results" and (tmp_path / row.file).read_bytes() == site.clip
    [again] = fetch(site, tmp_path, "/clip/talk.mp4", settings=dict(no_info=True))
    assert again.resume == "changed settings" and list(again.outputs) == [row.file]


def test_names_are_ours(site, tmp_path):
    names = ["/clip/talk.mp4", "/clip/other/talk.mp4", "/clip/..%2F..%2Fevil.mp4", "/x/../../clip/up/../evil.mp4", "/clip/-exec.mp4", "/clip/%24HOME%25(id)s.mp4", "/moved/x.mp4"]
    rows = fetch(site, tmp_path / "in", *names, settings=dict(no_info=True))
    assert [r.status for r in rows] == ["ok"] * 7, [r.error for r in rows]
    assert len({r.file for r in rows}) == 7 == len(stands(tmp_path / "in"))
    assert all(re.fullmatch(r"127_0_0_1_[\w-]+?_[0-9a-f]{8}\.mp4", r.file) for r in rows)
    assert stands(tmp_path) == ["in"]


def test_words_of_strangers_do_no_harm(site, tmp_path):
    [row] = fetch(site, tmp_path, "/titled/%0A%ED%A0%BD.html")
    about = json.loads((tmp_path / list(row.outputs)[1]).read_text())
    assert (row.status, about["title"], len(read_manifest(tmp_path, "download"))) == ("ok", "half \ud83d a\nletter", 1)


def test_a_broken_transfer_is_taken_up_where_it_broke(site, tmp_path):
    assert 140_000 < len(site.clip) < 210_000
    [row] = fetch(site, tmp_path, "/breaks/talk.mp4", settings=dict(retries=5))
    assert row.status == "ok" and (tmp_path / row.file).read_bytes() == site.clip
    # the first connection is yt-dlp's look at what stands there
    ranges, sent = zip(*site.connections[1:])
    print(f"{len(site.clip)} bytes, taken up at {ranges[1:]}, {sum(sent) - len(site.clip)} of them sent again")
    assert len(ranges) >= 3 and sum(sent) - len(site.clip) <= (1 << 14) * (len(ranges) - 1)


def test_what_a_run_left_is_taken_up_by_the_next(site, tmp_path):
    [row] = fetch(site, tmp_path, "/breaks_once/talk.mp4", settings=dict(retries=0))
    assert (row.status, row.error_type, row.retry, row.outputs) == ("error", "Network", True, {})
    [folder] = stands(tmp_path)
    [part] = (tmp_path / folder).iterdir()
    assert part.name.endswith(".part") and 0 < part.stat().st_size <= 30_000
    have = part.stat().st_size
    site.over.set()
    site.connections.clear()
    [row] = fetch(site, tmp_path, "/breaks_once/talk.mp4")
    assert (row.status, row.resume) == ("ok", "failed before") and (tmp_path / row.file).read_bytes() == site.clip
    assert [asked for asked, _ in site.connections] == [None, have] and stands(tmp_path) == sorted(row.outputs)


def test_without_ranges_it_begins_again(site, tmp_path):
    folder = fetch(site, tmp_path, "/breaks_once/talk.mp4", settings=dict(retries=0)) and tmp_path / stands(tmp_path)[0]
    Page.breaks_once, before = Page.no_ranges, Page.breaks_once
    try:
        [row] = fetch(site, tmp_path, "/breaks_once/talk.mp4")
    finally:
        Page.breaks_once = before
    assert row.status == "ok" and (tmp_path / row.file).read_bytes() == site.clip and not folder.exists()


def test_reasons(site, tmp_path):
    with socket.socket() as deaf:  # a port at which nobody listens
        deaf.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{deaf.getsockname()[1]}/a.mp4"
        pages = {
            "/nothing/x.mp4": ("Gone", False),
            "/page/x": ("NoVideo", False),
            "/text/x.mp4": ("NoVideo", False),
            "/refuses/x": ("Forbidden", True),
            "/asks/x.mp4": ("Private", True),
            "/broken/x.mp4": ("Network", True),
            "/many/x": ("Playlist", False),
            nobody: ("Network", True),
            "/closes/x": ("Network", True),
        }
        rows = fetch(site, tmp_path, *pages)
    assert {r.video.removeprefix(site.here): (r.error_type, r.retry) for r in rows} == pages
    assert all(r.status == "error" and len(r.error) < 350 and "\n" not in r.error for r in rows)
    assert stands(tmp_path) == []
    again = fetch(site, tmp_path, *list(pages)[:4])
    assert [r.resume for r in again] == ["unchanged"] * 3 + ["failed before"]


def test_files_of_this_machine_are_out_of_reach(site, tmp_path):
    rows = fetch(site, tmp_path, "/file/x.mp4", "/file/x.mp4#t=0,1", "/local/x", "/playlist/x.m3u8", "/playlist/x.m3u8#t=0,1")
    print(*[r.error for r in rows], sep="\n")
    assert [r.status for r in rows] == ["error"] * 5
    for bad in ("file:///etc/hostname", "/etc/hostname", "-a", "--exec=id"):
        with pytest.raises(BadSetting, match="no address"):
            download([bad], tmp_path, workers=0)
    held = "".join(p.read_text(errors="replace") for p in tmp_path.rglob("*") if p.is_file())
    assert Path("/etc/hostname").read_text().strip() not in held.replace(str(tmp_path), "")


def test_of_an_address_inside_nothing_is_kept(site, tmp_path):
    "Redirects are followed; what is no video is thrown away."
    [row] = fetch(site, tmp_path, "/inside/x.mp4")
    assert (row.status, row.error_type) == ("error", "NoVideo") and site.asked["/text/x.mp4"]
    assert all(SECRET not in p.read_text(errors="replace") for p in tmp_path.rglob("*") if p.is_file())


def test_a_silent_server_is_given_up(site, tmp_path):
    begin = time.monotonic()
    rows = fetch(site, tmp_path, "/hangs/x.mp4", "/stalls/x.mp4", settings=dict(socket_timeout=1, retries=0))
    assert [(r.error_type, r.retry) for r in rows] == [("Network", True)] * 2, [r.error for r in rows]
    assert time.monotonic() - begin < 10


def test_a_time_out_for_the_whole(site, tmp_path):
    settings = DownloadSettings(socket_timeout=60)
    [row] = download([site.here + "/hangs/x.mp4"], tmp_path, settings, 1, timeout=2).itertuples()
    assert (row.status, row.error_type) == ("error", "Timeout")


def test_too_large(site, tmp_path):
    rows = fetch(site, tmp_path, "/endless/x.mp4", settings=dict(max_megabytes=1))
    site.clip += bytes(2_000_000)
    rows += fetch(site, tmp_path, "/clip/x.mp4", settings=dict(max_megabytes=1))
    assert [(r.error_type, r.retry) for r in rows] == [("TooLarge", False)] * 2 and stands(tmp_path) == []
    [row] = fetch(site, tmp_path, "/clip/x.mp4", settings=dict(max_megabytes=10))
    assert (row.status, row.resume) == ("ok", "failed before")


def test_parts(site, tmp_path):
    exact, rough = (fetch(site, tmp_path / str(r), "/clip/x.mp4#t=1,2.4", settings=dict(rough_cuts=r))[0] for r in (False, True))
    assert exact.file.endswith("_1-2.4.mp4") and exact.n_frames == 35 and exact.video_seconds == pytest.approx(1.4, abs=0.05)
    assert rough.status == "ok" and rough.n_frames >= 35


def test_parts_come_from_whom_they_should(site, tmp_path, monkeypatch):
    "FFmpeg, too, looks at certificates; yt-dlp is told not to, so that it is FFmpeg that has to refuse."
    make = "openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=localhost"
    if not shutil.which("openssl"):
        pytest.skip("needs openssl, to make a certificate")
    subprocess.run(make.split(), cwd=tmp_path, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    site.socket, site.here = context.wrap_socket(site.socket, server_side=True), site.here.replace("http:", "https:")
    [row] = fetch(site, tmp_path / "out", "/clip/x.mp4")
    assert (row.error_type, row.retry) == ("Network", True) and "certificate" in row.error.lower()
    options = face2nb.curate.download._options
    monkeypatch.setattr(face2nb.curate.download, "_options", lambda *a: options(*a) | {"nocheckcertificate": True})
    whole, part = fetch(site, tmp_path / "out", "/clip/y.mp4", "/clip/y.mp4#t=1,2")
    assert (whole.status, part.status, part.error_type) == ("ok", "error", "FFmpeg")


def test_an_archive_is_shared(site, tmp_path):
    archive = dict(archive=str(tmp_path / "archive.txt"))
    [row] = fetch(site, tmp_path / "a", "/clip/x.mp4", settings=archive)
    [line] = (tmp_path / "archive.txt").read_text().splitlines()
    assert row.status == "ok" and line == f"generic {row.file[:-4]}"
    [row, other] = fetch(site, tmp_path / "b", "/clip/x.mp4", "/clip/y.mp4", settings=archive)
    assert (row.status, row.error, row.outputs, other.status) == ("archived", None, {}, "ok")
    # once to look and once to fetch, and of what the archive names only the look
    assert site.asked == {"/clip/x.mp4": 3, "/clip/y.mp4": 2} and stands(tmp_path / "b") == sorted(other.outputs)
    [again] = fetch(site, tmp_path / "b", "/clip/x.mp4", settings=archive)
    assert again.resume == "unchanged"


COOKIES = "# Netscape HTTP Cookie File\n127.0.0.1\tFALSE\t/\tFALSE\t0\tkey\topen\n"


def test_keys_are_used_and_not_told(site, tmp_path):
    cookies = tmp_path / "cookies.txt"
    cookies.write_text(COOKIES)
    out = tmp_path / "out"
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("no_proxy", raising=False)
        patch.delenv("NO_PROXY", raising=False)
        rows = fetch(site, out, "/asks/x.mp4", settings=dict(cookies=cookies))
        rows += fetch(site, out, "/clip/y.mp4", settings=dict(cookies=cookies, proxy="http://me:hush@127.0.0.1:1", retries=0))
    assert [r.status for r in rows] == ["ok", "error"] and rows[1].error_type == "Network"
    assert cookies.read_text() == COOKIES, "the cookies file was written to"
    told = "".join(p.read_text(errors="replace") for p in out.rglob("*") if p.suffix != ".mp4" and p.is_file())
    assert "hush" not in told and "cookies.txt" not in told and "key=open" not in told
    assert not {"cookies", "proxy"} & read_manifest(out, "download").settings[0].keys()


def test_nothing_of_the_users_is_read(site, tmp_path, monkeypatch):
    "Neither configuration nor plugins of yt-dlp, and nothing is cached."
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home" / ".config"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home" / ".cache"))
    config = tmp_path / "home" / ".config" / "yt-dlp"
    plugin = config / "plugins" / "mine" / "yt_dlp_plugins" / "extractor"
    plugin.mkdir(parents=True)
    (plugin / "mine.py").write_text(f"open({str(tmp_path / 'was_here')!r}, 'w')\n")
    (config / "config").write_text(f"--exec 'touch {tmp_path / 'was_here'}'\n")
    code = f"from test_download import *; assert fetch_quietly({site.here!r}, {str(tmp_path / 'out')!r}) == 'ok'"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT / "tests", capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "was_here").exists() and not (tmp_path / "home" / ".cache" / "yt-dlp").exists()


def fetch_quietly(here, out):
    return download(here + "/clip/x.mp4", out, workers=0).status[0]


def test_a_list_with_parts(site, tmp_path):
    (tmp_path / "urls.txt").write_text(f"{site.here}/clip/x.mp4\n{site.here}/clip/x.mp4 1 2  # a part\n")
    told = []
    table = download(tmp_path / "urls.txt", tmp_path / "out", workers=0, progress=told.append)
    assert table.video.tolist() == [web_address(f"{site.here}/clip/x.mp4"), f"{site.here}/clip/x.mp4#t=1,2"]
    assert (table.status == "ok").all() and told[-1].done == 2 and told[-1].frames >= len(site.clip) // 1000
