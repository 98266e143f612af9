"""Check that every link within a folder of HTML leads somewhere: `python scripts/docs_links.py FOLDER`."""

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class _Page(HTMLParser):
    "What a page links to, and what can be linked to in it."

    def __init__(self, text):
        super().__init__()
        self.links, self.anchors = [], {"", "top"}
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        for key, value in attrs:
            if key in ("id", "name") and value:
                self.anchors.add(value)
            if key in ("href", "src") and value is not None:
                self.links.append((tag, value))


def check_links(folder):
    "Dead links as sentences, how many were checked, and the addresses outside, which are only listed."
    folder = Path(folder).resolve()
    pages = {p: _Page(p.read_text(encoding="utf-8")) for p in folder.rglob("*.html")}
    dead, checked, outside, loaded = [], 0, set(), set()
    for path, page in pages.items():
        for tag, link in page.links:
            parts = urlsplit(link)
            if parts.scheme in ("http", "https") or parts.netloc:
                outside.add(link)
                if tag not in ("a", "link"):
                    loaded.add(link)
                continue
            if parts.scheme:
                continue
            checked += 1
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not target.is_relative_to(folder) or not target.is_file():
                dead.append(f"{path.relative_to(folder)}: {link} is not there")
            elif target in pages and unquote(parts.fragment) not in pages[target].anchors:
                dead.append(f"{path.relative_to(folder)}: {link} has no such anchor")
    dead += [f"{link} would be fetched from another machine" for link in sorted(loaded)]
    return sorted(set(dead)), checked, sorted(outside)


if __name__ == "__main__":
    dead, checked, outside = check_links(sys.argv[1])
    print(*outside, f"{checked} links within", sep="\n")
    sys.exit("\n".join(dead))
