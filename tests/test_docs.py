"""The documentation: complete, whole, and readable in a real browser without asking another machine for anything."""

import ast
import configparser
import re
import subprocess
import sys
from html import unescape

import nbformat
import pytest

from browser import browser_page, serve  # noqa: F401 (a fixture)
from conftest import ROOT, notebooks

sys.path.insert(0, str(ROOT / "scripts"))
import build_docs  # noqa: E402
import docs_links  # noqa: E402
import docs_pages  # noqa: E402
import run_notebooks  # noqa: E402

WIDGETS = ROOT / "build" / "widgets" / "packages.json"
COUNTER = '''#| widget
import anywidget, traitlets
class Counter(anywidget.AnyWidget):
    _esm = "export default { render({ model, el }) { el.innerHTML = `<b class='count'>${model.get('value')}</b>`; } }"
    value = traitlets.Int(7).tag(sync=True)
Counter()'''


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    "The site, built once, and what the build said."
    folder = tmp_path_factory.mktemp("docs")
    command = [sys.executable, ROOT / "scripts" / "build_docs.py", "--output", folder / "site", "--work", folder / "work"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"[-6000:]
    assert done.stderr == "" and "links are whole" in done.stdout
    return folder / "site"


@pytest.fixture(scope="module")
def address(site):
    with serve(site) as address:
        yield address


def all_of(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__" and isinstance(node.value, ast.List):
            return ast.literal_eval(node.value)
    return []


def test_each_module_and_name_has_its_place(site):
    checked = 0
    for path in (ROOT / "face2nb").rglob("*.py"):
        module = path.relative_to(ROOT).with_suffix("").as_posix()
        if path.name in ("__init__.py", "_modidx.py"):
            continue
        html = (site / f"{module.removeprefix('face2nb/')}.html").read_text()
        dotted = module.replace("/", ".")
        assert f'id="module-{dotted}"' in html, dotted
        for name in all_of(path):
            assert f'id="{dotted}.{name}"' in html, f"{dotted}.{name} has no anchor"
            checked += 1
    assert checked > 100


def test_each_notebook_can_be_downloaded(site):
    for notebook in notebooks():
        page = re.sub(r"\d\d_", "", notebook.relative_to(ROOT / "nbs").as_posix()).replace("index.ipynb", "overview.ipynb")
        assert (site / "_sources" / page).read_bytes() == notebook.read_bytes(), page


def test_commands_and_licences_are_those_of_the_package(site):
    from face2nb.weights import WEIGHTS

    config = configparser.ConfigParser(delimiters=["="])
    config.read(ROOT / "settings.ini")
    html = (site / "commands.html").read_text()
    for script in config["DEFAULT"]["console_scripts"].split():
        assert f"usage: {script.split('=')[0]}" in html
    html = unescape((site / "licences.html").read_text())
    for weight in WEIGHTS.values():
        assert weight.name in html and weight.licence in html and (weight.sha256 or "") in html


def test_parameters_are_told(site):
    html = (site / "speech" / "mfcc.html").read_text()
    entry = html[html.index('id="face2nb.speech.mfcc.generate_mfcc"'):]
    entry = entry[: entry.index('id="face2nb.speech.mfcc.generate_mfcc_batch"')]
    assert "Parameter" in entry and "returns" in entry and "face2nb/speech/mfcc.py#L" in entry


def test_dead_links_are_found(tmp_path):
    (tmp_path / "a.html").write_text('<p id="here"></p><a href="#here"></a><a href="b.html#gone"></a><a href="c.html"></a><script src="https://x.org/y.js"></script>')
    (tmp_path / "b.html").write_text('<a href="a.html#here"></a><a href="https://x.org/z">z</a>')
    dead, checked, outside = docs_links.check_links(tmp_path)
    assert (len(dead), checked, outside) == (3, 4, ["https://x.org/y.js", "https://x.org/z"])
    assert "a.html: b.html#gone has no such anchor" in dead and "a.html: c.html is not there" in dead


def test_search_leads_to_a_function(address, browser_page):  # noqa: F811
    page = browser_page()
    page.goto(f"{address}/search.html?q=generate_mfcc")
    link = page.locator("#search-results a", has_text=re.compile(r"speech\.mfcc\.generate_mfcc$")).first
    link.click()
    page.wait_for_url("**/speech/mfcc.html*generate_mfcc*")
    assert page.locator("[id='face2nb.speech.mfcc.generate_mfcc']").is_visible()
    assert page.errors == [] and page.outside == []


def test_pages_ask_nobody_and_complain_of_nothing(site, address, browser_page):  # noqa: F811
    page = browser_page()
    for html in sorted(site.rglob("*.html")):
        page.goto(f"{address}/{html.relative_to(site).as_posix()}")
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide == 0, f"{html.relative_to(site)} is wider than the window"
    assert page.errors == [] and page.outside == []


def test_sidebar_and_dark_mode(address, browser_page):  # noqa: F811
    page = browser_page()
    page.goto(address)
    page.locator(".bd-sidebar-primary").get_by_role("link", name="The clock").click()
    page.wait_for_url("**/clock.html")
    assert page.title().startswith("The clock")
    colours = set()
    for mode in ("light", "dark"):
        page.locator("button.theme-switch-button:visible").first.click()
        if page.locator(".theme-change-button").count():  # newer themes ask which
            page.locator(f".theme-change-button[data-mode='{mode}']:visible").first.click()
        colours.add((page.locator("html").get_attribute("data-theme"), page.evaluate("getComputedStyle(document.body).backgroundColor")))
    assert {theme for theme, _ in colours} == {"light", "dark"} and len(colours) == 2
    assert page.errors == [] and page.outside == []


def test_narrow_pages_scroll_their_tables_only(address, browser_page):  # noqa: F811
    page = browser_page(width=500)
    for name in ("index", "overview", "licences", "files", "media/video", "commands"):
        page.goto(f"{address}/{name}.html")
        assert page.evaluate("document.documentElement.scrollWidth") <= 500, name


@pytest.fixture(scope="module")
def widgets_notebook(tmp_path_factory):
    "A notebook of three widgets, two of them marked, that has been run."
    pytest.importorskip("anywidget", reason="needs anywidget")
    path = tmp_path_factory.mktemp("widgets") / "10_some.ipynb"
    sources = ["import ipywidgets\nipywidgets.Label('not marked')", "#| widget\nlabel = ipywidgets.Label('kept')\nlabel", COUNTER, "label.value = 'later'"]
    cells = [nbformat.v4.new_markdown_cell("# some\n\n> Widgets."), *map(nbformat.v4.new_code_cell, sources)]
    kernel = {"kernelspec": {"name": "python3", "display_name": "python3"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), path)
    run_notebooks.run(path)
    return path


def test_marked_widgets_are_kept(widgets_notebook):
    models = nbformat.read(widgets_notebook, as_version=4).metadata["widgets"][run_notebooks.STATE]["state"]
    said = [m["state"].get("value") for m in models.values()]
    assert "kept" in said and 7 in said and not {"not marked", "later"} & set(said)
    assert sorted(models) == [f"{n:032x}" for n in range(len(models))]


def test_marked_widgets_live(widgets_notebook, tmp_path, browser_page):  # noqa: F811
    if not WIDGETS.is_file():
        pytest.skip("needs the widgets' front end, which could not be fetched: make widgets")
    source = build_docs.Source(tmp_path / "source")
    source.copy(ROOT / "docs" / "_static", "_static")
    source.copy(WIDGETS.parent, "_static/widgets")
    source.write("conf.py", (ROOT / "docs" / "conf.py").read_bytes())
    source.write("index.ipynb", docs_pages.page_of(widgets_notebook, {}, nbs=widgets_notebook.parent))
    build_docs.render(tmp_path)
    with serve(tmp_path / "site") as address:
        page = browser_page()
        page.goto(f"{address}/index.html")
        page.wait_for_selector("b.count")
        assert page.locator("b.count").inner_text() == "7"
        assert page.locator(".widget-label", has_text="kept").is_visible()
        assert page.locator(".no-widget").count() == 1
        assert page.errors == [] and page.outside == []
