"""Sums, ranges and verdicts: by hand, by scipy, and for any frame of records (R1 to R6, R9)."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from crimenb.measures import counts as count_records
from crimenb.measures import months
from crimenb.query import days_in, months_between
from crimenb.schema import CATEGORIES, CRIME_CATEGORIES, STATUSES, SUMMED
from crimenb.usual_range import usual_range
from tests.make_data import written

YEAR = months_between("2025-01", "2025-12")
DAYS = [days_in(m) for m in YEAR]
LEICESTER = [1429, 1327, 1417, 1413, 1520, 1497, 1422, 1430, 1234, 1301, 1276, 1317]


def by_scipy(y, e, latest, level=0.95):
    """R3 written anew, straight from its formula."""
    y, e, n = np.array(y, float), np.array(e, float), len(y)
    mu = y.sum() / e.sum() * e
    expected = y.sum() / e.sum() * latest
    own = ((y - mu) ** 2 / mu).sum() / (n - 1)
    phi = max(1.0, ((n - 1) * own + 10 * (1 + 0.12 * expected**0.5)) / (n + 9))
    half = stats.t.ppf((1 + level) / 2, n + 9) * (phi * (1 + 1 / n)) ** 0.5 / 2
    root = (expected + 3 / 8) ** 0.5
    low, high = max(0.0, root - half) ** 2 - 3 / 8, (root + half) ** 2 - 3 / 8
    return max(0, int(np.floor(low))), int(np.floor(high)), phi


@pytest.mark.parametrize("level", [0.95, 0.998])
@pytest.mark.parametrize("y", [LEICESTER, [3, 3, 1, 5, 7, 0, 5, 0, 0, 4, 4, 8], [60, 55, 71, 40, 66, 58]])
def test_the_range_is_the_formula_s(y, level):
    days = DAYS[: len(y)]
    found = usual_range(y[:-1], days[:-1], days[-1], level=level)
    assert (found.low, found.high, found.phi) == pytest.approx(by_scipy(y[:-1], days[:-1], days[-1], level))


def test_the_t_values_are_the_published_ones():
    assert stats.t.ppf(0.975, 20) == pytest.approx(2.086, abs=5e-4)
    assert stats.t.ppf(0.999, 20) == pytest.approx(3.552, abs=5e-4)


def test_leicester_s_published_range():
    found = months.weigh(np.array(LEICESTER, float), np.array(DAYS, float), None)
    assert (found.own.low, found.own.high, found.kind) == (1233, 1613, "inside")


def test_a_longer_month_is_expected_to_hold_more():
    even = np.array([100.0] * 12)
    days = np.array(DAYS, float)
    assert months.weigh(even * days / 30, days, None).expected == pytest.approx(100 * 31 / 30)


def test_six_rows_by_month():
    data = written(
        [
            {"month": "2025-01"},
            {"month": "2025-01", "category": "robbery"},
            {"month": "2025-01", "category": "anti-social-behaviour"},
            {"month": "2025-02", "reported_by": "btp"},
            {"month": "2025-03", "n": 2},
        ],
        ["2025-01", "2025-02", "2025-03"],
        status={"2025-03": "not in this archive"},
    )
    found = count_records.monthly(data)
    expected = pd.DataFrame(
        {
            "month": ["2025-01", "2025-02", "2025-03"],
            "status": ["published", "published", "not in this archive"],
            "records": pd.array([2, 0, None], dtype="Int64"),
            "days": [31, 28, 31],
            "per_day": pd.array([2 / 31, 0.0, None], dtype="Float64"),
        }
    )
    pd.testing.assert_frame_equal(found, expected, check_dtype=False)
    assert str(found["records"].dtype) == "Int64"
    assert count_records.monthly(data, "asb")["records"].tolist()[:2] == [1, 0]
    assert count_records.monthly(data, "btp")["records"].tolist()[:2] == [0, 1]
    assert count_records.scope(data).months == ["2025-01", "2025-02"]


@st.composite
def places(draw):
    """Draw any records in any months of any status."""
    months = YEAR[: draw(st.integers(1, 6))]
    rows = draw(
        st.lists(
            st.fixed_dictionaries(
                {
                    "month": st.sampled_from(months),
                    "category": st.sampled_from(list(CATEGORIES)),
                    "reported_by": st.sampled_from(["leicestershire", "btp", "warwickshire"]),
                    "n": st.integers(1, 3),
                }
            ),
            max_size=12,
        )
    )
    return rows, months, {m: draw(st.sampled_from(STATUSES)) for m in months}


@settings(deadline=None, max_examples=60)
@given(places())
def test_sums_are_the_records_they_say_they_cover(drawn):
    rows, months, status = drawn
    data = written(rows, months, status=status)
    usable = [r for r in rows if status[r["month"]] in SUMMED]
    table = count_records.monthly_counts(data).loc[[m for m in months if status[m] in SUMMED]].sum()
    assert table[["crime", "asb", "btp"]].sum() == sum(r["n"] for r in usable)
    assert table[list(CATEGORIES)].sum() == sum(r["n"] for r in usable if r["reported_by"] != "btp")
    assert table[CRIME_CATEGORIES].sum() == count_records.monthly(data)["records"].sum()


@settings(deadline=None, max_examples=40)
@given(places())
def test_a_month_that_may_not_be_summed_never_contributes(drawn):
    rows, months, status = drawn
    data = written(rows, months, status=status)
    table = count_records.monthly(data)
    assert table.loc[~table["status"].isin(SUMMED), "records"].isna().all()
    within = count_records.scope(data)
    kept = count_records.records(data)
    assert set(kept["month"]) <= set(within.months)
    assert {status[m] for m in within.months} <= SUMMED
    # Whole and partly supplied months are never added up.
    assert len({status[m] == "partly supplied" for m in within.months}) <= 1
    assert set(within.steady) == {m for m in months if status[m] == "published"}


@settings(deadline=None, max_examples=40)
@given(places())
def test_adding_a_duplicate_record_adds_one(drawn):
    rows, months, status = drawn
    if not rows:
        return
    before = count_records.monthly_counts(written(rows, months, status=status))
    after = count_records.monthly_counts(written([*rows, {**rows[0], "n": 1}], months, status=status))
    assert (after - before)[["crime", "asb", "btp"]].to_numpy().sum() == 1


def held(n, start="2023-01", count=40, **more):
    months = months_between(start, "2025-12")[:n]
    return written([{"month": m, "n": count} for m in months], months, **more)


@pytest.mark.parametrize(
    ("n", "kind"),
    [(5, "list only"), (6, "other months"), (11, "other months"), (12, "one year"), (23, "one year"),
     (24, "two years"), (35, "two years"), (36, "three years")],
)  # fmt: skip
def test_what_the_months_held_allow(n, kind):
    assert months.held(held(n)) == kind


def test_below_six_months_none_is_judged():
    assert months.range_of(held(5)).kind == "too few months"
    assert months.range_of(held(6)).kind == "inside"


@pytest.mark.parametrize("status", ["partly supplied", "suspiciously low", "not in this archive"])
def test_no_range_for_a_month_not_whole(status):
    data = held(12, status={"2023-12": status})
    assert months.range_of(data, month="2023-12").kind == "not judged"
    # and it is in nobody else's baseline
    later = held(14, status={"2023-12": status})
    assert months.range_of(later, month="2024-02").n == 12


def test_under_ten_a_month_nothing_is_judged():
    found = months.range_of(held(12, count=9))
    assert (found.kind, found.own) == ("too few", None)


def test_small_place_by_hand():
    y = [3, 3, 1, 5, 7, 0, 5, 0, 0, 4, 4, 8]
    data = written([{"month": m, "n": k} for m, k in zip(YEAR, y, strict=True) if k], YEAR)
    found = months.small_place(data)
    assert found[:3] == (40, 0, 8)
    assert found.months_without == ["2025-06", "2025-08", "2025-09"]
    assert (found.low, found.high) == (26, 57)
    assert found.phi == pytest.approx(1.57, abs=0.005)


def test_the_rest_of_the_force_decides_with_the_season():
    """A fall shared with the rest of the force is outside the own range and is not called."""
    days = np.array([30.0] * 12)
    y = np.array([200.0] * 11 + [120.0])
    same = np.array([2000.0] * 11 + [1200.0])
    assert months.weigh(y, days, None, series="asb").kind == "season"  # nothing to tell it by: no call
    assert months.weigh(y, days, same, series="asb").kind == "with the force"
    flat = np.array([2000.0] * 12)
    assert months.weigh(y, days, flat, series="asb").kind == "below"


def test_a_control_smaller_than_three_times_the_place_is_none():
    days = np.array([30.0] * 12)
    y = np.array([200.0] * 11 + [120.0])
    found = months.weigh(y, days, y * 2, series="asb")
    assert found.controlled is None
    assert np.isnan(found.rest_change)


def test_a_category_needs_more_to_be_called():
    days = np.array([30.0] * 12)
    y = np.array([100.0] * 11 + [135.0])
    assert months.weigh(y, days, None, series="crime").kind == "above"
    assert months.weigh(y, days, None, series="robbery").kind == "highest"
    y[-1] = 160.0
    assert months.weigh(y, days, None, series="robbery").kind == "above"


def test_two_forces_of_which_one_supplied():
    data = written(
        [{"month": "2025-01", "n": 3}],
        ["2025-01"],
        status={"2025-01": "partly supplied"},
        forces=(("leicestershire", 0.6), ("warwickshire", 0.4)),
    )
    found = count_records.scope(data)
    assert (found.kind, found.forces, found.absent) == ("part", ["leicestershire"], ["warwickshire"])
    assert found.share == pytest.approx(0.6)
    assert found.steady == []


def test_same_season_uses_the_month_and_its_neighbours():
    months = months_between("2023-01", "2025-12")
    rows = [{"month": m, "n": 50 if m[5:] in ("01", "11", "12") else 10} for m in months]
    data = written(rows, months)
    found = months.same_season_range(data)
    assert found.months == 6
    assert found.low <= 50 <= found.high
    own = months.range_of(data).own  # R3 takes the season for dispersion
    assert own.high - own.low > found.high - found.low
    assert months.same_season_range(held(24)) is None
