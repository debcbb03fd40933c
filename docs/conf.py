"""The site. `make docs` builds it; tools/make_site.py calls this."""

import sys
from pathlib import Path

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


def setup(app: object) -> None:
    """Put what is derived (commands, variables, statuses, the gallery ...) into the sources."""

    def read(_: object, name: str, source: list[str]) -> None:
        source[0] = expanded(source[0], name)

    app.connect("source-read", read)  # type: ignore[attr-defined]
