"""Several releases in one archive: which month is from which, and what the newest one changed."""

import json
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

from crimenb.batch.plan import plan_batch
from crimenb.batch.run import run_batch
from crimenb.cli import main
from crimenb.errors import QueryError
from crimenb.measures.place import place_of
from crimenb.query import Query, months_between
from crimenb.snapshot import collect
from crimenb.sources.archive import Archive
from crimenb.sources.archive_build import build_archive
from crimenb.sources.archive_info import info
from crimenb.sources.versions import INVENTORY, resolve
from crimenb.wording.availability import source_sentence
from crimenb.wording.whats_new import whats_new
from tests.bulkfiles import postcode_file, row, street_file

EAST = "-1.120000"


def month_of(month, more=(), without=(), outcome="Under investigation", n=12):
    """Return the rows of a month: so many crimes with ids, and two reports."""
    rows = [row(month=month, crime_id=f"{month}-{i}", outcome=outcome) for i in range(n) if i not in without]
    asb = row(month=month, crime_id="", outcome="", category="Anti-social behaviour")
    return [*rows, asb, asb, *more]


def release(folder, months, **more):
    """Write the files of a release; `more` has by month (2025_01) what is special in it."""
    for month in months:
        special = more.get("m" + month.replace("-", "_"), {})
        street_file(folder, month_of(month, **special), month)
    return folder


@pytest.fixture
def archive(tmp_path):
    """A release of January to March 2025, with postcodes."""
    old = release(tmp_path / "old", months_between("2025-01", "2025-03"))
    build_archive([old], tmp_path / "A", postcodes=postcode_file(tmp_path), release="2025-03")
    return tmp_path / "A"


def newer(tmp_path, archive, **more):
    src = release(tmp_path / "new", months_between("2025-01", "2025-04"), **more)
    build_archive([src], archive, add=True, release="2025-04")
    return collect(Query.parse("ZZ5 5AA", "2025-01", "2025-04"), f"archive:{archive}")


def test_a_first_release_has_nothing_before_it(archive):
    data = collect(Query.parse("ZZ5 5AA", "2025-01", "2025-03"), f"archive:{archive}")
    assert whats_new(place_of(data)) == []
    assert "since" not in json.loads((resolve(archive) / INVENTORY).read_text())


def test_what_a_release_brings_and_revises_is_told(archive, tmp_path):
    data = newer(
        tmp_path, archive,
        m2025_01={"more": [row(month="2025-01", crime_id="late")]},
        m2025_02={"without": (0, 1)},
        m2025_03={"outcome": "Unable to prosecute suspect"},
    )  # fmt: skip
    rows = data.revised.groupby("month")[["added", "removed", "decided"]].sum()
    assert rows.loc["2025-01"].tolist() == [1, 0, 0]
    assert rows.loc["2025-02"].tolist() == [0, 2, 0]
    assert rows.loc["2025-03"].tolist() == [0, 0, 12]
    new, revised, decided = whats_new(place_of(data))
    assert new == "April 2025 is new: 12 crimes, not judged, because a normal range needs 6 earlier months."
    assert revised == (
        "Two of the 3 earlier months were revised since the release of March 2025: 1 crime added and 2 removed, "
        "most in February 2025."
    )
    assert decided == "12 crimes have another outcome than in that release."


def test_a_crime_that_moves_is_added_at_one_point_and_removed_at_another(archive, tmp_path):
    moved = [row(month="2025-01", crime_id="2025-01-0", lon=EAST)]
    data = newer(tmp_path, archive, m2025_01={"without": (0,), "more": moved})
    assert data.revised[["added", "removed", "decided"]].to_numpy().tolist() == [[1, 1, 0]]


def test_a_month_is_new_only_where_its_own_force_brought_it(archive, tmp_path):
    """Another force is a month late: of Leicestershire nothing is new."""
    late = tmp_path / "late"
    for folder, months in ((tmp_path / "w", ["2025-01"]), (late, ["2025-01", "2025-02"])):
        for month in months:
            street_file(
                folder, [row(month=month, force="warwickshire", lon="-1.100000")], month, "warwickshire"
            )
    build_archive([tmp_path / "w"], archive, add=True, release="2025-03")
    build_archive([late, release(tmp_path / "same", months_between("2025-01", "2025-03"))], archive, add=True,
                  release="2025-04")  # fmt: skip
    data = collect(Query.parse("ZZ7 0AA", "2025-01", "2025-02"), f"archive:{archive}")
    assert data.source["new months"] == "warwickshire: 2025-02"
    here = collect(Query.parse("ZZ6 0AA", "2025-01", "2025-02"), f"archive:{archive}")
    assert whats_new(place_of(here))[0] == "No month here is new since the release of March 2025."


def test_a_release_that_changes_nothing_says_so(archive, tmp_path):
    place = place_of(newer(tmp_path, archive))
    assert whats_new(place)[1:] == [
        "No count of the 3 earlier months was revised since the release of March 2025.",
        "No outcome of an earlier month changed.",
    ]


