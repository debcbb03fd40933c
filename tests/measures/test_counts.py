"""Counts, on frames written by hand and on the demonstration."""

import gc
import weakref

import pandas as pd
import pytest

from crimenb.batch.index_page import overview
from crimenb.errors import QueryError
from crimenb.measures import counts as count_records
from crimenb.measures.counts import scope
from crimenb.measures.place import place_of
from crimenb.query import Query, months_between
from crimenb.report.sections import at_a_glance
from crimenb.schema import ASB, BTP, CATEGORIES
from crimenb.snapshot import collect
from tests.make_data import written


def test_categories_are_the_records_counted_by_hand(centre):
    counts = count_records.count_by_category(centre).set_index("category")
    kept = centre.crimes[(centre.crimes["reported_by"] != BTP)]
    kept = kept[kept["month"].isin(count_records.summed_months(centre))]
    for slug in CATEGORIES:
        assert counts.loc[slug, "period"] == (kept["category"] == slug).sum()
    assert counts.index[-1] == ASB
    assert counts["share"].sum() == pytest.approx(1)
    assert pd.isna(counts.loc[ASB, "share"])


def test_the_sums_of_all_figures_agree(centre):
    categories, months = count_records.count_by_category(centre), count_records.count_by_month(centre)
    points = count_records.count_by_point(centre)
    asb = categories["category"] == ASB
    assert months["crime"].sum() == categories.loc[~asb, "period"].sum() == points["crime"].sum()
    assert months["asb"].sum() == categories.loc[asb, "period"].sum() == points["asb"].sum()
    assert points["cumulative"].iloc[-1] == pytest.approx(1)
    assert points["crime"].is_monotonic_decreasing


def test_transport_police_are_in_no_total(centre):
    btp = (centre.crimes["reported_by"] == BTP).sum()
    assert btp > 0
    place = place_of(centre)
    assert place.total("crime") + place.asb_total + btp == len(centre.crimes)
    assert place.total("btp") == btp


def test_a_month_without_its_file_contributes_nothing():
    data = collect(Query.parse("ZZ1 1AA", "2024-09", "2024-11"), "demo")
    status = data.months.set_index("month")["status"]
    gap = status.index[status == "not in this archive"].tolist()
    assert gap, "the demonstration has a month its force did not supply"
    counts = count_records.count_by_month(data).set_index("month")
    assert counts.loc[gap, "crime"].isna().all()
    assert gap[0] not in count_records.summed_months(data)
    assert count_records.count_by_category(data)["period"].sum() == counts[["crime", "asb"]].sum().sum()


def test_whole_and_partly_supplied_months_are_never_added_up():
    data = collect(Query.parse("ZZ2 2BB", "2023-07", "2025-12"), "demo")
    status = data.months.set_index("month")["status"]
    assert {"published", "partly supplied"} <= set(status)
    assert all(status[m] != "partly supplied" for m in count_records.summed_months(data))
    assert scope(data).kind == "whole"


def test_points_have_words_and_positions(centre):
    points = count_records.count_by_point(centre)
    assert points.crs == "EPSG:4326"
    assert not points.geometry.duplicated().any()
    assert (points["snapped_to"] == "").any()  # blank street names stay, told apart by position
    assert set(points["top"]) <= {*CATEGORIES.values(), ""} - {CATEGORIES[ASB]}


def test_what_was_worked_out_goes_with_its_data():
    data = collect(Query.parse("ZZ1 1AA", "2025-07", "2025-12", ["ZZ2 2BB"]), "demo")
    overview(data)
    at_a_glance(data)
    assert data.worked_out
    gone = weakref.ref(data)
    del data
    gc.collect()
    assert gone() is None


def test_a_frame_worked_out_once_is_each_callers_own(centre):
    first = count_records.count_by_month(centre)
    first.loc[:, "crime"] = -1
    assert (count_records.count_by_month(centre)["crime"] >= 0).all()


def test_a_place_or_a_category_that_is_not_there_is_named(centre):
    with pytest.raises(QueryError, match="no place 'LE1 6RN'; choose one of 'ZZ1 1AA'"):
        count_records.count_by_month(centre, place="LE1 6RN")
    with pytest.raises(QueryError, match="no place 'LE1 6RN'"):
        centre.of("LE1 6RN")
    assert len(centre.of("zz11aa").crimes) == len(centre.crimes)
    with pytest.raises(QueryError, match="no category 'shoplift'; choose one of crime, asb"):
        count_records.count_by_month(centre, category="shoplift")


def test_a_category_new_to_this_version_is_counted_in_the_total():
    rows = [{"month": "2025-01", "n": 2}, {"month": "2025-01", "category": "cyber-crime", "n": 3}]
    data = written(rows, ["2025-01"])
    place = place_of(data)
    assert (place.total("crime"), place.crime_categories[13:]) == (5, ["cyber-crime"])
    table = count_records.count_by_category(data).set_index("category")
    assert table.loc["cyber-crime", ["label", "period"]].tolist() == ["Cyber crime", 3]


def test_map_points_are_counted_on_one_side_of_july_2022():
    """The same street has another point after the change: counting over it doubles the points (R20)."""
    rows = [
        {"month": m, "x": -1.13 if m < "2022-07" else -1.1301, "n": 5}
        for m in ("2022-06", "2022-07", "2022-08")
    ]
    data = written(rows, ["2022-06", "2022-07", "2022-08"])
    assert place_of(data).points[:3] == (1, 10, 1)
    assert place_of(data).total("crime") == 15
    old = written([{"month": m} for m in ("2022-05", "2022-06")], ["2022-05", "2022-06"])
    assert place_of(old).points.crimes == 2


def test_months_left_out_of_baselines_are_counted_all_the_same():
    months = months_between("2021-01", "2021-12")
    data = written(
        [{"month": m, "n": 3} for m in months], months, left_out={"2021-02": "all", "2021-08": "asb"}
    )
    within = scope(data)
    assert within.months == months
    assert "2021-02" not in within.steady
    assert "2021-08" in within.steady
    assert not {"2021-02", "2021-08"} & set(within.steady_in("asb"))


def test_a_month_of_which_a_part_was_supplied_is_in_no_count():
    data = collect(Query.parse("ZZ2 2BB", "2024-08", "2024-12"), "demo")
    months = count_records.count_by_month(data).set_index("month")["crime"]
    by_category = count_records.count_by_month_and_category(data).set_index("month")
    crimes = by_category.drop(columns="Anti-social behaviour").sum(axis=1, min_count=1)
    assert months.isna().tolist() == [True, False, True, False, False]
    assert months.dropna().tolist() == crimes.dropna().tolist()
