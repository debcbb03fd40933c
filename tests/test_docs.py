"""What the documents say works as written: README and each page of the site."""

import contextlib
import io
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from click.testing import CliRunner
from tools.site_parts import expanded

from crimenb.cli import main
from crimenb.report.verify import other_versions
from crimenb.schema import CATEGORIES, MonthStatus
from crimenb.version import VARIABLES
from tests.bulkfiles import row, street_file
from tests.downloads import Site, small_catalogues, small_files, small_releases
from tests.nomis import Nomis, People
from tests.real import ROOT
from tests.report.test_build import files

README = (ROOT / "README.md").read_text("utf-8")
PAGES = {"README.md": README} | {
    str(path.relative_to(ROOT)): path.read_text("utf-8") for path in sorted((ROOT / "docs").rglob("*.md"))
}
NOT_RUN = {
    "asks the live services", "needs a container engine", "needs Windows", "needs conda", "needs a cluster",
    "needs Ubuntu and its package index", "needs a wheel", "needs a month's downloads", "needs fish", "opens a browser", "needs real downloads",
    "the files are a gigabyte",
}  # fmt: skip
"""The reasons that a block may have to be run by nobody; the page gives them in its text."""

_BLOCK = re.compile(
    r"(?:<!-- not run: (.*?) -->\n)?^```(sh|python|powershell)\n(.*?)^```$", re.MULTILINE | re.DOTALL
)


class Block(NamedTuple):
    """A block of a page: why nobody runs it ("" where it is run), its language, its text."""

    why: str
    language: str
    text: str

    @property
    def lines(self):
        """The commands of the block, continued lines joined."""
        return [line for line in self.text.replace("\\\n", " ").splitlines() if line.strip()]


def blocks(text):
    return [Block(*m.groups(default="")) for m in _BLOCK.finditer(text)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with the downloads, the postcodes and the list that the pages name."""
    folder = tmp_path_factory.mktemp("documents")
    street_file(folder / "DOWNLOADS", [row("2025-12"), row("2025-12", category="Drugs")], "2025-12")
    (folder / "POSTCODES").mkdir()
    (folder / "POSTCODES" / "ONSPD_UK.csv").write_text(
        "pcd,pcds,doterm,osgrdind,ctry,laua,ward,lsoa21,pfa,lat,long\n"
        "LE1 6RN,LE1 6RN,,1,E92000001,E06000016,,,E23000021,52.6300,-1.1300\n"
    )
    listed = re.search(r"```text\n(postcode,.*?)```", PAGES["docs/tutorials/web-team.md"], re.DOTALL)
    (folder / "POSTCODES.csv").write_text(listed[1])
    (folder / "notebooks").symlink_to(ROOT / "notebooks")
    return folder


@pytest.fixture(scope="module")
def publishers(tmp_path_factory):
    """Answer on the loopback as those whose files `crimenb setup` fetches, and to its question."""
    with Site() as site, pytest.MonkeyPatch.context() as patch, contextlib.ExitStack() as stack:
        zips = tmp_path_factory.mktemp("publishers")
        site.add_releases(small_releases(small_files(zips), zips))
        small_catalogues(site, zips)
        for name, value in site.variables.items():
            patch.setenv(name, value)
        people = People.around((-1.13, 52.63), 30, 45_000, 3_000)
        nomis = stack.enter_context(Nomis(people.tables()))
        people.offer(site, nomis)
        patch.setenv("CRIMENB_NOMIS_URL", nomis.url)
        patch.setattr("crimenb.cli._can_ask", lambda: True)
        yield site


@pytest.fixture(scope="module")
def ran(folder, publishers):
    """Run every block of every page, page by page; the same command once. Return what was run."""
    done: dict[str, list[str]] = {}
    once: set[str] = set()
    with contextlib.chdir(folder):
        crimenb("crimenb report --source demo")  # what `make report` calls
        for page, text in PAGES.items():
            names: dict = {}
            for block in blocks(text):
                if block.why:
                    continue
                if block.language == "python":
                    with contextlib.redirect_stdout(io.StringIO()):
                        exec(compile(block.text, page, "exec"), names)
                for line in block.lines if block.language == "sh" else ():
                    if line not in once:
                        once.add(line)
                        run(line, folder)
                done.setdefault(page, []).append(block.text)
    return done


def run(line, folder):
    """Run one line as a reader would; the commands of this package in this process, which is quicker."""
    words = shlex.split(line, comments=True)
    if words[0] == "make":
        assert re.search(rf"^{words[1]}:", (ROOT / "Makefile").read_text(), re.MULTILINE), line
    elif words[0] == "crimenb":
        crimenb(line)
    elif words[0] == "papermill":
        from papermill.__main__ import papermill

        result = CliRunner().invoke(papermill, [*words[1:], "--no-progress-bar"], catch_exceptions=False)
        assert result.exit_code == 0, (line, result.output)
        assert "ZZ9 9ZZ" in (folder / "out.ipynb").read_text()
    elif line != ". .venv/bin/activate":
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        result = subprocess.run(
            ["bash", "-euc", line],
            env=os.environ | {"PATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, (line, result.stderr)


def crimenb(line):
    words = shlex.split(line, comments=True)[1:]
    result = CliRunner().invoke(main, words, input="y\n", catch_exceptions=False)
    assert result.exit_code == 0, (line, result.output)


def test_every_block_of_every_page_runs(ran, folder):
    assert (folder / "reports" / "zz1-1aa_2024-01_2025-12" / "report.html").is_file()
    assert (folder / "exports" / "tables.xlsx").is_file()
    assert {f"docs/tutorials/{name}.md" for name in ("journalist", "analyst", "web-team")} <= set(ran)
    assert sum(map(len, ran.values())) > 30


def test_what_is_not_run_says_why():
    found = {block.why for text in PAGES.values() for block in blocks(text)} - {""}
    assert found == NOT_RUN
    for page, text in PAGES.items():
        languages = set(re.findall(r"^```([\w{}-]+)", text, re.MULTILINE))
        assert languages <= {"sh", "python", "powershell", "text", "{toctree}"}, page


def test_the_committed_example_is_the_first_report_that_readme_makes(ran, folder):
    """The golden test: where a change of the report is meant, `make example` commits it."""
    committed = ROOT / "reports" / "example"
    if other := other_versions(json.loads((committed / "data" / "manifest.json").read_text())):
        pytest.skip(f"the example was made with other versions than these of {', '.join(other)}")
    (built,) = (folder / "reports").glob("zz1-1aa_2023-01_2025-12_*")
    assert sorted(files(built)) == sorted(kept := files(committed))
    assert [name for name, raw in files(built).items() if raw != kept[name]] == []
    assert len(kept["report.html"]) < 2_200_000


def test_the_folder_shown_is_the_folder_made(demo_report):
    for name in ("report.html", "report.ipynb", "data", "SHA256SUMS"):
        assert name in README
        assert (demo_report / name).exists()


def slug(heading):
    """Return the anchor that GitHub and the site give a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def anchors(path):
    text = expanded(path.read_text("utf-8"))
    whole = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.*)$", whole, re.MULTILINE)
    return {slug(h) for h in headings} | set(re.findall(r"^\((\w+)\)=$", whole, re.MULTILINE))


