"""The truth table of months, cell by cell, as far as the live service reaches it."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from crimenb.data import frame
from crimenb.month_status import EVIDENCE, judge, known_gaps
from crimenb.query import months_between

YEAR = months_between("2025-01", "2025-12")
GM = "greater-manchester"


def coverage(shares: dict[str, float]) -> pd.DataFrame:
    rows = [
        {
            "postcode": "X",
            "force": f,
            "force_name": f,
            "share": s,
            "method": "",
            "months": "",
            "geometry": None,
        }
        for f, s in {**shares, "btp": 0.0}.items()
    ]
    return frame("coverage", pd.DataFrame(rows))


def crimes(counts: dict[str, int], btp: int = 2) -> gpd.GeoDataFrame:
    """Records of violence and theft by month, and some of BTP in every month."""
    rows = [
        {"month": m, "category": ("violent-crime", "other-theft")[i % 2], "reported_by": "territorial"}
        for m, n in counts.items()
        for i in range(n)
    ]
    rows += [
        {"month": m, "category": "other-theft", "reported_by": "btp"} for m in counts for _ in range(btp)
    ]
    table = pd.DataFrame(rows, columns=["month", "category", "reported_by"])
    table = table.assign(postcode="X", outcome="", crime_id="", snapped_to="", geometry=shapely.Point(0, 0))
    return frame("crimes", table)


def verdict(
    counts: dict[str, int],
    shares: dict[str, float] | None = None,
    states: dict[tuple[str, str], tuple[str, str]] | None = None,
) -> pd.DataFrame:
    """Judge months that the API answered, unless `states` says otherwise."""
    shares = shares or {"leicestershire": 1.0}
    rows = [
        (f, m, *dict(states or {}).get((f, m), ("answered", ""))) for f in [*shares, "btp"] for m in counts
    ]
    evidence = pd.DataFrame([(f, m, s, -1, -1, d) for f, m, s, d in rows], columns=EVIDENCE)
    table = judge("X", list(counts), coverage(shares), evidence, crimes(counts))
    return table.set_index("month")


def usual(n: int, **other: int) -> dict[str, int]:
    return dict.fromkeys(YEAR, n) | {k.replace("_", "-").lstrip("m"): v for k, v in other.items()}


def test_months_in_the_usual_number_are_published() -> None:
    table = verdict(usual(100))
    assert set(table["status"]) == {"published"}
    assert set(table["why"]) == {""}


@pytest.mark.parametrize("strays", [0, 1, 6, 12])
def test_greater_manchester_is_not_a_quiet_place(strays: int) -> None:
    table = verdict(usual(strays), {GM: 1.0})
    assert set(table["status"]) == {"not supplied"}
    why = table["why"].iloc[0]
    gap = next(g for g in known_gaps() if g.force == GM)
    assert gap.source in why
    assert gap.checked in why
    assert gap.link in why


def test_greater_manchester_is_published_where_records_have_overtaken_the_table() -> None:
    table = verdict(usual(4, **{"m2025_11": 1400, "m2025_12": 1500}), {GM: 1.0})
    assert table.loc["2025-10", "status"] == "not supplied"
    assert set(table.loc[["2025-11", "2025-12"], "status"]) == {"published"}


def test_the_part_of_greater_manchester_is_named() -> None:
    table = verdict(usual(700), {GM: 0.6, "cheshire": 0.4})
    assert set(table["status"]) == {"partly supplied"}
    assert table["why"].iloc[0].startswith("Only the Cheshire part (40%) was supplied. Greater Manchester ")


def test_a_gap_that_records_have_overtaken_gives_way() -> None:
    """Gwent's gap of September to December 2025 was filled by a later download."""
    assert set(verdict(usual(80), {"gwent": 1.0})["status"]) == {"published"}


def test_a_gap_that_still_stands_explains_the_strays() -> None:
    counts = dict.fromkeys(YEAR[:8], 80) | dict.fromkeys(YEAR[8:], 3)
    table = verdict(counts, {"gwent": 1.0})
    assert set(table.loc[YEAR[:8], "status"]) == {"published"}
    assert set(table.loc[YEAR[8:], "status"]) == {"not supplied"}


@pytest.mark.parametrize(("left", "status"), [(70, "partly supplied"), (97, "published")])
def test_a_gap_of_a_third_of_the_area(left: int, status: str) -> None:
    """Without Gwent's third some 67 of 100 records would be left."""
    counts = dict.fromkeys(YEAR[:8], 100) | dict.fromkeys(YEAR[8:], left)
    table = verdict(counts, {"south-wales": 0.67, "gwent": 0.33})
    assert set(table.loc[YEAR[8:], "status"]) == {status}


def test_a_force_that_shows_elsewhere_does_not_make_a_full_place_empty() -> None:
    shown = {("leicestershire", "2025-06"): ("shown", "")}
    table = verdict(usual(100, m2025_06=0), states=shown)
    assert table.loc["2025-06", "status"] == "probably not supplied"


@pytest.mark.parametrize("strays", [0, 1, 4])
def test_strays_where_other_months_are_full_are_probably_not_supplied(strays: int) -> None:
    table = verdict(usual(100, m2025_06=strays))
    assert table.loc["2025-06", "status"] == "probably not supplied"
    assert "other months hold about 100" in table.loc["2025-06", "why"]
    assert set(table.drop("2025-06")["status"]) == {"published"}


def test_full_months_are_not_judged_by_a_majority_of_strays() -> None:
    table = verdict(dict.fromkeys(YEAR[:8], 2) | dict.fromkeys(YEAR[8:], 900))
    assert set(table.loc[YEAR[:8], "status"]) == {"probably not supplied"}
    assert set(table.loc[YEAR[8:], "status"]) == {"published"}


def test_a_count_far_below_the_others_is_suspiciously_low() -> None:
    table = verdict(usual(200, m2025_06=60))
    assert table.loc["2025-06", "status"] == "suspiciously low"
    assert "https://data.police.uk/changelog/" in table.loc["2025-06", "why"]


def test_an_empty_month_of_a_hamlet_is_a_zero_only_if_the_force_shows_that_it_supplied_it() -> None:
    counts = usual(2, m2025_03=0, m2025_04=0)
    shown = {("leicestershire", "2025-03"): ("shown", "")}
    table = verdict(counts, states=shown)
    assert table.loc["2025-03", "status"] == "published"
    assert table.loc["2025-04", "status"] == "probably not supplied"
    assert "without location" in table.loc["2025-04", "why"]


def test_an_empty_month_shown_by_one_of_two_forces_is_partly_supplied() -> None:
    shares = {"leicestershire": 0.7, "warwickshire": 0.3}
    shown = {("leicestershire", "2025-03"): ("shown", "")}
    table = verdict(usual(2, m2025_03=0), shares, shown)
    assert table.loc["2025-03", "status"] == "partly supplied"
    assert table.loc["2025-03", "why"].startswith("Only the Leicestershire part (70%)")


def test_nothing_at_all_is_never_a_row_of_zeros() -> None:
    assert set(verdict(usual(0))["status"]) == {"probably not supplied"}


@pytest.mark.parametrize(
    ("state", "status"),
    [("early", "no longer published"), ("late", "not yet published"), ("failed", "failed")],
)
def test_months_outside_the_window_and_failures_keep_their_sentence(state: str, status: str) -> None:
    said = {(f, "2025-12"): (state, "Because.") for f in ("leicestershire", "btp")}
    table = verdict(usual(100, m2025_12=0), states=said)
    assert tuple(table.loc["2025-12"][["status", "why"]]) == (status, "Because.")
    assert set(table.drop("2025-12")["status"]) == {"published"}
