"""crimenb fetch people: Nomis's files in parts, its tables page by page, and the ONS's points and classes."""

from contextlib import ExitStack

import pytest
from click.testing import CliRunner

import crimenb.sources.http as web
from crimenb.cli import main
from crimenb.errors import SourceError, SourceUnavailable
from crimenb.fetch import people
from crimenb.sources import people_files
from crimenb.sources.archive import Archive
from crimenb.sources.people_files import ESTIMATE, HOUSEHOLDS, JOBS, LSOA, OA, POSTCODE, RESIDENTS
from tests.downloads import small_catalogues
from tests.nomis import Nomis, People

PEOPLE = People.around((-1.13, 52.63), 30, 45_000, 3_000)


@pytest.fixture
def publishers(site, monkeypatch, tmp_path_factory):
    """Offer what a set-up needs, and people; Nomis cuts its answers at 20 rows."""
    small_catalogues(site, tmp_path_factory.mktemp("more"))
    with Nomis(PEOPLE.tables(), cut=20) as nomis:
        PEOPLE.offer(site, nomis)
        monkeypatch.setenv("CRIMENB_NOMIS_URL", nomis.url)
        yield nomis


@pytest.fixture
def call(tmp_path, monkeypatch, unlimited):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CRIMENB_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(web, "_process_limiter", lambda: unlimited)
    return lambda *words: CliRunner().invoke(main, [*words], catch_exceptions=False)


def test_everything_comes_into_one_folder_that_an_archive_takes(publishers, call, tmp_path):
    dry = call("fetch", "people", "--dry-run")
    assert (dry.exit_code, dry.stdout) == (0, "")
    assert "pcd_p001.csv, residents by postcode: 2," in dry.stderr
    assert "jobs-2024.csv, Business Register and Employment Survey by LSOA" in dry.stderr
    assert "lsoa-points-2021.geojson: LSOA_PopCentroids_EW_2021_V4 of the ONS." in dry.stderr
    assert not (tmp_path / "downloads").exists()
    assert call("fetch", "people").exit_code == 2, "nobody to ask"
    said = call("fetch", "people", "--yes")
    assert (said.exit_code, said.stdout) == (0, "downloads/people\n"), said.stderr
    given = people_files.read([tmp_path / "downloads" / "people"])
    assert {*given.numbers} == {
        (RESIDENTS, POSTCODE), (HOUSEHOLDS, POSTCODE), (JOBS, OA), (JOBS, LSOA), (ESTIMATE, LSOA),
    }  # fmt: skip
    # Two pages and more: Nomis cuts an answer without a word.
    assert len(given.numbers[JOBS, LSOA].table) == 30
    assert given.numbers[JOBS, LSOA].table["value"].sum() == sum(a.jobs for a in PEOPLE.lsoas)
    assert (len(given.points[OA]), len(given.points[LSOA]), len(given.classes)) == (150, 30, 30)
    before = len(publishers.asked)
    again = call("fetch", "people")
    assert (again.exit_code, again.stdout) == (0, "downloads/people\n")
    assert "In downloads/people already: pcd_p001.csv, pcd_p002.csv, wp001.zip, jobs-2024.csv" in again.stderr
    assert publishers.asked[before:] == []


def test_a_set_up_takes_them_too_and_only_once(publishers, call):
    words = ["setup", "--forces", "leicestershire", "--months", "2025-01:2025-02", "--people", "--yes"]
    said = call(*words)
    assert (said.exit_code, said.stdout) == (0, "archive\n"), said.stderr
    archive = Archive("archive")
    held = {(s["measure"], s["unit"]): s for s in archive.inventory["residents"]}
    assert held[RESIDENTS, POSTCODE]["total"] == 800
    archive.close()
    again = call(*words)
    assert "nothing, archive holds all of it" in again.stderr
    assert Archive("archive").folder == archive.folder


@pytest.mark.parametrize(
    ("offset", "says"),
    [
        ("0", r"otherwise than it counts it \(.* several numbers of E01"),
        ("99", "the answer is empty, as it is to a"),
    ],
)
def test_pages_that_repeat_or_end_early_are_one_sentence(publishers, client, tmp_path, offset, says):
    real = publishers.csv
    later = lambda q: q.get("RecordOffset", "0") != "0"  # noqa: E731
    publishers.csv = lambda t, q: real(t, q | {"RecordOffset": offset} if later(q) else q)
    with client() as held, ExitStack() as stack:
        plan = people.plan(held, tmp_path, stack)
        with pytest.raises(SourceUnavailable, match=says):
            plan.take()
    assert not [*(tmp_path / "people").glob("jobs*")]


def test_a_file_that_is_not_there_or_given_whole_is_one_sentence(publishers, call):
    del publishers.files["/output/census/2021/pcd_p002.csv"]
    said = call("fetch", "people", "--yes")
    assert said.exit_code == SourceError.exit_code
    assert "Nomis" in said.stderr
    assert said.stderr.count("\n") == 1
