"""The import picture: an import may only go down the table of layers, and never in a circle."""

import ast
from pathlib import Path

import pytest

import crimenb

SRC = Path(crimenb.__file__).parent
LAYERS = (
    ("cli",),
    ("batch",),
    ("report",),
    ("charts",),
    ("wording",),
    ("measures",),
    ("snapshot", "area_file", "fetch"),
    ("sources",),
    ("warm",),
    ("month_status",),
    ("data",),
    ("buckets", "usual_range", "geo", "files", "progress"),
    ("schema", "query", "errors", "plurals", "version"),
)
"""Top first. Modules of one row may know each other, but not in a circle."""

RANK = {name: len(LAYERS) - i for i, row in enumerate(LAYERS) for name in row}
PURE = {"charts", "wording", "measures", "month_status", "usual_range", "geo", "data", "schema", "query"}
"""Frames in, values out: these reach no file and no network."""

OUTSIDE = {
    "httpx", "hishel", "duckdb", "papermill", "distributed", "requests", "urllib.request", "socket",
    "subprocess", "shutil", "tempfile",
}  # fmt: skip
MODULES = sorted(p for p in SRC.rglob("*.py") if p != SRC / "__init__.py")
MOST_AT_THE_ROOT = 16


def name_of(module: Path) -> str:
    """Return "measures.counts" for a module's file."""
    return ".".join(module.relative_to(SRC).with_suffix("").parts).removesuffix(".__init__")


def layer(name: str) -> str:
    return name.partition(".")[0]


def imports(module: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(module.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {a.name for a in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{a.name}" for a in node.names} | {node.module}
    return found


def ours(module: Path) -> set[str]:
    """Return the modules of the package that a module imports, wherever in it."""
    known = {name_of(m) for m in MODULES}
    names = {n.removeprefix("crimenb.") for n in imports(module) if n.startswith("crimenb.")}
    return {n for n in names & known if not (SRC / n.replace(".", "/")).is_dir()} - {name_of(module)}


def picture() -> str:
    """Return the table as CONTRIBUTING shows it."""
    return "\n".join("  ".join(row) for row in LAYERS)


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_an_import_goes_down(module):
    here = layer(name_of(module))
    for other in ours(module):
        assert RANK[layer(other)] <= RANK[here], other


def test_there_is_no_circle():
    graph = {name_of(m): ours(m) for m in MODULES}
    done: set[str] = set()

    def visit(name, path):
        assert name not in path, f"circle: {' -> '.join([*path, name])}"
        if name not in done:
            for other in graph[name]:
                visit(other, [*path, name])
            done.add(name)

    for name in graph:
        visit(name, [])


@pytest.mark.parametrize("module", [m for m in MODULES if layer(name_of(m)) in PURE], ids=name_of)
def test_pure_modules_reach_no_file_and_no_network(module):
    assert not imports(module) & OUTSIDE


def test_the_root_can_be_read_at_a_glance():
    assert len(list(SRC.glob("*.py"))) <= MOST_AT_THE_ROOT
    assert {p.name for p in SRC.iterdir() if (p / "__init__.py").is_file()} == {
        "batch", "charts", "fetch", "measures", "report", "sources", "warm", "wording",
    }  # fmt: skip


def test_contributing_shows_this_table():
    text = (Path(__file__).parents[1] / "CONTRIBUTING.md").read_text("utf-8")
    assert f"```\n{picture()}\n```" in text
