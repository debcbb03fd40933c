"""The import picture: who may know whom, and how long a module may grow."""

import ast
from pathlib import Path

import pytest

import crimenb

SRC = Path(crimenb.__file__).parent
LEAVES = {"errors", "query", "tables", "ranges"}
EDGES = {
    "bulk",
    "postcodes",
    "archive",
    "web",
    "police",
    "postcodesio",
    "live",
    "progress",
    "snapshot",
    "report",
    "page",
    "pdf",
    "batch",
    "proof",
    "folders",
    "kernels",
    "engine",
    "drawings",
    "kept",
    "painter",
    "plan",
    "ledger",
    "index",
    "orders",
    "worker",
    "area",
    "cli",
}
"""Modules that touch files or the network; every other one takes frames and gives frames."""
OUTSIDE = {
    "httpx",
    "hishel",
    "duckdb",
    "papermill",
    "distributed",
    "requests",
    "urllib.request",
    "socket",
    "subprocess",
    "shutil",
    "tempfile",
}


def imports(module: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(module.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {a.name for a in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{a.name}" for a in node.names} | {node.module}
    return found


def ours(module: Path) -> set[str]:
    names = {n.split(".")[1] for n in imports(module) if n.startswith("crimenb.")}
    return {n for n in names if (SRC / f"{n}.py").is_file()} - {module.stem}


MODULES = sorted(p for p in SRC.glob("*.py") if p.name != "__init__.py")


def test_leaves_know_only_leaves():
    for name in LEAVES:
        assert ours(SRC / f"{name}.py") <= LEAVES, name


def test_pure_modules_reach_no_file_and_no_network():
    for module in MODULES:
        if module.stem not in EDGES:
            assert not ours(module) & EDGES, module.name
            assert not imports(module) & OUTSIDE, module.name


def test_there_is_no_cycle():
    graph = {m.stem: ours(m) for m in MODULES}
    done: set[str] = set()

    def visit(name, path):
        assert name not in path, f"cycle: {' -> '.join([*path, name])}"
        if name not in done:
            for other in graph[name]:
                visit(other, [*path, name])
            done.add(name)

    for name in graph:
        visit(name, [])


def test_nobody_knows_the_command_line():
    for module in MODULES:
        assert "cli" not in ours(module), module.name


@pytest.mark.parametrize("module", MODULES, ids=lambda m: m.stem)
def test_modules_stay_short(module):
    assert len(module.read_text("utf-8").splitlines()) <= 450
