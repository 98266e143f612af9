"""What Sphinx needs to know; scripts/build_docs.py lays the pages beside this file and starts it."""

import configparser
import os

_ini = configparser.ConfigParser(delimiters=["="])
_ini.read(os.environ["FACE2NB_SETTINGS"], encoding="utf-8")
_cfg = _ini["DEFAULT"]

project, version = _cfg["lib_name"], _cfg["version"]
release, author = version, ""  # the copyright names the authors
copyright = f"{_cfg['copyright'].split(',')[0]}, {_cfg['author']}"
language = "en"
smartquotes = False  # values in quotes are to be typed as they stand

extensions = ["myst_nb", "sphinx_copybutton", "sphinx_design"]
exclude_patterns = ["generated/*", "figures/*"]
source_suffix = {".md": "myst-nb", ".ipynb": "myst-nb"}
suppress_warnings = ["myst.header"]  # a notebook may go from a title straight to its third level

myst_enable_extensions = ["colon_fence", "attrs_inline", "deflist"]
myst_heading_anchors = 3

nb_execution_mode = "off"
nb_output_stderr = "remove"
nb_ipywidgets_js = {
    f"widgets/{name}": kw
    for name, kw in {
        "require.js": {},
        "setup.js": {},
        "embed-amd.js": {"data-jupyter-widgets-cdn": "about:blank#"},
    }.items()
}

add_module_names = False
toc_object_entries_show_parents = "hide"
modindex_common_prefix = [f"{project}."]

html_theme = "sphinx_book_theme"
html_title = project
html_logo = "_static/logo.svg"
html_favicon = "_static/favicon.svg"
html_static_path = ["_static"]
html_css_files = ["face2nb.css"]
html_show_sphinx = False
html_context = {"default_mode": "auto"}
html_theme_options = {
    "repository_url": _cfg["git_url"],
    "repository_branch": _cfg["branch"],
    "use_repository_button": True,
    "use_issues_button": True,
    "use_download_button": True,
    "use_fullscreen_button": False,
    "home_page_in_toc": False,
    "show_navbar_depth": 1,
    "show_toc_level": 2,
    "navbar_persistent": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
    "logo": {"text": project, "image_light": "_static/logo.svg", "image_dark": "_static/logo.svg", "alt_text": f"{project}: home"},
}
copybutton_exclude = ".linenos, .gp, .go"
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
