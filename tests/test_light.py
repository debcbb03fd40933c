"""What an import costs, and that the package works without what one system alone has."""

import subprocess
import sys

import pytest

import crimenb
from tests.real import ROOT

HEAVY = (
    "pandas",
    "numpy",
    "geopandas",
    "altair",
    "duckdb",
    "papermill",
    "distributed",
    "vl_convert",
    "IPython",
)


def python(code, **more):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, **more
    ).stdout


@pytest.mark.parametrize(
    "code",
    [
        "import crimenb",
        "import crimenb.cli",
        "import crimenb; dir(crimenb); crimenb.Query",
        "from crimenb.cli import main; main(['report', '--help'], standalone_mode=False)",
        "from crimenb.cli import main; main(['batch', '--help'], standalone_mode=False)",
    ],
)
def test_an_import_and_every_help_load_nothing_heavy(code):
    out = python(f"{code}\nimport sys; print(); print([m for m in {HEAVY} if m in sys.modules])")
    assert out.splitlines()[-1] == "[]"


def test_every_public_name_is_found_where_it_lives():
    assert sorted(crimenb._HOME) == crimenb.__all__
    assert all(getattr(crimenb, name) is not None for name in crimenb.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nosuch'"):
        crimenb.nosuch  # noqa: B018
    assert python("from crimenb import *; print(Query.__name__, point_map.__name__)") == "Query point_map\n"


WITHOUT_FCNTL = """
import sys
sys.modules["fcntl"] = None
import importlib, pkgutil, crimenb
for module in pkgutil.walk_packages(crimenb.__path__, "crimenb."):
    importlib.import_module(module.name)
"""


def test_every_module_is_imported_where_there_is_no_fcntl():
    python(WITHOUT_FCNTL)


@pytest.mark.slow
def test_a_report_is_made_where_there_is_no_fcntl(tmp_path):
    code = "import sys; sys.modules['fcntl'] = None; from crimenb.cli import main; main()"
    command = [
        sys.executable,
        "-c",
        code,
        "report",
        "--source",
        "demo",
        "--from",
        "2025-11",
        "--out",
        str(tmp_path),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1].endswith("report.html")


@pytest.mark.slow
def test_the_bytes_are_the_same_without_the_short_cuts(tmp_path, monkeypatch):
    """CRIMENB_WARM=0 turns off the engine, the unchecked charts, the hidden import and warm kernels."""
    made = {}
    for switch in ("0", "1"):
        monkeypatch.setenv("CRIMENB_WARM", switch)
        code = "from crimenb.cli import main; main()"
        out = tmp_path / switch
        command = [
            sys.executable,
            "-c",
            code,
            "report",
            "ZZ9 9ZZ",
            "--source",
            "demo",
            "--from",
            "2025-10",
            "--out",
            str(out),
        ]
        subprocess.run(command, capture_output=True, check=True, cwd=ROOT)
        made[switch] = {p.relative_to(out): p.read_bytes() for p in sorted(out.rglob("*")) if p.is_file()}
    assert made["0"] == made["1"]
    assert len(made["0"]) > 10
