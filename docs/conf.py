"""The site. `make docs` builds it; tools/make_site.py calls this."""

import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tools.site_parts import expanded  # noqa: E402

from crimenb.version import __version__  # noqa: E402

project = "crimenb"
author = copyright = "The crimenb developers"
version = release = __version__
language = "en-GB"
extensions = ["myst_parser", "sphinx.ext.autodoc", "numpydoc"]
myst_heading_anchors = 3
exclude_patterns = ["requirements.lock"]
html_theme = "furo"
html_title = "crimenb"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_show_sourcelink = html_copy_source = False
html_last_updated_fmt = None
pygments_style, pygments_dark_style = "a11y-high-contrast-light", "a11y-high-contrast-dark"
default_role = "code"  # our docstrings write `code` as Markdown does
autodoc_typehints = "none"  # they stand in the signature's place in the text
autodoc_default_options = {"members": False}
numpydoc_show_class_members = False


ACCESSIBLE = {
    '<p class="caption" role="heading">': '<p class="caption" role="heading" aria-level="2">',
    '<aside class="sidebar-drawer">': '<aside class="sidebar-drawer" aria-label="Site">',
    '<aside class="toc-drawer">': '<aside class="toc-drawer" aria-label="This page">',
    "<pre>": '<pre tabindex="0">',
}
"""What axe asks for and the theme has not."""

MAIN = '<article role="main" id="furo-main-content">'


def setup(app: Any) -> None:
    """Put what is derived into the sources, and into the pages what axe asks for."""

    def read(_: object, name: str, source: list[str]) -> None:
        source[0] = expanded(source[0], name)

    def mend(app: Any, _: object) -> None:
        pages = set(Path(app.outdir).rglob("*.html")) - set(Path(app.outdir, "gallery").rglob("*"))
        for page in pages:
            text = page.read_text("utf-8")
            for old, new in ACCESSIBLE.items():
                text = text.replace(old, new)
            if "<h1>" not in text:  # the page of the search
                text = text.replace(MAIN, f"{MAIN}<h1>Search</h1>")
            page.write_text(text, "utf-8")

    def link_rules(*event: Any) -> None:
        lines = event[-1]
        lines[:] = [re.sub(r"\bR(\d+)\b", r"`R\1 <../method.html#r\1>`__", line) for line in lines]

    app.connect("source-read", read)
    app.connect("autodoc-process-docstring", link_rules)
    app.connect("build-finished", mend)
