"""The rules of a notebook that reads like an article."""

import ast
from pathlib import Path

import nbformat
import pytest

from crimenb.files import notebook_path

NOTEBOOKS = sorted(notebook_path().parent.glob("*.ipynb"))
FORBIDDEN = (ast.FunctionDef, ast.ClassDef, ast.Lambda, ast.If, ast.For, ast.While, ast.Try, ast.With)


def code_cells(path: Path):
    nb = nbformat.read(path, as_version=4)
    return [(i, c) for i, c in enumerate(nb["cells"]) if c["cell_type"] == "code"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_cells_are_sentences(path):
    for i, cell in code_cells(path):
        tree = ast.parse(cell["source"])
        assert not any(isinstance(n, FORBIDDEN) for n in ast.walk(tree)), (i, cell["source"])
        assert not cell["source"].rstrip().endswith(";"), i
        if "parameters" not in cell["metadata"].get("tags", []):  # which is a list, a line each
            assert len(cell["source"].splitlines()) <= 6, i
            assert isinstance(tree.body[-1], ast.Expr), i


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_notebooks_are_valid_unrun_and_have_stable_ids(path):
    nb = nbformat.read(path, as_version=4)
    nbformat.validate(nb)
    assert all(not c["outputs"] and c["execution_count"] is None for _, c in code_cells(path))
    ids = [c["id"] for c in nb["cells"]]
    assert len(ids) == len(set(ids))


def test_the_report_has_thirteen_to_twenty_five_code_cells_and_one_parameters_cell():
    cells = code_cells(notebook_path())
    assert 13 <= len(cells) <= 25
    tagged = [c for _, c in cells if "parameters" in c["metadata"].get("tags", [])]
    assert len(tagged) == 1


def test_every_parameter_has_a_type_and_a_line_of_help():
    from papermill import inspect_notebook

    found = inspect_notebook(str(notebook_path()))
    assert set(found) == {
        "postcode",
        "start",
        "end",
        "compare_with",
        "area",
        "like",
        "stops",
        "source",
        "snapshot",
    }
    assert all(
        p["inferred_type_name"] == ("bool" if n in ("like", "stops") else "str") and p["help"]
        for n, p in found.items()
    )