@pytest.mark.parametrize("page", [*PAGES, "CONTRIBUTING.md", "CHANGELOG.md"])
def test_links_lead_somewhere(page):
    """Other sites are not asked: a test needs no network."""
    path = ROOT / page
    text = path.read_text("utf-8")
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if link.startswith("https://"):
            continue
        file, _, anchor = link.partition("#")
        target = (path.parent / file) if file else path
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link
    if page.startswith("docs/") and page != "docs/index.md":
        tree = PAGES["docs/index.md"]
        assert f"\n{page.removeprefix('docs/').removesuffix('.md')}\n" in tree, "no page is without its entry"


# ------------------------------------------------------------------------ what is derived


def test_the_variables_are_those_of_the_source():
    source = "".join(p.read_text("utf-8") for p in (ROOT / "src").rglob("*.py") if p.name != "version.py")
    assert set(re.findall(r"\bCRIMENB_[A-Z_]+[A-Z]", source)) == {
        v for v in VARIABLES if v.startswith("CRIMENB")
    }


def test_time_and_cost_of_a_cluster_are_what_the_model_gives():
    page = PAGES["docs/how-to/cluster.md"]
    rows = re.findall(
        r"^\| ([\d,]+) \| (\d+) \| (.+) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \|$", page, re.MULTILINE
    )
    assert [row[0] for row in rows] == ["10,000", "1,000,000"]
    for reports, workers, took, cores, requests, kept in rows:
        n = int(reports.replace(",", ""))
        minutes = round((n * 2.0 / int(workers) + 10 * n / 10_000) / 60)
        assert took == (f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min")
        assert cores == f"{n * 2.0 / 3600 * 0.05:.2f}"
        assert requests == f"{n * (25 * 0.0055 + 10 * 0.00044) / 1000:.2f}"
        assert kept == f"{n * 3.9e6 / 1e9 * 0.024:.2f}"


def test_the_glossary_has_the_categories_and_the_table_the_statuses():
    assert re.findall(r"^## (.*)$", PAGES["docs/glossary.md"], re.MULTILINE) == list(CATEGORIES.values())
    months = expanded(PAGES["docs/reference/months.md"], "reference/months")
    for status in MonthStatus:
        assert re.search(rf"^\|.*\b{status}\b", months, re.MULTILINE), status


def test_each_target_of_make_is_in_its_help():
    done = subprocess.run(["make", "-s", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    targets = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[1].split()
    assert sorted(targets) == sorted(" ".join(line[:24] for line in done.stdout.splitlines()).split())
