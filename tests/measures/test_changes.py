"""Change between two periods: fixed window, two years, what was built in (R7, R8)."""

from dataclasses import replace

import numpy as np
import pytest

from crimenb.measures import changes
from crimenb.query import days_in, months_between
from crimenb.schema import CATEGORIES
from tests.make_data import written

YEAR = months_between("2025-01", "2025-12")


def two_years(before, after, rest=None, **more):
    months = months_between("2024-01", "2025-12")
    y = [before] * 12 + [after] * 12 if np.isscalar(before) else [*before, *after]
    return written(
        [{"month": m, "n": n} for m, n in zip(months, y, strict=True) if n], months, rest=rest, **more
    )


def recent(y, rest):
    """Judge a year of counts beside a year of the rest of the force."""
    days = np.array([days_in(m) for m in YEAR], float)
    return changes.weigh_recent(np.array(y, float), days, None if rest is None else np.array(rest, float))


def test_recent_months_by_hand():
    rest = {(m, c): 1000 if m < "2025-10" else 900 for m in YEAR for c in CATEGORIES}
    rows = [{"month": m, "n": 100 if m < "2025-10" else 90} for m in YEAR]
    found = changes.recent_against_earlier(written(rows, YEAR, rest=rest))
    assert found.later == ("2025-10", "2025-11", "2025-12")
    assert (found.count_later, found.count_earlier) == (270, 900)
    assert found.ratio == pytest.approx((270 / 92) / (900 / 273))
    assert found.rest_ratio == pytest.approx(found.ratio)
    assert found.kind == "no change"
    assert found.force_explains


def test_the_recent_interval_is_the_formula_s():
    y, rest = [100, 110, 90, 105, 95, 100, 108, 92, 100, 70, 75, 65], [1000] * 12
    found = recent(y, rest)
    squares = sum(((np.array(part) - np.mean(part)) ** 2 / np.mean(part)).sum() for part in (y[:9], y[9:]))
    phi = max(1, (squares + 10 * (1 + 0.12 * np.mean(y) ** 0.5)) / 20)
    half = 3.0 * (phi * (1 / sum(y[9:]) + 1 / sum(y[:9]))) ** 0.5
    assert found.phi == pytest.approx(phi)
    assert np.log(found.high / found.low) == pytest.approx(2 * half)
    assert found.kind == "fall"


def test_a_local_fall_is_called_against_the_rest():
    y = [200] * 9 + [100] * 3
    assert recent(y, [1000] * 12).kind == "fall"
    assert recent(y, None).kind == "no control"
    assert recent([10] * 12, [1000] * 12).kind == "too few"


@pytest.mark.parametrize(
    ("here", "there", "explains"),
    [(0.92, 0.93, True), (0.92, 0.97, False), (0.92, 1.02, False), (1.08, 1.06, True)],
)
def test_the_force_explains_only_what_moved_the_same_way_and_half_as_far(here, there, explains):
    found = changes.Change(changes.ChangeVerdict.NONE, ratio=here, rest_ratio=there)
    assert found.force_explains is explains


def test_the_window_is_three_months_against_the_nine_before():
    rows = [{"month": m, "n": 60} for m in YEAR]
    assert changes.recent_against_earlier(written(rows, YEAR[:11])).kind == "too few months"
    gap = written(rows, YEAR, status={"2025-11": "not supplied"})
    assert changes.recent_against_earlier(gap).kind == "too few months"
    months = months_between("2024-06", "2025-12")
    long = written([{"month": m, "n": 60} for m in months], months, rest=1000)
    assert changes.recent_against_earlier(long).earlier == tuple(YEAR[:9])


# Bedfordshire, May 2023 to April 2024 against the year before: a circle at 508653, 221332 (R8).
BEDS = [
    ("crime", "652 733 749 763 788 789 661 727 758 682 737 770", "827 797 848 874 763 812 716 658 721 617 687 636",
     0.9812, 5.600, (0.887, 1.085)),
    ("asb", "151 158 189 192 166 150 111 111 123 139 119 131", "152 158 204 159 160 149 142 112 142 93 111 113",
     1.0245, 3.026, (0.866, 1.212)),
    ("shoplifting", "24 53 40 52 43 55 35 51 51 61 56 70", "42 50 27 51 52 44 20 29 31 19 24 44",
     1.3628, 2.991, (0.926, 2.005)),
]  # fmt: skip


