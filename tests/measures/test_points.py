"""Edge, points, bursts, records without location, duplicates (R13 to R15, R17)."""

from dataclasses import replace

import pytest

from crimenb.geo import MILE_M
from crimenb.measures import points as map_points
from crimenb.measures.counts import Duplicates, by_point, duplicates
from crimenb.measures.place import place_of
from crimenb.query import months_between
from crimenb.schema import CATEGORIES
from crimenb.wording.availability import unlocated_sentence
from crimenb.wording.how_to_read import careful_sentences, edge_sentences
from tests.make_data import CENTRE, written

YEAR = months_between("2025-01", "2025-12")


def near(*points):
    rows = []
    for name, away, mix in points:
        counts = dict.fromkeys(CATEGORIES, 0) | mix
        rows.append({"postcode": "ZZ5 5AA", "snapped_to": name, "distance_m": MILE_M + away,
                     "records": sum(mix.values()), "geometry": None, **counts})  # fmt: skip
    return rows


def test_the_edge_by_hand():
    around = near(
        ("Centre", -1000, {"drugs": 500}), ("Inside", -40, {"robbery": 20}), ("Ring", 0, {"drugs": 2}),
        ("Outside", 16, {"drugs": 90, "robbery": 10}), ("Far", 99, {"drugs": 3}), ("Away", 101, {"drugs": 999}),
        ("Reports", 10, {"anti-social-behaviour": 77}),
    )  # fmt: skip
    found = map_points.edge(written([], YEAR, nearby=around))
    assert (found.crimes, found.fewer, found.more) == (522, 500, 625)
    assert [(p.snapped_to, p.outside_m) for p in found.points] == [("Outside", 16.0), ("Inside", -40.0)]


def test_metres_to_the_edge_are_rounded_once():
    data = written([{"month": "2025-12", "n": 20}], YEAR, nearby=near(("Inside", -48.544, {"robbery": 20})))
    assert "One map point (Inside) 49 m inside the edge" in careful_sentences(place_of(data))[0]


def at(name, x, n, **more):
    return {"month": "2025-01", "snapped_to": name, "x": CENTRE[0] + x, "n": n, **more}


def test_points_by_hand():
    rows = [
        at("A", 0, 5),
        at("B", 0.001, 3),
        at("B", 0.002, 2),
        at("C", 0.003, 1),
        at("D", 0.004, 9, reported_by="btp"),
    ]
    found = map_points.points(written(rows, YEAR))
    assert (found.points, found.crimes, found.half) == (4, 11, 2)
    assert found.busiest == map_points.Point("A", 5, "shoplifting")
    table = by_point(written(rows, YEAR))
    assert table["crime"].sum() == 11
    assert table[list(CATEGORIES)].to_numpy().sum() == 11


def test_a_category_new_to_this_version_is_a_crime_of_its_point():
    rows = [at("A", 0, 3, category="retail-crime"), at("B", 0.001, 2)]
    around = near(("A", -20, {"retail-crime": 30, "drugs": 5}))
    data = written(rows, YEAR, nearby=around)
    assert map_points.points(data).busiest == map_points.Point("A", 3, "retail-crime")
    assert map_points.edge(data).crimes == 35
    assert "35 crimes and counts in full." in " ".join(edge_sentences(place_of(data)))


def test_places_where_incidents_are_recorded():
    rows = [
        at("Hospital", 0, 2), at("Hospital", 0.005, 3), at("Hospital Way", 0.001, 2), at("Police Station", 0.002, 1),
        at("Silent Street", 0.003, 96, category="violent-crime"), at("Silent Street", 0.003, 4),
        at("Loud Street", 0.004, 90, category="violent-crime"), at("Loud Street", 0.004, 10),
    ]  # fmt: skip
    found = map_points.points(written(rows, YEAR))
    # Only what the data name is an institution; several of one name are taken together.
    assert found.institutions == [("Hospital", 2, 5), ("Police Station", 1, 1)]
    assert [p.snapped_to for p in found.incident_mix] == ["Silent Street"]
    text = " ".join(careful_sentences(place_of(written(rows, YEAR))))
    assert "2 map points named Hospital (5 crimes) and 1 map point named Police Station (1 crime)" in text
    assert "Silent Street has 100 crimes in a mix that often marks a place" in text
    assert "The data do not say whether it is one." in text


def test_no_record_no_point():
    found = map_points.points(written([], YEAR))
    assert found == map_points.Points(0, 0, 0, None, [], [])
    assert map_points.bursts(written([], YEAR)) == []


@pytest.mark.parametrize(
    ("n", "elsewhen", "elsewhere", "burst"),
    [(26, 6, 48, True), (9, 0, 5, False), (26, 60, 48, False), (26, 6, 105, False), (10, 22, 40, True)],
)
def test_bursts(n, elsewhen, elsewhere, burst):
    rows = [
        at("Supermarket", 0, n) | {"month": "2025-09"}, at("Street", 0.001, elsewhere) | {"month": "2025-09"},
        *[at("Supermarket", 0, 1) | {"month": YEAR[i % 8]} for i in range(elsewhen)],
    ]  # fmt: skip
    found = [b for b in map_points.bursts(written(rows, YEAR)) if b.snapped_to == "Supermarket"]
    assert bool(found) == burst
    if burst:
        assert found[0] == ("2025-09", "shoplifting", "Supermarket", n, elsewhen, n + elsewhere)


def test_records_without_location():
    steady = written([{"month": m} for m in YEAR], YEAR, rest=10, unlocated=1)
    found = map_points.unlocated(steady)[0]
    assert found.low == found.high == pytest.approx(14 / (14 * 11 + 1))
    assert found.share == pytest.approx(14 / (14 * 11 + 1))
    moved = steady.surroundings.assign(unlocated=lambda t: t["unlocated"].where(t["month"] != "2025-03", 0))
    assert map_points.unlocated(replace(steady, surroundings=moved))[0].low == 0
    assert map_points.unlocated(written([], YEAR)) == []  # a source that cannot know
    assert "9.0% of Leicestershire's records have no location" in unlocated_sentence(place_of(steady))


def test_duplicates_are_counted_and_kept():
    rows = [
        {"month": "2025-01", "category": "anti-social-behaviour", "n": 4},
        {"month": "2025-01", "category": "anti-social-behaviour", "x": -1.1},
        {"month": "2025-01", "crime_id": "a"}, {"month": "2025-01", "crime_id": "b"},
        {"month": "2025-02", "crime_id": "c", "n": 2},
    ]  # fmt: skip
    assert duplicates(written(rows, YEAR)) == Duplicates(crime=1, asb=3, asb_records=5)
