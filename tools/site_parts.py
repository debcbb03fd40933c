"""What the site says that stands somewhere else already: written there once, derived here.

A page asks for a part by a comment, `<!-- derived: commands -->`. The build puts the part in its place
(docs/conf.py), and so does the test of the links.
"""

import csv
import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

import click
from tools.gallery import EXAMPLES, command

import crimenb
from crimenb import cli, errors
from crimenb.schema import data_file, force_name
from crimenb.version import VARIABLES

ROOT = Path(__file__).parents[1]


def expanded(text: str, page: str = "") -> str:
    """Return a page's text with its derived parts in place."""
    text = re.sub(r'<a id="(\w+)"></a>\n', r"(\1)=\n", text)  # the form that GitHub knows, into MyST's
    up = "../" * len(PurePosixPath(page).parent.parts)
    return re.sub(r"<!-- derived: (\w+) -->", lambda m: PARTS[m[1]]().replace("{up}", up), text)


def _commands(group: click.Group, above: click.Context, path: str) -> Iterator[str]:
    for name, one in sorted(group.commands.items()):
        context = click.Context(one, info_name=name, parent=above, max_content_width=84, terminal_width=84)
        yield f"## {path} {name}\n\n```text\n{one.get_help(context)}\n```\n"
        if isinstance(one, click.Group):
            yield from _commands(one, context, f"{path} {name}")


def commands() -> str:
    root = click.Context(cli.main, info_name="crimenb", max_content_width=84, terminal_width=84)
    whole = f"```text\n{cli.main.get_help(root)}\n```\n"
    return "\n".join([whole, *_commands(cli.main, root, "crimenb")])


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def variables() -> str:
    return _table(["Variable", "What it does"], [[f"`{name}`", what] for name, what in VARIABLES.items()])


def exit_codes() -> str:
    own = [e for e in (errors.CrimenbError, *errors.CrimenbError.__subclasses__())]
    rows = [
        [
            "0",
            "",
            "All went well. For `crimenb batch`: every row has its report, were it one without numbers.",
        ]
    ]
    for error in own:
        what = inspect.getdoc(error).splitlines()[0]
        more = {
            1: " For `crimenb batch`: a row has no report; with `--dry-run`, a row cannot be used.",
            2: " Or an option that does not exist.",
        }
        rows.append([str(error.exit_code), f"`{error.__name__}`", what + more.get(error.exit_code, "")])
    rows.append(["130", "", "Stopped by Ctrl+C. Run it again to go on."])
    return _table(["Code", "Error", "What happened"], rows)


def statuses() -> str:
    """Return the table of the method, which is the one place where it is written."""
    method = (ROOT / "docs" / "method.md").read_text("utf-8")
    table = re.search(r"^\| Status \|.*?\n\n", method, re.MULTILINE | re.DOTALL)
    return table[0].replace("](#", "]({up}method.md#")


def gaps() -> str:
    rows = []
    for r in csv.DictReader(data_file("known-gaps.csv").splitlines()):
        source = f"[{r['source']}]({r['link']})"
        rows.append([force_name(r["force"]), r["start"], r["end"] or "now", r["what"], source, r["checked"]])
    return _table(["Force", "From", "To", "What", "Source", "Checked"], rows)


MEMBERS = {"Query": "parse, months", "Data": "main, of"}
"""What of a class the reference shows."""


def api() -> str:
    """Return the public functions, grouped by the package that they live in."""
    titles = {
        "Ask": ("snapshot", "query", "area_file", "data"),
        "Count and compare": ("measures", "wording"),
        "Draw": ("charts",),
        "Parts of the report": ("report",),
        "Errors": ("errors",),
    }
    lines = []
    for title, homes in titles.items():
        lines.append(f"## {title}\n")
        for name in crimenb.__all__:
            if crimenb._HOME[name].partition(".")[0] in homes:
                kind = "autoclass" if inspect.isclass(getattr(crimenb, name)) else "autofunction"
                members = f"\n   :members: {MEMBERS[name]}" if name in MEMBERS else ""
                lines.append(f"### `{name}`\n\n```{{eval-rst}}\n.. {kind}:: crimenb.{name}{members}\n```\n")
    rest = [e for e in vars(errors).values() if inspect.isclass(e) and errors.CrimenbError in e.__mro__[1:]]
    rows = [
        [f"`{e.__name__}`", f"`{e.__bases__[0].__name__}`", inspect.getdoc(e).splitlines()[0]] for e in rest
    ]
    lines.append("The others are in `crimenb.errors`, to be caught by name:\n")
    lines.append(_table(["Error", "Is a", "What happened"], rows))
    return "\n".join(lines)


def gallery() -> str:
    lines = []
    for one in EXAMPLES:
        page, picture = f"{{up}}gallery/{one.name}/report.html", f"{{up}}gallery/{one.name}.png"
        alt = f"The top of the report “{one.title}”"
        lines.append(
            f"## {one.title}\n\n{one.shows}\n\n"
            f'<a href="{page}"><img src="{picture}" alt="{alt}" width="640" height="400"></a>\n\n'
            f'<p><a href="{page}">Open the report: {one.title.lower()}</a></p>\n\n'
            f"<!-- not run: `make docs` runs it -->\n```sh\n{command(one)}\n```\n"
        )
    return "\n".join(lines)


PARTS: dict[str, Callable[[], str]] = {
    f.__name__: f for f in (commands, variables, exit_codes, statuses, gaps, api, gallery)
}
