"""Sums, ranges and verdicts: by hand, by scipy, and for any frame of records (R1 to R6, R9)."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from crimenb.measures import counts as count_records
from crimenb.measures import months
from crimenb.measures.months import months_with_range
from crimenb.query import days_in, months_between
from crimenb.schema import CATEGORIES, CRIME_CATEGORIES, SUMMED, MonthStatus
from crimenb.usual_range import t_value, usual_range
from crimenb.wording.verdicts import describe
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


@pytest.mark.parametrize("level", [0.98, 0.998])
@pytest.mark.parametrize("y", [LEICESTER, [3, 3, 1, 5, 7, 0, 5, 0, 0, 4, 4, 8], [60, 55, 71, 40, 66, 58]])
def test_the_range_is_the_formula_s(y, level):
    days = DAYS[: len(y)]
    found = usual_range(y[:-1], days[:-1], days[-1], level=level)
    assert (found.low, found.high, found.phi) == pytest.approx(by_scipy(y[:-1], days[:-1], days[-1], level))


def test_only_the_nearest_twelve_months_make_the_range():
    older = usual_range([*[900] * 12, *LEICESTER[:11], 1300], [30.0] * 24, 31, level=0.98)
    nearest = usual_range([*LEICESTER[:11], 1300], [30.0] * 12, 31, level=0.98)
    assert older == nearest
    assert nearest.months == 12


def test_the_t_values_are_the_published_ones():
    assert t_value(0.98, 11) == pytest.approx(2.528, abs=5e-4)
    assert t_value(0.98, 12) == pytest.approx(2.518, abs=5e-4)
    assert t_value(0.998, 11) == pytest.approx(3.552, abs=5e-4)
    assert t_value(0.998, 12) == pytest.approx(3.527, abs=5e-4)


# Four places of Staffordshire, 2025: the place, the rest of the force, then E, phi and the range (R5).
VECTORS = [
    ("crime", "493 460 537 533 558 573 652 610 606 531 510 575",
     "6141 5505 6590 6945 6580 7201 7236 6608 6921 6876 6283 7010", 583.1, 3.01, (477, 699)),
    ("asb", "67 72 119 115 128 120 166 115 133 158 107 106",
     "779 818 1229 1270 1513 1450 1505 1455 1058 1102 988 881", 87.0, 3.87, (45, 142)),
    ("crime", "408 391 451 429 459 482 464 487 408 456 411 459",
     "6177 5697 6536 6719 6935 6756 7431 6977 6004 6419 6282 6147", 414.1, 2.14, (339, 496)),
    ("asb", "82 107 101 115 111 106 106 111 100 96 75 109",
     "1054 1027 1351 1404 1409 1467 1612 1490 1262 1334 1116 1013", 77.4, 2.16, (46, 115)),
]  # fmt: skip


@pytest.mark.parametrize(("series", "y", "rest", "expected", "phi", "ends"), VECTORS)
def test_the_worked_ranges(series, y, rest, expected, phi, ends):
    counts, control = (np.array(t.split(), float) for t in (y, rest))
    found = months.weigh(counts, np.array(DAYS, float), control, series=series)
    assert found.adjusted
    assert (found.range.low, found.range.high) == ends
    assert found.range.expected == pytest.approx(expected, abs=0.05)
    assert found.range.phi == pytest.approx(phi, abs=0.005)
    assert found.kind == "within"


def test_without_control_crime_alone_is_judged_and_says_so():
    days = np.array(DAYS, float)
    found = months.weigh(np.array(LEICESTER, float), days, None)
    assert not found.adjusted
    assert describe(found).endswith("which is not adjusted for the time of year")
    for series in ("asb", "shoplifting"):
        found = months.weigh(np.array(LEICESTER, float), days, None, series=series)
        assert (found.kind, found.range) == ("no control", None)


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
    found = count_records.count_by_month(data)
    expected = pd.DataFrame(
        {
            "month": ["2025-01", "2025-02", "2025-03"],
            "status": ["published", "published", "not in this archive"],
            "days": [31, 28, 31],
            "crime": pd.array([2, 0, None], dtype="Int64"),
            "asb": pd.array([1, 0, None], dtype="Int64"),
            "btp": pd.array([0, 1, None], dtype="Int64"),
        }
    )
    pd.testing.assert_frame_equal(found[list(expected)], expected, check_dtype=False)
    assert str(found["crime"].dtype) == "Int64"
    shoplifting = count_records.count_by_month(data, category="shoplifting")
    assert shoplifting["n"].tolist()[:2] == [1, 0]
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
    return rows, months, {m: draw(st.sampled_from(MonthStatus)) for m in months}


@settings(deadline=None, max_examples=60)
@given(places())
def test_sums_are_the_records_they_say_they_cover(drawn):
    rows, months, status = drawn
    data = written(rows, months, status=status)
    usable = [r for r in rows if status[r["month"]] in SUMMED]
    table = count_records.monthly_counts(data).loc[[m for m in months if status[m] in SUMMED]].sum()
    assert table[["crime", "asb", "btp"]].sum() == sum(r["n"] for r in usable)
    assert table[list(CATEGORIES)].sum() == sum(r["n"] for r in usable if r["reported_by"] != "btp")
    drawn_months = months_with_range(data)
    assert table[CRIME_CATEGORIES].sum() == drawn_months["n"].sum()
    summed = drawn_months.loc[drawn_months["month"].isin(count_records.summed_months(data)), "n"].sum()
    assert count_records.count_by_month(data)["crime"].sum() == summed


@settings(deadline=None, max_examples=40)
@given(places())
def test_a_month_that_may_not_be_summed_never_contributes(drawn):
    rows, months, status = drawn
    data = written(rows, months, status=status)
    table = count_records.count_by_month(data)
    assert table.loc[~table["status"].isin(SUMMED), "crime"].isna().all()
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


def test_below_six_earlier_months_none_is_judged():
    assert months.verdict_of(held(6)).kind == "too few months"
    assert months.verdict_of(held(7)).kind == "within"


@pytest.mark.parametrize("status", ["partly supplied", "suspiciously low", "not in this archive"])
def test_no_range_for_a_month_not_whole(status):
    data = held(12, status={"2023-12": status})
    assert months.verdict_of(data, month="2023-12").kind == "not judged"
    # and it is in nobody else's baseline
    later = held(14, status={"2023-12": status})
    assert months.verdict_of(later, month="2024-02").months == 12


def test_under_ten_a_month_nothing_is_judged():
    found = months.verdict_of(held(12, count=9))
    assert (found.kind, found.range) == ("too few", None)


def test_one_range_for_one_month_in_the_frame_too():
    data = held(24, rest=1000)
    table = months.months_with_range(data)
    judged = table[table["low"].notna()]
    verdict = months.verdict_of(data)
    assert judged["month"].tolist() == [verdict.month]
    assert judged[["low", "high"]].iloc[0].tolist() == [verdict.range.low, verdict.range.high]
    assert (table["n"] == table["crime"]).all()
    few = months.months_with_range(held(3))
    assert few[["low", "high"]].isna().all(axis=None), "the columns are there where no range is"


def test_the_range_of_a_category_stands_beside_its_own_counts():
    rows = [{"month": m, "category": c, "n": n} for m in YEAR for c, n in (("robbery", 200), ("drugs", 40))]
    table = months.months_with_range(written(rows, YEAR, rest=3000), category="drugs")
    assert (table["n"] == 40).all()
    assert table["low"].iloc[-1] < 40 < table["high"].iloc[-1]


def test_a_call_on_days_alone_needs_the_records_without_location():
    """R17: where the force is no control, a change of the share with a location explains a change."""
    rows = [{"month": m, "n": 300 if m < "2025-12" else 200} for m in YEAR]
    rest = {(m, c): 50 for m in YEAR for c in CATEGORIES}  # too small to be a control
    steady = written(rows, YEAR, rest=rest)
    assert months.verdict_of(steady).kind == "below"
    lost = steady.surroundings.assign(unlocated=lambda t: 60 * (t["month"] == "2025-12"))
    found = months.verdict_of(replace(steady, surroundings=lost))
    assert found.kind == "as located"
    assert "not once the records without a location are allowed for" in describe(found)


def test_small_place_by_hand():
    y = [3, 3, 1, 5, 7, 0, 5, 0, 0, 4, 4, 8]
    data = written([{"month": m, "n": k} for m, k in zip(YEAR, y, strict=True) if k], YEAR)
    found = months.small_place(data)
    assert found[:3] == (40, 0, 8)
    assert found.months_without == ["2025-06", "2025-08", "2025-09"]
    assert (found.low, found.high) == (26, 57)
    assert found.phi == pytest.approx(1.57, abs=0.005)


def test_the_rest_of_the_force_decides_with_the_season():
    """A fall shared with the rest of the force is not called."""
    days = np.array([30.0] * 12)
    y = np.array([200.0] * 11 + [120.0])
    same = np.array([2000.0] * 11 + [1200.0])
    assert months.weigh(y, days, same, series="asb").kind == "within"
    flat = np.array([2000.0] * 12)
    assert months.weigh(y, days, flat, series="asb").kind == "below"


def test_a_control_smaller_than_three_times_the_place_is_none():
    days = np.array([30.0] * 12)
    y = np.array([200.0] * 11 + [120.0])
    found = months.weigh(y, days, y * 2, series="asb")
    assert not found.adjusted
    assert np.isnan(found.rest_change)


def test_a_category_needs_more_to_be_called():
    days = np.array([30.0] * 12)
    rest = np.array([1000.0] * 12)
    y = np.array([100.0] * 11 + [145.0])
    assert months.weigh(y, days, rest, series="crime").kind == "above"
    assert months.weigh(y, days, rest, series="robbery").kind == "within"
    y[-1] = 170.0
    assert months.weigh(y, days, rest, series="robbery").kind == "above"


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
