"""Which force polices which part of an area: shares that are known by geometry."""

import math

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from crimenb.geo import LONLAT, MILE_M, circle, in_degrees, in_metres, to_lonlat, to_metres
from crimenb.sources.gazetteer import parts_by_area, parts_by_nearest, parts_of

CENTRE = (-1.13, 52.63)
MILE = circle(*CENTRE)
WEST, EAST = "leicestershire", "warwickshire"
X0, Y0 = (float(v) for v in to_metres(*CENTRE))


def postcodes(*rows):
    """Return gazetteer rows of (metres east, metres north, force)."""
    lonlat = [to_lonlat(X0 + east, Y0 + north) for east, north, _ in rows]
    return pd.DataFrame({
        "longitude": [float(x) for x, _ in lonlat], "latitude": [float(y) for _, y in lonlat],
        "force": [force for *_, force in rows],
    })  # fmt: skip


def boxes(**bounds):
    """Return force areas: force = (west, south, east, north) in metres from the centre."""
    shapes = [
        in_degrees(shapely.box(X0 + w, Y0 + s, X0 + e, Y0 + n).segmentize(200))
        for w, s, e, n in bounds.values()
    ]
    return gpd.GeoDataFrame({"force": list(bounds)}, geometry=shapes, crs=LONLAT)


def shares(parts, area=MILE):
    return {force: in_metres(part).area / in_metres(area).area for force, part in parts.items()}


def segment(metres):
    """Return the share of the mile's circle beyond a line this far from its centre."""
    d = metres / MILE_M
    return (math.acos(d) - d * math.sqrt(1 - d * d)) / math.pi


@pytest.mark.parametrize("east", [400, 1000, 2000, 3000])
def test_the_border_runs_half_way_between_two_postcodes(east):
    found = shares(parts_by_nearest(MILE, postcodes((0, 0, WEST), (east, 0, EAST))))
    assert found == pytest.approx({EAST: segment(east / 2), WEST: 1 - segment(east / 2)}, abs=1e-3)


def test_many_postcodes_of_one_force_weigh_no_more_than_one():
    """It is the area that counts, not how many live there."""
    crowd = [(-500, 10 * i - 500, WEST) for i in range(100)]
    found = shares(
        parts_by_nearest(MILE, postcodes(*crowd, *((500, n, EAST) for n in range(-500, 501, 500))))
    )
    assert found == pytest.approx({WEST: 0.5, EAST: 0.5}, abs=0.02)


def test_one_force_has_the_whole():
    assert parts_by_nearest(MILE, postcodes((0, 0, WEST), (3000, 0, WEST))) == {WEST: MILE}


def test_a_postcode_without_a_force_decides_nothing():
    known = postcodes((-300, 0, WEST), (300, 0, EAST))
    more = pd.concat([postcodes((0, 0, ""), (0, 900, "")), known])
    assert shares(parts_by_nearest(MILE, more)) == shares(parts_by_nearest(MILE, known))
    assert parts_by_nearest(MILE, postcodes((0, 0, ""))) == {}


def test_of_two_forces_at_one_position_the_first_stands():
    found = parts_by_nearest(MILE, postcodes((0, 0, WEST), (0, 0, EAST), (400, 0, EAST)))
    assert shares(found) == pytest.approx({WEST: 1 - segment(200), EAST: segment(200)}, abs=1e-3)


@pytest.mark.parametrize(("reach", "forces"), [(0.98, {WEST, EAST}), (0.995, {WEST})])
def test_a_sliver_belongs_to_nobody(reach, forces):
    """0.17% of the circle lie beyond 0.98 of its radius, and 0.02% beyond 0.995."""
    near = postcodes((0, 0, WEST), (2 * reach * MILE_M, 0, EAST))
    assert set(parts_by_nearest(MILE, near)) == forces


@given(
    st.lists(
        st.tuples(st.integers(-2000, 2000), st.integers(-2000, 2000), st.sampled_from([WEST, EAST, "btp"])),
        min_size=1, max_size=12, unique_by=lambda row: row[:2],
    ),
    st.randoms(),
)  # fmt: skip
def test_parts_fill_the_area_once_in_any_order_of_rows(rows, dice):
    parts = parts_by_nearest(MILE, postcodes(*rows))
    assert sum(shares(parts).values()) == pytest.approx(1, abs=0.002)  # slivers are left out
    shuffled = dice.sample(rows, len(rows))
    assert shares(parts_by_nearest(MILE, postcodes(*shuffled))) == pytest.approx(shares(parts), abs=1e-6)
    assert set(parts) <= {force for *_, force in rows}


def test_a_gap_of_the_postcodes_is_seen_in_a_town_where_it_is_narrow():
    """Two kilometres without a postcode are a moor in the country, and a missing neighbour in a town."""
    for spacing, unknown in ((70, True), (250, False)):
        x, y = np.meshgrid(np.arange(-5000, 6000, spacing), np.arange(-5000, 5000, spacing))
        held = (x < 600) | (x > 2800)
        lon, lat = to_lonlat(X0 + x[held], Y0 + y[held])
        near = pd.DataFrame({"longitude": lon, "latitude": lat, "force": WEST})
        assert ("" in parts_of(MILE, None, near, complete=False)) == unknown
        assert "" not in parts_of(MILE, None, near, complete=True)


def test_boundaries_give_exact_parts():
    areas = boxes(warwickshire=(400, -9000, 9000, 9000), leicestershire=(-9000, -9000, 400, 9000))
    found = parts_by_area(MILE, areas)
    assert list(found) == [WEST, EAST]  # by name
    assert shares(found) == pytest.approx({WEST: 1 - segment(400), EAST: segment(400)}, abs=1e-3)


def test_what_no_force_has_is_in_no_part():
    """The sea."""
    assert shares(parts_by_area(MILE, boxes(leicestershire=(0, -9000, 9000, 9000)))) == pytest.approx(
        {WEST: 0.5}, abs=1e-3
    )
    assert parts_by_area(MILE, boxes(leicestershire=(5000, 0, 9000, 9000))) == {}


def test_a_sliver_of_two_maps_is_left_out():
    edge = 0.995 * MILE_M
    areas = boxes(leicestershire=(-9000, -9000, edge, 9000), warwickshire=(edge, -9000, 9000, 9000))
    assert set(parts_by_area(MILE, areas)) == {WEST}


def test_a_custom_area_is_divided_like_a_circle():
    square = in_degrees(shapely.box(X0 - 100, Y0 - 100, X0 + 300, Y0 + 100))
    found = shares(parts_by_nearest(square, postcodes((-50, 0, WEST), (50, 0, EAST))), square)
    assert found == pytest.approx({WEST: 0.25, EAST: 0.75}, abs=1e-4)
