"""The truth table of months, cell by cell."""

import geopandas as gpd
import pandas as pd
import pytest

from crimenb.data import frame
from crimenb.month_status import EVIDENCE, SEASON, SEASON_ASB, judge, known_gaps
from crimenb.query import days_in, months_between

MONTHS = months_between("2025-01", "2025-12")


def coverage(**shares):
    rows = [
        {
            "postcode": "P",
            "force": f.replace("_", "-"),
            "force_name": f,
            "share": s,
            "method": "by area",
            "months": "",
            "geometry": None,
        }
        for f, s in shares.items()
    ]
    return frame("coverage", pd.DataFrame(rows))


def evidence(states, records=-1):
    """Rows from {(force, month): state} or {(force, month): (state, records)}."""
    rows = []
    for (force, month), state in states.items():
        kind, n = state if isinstance(state, tuple) else (state, records)
        detail = {
            "failed": "police.uk said 500.",
            "late": "Months to 2025-08.",
            "early": "Months from 2023.",
        }.get(kind, "")
        rows.append((force, month, kind, n, n, detail))
    return pd.DataFrame(rows, columns=EVIDENCE)


def crimes(counts, category="shoplifting", by="territorial"):
    months = [m for m, n in counts.items() for _ in range(n)]
    table = pd.DataFrame({"month": months}).assign(
        postcode="P", category=category, outcome="", reported_by=by, crime_id="", snapped_to=""
    )
    table["geometry"] = gpd.points_from_xy([-1.13] * len(table), [52.63] * len(table))
    return frame("crimes", table)


def status(*args):
    table = judge("P", MONTHS, *args)
    assert table["month"].tolist() == MONTHS
    return dict(zip(table["month"], zip(table["status"], table["why"], strict=True), strict=True))


def everywhere(force, state="file", records=-1):
    return {(force, m): (state, records) for m in MONTHS}


def test_published_where_every_force_with_two_percent_supplied():
    shares = coverage(leicestershire=0.985, warwickshire=0.015)  # under 2 % decides nothing
    found = status(shares, evidence(everywhere("leicestershire")), crimes({}))
    assert {s for s, _ in found.values()} == {"published"}


def test_partly_supplied_names_the_absent_force_and_the_share():
    shares = coverage(metropolitan=0.58, city_of_london=0.42)
    found = status(shares, evidence(everywhere("city-of-london")), crimes({}))
    assert {s for s, _ in found.values()} == {"partly supplied"}
    assert "City of London part (42%)" in found["2025-03"][1]
    assert "Metropolitan" in found["2025-03"][1]


def test_not_in_this_archive_names_file_and_force():
    states = {("leicestershire", m): "file" for m in MONTHS if m != "2025-05"}
    found = status(coverage(leicestershire=1.0), evidence(states), crimes({}))
    assert found["2025-05"][0] == "not in this archive"
    assert "2025-05-leicestershire-street.csv" in found["2025-05"][1]
    assert [m for m in MONTHS if found[m][0] != "published"] == ["2025-05"]


def test_not_supplied_carries_source_and_date():
    found = status(coverage(greater_manchester=1.0), evidence({}), crimes({}))
    assert {s for s, _ in found.values()} == {"not supplied"}
    assert "checked 2026-10-01" in found["2025-01"][1]
    assert "https://data.police.uk/changelog/" in found["2025-01"][1]


@pytest.mark.parametrize(
    ("state", "expected"),
    [("late", "not yet published"), ("early", "no longer published"), ("failed", "failed")],
)
def test_outside_the_window_or_failed(state, expected):
    states = everywhere("leicestershire", "answered") | {("leicestershire", "2025-12"): state}
    counts = crimes({m: 30 for m in MONTHS[:-1]})
    found = status(coverage(leicestershire=1.0), evidence(states), counts)
    assert found["2025-12"][0] == expected
    assert found["2025-12"][1]
    assert found["2025-11"][0] == "published"


def test_answered_with_nothing_is_probably_not_supplied_where_other_months_have_many():
    states = evidence(everywhere("leicestershire", "answered"))
    many = crimes({m: 25 for m in MONTHS if m != "2025-07"})
    found = status(coverage(leicestershire=1.0), states, many)
    assert found["2025-07"][0] == "probably not supplied"
    few = crimes({m: 3 for m in MONTHS if m != "2025-07"})
    village = status(coverage(leicestershire=1.0), states, few)
    assert village["2025-07"][0] == "probably not supplied"  # nothing shows that it was supplied
    shown = evidence(everywhere("leicestershire", "answered") | {("leicestershire", "2025-07"): "shown"})
    assert status(coverage(leicestershire=1.0), shown, few)["2025-07"][0] == "published"  # a true zero


def test_greater_manchester_answered_with_a_few_records_stays_not_supplied():
    states = evidence(everywhere("greater-manchester", "answered"))
    found = status(coverage(greater_manchester=1.0), states, crimes({m: 4 for m in MONTHS}))
    assert {s for s, _ in found.values()} == {"not supplied"}


