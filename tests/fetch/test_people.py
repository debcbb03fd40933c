"""crimenb fetch people: Nomis's files in parts, its tables page by page, and the ONS's points and classes."""

import io
import zipfile
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
from tests.downloads import outlines, small_catalogues
from tests.nomis import Nomis, People

PEOPLE = People.around((-1.13, 52.63), 30, 45_000, 3_000)
POSTCODES = [f"LE{i} 6RN" for i in range(1, 9)]


def points(code, areas):
    return [
        {"type": "Feature", "id": n, "properties": {"FID": n, code: a.code},
         "geometry": {"type": "Point", "coordinates": [a.longitude, a.latitude]}}
        for n, a in enumerate(areas, 1)
    ]  # fmt: skip


@pytest.fixture
def nomis(monkeypatch):
    """Serve Nomis; it cuts its answers at 20 rows."""
    p001 = "Postcode,Sex (2 categories) Code,Sex (2 categories),Count\n"
    far = [
        f"ZZ{n // 676} {n % 9}{chr(65 + n // 26 % 26)}{chr(65 + n % 26)}" for n in range(60_000)
    ]  # several parts
    p001 += "".join(f"{p},{c},{s},50\n" for p in [*POSTCODES, *far] for c, s in ((1, "Female"), (2, "Male")))
    workplaces = io.BytesIO()
    with zipfile.ZipFile(workplaces, "w") as out:
        rows = "".join(f"{a.code},7\n" for a in PEOPLE.oas)
        out.writestr("WP001_oa.csv", f"Output Areas Code,Count\n{rows}")
    files = {
        "pcd_p001.csv": p001.encode(),
        "pcd_p002.csv": "".join(["Postcode,Count\n", *(f"{p},40\n" for p in POSTCODES)]).encode(),
        "wp001.zip": workplaces.getvalue(),
    }
    with Nomis(PEOPLE.tables(), cut=20) as running:
        running.files = {f"/output/census/2021/{name}": raw for name, raw in files.items()}
        monkeypatch.setenv("CRIMENB_NOMIS_URL", running.url)
        yield running


@pytest.fixture
def publishers(site, nomis, tmp_path_factory):
    """Offer points and classes of the ONS too, beside what a set-up needs."""
    small_catalogues(site, tmp_path_factory.mktemp("more"))
    classes = outlines("LSOA21CD", "LSOA21NM", len(PEOPLE.lsoas))
    for row, area in zip(classes, PEOPLE.lsoas, strict=True):
        row["properties"] |= {"LSOA21CD": area.code, "RUC21CD": "UN1", "RUC21NM": "Urban: Nearer"}
    site.add_areas({
        **{name: [] for name in ("LSOA_PopCentroids_EW_2021_V3", "OA_December_2011_EW_PWC")},
        "LSOA_PopCentroids_EW_2021_V4": points("LSOA21CD", PEOPLE.lsoas),
        "OA_December_2021_EW_PWC_V4": points("OA21CD", PEOPLE.oas),
        "LSOA21_RUC21_EW_LU": classes, **SERVICES_OF_A_SET_UP,
    }, most=100)  # fmt: skip
    return nomis


SERVICES_OF_A_SET_UP = {
    "Police_Force_Areas_Dec_2024_EW_BGC": outlines("PFA24CD", "PFA24NM", 1, PFA24CD="E23000021"),
    "WD_MAY_2026_UK_BGC": outlines("WD26CD", "WD26NM", 3),
    "Local_Authority_Districts_May_2026_Boundaries_UK_BGC": outlines(
        "LAD26CD", "LAD26NM", 1, LAD26CD="E06000016", LAD26NM="Leicester"
    ),
}


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