def test_older_months_come_from_older_releases_and_the_page_names_both(archive, tmp_path):
    late = release(tmp_path / "late", months_between("2025-03", "2025-05"))
    build_archive([late], archive, add=True, release="2025-05")
    inventory = json.loads((resolve(archive) / INVENTORY).read_text())
    assert {f["month"]: f["release"] for f in inventory["files"]} == {
        "2025-01": "2025-03", "2025-02": "2025-03", "2025-03": "2025-05", "2025-04": "2025-05", "2025-05": "2025-05",
    }  # fmt: skip
    data = collect(Query.parse("ZZ5 5AA", "2025-01", "2025-05"), f"archive:{archive}")
    assert source_sentence(place_of(data)).startswith(
        "Source: police.uk, releases of March 2025 and May 2025, read"
    )
    recent = collect(Query.parse("ZZ5 5AA", "2025-04", "2025-05"), f"archive:{archive}")
    assert source_sentence(place_of(recent)).startswith("Source: police.uk, release of May 2025, read")


def test_files_of_an_unknown_release_make_the_archives_unknown(archive, tmp_path):
    build_archive([release(tmp_path / "x", ["2025-04"])], archive, add=True)
    assert Archive(archive).release == ""


def test_a_build_anew_of_the_same_release_keeps_what_it_changed(archive, tmp_path):
    newer(tmp_path, archive, m2025_02={"without": (0,)})
    build_archive([tmp_path / "new"], archive, postcodes=postcode_file(tmp_path), release="2025-04")
    data = collect(Query.parse("ZZ5 5AA", "2025-01", "2025-04"), f"archive:{archive}")
    assert data.revised["removed"].sum() == 1
    with pytest.raises(QueryError):
        build_archive([tmp_path / "new"], archive, release="April")


def test_the_command_adds_a_release_and_says_what_it_changed(archive, tmp_path):
    src = release(tmp_path / "new", months_between("2025-01", "2025-04"), m2025_02={"without": (0, 1)})
    done = CliRunner().invoke(main, ["archive", "update", str(archive), str(src), "--release", "2025-04"])
    assert done.exit_code == 0, done.output
    line = (
        "Since release 2025-03: new: 2025-04; of the months it had, 0 records added, 2 removed, "
        "0 crimes with another outcome."
    )
    assert line in done.stdout.splitlines()
    assert line in list(info(archive))
    none = CliRunner().invoke(main, ["archive", "update", str(tmp_path / "nothing"), str(src)])
    assert none.exit_code == 2
    assert len(none.stderr.splitlines()) == 1
    assert not (tmp_path / "nothing").exists()


def test_only_places_that_a_release_changed_are_made_again(archive, tmp_path):
    out = tmp_path / "out"
    listed = tmp_path / "list.csv"
    listed.write_text("postcode\nZZ5 5AA\nZZ7 9JA\nZZ6 0AA\n")
    asked = {"start": "2025-01", "end": "2025-03"}
    source = f"archive:{archive}"
    assert run_batch(plan_batch(listed, source, out, **asked), workers=1).complete
    src = release(tmp_path / "new", months_between("2025-01", "2025-04"), m2025_02={"without": (0, 1)})
    build_archive([src], archive, add=True, release="2025-04")
    before = {p.parent.name: p.read_bytes() for p in out.glob("*/SHA256SUMS")}
    plan = plan_batch(listed, source, out, since="2025-03", **asked)
    assert [o.query.postcode for o in plan.todo] == [
        "ZZ5 5AA"
    ]  # the others lie miles from the only map point
    assert run_batch(plan, workers=1).complete
    made = {n for n, raw in before.items() if (out / n / "SHA256SUMS").read_bytes() != raw}
    assert made == {"zz5-5aa_2025-01_2025-03"}
    assert "2 removed, in February 2025." in (out / "zz5-5aa_2025-01_2025-03" / "report.html").read_text()
    feed = ElementTree.parse(out / "updates.xml").getroot()
    atom = "{http://www.w3.org/2005/Atom}"
    assert [e.findtext(f"{atom}title") for e in feed.iter(f"{atom}entry")] == ["Leicester"]
    assert "New in this release (1)" in (out / "index.html").read_text()
    assert len(plan_batch(listed, source, out, **asked).todo) == 2  # without --since all are of one release
    assert len(plan_batch(listed, source, out, since="2025-03", start="2025-01", end="2025-04").todo) == 3


@pytest.mark.parametrize(
    ("since", "sentence"), [("2025-02", "knows no release before its own"), ("May", "is not a month")]
)
def test_since_is_refused_where_it_cannot_be_answered(archive, tmp_path, since, sentence):
    with pytest.raises(QueryError, match=sentence):
        plan_batch(_list(tmp_path), f"archive:{archive}", tmp_path / "out", since=since)


def _list(folder):
    (folder / "list.csv").write_text("postcode\nZZ5 5AA\n")
    return folder / "list.csv"


def test_one_earlier_month_is_not_counted_among_others(archive, tmp_path):
    build_archive(
        [release(tmp_path / "new", months_between("2025-01", "2025-04"))],
        archive,
        add=True,
        release="2025-04",
    )
    told = [
        whats_new(place_of(collect(Query.parse("ZZ5 5AA", start, "2025-04"), f"archive:{archive}")))
        for start in ("2025-03", "2025-04")
    ]
    assert told[0][1] == "The count of the earlier month was not revised since the release of March 2025."
    assert told[1][1:] == ["There is no earlier month here."]
