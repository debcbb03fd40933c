"""Outcomes: one group for courts, settled and faulty months measured (R16)."""

import numpy as np
import pytest

from crimenb.measures import outcomes
from crimenb.query import months_between
from tests.make_data import written

YEAR = months_between("2025-01", "2025-12")


def year(share_of_month, months=YEAR, n=100):
    rows = []
    for m in months:
        for outcome, share in share_of_month(m).items():
            rows.append({"month": m, "outcome": outcome, "n": round(n * share)})
    return written([r for r in rows if r["n"]], months)


def test_courts_are_one_group_whatever_the_age():
    data = year(lambda m: {"Awaiting court outcome": 0.1, "Unable to prosecute suspect": 0.9} if m > "2025-06"
                else {"Court result unavailable": 0.1, "Unable to prosecute suspect": 0.9})  # fmt: skip
    found = outcomes.outcomes(data)
    shares = found.table.set_index("group")["share"]
    assert shares[outcomes.CHARGED] == pytest.approx(0.1)
    assert (outcomes.by_month(data)[outcomes.CHARGED] == 10).all()


def test_settled_is_measured():
    data = year(
        lambda m: {outcomes.UNDER_INVESTIGATION: 0.5 if m > "2025-09" else 0.05, outcomes.NO_SUSPECT: 0.95}
    )
    found = outcomes.outcomes(data)
    assert found.unsettled == ["2025-10", "2025-11", "2025-12"]
    assert found.settled == YEAR[:9]
    assert found.crimes == 9 * 100


@pytest.mark.parametrize(("share", "faulty"), [(0.52, True), (0.26, True), (0.19, True), (0.14, False)])
def test_faulty_months_are_left_out(share, faulty):
    missing = {m: share if m == "2025-06" else 0.06 for m in YEAR}
    data = year(lambda m: {outcomes.NO_UPDATE: missing[m], outcomes.NO_SUSPECT: 1 - missing[m]})
    found = outcomes.outcomes(data)
    assert (found.faulty == ["2025-06"]) == faulty
    assert sorted([*found.settled, *found.unsettled, *found.faulty]) == YEAR


def test_a_month_of_a_few_crimes_is_never_faulty():
    data = year(lambda m: {outcomes.NO_UPDATE: 0.5, outcomes.NO_SUSPECT: 0.5}, n=6)
    assert outcomes.outcomes(data).faulty == []


def test_no_share_under_fifty_crimes():
    found = outcomes.outcomes(year(lambda m: {outcomes.NO_SUSPECT: 1.0}, n=4))
    assert found.crimes == 48
    assert np.isnan(found.table["share"]).all()


def test_table_sums_to_its_crimes_and_leaves_reports_out():
    rows = [
        {"month": "2025-01", "category": "anti-social-behaviour", "n": 5},
        {"month": "2025-01", "reported_by": "btp", "n": 5},
        {"month": "2025-01", "outcome": "Something new", "n": 2},
        {"month": "2025-01", "outcome": "Local resolution", "n": 3},
    ]
    found = outcomes.outcomes(written(rows, ["2025-01"]))
    assert found.table["crimes"].sum() == found.crimes == 5
    assert set(found.table["group"]) == {"Something new", outcomes.OUT_OF_COURT}


def test_a_source_without_outcomes_says_so():
    found = outcomes.outcomes(written([{"month": m, "n": 30} for m in YEAR], YEAR))
    assert found.none
    assert outcomes.outcomes(written([], YEAR)).none is False
