"""Change between two periods: fixed window, two years, what was built in (R7, R8)."""

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


def test_recent_months_by_hand():
    rest = {(m, c): 1000 if m < "2025-10" else 900 for m in YEAR for c in CATEGORIES}
    rows = [{"month": m, "n": 100 if m < "2025-10" else 90} for m in YEAR]
    found = changes.recent_against_earlier(written(rows, YEAR, rest=rest), "shoplifting")
    assert found.later == ["2025-10", "2025-11", "2025-12"]
    assert (found.count_later, found.count_earlier) == (270, 900)
    assert found.ratio == pytest.approx((270 / 92) / (900 / 273))
    assert found.rest_ratio == pytest.approx(found.ratio)
    assert found.kind == "no local change"


def test_a_local_fall_is_called_against_the_rest():
    rows = [{"month": m, "n": 200 if m < "2025-10" else 100} for m in YEAR]
    data = written(rows, YEAR, rest=1000)
    assert changes.recent_against_earlier(data, "shoplifting").kind == "local fall"
    assert changes.recent_against_earlier(written(rows, YEAR), "shoplifting").kind == "no verdict"


def test_the_window_needs_a_year_and_its_three_months():
    rows = [{"month": m, "n": 60} for m in YEAR]
    assert changes.recent_against_earlier(written(rows, YEAR[:11])).kind == "too few months"
    gap = written(rows, YEAR, status={"2025-11": "not supplied"})
    assert changes.recent_against_earlier(gap).kind == "too few months"


@pytest.mark.parametrize(
    ("after", "kind"), [(70, "clear fall"), (100, "no clear change"), (140, "clear rise")]
)
def test_two_years_say_what_was_built_in(after, kind):
    found = changes.clear_change(two_years(100, after))
    assert found.kind == kind
    days = [sum(days_in(m) for m in months_between(f"{y}-01", f"{y}-12")) for y in (2025, 2024)]
    assert found.ratio == pytest.approx(after * 12 / days[0] / (1200 / days[1]))
    if found.called:
        assert (found.same_way, found.pairs) == (12, 12)


def test_less_than_a_tenth_is_no_clear_change():
    assert changes.clear_change(two_years(10_000, 9_200)).kind == "no clear change"


def test_one_bad_quarter_is_no_clear_change():
    """The sum fell by a fifth, but in three months only."""
    after = [100] * 9 + [20] * 3
    found = changes.weigh_years(*(np.array(v, float) for v in (after, [100] * 12, [30] * 12, [30] * 12)))
    assert found.ratio == pytest.approx(0.8)
    assert (found.kind, found.same_way) == ("no clear change", 3)


def test_small_counts_and_few_months_are_not_judged():
    assert changes.clear_change(two_years(4, 2)).kind == "too few"
    months = months_between("2024-02", "2025-12")
    data = written([{"month": m, "n": 50} for m in months], months)
    assert changes.clear_change(data).kind == "too few months"


def test_a_gap_takes_its_pair_away():
    months = months_between("2023-10", "2025-12")
    data = written([{"month": m, "n": 80} for m in months], months, status={"2025-03": "not supplied"})
    found = changes.clear_change(data)
    assert found.pairs == 11
    assert "2025-03" not in found.later
    assert "2024-03" not in found.earlier


def test_the_table_has_each_series_once_and_sums_to_the_total():
    data = two_years(100, 70)
    table = changes.changes(data)
    assert table["series"].tolist()[:2] == ["crime", "asb"]
    assert sorted(table["series"][2:]) == sorted(c for c in CATEGORIES if c != "anti-social-behaviour")
    assert table["count_later"][2:].sum() == table["count_later"][0] == 840


def test_the_interval_is_the_formula_s():
    found = changes.clear_change(two_years(100, 95))
    half = 2.58 * np.sqrt(found.phi * (1 / found.count_later + 1 / found.count_earlier))
    assert np.log(found.high / found.ratio) == pytest.approx(half)
    assert np.log(found.low / found.ratio) == pytest.approx(-half)