@pytest.mark.parametrize(("series", "y", "x", "rho", "phi", "ends"), BEDS)
def test_the_worked_changes(series, y, x, rho, phi, ends):
    later, earlier = months_between("2023-05", "2024-04"), months_between("2022-05", "2023-04")
    g = np.array([days_in(a) / days_in(b) for a, b in zip(later, earlier, strict=True)])
    found = changes.weigh_years(*(np.array(t.split(), float) for t in (y, x)), g, series=series)
    assert (found.kind, found.pairs) == ("no change", 12)
    assert found.ratio == pytest.approx(rho, abs=5e-5)
    assert found.phi == pytest.approx(phi, abs=5e-4)
    assert (found.low, found.high) == pytest.approx(ends, abs=1e-3)


@pytest.mark.parametrize(("after", "kind"), [(70, "fall"), (100, "no change"), (140, "rise")])
def test_two_years_say_what_was_built_in(after, kind):
    found = changes.clear_change(two_years(100, after))
    assert found.kind == kind
    if found.called:
        assert (found.same_way, found.pairs) == (12, 12)


def test_less_than_a_tenth_is_no_clear_change():
    assert changes.clear_change(two_years(10_000, 9_200)).kind == "no change"


def test_one_bad_quarter_is_no_clear_change():
    """The sum fell by a fifth, but in three months only."""
    after = [100] * 9 + [20] * 3
    found = changes.weigh_years(*(np.array(v, float) for v in (after, [100] * 12, [1] * 12)))
    assert found.ratio == pytest.approx(0.8)
    assert (found.kind, found.same_way) == ("no change", 3)


def test_small_counts_and_few_months_are_not_judged():
    assert changes.clear_change(two_years(4, 2)).kind == "too few"
    months = months_between("2024-04", "2025-12")
    data = written([{"month": m, "n": 50} for m in months], months)
    assert changes.clear_change(data).kind == "too few months"


def test_ten_pairs_are_enough_whatever_the_number_of_months():
    months = months_between("2024-03", "2025-12")
    found = changes.clear_change(written([{"month": m, "n": 80} for m in months], months))
    assert (found.pairs, found.missing) == (10, ("2025-01", "2025-02"))
    assert found.compared


def test_a_gap_takes_its_pair_away():
    months = months_between("2023-10", "2025-12")
    data = written([{"month": m, "n": 80} for m in months], months, status={"2025-03": "not supplied"})
    found = changes.clear_change(data)
    assert found.pairs == 11
    assert found.missing == ("2025-03",)
    assert "2024-03" not in found.earlier


def test_a_rise_that_the_share_with_a_location_makes_is_not_clear():
    """R17: as many records, more of them with a location."""
    data = two_years(100, 140, rest=1000)
    assert changes.clear_change(data).kind == "rise"
    early = data.surroundings["month"] < "2025-01"
    lost = data.surroundings.assign(unlocated=(400 * early).astype("int64"))
    assert changes.clear_change(replace(data, surroundings=lost)).kind == "as located"


def test_small_counts_are_not_compared_across_the_change_of_map_points():
    months = months_between("2021-10", "2023-09")
    small = written([{"month": m, "n": 40} for m in months], months)
    assert changes.clear_change(small).kind == "map changed"
    large = written([{"month": m, "n": 90} for m in months], months)
    assert changes.clear_change(large).kind == "no change"


def test_the_table_has_each_series_once_and_sums_to_the_total():
    data = two_years(100, 70)
    found = changes.changes(data)
    assert [c.series for c in found[:2]] == ["crime", "asb"]
    assert sorted(c.series for c in found[2:]) == sorted(
        c for c in CATEGORIES if c != "anti-social-behaviour"
    )
    assert sum(c.count_later for c in found[2:]) == found[0].count_later == 840


def test_the_interval_is_the_formula_s():
    found = changes.clear_change(two_years(100, 95))
    half = 2.831 * np.sqrt(found.phi * (1 / found.count_later + 1 / found.count_earlier))
    assert np.log(found.high / found.ratio) == pytest.approx(half, rel=1e-3)
    assert np.log(found.low / found.ratio) == pytest.approx(-half, rel=1e-3)
