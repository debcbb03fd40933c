"""Shares here and elsewhere, and what two places share (R11, R12)."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from crimenb.data import frame
from crimenb.measures import comparisons
from crimenb.query import days_in, months_between
from crimenb.schema import CATEGORIES
from crimenb.usual_range import dispersion
from crimenb.wording.comparisons import compared_shares, comparison_sentences, refusal
from tests.make_data import written

YEAR = months_between("2025-01", "2025-12")


def test_the_quotient_is_the_formula_s():
    rng = np.random.default_rng(1)
    a = pd.DataFrame({"robbery": rng.poisson(10, 12), "burglary": rng.poisson(40, 12)}, index=YEAR)
    b = pd.DataFrame({"robbery": rng.poisson(30, 12), "burglary": rng.poisson(300, 12)}, index=YEAR)
    row = comparisons.shares(a, b, YEAR).iloc[0]
    days = np.array([days_in(m) for m in YEAR], float)
    here, there = a["robbery"].sum(), b["robbery"].sum()
    total, other = a.to_numpy().sum(), b.to_numpy().sum()
    phi = [dispersion(t["robbery"], days, t["robbery"].sum() / 365 * 31, spread=0.17) for t in (a, b)]
    se = np.sqrt(phi[0] * (1 / here - 1 / total) + phi[1] * (1 / there - 1 / other))
    quotient = (here / total) / (there / other)
    assert row["quotient"] == pytest.approx(quotient)
    assert row["low"] == pytest.approx(quotient * np.exp(-stats.t.ppf(0.995, 11) * se))
    assert row["high"] == pytest.approx(quotient * np.exp(stats.t.ppf(0.995, 11) * se))
    assert row["named"] == "more"


def mixed(n_each, rest=None, **more):
    rows = [{"month": m, "category": c, "n": n} for m in YEAR for c, n in n_each.items() if n]
    return written(rows, YEAR, rest=rest, **more)


def test_violence_is_never_named_as_low():
    rest = {(m, c): {"violent-crime": 5000, "robbery": 5000}.get(c, 1000) for m in YEAR for c in CATEGORIES}
    found = comparisons.with_rest_of_force(
        mixed({"violent-crime": 5, "shoplifting": 100, "robbery": 4}, rest)
    )
    assert found.table.set_index("category").loc["violent-crime", "high"] < 0.67
    assert found.named("less") == ["robbery"]
    assert found.named("more")[0] == "shoplifting"


def test_a_category_new_to_this_version_is_a_share_of_crime():
    data = mixed({"shoplifting": 50, "retail-crime": 10}, rest=1000)
    around = data.surroundings
    new = around[around["category"] == "shoplifting"].assign(category="retail-crime", rest=500)
    data = replace(data, surroundings=pd.concat([around, new], ignore_index=True))
    found = comparisons.with_rest_of_force(data)
    assert (found.here, found.there) == (12 * 60, 12 * 13_500)
    row = found.table.set_index("category").loc["retail-crime"]
    assert (row["share_here"], row["share_there"]) == (1 / 6, 500 / 13_500)
    assert "Retail crime" in compared_shares(data)["label"].tolist()


def test_small_counts_have_no_quotient():
    found = comparisons.with_rest_of_force(mixed({"shoplifting": 50, "robbery": 1}, rest=1000))
    row = found.table.set_index("category").loc["robbery"]
    assert row["here"] == 12
    assert np.isnan(row["quotient"])
    assert row["named"] == ""


def test_shares_sum_to_the_whole():
    found = comparisons.with_rest_of_force(mixed({"shoplifting": 9, "robbery": 3, "drugs": 2}, rest=100))
    assert found.table["here"].sum() == found.here == 14 * 12
    assert found.table["share_here"].sum() == pytest.approx(1)
    assert found.table["share_there"].sum() == pytest.approx(1)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (mixed({"shoplifting": 50}), "no rest"),
        (mixed({"shoplifting": 2}, rest=1000), "few here"),
        (mixed({"shoplifting": 50}, 1000, status=dict.fromkeys(YEAR, "partly supplied")), "partly"),
        (mixed({"shoplifting": 50}, 1000, status=dict.fromkeys(YEAR, "not supplied")), "nothing"),
        (mixed({"shoplifting": 50}, 1000, status=dict.fromkeys(YEAR[5:], "not supplied")), "few months"),
    ],
    ids=["no rest", "few here", "partly", "nothing", "few months"],
)
def test_refusals(data, why):
    found = comparisons.with_rest_of_force(data)
    assert found.refused == why
    assert found.table.empty
    assert refusal(found).startswith("Not compared with the rest of ")


def two(shared, ours, theirs):
    """Return two places' data: rows only in one, and rows in both (identical ones too)."""
    rows = [{"month": m, "n": shared, "snapped_to": "Between"} for m in YEAR]
    a = written([*rows, *[{"month": m, "n": ours, "snapped_to": "West"} for m in YEAR]], YEAR)
    b = written(
        [*rows, *[{"month": m, "n": theirs, "snapped_to": "East"} for m in YEAR]], YEAR, postcode="ZZ5 5AB"
    )
    return a, b


def test_shared_records_are_left_out_on_both_sides():
    a, b = two(4, 20, 30)
    found = comparisons.with_place(a, b)
    assert (found.shared, found.here, found.there, found.smaller) == (48, 240, 360, 288)
    assert found.refused == ""
    assert found.distance_m == pytest.approx(0)


def test_more_than_a_quarter_shared_is_refused():
    found = comparisons.with_place(*two(10, 20, 300))
    assert found.refused == "overlap"
    assert found.shared == 120
    assert "120 records lie in both areas" in " ".join(comparison_sentences(found))  # said all the same (R12)


def test_identical_rows_are_matched_one_to_one():
    a, b = two(3, 2, 1)
    extra = pd.concat([b.crimes, b.crimes[b.crimes["snapped_to"] == "Between"].head(1)])
    b = replace(b, crimes=frame("crimes", extra))
    shared, mine, yours = comparisons.split_shared(a.crimes, b.crimes)
    assert (shared, len(mine), len(yours)) == (36, 24, 13)
