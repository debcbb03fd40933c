"""Tables that draw: what stands in their cells, and how long their bars and where their dots are."""

import re
from dataclasses import replace

import pandas as pd
import pytest

import crimenb as cn
from crimenb.data import frame
from crimenb.report import bar_tables
from tests.make_data import YEAR, written


def cells(shown) -> list[list[str]]:
    """Return the rows of a table as the texts and the drawings of their cells."""
    rows = re.findall(r"<tr>(.*?)</tr>", shown.html, re.DOTALL)
    return [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in rows]


def test_categories_stand_with_their_counts_and_bars_in_proportion():
    data = written(
        [{"month": m, "n": 60} for m in YEAR] + [{"month": YEAR[-1], "category": "robbery", "n": 72}], YEAR
    )
    _, first, second, *_, reports = cells(cn.category_bars(data))
    assert (first[0], first[1], first[-1]) == ("Shoplifting", "720", "60")
    assert "h100.0v10" in first[2]
    assert (second[0], second[1], second[-1]) == ("Robbery", "72", "72")
    assert "h10.0v10" in second[2]
    assert (reports[0], reports[1]) == ("Anti-social behaviour (reports)", "0")


def outcomes_of(*, rest: dict[str, int] | None):
    rows = [{"month": m, "outcome": o, "n": n} for m in YEAR for o, n in (
        ("Unable to prosecute suspect", 6), ("Awaiting court outcome", 3), ("Local resolution", 1))]  # fmt: skip
    data = written(rows, YEAR)
    if rest is None:
        return data
    force = data.coverage["force"].iloc[0]
    around = [
        {"postcode": data.query.postcode, "force": force, "month": m, "outcome": o, "rest": n}
        for m in YEAR for o, n in rest.items()
    ]  # fmt: skip
    return replace(data, force_outcomes=frame("force_outcomes", pd.DataFrame(around)))


def test_outcomes_are_sorted_and_stand_beside_the_rest_of_the_force():
    data = outcomes_of(
        rest={"Unable to prosecute suspect": 40, "Awaiting court outcome": 40, "Local resolution": 20}
    )
    _, *rows = cells(cn.outcome_bars(data))
    assert [(r[0], r[1], r[3]) for r in rows] == [
        ("Unable to prosecute suspect", "60%", "40%"),
        ("Charged or sent to court (result not published)", "30%", "40%"),
        ("Dealt with out of court", "10%", "20%"),
    ]
    assert "M66.7 0v10" in rows[0][2]  # 40 of 60, the longest bar


def test_without_the_rest_nothing_stands_beside_them():
    _, *rows = cells(cn.outcome_bars(outcomes_of(rest=None)))
    assert [len(r) for r in rows] == [3, 3, 3]
    assert "stroke" not in rows[0][2]


def test_a_month_of_the_rest_with_most_updates_missing_leaves_it_out():
    data = outcomes_of(rest={"Status update unavailable": 40, "Awaiting court outcome": 60})
    assert cn.outcome_shares(data)["rest"].isna().all()


@pytest.mark.parametrize(
    ("ratios", "reach"), [([], 1), ([0.5, 2], 1), ([2.1], 2), ([0.24], 3), ([40], 3), ([1.0, 0.0], 1)]
)
def test_a_scale_reaches_as_far_as_its_ratios(ratios, reach):
    assert bar_tables.doublings(ratios) == reach


def test_a_dot_stands_where_its_ratio_is_and_never_beyond_the_scale():
    def at(drawn) -> str:
        return re.search(r"M([\d.]+) 5h0", drawn)[1]

    assert at(bar_tables.dot(1, 2, named=True)) == "50.0"
    assert at(bar_tables.dot(2, 1, named=True)) == at(bar_tables.dot(9, 3, named=True)) == "98.0"
    assert at(bar_tables.dot(0.5, 2, named=True)) == "26.0"
    assert bar_tables.dot(1, 1, named=True).count("5h0") == 1
    assert bar_tables.dot(1, 1, named=False).count("5h0") == 2  # hollow


def test_only_what_is_judged_has_a_dot():
    data = cn.collect("ZZ1 1AA", "2024-01", "2025-12", source="demo")
    _, *rows = cells(cn.change_dots(data))
    by_name = {re.sub("<.*?>", "", r[0]): r for r in rows}
    verdicts = {name: re.sub("<.*?>", "", r[4]) for name, r in by_name.items()}
    assert verdicts["Vehicle crime"] == "clear fall"
    assert {name for name, r in by_name.items() if not r[3]} == {
        n for n, v in verdicts.items() if v == "too few to judge"
    }
    assert [*by_name][-1] == "Anti-social behaviour (reports)"


def test_each_comparison_has_its_own_rows():
    data = cn.collect(["ZZ1 1AA", "ZZ2 2BB"], "2025-01", "2025-12", source="demo")
    heads = [row[0] for row in cells(cn.share_dots(data)) if len(row) == 1]
    assert heads == ["The rest of Fable Vale", "The mile around ZZ2 2BB"]
    shares = cn.compared_shares(data)
    named = set(shares.loc[shares["named"] != "", "label"])
    drawn = {re.sub("<.*?>", "", row[0]) for row in cells(cn.share_dots(data)) if row[0].startswith("<b>")}
    assert drawn == named