def test_records_overtake_the_table_of_known_gaps():
    gap = next(g for g in known_gaps() if g.force == "gwent")
    inside = [m for m in MONTHS if gap.holds(m)]
    states = evidence(everywhere("gwent", "answered"))
    whole = status(coverage(gwent=1.0), states, crimes({m: 40 for m in MONTHS}))
    assert {whole[m][0] for m in inside} == {"published"}
    missing = status(coverage(gwent=1.0), states, crimes({m: 40 for m in MONTHS if m not in inside}))
    assert {missing[m][0] for m in inside} == {"not supplied"}


def judged(*args, months=MONTHS):
    return judge("P", months, *args).set_index("month")


def force_months(months, crime, asb=None, force="leicestershire"):
    """Evidence of a force that supplied every month, with counts in its usual season."""
    rows = []
    for month in months:
        i, days = int(month[5:]) - 1, days_in(month)
        n = crime(month) * SEASON[i] * days
        reports = (asb or (lambda _: 0))(month) * SEASON_ASB[i] * days
        rows.append((force, month, "file", round(n), round(reports), ""))
    return pd.DataFrame(rows, columns=EVIDENCE)


def test_a_month_half_supplied_by_the_whole_force_is_suspiciously_low():
    states = force_months(MONTHS, lambda m: 150 if m == "2025-06" else 300)
    found = judged(coverage(leicestershire=1.0), states, crimes({}))
    assert found["status"].tolist().count("suspiciously low") == 1
    assert found.loc["2025-06", "status"] == "suspiciously low"
    assert "recorded 50% of its usual crimes a day" in found.loc["2025-06", "why"]
    assert "changelog" in found.loc["2025-06", "why"]


@pytest.mark.parametrize(("share", "low"), [(0.74, True), (0.76, False), (0.80, False)])
def test_the_season_alone_makes_no_month_thin(share, low):
    states = force_months(MONTHS, lambda m: 300 * share if m == "2025-12" else 300)
    found = judged(coverage(leicestershire=1.0), states, crimes({}))
    assert (found.loc["2025-12", "status"] == "suspiciously low") is low


def test_the_same_month_of_another_year_as_low_clears_a_month():
    months = months_between("2023-01", "2025-12")
    states = force_months(months, lambda m: 200 if m[5:] == "01" else 300)
    assert "suspiciously low" not in set(
        judged(coverage(leicestershire=1.0), states, crimes({}), months=months)["status"]
    )


def test_with_fewer_than_six_other_months_there_is_no_verdict():
    states = force_months(MONTHS[:6], lambda m: 50 if m == "2025-03" else 300)
    found = judged(coverage(leicestershire=1.0), states, crimes({}), months=MONTHS[:6])
    assert set(found["status"]) == {"published"}


def test_thin_reports_are_left_out_alone():
    states = force_months(MONTHS, lambda _: 300, lambda m: 20 if m == "2025-08" else 100)
    found = judged(coverage(leicestershire=1.0), states, crimes({}))
    assert found.loc["2025-08", ["status", "left_out"]].tolist() == ["published", "asb"]
    assert "20% of its usual reports of anti-social behaviour" in found.loc["2025-08", "why"]
    assert (found["left_out"] == "").sum() == 11
    few = force_months(MONTHS, lambda _: 300, lambda m: 1 if m == "2025-08" else 5)  # under ten a day
    assert (judged(coverage(leicestershire=1.0), few, crimes({}))["left_out"] == "").all()


def test_reports_as_low_in_the_same_month_of_another_year_are_thin_all_the_same():
    months = months_between("2023-01", "2025-12")
    states = force_months(months, lambda _: 300, lambda m: 20 if m[5:] == "08" else 100)
    found = judged(coverage(leicestershire=1.0), states, crimes({}), months=months)
    assert found.index[found["left_out"] == "asb"].tolist() == ["2023-08", "2024-08", "2025-08"]


def test_a_lockdown_month_is_counted_and_left_out_of_baselines():
    months = months_between("2019-07", "2020-06")
    states = force_months(months, lambda m: 150 if m == "2020-04" else 300)
    found = judged(coverage(leicestershire=1.0), states, crimes({}), months=months)
    assert found.loc["2020-04", ["status", "left_out"]].tolist() == ["published", "all"]
    assert found.loc["2020-04", "why"].startswith("Low: lockdown.")


def test_suspiciously_low_by_the_place_alone():
    states = evidence(everywhere("leicestershire", "file", -1))
    counts = crimes({m: 300 if m != "2025-06" else 90 for m in MONTHS})
    assert status(coverage(leicestershire=1.0), states, counts)["2025-06"][0] == "suspiciously low"
    small = crimes({m: 40 if m != "2025-06" else 5 for m in MONTHS})  # under 50 nobody can tell
    assert status(coverage(leicestershire=1.0), states, small)["2025-06"][0] == "published"


def test_a_low_place_in_an_honest_month_of_its_force_is_a_low_place():
    states = force_months(MONTHS, lambda _: 3000)
    counts = crimes({m: 300 if m != "2025-06" else 90 for m in MONTHS})
    assert status(coverage(leicestershire=1.0), states, counts)["2025-06"][0] == "published"


def test_transport_police_records_never_decide():
    states = evidence(everywhere("greater-manchester", "answered"))
    found = status(coverage(greater_manchester=1.0), states, crimes({m: 50 for m in MONTHS}, by="btp"))
    assert {s for s, _ in found.values()} == {"not supplied"}
