"""Counts, on frames written by hand and on the demonstration."""

import gc
import weakref

import pandas as pd
import pytest

from crimenb.batch.index_page import overview
from crimenb.measures import counts as count_records
from crimenb.measures.counts import scope
from crimenb.query import Query
from crimenb.report.sections import at_a_glance
from crimenb.schema import ASB, BTP, CATEGORIES
from crimenb.snapshot import collect


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
    whole = categories["period"].sum()
    assert months["crime"].sum() + months["asb"].sum() == whole == points["records"].sum()
    assert points["cumulative"].iloc[-1] == pytest.approx(1)
    assert points["records"].is_monotonic_decreasing


def test_transport_police_are_in_no_total(centre):
    btp = (centre.crimes["reported_by"] == BTP).sum()
    assert btp > 0
    t = count_records.totals(centre)
    assert t.crime + t.asb + btp == len(centre.crimes)


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
    assert set(points["top"]) <= set(CATEGORIES.values())


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
