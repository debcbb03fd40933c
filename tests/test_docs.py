"""What the documents say works as written."""

import contextlib
import json
import re
import shlex

import pytest
from click.testing import CliRunner

from crimenb.cli import main
from crimenb.report.verify import other_versions
from tests.bulkfiles import row, street_file
from tests.real import ROOT
from tests.report.test_build import files

README = (ROOT / "README.md").read_text("utf-8")
SHELL = [
    line
    for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    for line in block.splitlines()
    if line.strip()
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Run every command of README in a folder with the downloads and the postcode file that it names."""
    tmp_path = tmp_path_factory.mktemp("readme")
    street_file(tmp_path / "DOWNLOADS", [row("2025-12"), row("2025-12", category="Drugs")], "2025-12")
    (tmp_path / "POSTCODES").mkdir()
    (tmp_path / "POSTCODES" / "ONSPD_UK.csv").write_text(
        "pcd,pcds,doterm,osgrdind,ctry,laua,ward,lsoa21,pfa,lat,long\n"
        "LE1 6RN,LE1 6RN,,1,E92000001,E06000016,,,E23000021,52.6300,-1.1300\n"
    )
    (tmp_path / "POSTCODES.csv").write_text("postcode,name\nZZ9 9ZZ,Little Fable\nZZ2 2BB,Upper Fable\n")
    (tmp_path / "notebooks").symlink_to(ROOT / "notebooks")
    with contextlib.chdir(tmp_path):
        run_all(tmp_path)
    return tmp_path


def run_all(folder):
    ran = 0
    for line in SHELL:
        words = shlex.split(line, comments=True)
        if words[0] == "crimenb":
            result = CliRunner().invoke(main, words[1:], catch_exceptions=False)
            assert result.exit_code == 0, (line, result.output)
            ran += 1
        elif words[0] == "papermill":
            from papermill.__main__ import papermill

            result = CliRunner().invoke(papermill, [*words[1:], "--no-progress-bar"], catch_exceptions=False)
            assert result.exit_code == 0, (line, result.output)
            assert "ZZ9 9ZZ" in (folder / "out.ipynb").read_text()
            ran += 1
        else:
            assert words[0] == "make", line
            assert re.search(rf"^{words[1]}:", (ROOT / "Makefile").read_text(), re.MULTILINE), line
    assert ran >= 5


def test_every_command_of_the_readme_runs(folder):
    assert (folder / "reports" / "zz9-9zz_2025-01_2025-12" / "report.html").is_file()


def test_the_committed_example_is_the_first_report_that_readme_makes(folder):
    """The golden test: where a change of the report is meant, `make example` commits it."""
    committed = ROOT / "reports" / "example"
    if other := other_versions(json.loads((committed / "data" / "manifest.json").read_text())):
        pytest.skip(f"the example was made with other versions than these of {', '.join(other)}")
    (built,) = (folder / "reports").glob("zz1-1aa_2023-01_2025-12_*")
    assert sorted(files(built)) == sorted(kept := files(committed))
    assert [name for name, raw in files(built).items() if raw != kept[name]] == []
    assert len(kept["report.html"]) < 2_200_000


def test_the_python_of_the_readme_runs():
    code = "\n".join(re.findall(r"```python\n(.*?)```", README, re.DOTALL))
    found: dict = {}
    exec(code, found)
    assert len(found["data"].crimes) > 1000


def test_the_folder_shown_is_the_folder_made(demo_report):
    for name in ("report.html", "report.ipynb", "data", "SHA256SUMS"):
        assert name in README
        assert (demo_report / name).exists()


def test_links_lead_somewhere():
    for path in ("README.md", "CONTRIBUTING.md"):
        for link in re.findall(r"\]\(([^)#]+)\)", (ROOT / path).read_text("utf-8")):
            assert link.startswith("http") or (ROOT / link).exists(), link
