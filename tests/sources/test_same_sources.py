"""One body of tests over both sources, fed from the same street files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from pandas.testing import assert_frame_equal

from crimenb.data import Pull, check
from crimenb.errors import PlaceNotFound
from crimenb.geo import MILE_M
from crimenb.month_status import EVIDENCE, judge
from crimenb.query import Area
from crimenb.schema import BTP, COLUMNS
from crimenb.sources.archive import Archive
from crimenb.sources.live import Live
from crimenb.sources.place_frames import place_row
from tests.service import Service
from tests.town import BORDER, BUSY, CENTRE, CLOSED, HAMLET, MONTHS, NOWHERE, SCOTTISH

YEAR = MONTHS[-12:]

# What one of the two cannot know, and so need not be equal.
UNKNOWN = {
    "crimes": ["reported_by"],  # the API tells BTP from territorial forces, not which
    "coverage": ["share", "method", "months", "geometry"],  # the API names the force of points, no supply
    "surroundings": list(COLUMNS["surroundings"]),  # the API answers for an area only
}
# An archive knows which file it lacks; the API only ever shows that nothing was there.
SAME_GAP = {"not in this archive": "probably not supplied"}


class Both(NamedTuple):
    archive: Archive
    live: Live


@pytest.fixture
def both(town: Archive, serve: Callable[..., Service], live: Callable[..., Live]) -> Both:
    serve(town)
    return Both(town, live())


def pulled(source: Archive | Live, postcode: str, months: list[str] = YEAR) -> tuple[gpd.GeoDataFrame, Pull]:
    place = source.place(postcode)
    return place, source.pull(place, months)


def known(name: str, table: pd.DataFrame) -> pd.DataFrame:
    return table.drop(columns=UNKNOWN.get(name, []))


def inside(nearby: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Points with records of the period in the mile: what the live service can know."""
    kept = nearby[(nearby["records"] > 0) & (nearby["distance_m"] <= MILE_M)]
    return kept.reset_index(drop=True)


def agree(archive: Archive, live: Live, postcode: str, months: list[str]) -> None:
    """Fail unless both sources give equal frames, but for what one of them cannot know."""
    (here, a), (there, b) = pulled(archive, postcode, months), pulled(live, postcode, months)
    assert_frame_equal(here, there)
    assert_frame_equal(known("crimes", a.crimes), known("crimes", b.crimes))
    assert (a.crimes["reported_by"].eq(BTP) == b.crimes["reported_by"].eq(BTP)).all()
    assert_frame_equal(inside(a.nearby), inside(b.nearby))
    assert set(a.coverage["force"]) == set(b.coverage["force"])
    shares = [p.coverage.set_index("force")["share"].sort_index() for p in (a, b)]
    assert (shares[0] - shares[1]).abs().max() < 0.10
    verdicts = [
        judge(postcode, months, p.coverage, p.evidence, p.crimes)["status"].replace(SAME_GAP).tolist()
        for p in (a, b)
    ]
    assert verdicts[0] == verdicts[1]


@pytest.mark.parametrize("postcode", [BUSY, BORDER, HAMLET])
def test_both_sources_give_equal_frames(both: Both, postcode: str) -> None:
    agree(both.archive, both.live, postcode, YEAR)


@pytest.mark.parametrize("postcode", ["LE1 6RN", "BS1 3XD"])
def test_both_sources_give_equal_frames_of_real_records(
    postcode: str, real_year: Archive, serve: Callable[..., Service], live: Callable[..., Live]
) -> None:
    serve(real_year)
    agree(real_year, live(), postcode, real_year.months())


@pytest.mark.parametrize("source", ["archive", "live"])
def test_a_pull_has_the_columns_of_the_tables(both: Both, source: str) -> None:
    place, pull = pulled(getattr(both, source), BUSY)
    for name in ("crimes", "coverage", "nearby", "surroundings"):
        check(name, getattr(pull, name))
    check("places", place)
    assert list(pull.evidence.columns)[: len(EVIDENCE)] == EVIDENCE
    assert len(pull.requests) == len(set(pull.requests)) > 0


@pytest.mark.parametrize("source", ["archive", "live"])
def test_what_a_source_says_of_itself(both: Both, source: str) -> None:
    opened = getattr(both, source)
    assert opened.months() == MONTHS
    said = opened.describe()
    assert {"name", "first month", "newest month"} <= set(said)
    # Nobody knows which release loose files are of, nor when they were downloaded (R22).
    known = {"live": {"release", "retrieved"}, "archive": {"read"}}[source]
    assert known == set(said) & {"release", "retrieved", "read"}
    assert all(isinstance(v, str) for v in said.values())


@pytest.mark.parametrize("source", ["archive", "live"])
@pytest.mark.parametrize(
    ("postcode", "words"),
    [
        (SCOTTISH, "Scotland"),
        ("JE2 3AB", "Jersey"),
        ("GY1 1AA", "Guernsey"),
        ("IM1 1AA", "Isle of Man"),
        (NOWHERE, "coordinates"),
        ("LE1 9WW", "check"),
    ],
)
def test_a_postcode_that_has_no_place_says_why(both: Both, source: str, postcode: str, words: str) -> None:
    with pytest.raises(PlaceNotFound, match=words):
        getattr(both, source).place(postcode)


@pytest.mark.parametrize("source", ["archive", "live"])
def test_a_custom_area_with_a_hole_and_two_parts(both: Both, source: str) -> None:
    opened = getattr(both, source)
    pull = opened.pull(opened.custom_place(ring_and_island()), YEAR)
    assert 0 < len(pull.crimes) < len(pulled(opened, BUSY)[1].crimes)
    assert pull.crimes.geometry.within(ring_and_island().geometry.buffer(1e-5)).all()


def test_a_custom_area_is_the_same_in_both(both: Both) -> None:
    a, b = (s.pull(s.custom_place(ring_and_island()), YEAR).crimes for s in both)
    assert_frame_equal(known("crimes", a), known("crimes", b))


def ring_and_island() -> Area:
    x, y = CENTRE
    ring = shapely.Point(x, y).buffer(0.02).difference(shapely.Point(x, y).buffer(0.006))
    island = shapely.box(x + 0.024, y - 0.01, x + 0.03, y + 0.01)
    return Area("ring and island", shapely.union(ring, island))


def test_a_closed_postcode_is_offered_at_its_last_position(both: Both, live: Callable[..., Live]) -> None:
    for source in both:
        with pytest.raises(PlaceNotFound, match=r"closed in 2024-08.*--closed-ok"):
            source.place(CLOSED)
    for opened in (Archive(both.archive.folder, closed_ok=True), live(closed_ok=True)):
        place = opened.place(CLOSED)
        assert place["remark"].iloc[0] == "The postcode was closed in 2024-08; its last position is used."
        assert place["force"].iloc[0] == "leicestershire"


def test_many_postcodes_in_one_question(both: Both, town: Archive, serve: Callable[..., Service]) -> None:
    service = serve(town)
    found: dict[str, Any] = Live(both.live.web).positions([BUSY, CLOSED, NOWHERE, SCOTTISH, BORDER])
    assert [type(v).__name__ for v in found.values()] == [
        "dict", "PlaceNotFound", "PlaceNotFound", "PlaceNotFound", "dict",
    ]  # fmt: skip
    assert_frame_equal(place_row(found[BUSY]), town.place(BUSY))
    asked = [(a.method, a.path) for a in service.log]
    assert asked[0] == ("POST", "/postcodes")
    assert all(m == "GET" for m, _ in asked[1:])
    assert not any(BUSY[-3:] in p for _, p in asked[1:])
