"""The wheel holds all that a report needs: installed elsewhere, it builds one."""

import os
import subprocess
import sys
import zipfile

import pytest

from tests.real import ROOT


@pytest.mark.slow
def test_the_wheel_builds_a_report_elsewhere(tmp_path):
    build = "import sys; from hatchling.build import build_wheel; [build_wheel(d) for d in sys.argv[1:]]"
    again = tmp_path / "again"
    subprocess.run(
        [sys.executable, "-c", build, str(tmp_path), str(again)],
        cwd=ROOT,
        env=os.environ | {"SOURCE_DATE_EPOCH": "1735689600"},
        check=True,
        capture_output=True,
        timeout=60,
    )
    wheel = next(tmp_path.glob("*.whl"))
    assert wheel.read_bytes() == (again / wheel.name).read_bytes()
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        archive.extractall(tmp_path / "site")
    for path in (
        "py.typed",
        "notebooks/report.ipynb",
        "report/notes/limits.md",
        "report/templates/report.html.j2",
        "reference/known-gaps.csv",
        "reference/demo/street.parquet",
    ):
        assert f"crimenb/{path}" in names
    # First on the path, so that it is this copy that runs and not the source tree.
    code = (
        "import crimenb, sys; assert 'site' in crimenb.__file__, crimenb.__file__;"
        "from crimenb.cli import main; main(['report', 'ZZ9 9ZZ', '--from', '2025-12', '--source', 'demo', '--out', 'out'])"
    )
    env = os.environ | {"PYTHONPATH": str(tmp_path / "site")}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "zz9-9zz_2025-12_2025-12" / "report.html").is_file()
