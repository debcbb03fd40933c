"""The demonstration archive: small, whole, reproducible, and with every quirk of real data."""

from __future__ import annotations

import functools
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from crimenb.data import Pull
from crimenb.errors import PlaceNotFound
from crimenb.geo import MILE_M
from crimenb.month_status import judge
from crimenb.query import days_in, months_between
from crimenb.schema import ASB, BTP, CATEGORIES, CRIME_CATEGORIES
from crimenb.sources.archive import Archive, demo
from crimenb.usual_range import dispersion

ROOT = Path(__file__).parents[1]
CENTRE, SUBURB, VILLAGE = "ZZ1 1AA", "ZZ2 2BB", "ZZ9 9ZZ"
MONTHS = months_between("2023-01", "2025-12")
FIRST_YEAR, YEAR_BEFORE, YEAR = MONTHS[:12], MONTHS[12:24], MONTHS[24:]
UNSETTLED = "Under investigation"


@functools.cache
def pulled(postcode: str) -> Pull:
    """Return everything the demo holds of one of its places."""
    archive = demo()
    return archive.pull(archive.place(postcode), MONTHS)


@functools.cache
def statuses(postcode: str) -> pd.Series:
    """Return the status of each month."""
    pull = pulled(postcode)
    table = judge(postcode, MONTHS, pull.coverage, pull.evidence, pull.crimes)
    return table.set_index("month")["status"]


def crime(postcode: str) -> pd.DataFrame:
    """Return the records that are crimes, reported by a territorial force."""
    found = pulled(postcode).crimes
    return found[(found["reported_by"] != BTP) & (found["category"] != ASB)]


def by_month(records: pd.DataFrame) -> pd.Series:
    return records.groupby("month").size().reindex(MONTHS, fill_value=0)


def test_the_demo_is_small_and_says_what_it_is() -> None:
    archive = demo()
    files = list(archive.folder.iterdir())
    assert sum(f.stat().st_size for f in files) < 600_000
    assert archive.name == "demo"
    assert archive.months() == MONTHS
    assert len(MONTHS) == 36
    assert archive.release == "2025-12"
    assert archive.describe()["read"] == "2026-02-20T09:00:00+00:00"


@pytest.mark.parametrize(
    ("postcode", "low", "high"), [(CENTRE, 340, 420), (SUBURB, 80, 100), (VILLAGE, 3, 6)]
)
def test_the_three_places_are_of_their_size(postcode: str, low: int, high: int) -> None:
    published = statuses(postcode)[lambda s: s == "published"].index
    assert low <= by_month(pulled(postcode).crimes)[published].mean() <= high
    assert set(pulled(postcode).crimes["category"]) <= set(CATEGORIES)


def test_every_postcode_is_nobodys_and_some_cannot_be_placed() -> None:
    codes = pd.read_parquet(demo().folder / "postcodes.parquet")
    assert codes["postcode"].str.startswith("ZZ").all()
    assert len(codes) > 300
    assert (codes["force"] != "").all()
    assert codes["remark"].str.contains("closed").any()
    assert codes["remark"].str.contains("rough").any()
    with pytest.raises(PlaceNotFound, match="cannot be placed"):
        demo().place("ZZ1 9ZD")


def test_a_month_a_force_did_not_supply_is_no_zero() -> None:
    gaps = statuses(CENTRE)[lambda s: s != "published"].to_dict()
    assert gaps == {"2023-09": "suspiciously low", "2024-10": "not in this archive"}
    assert statuses(VILLAGE)["2024-10"] == "not in this archive"


@pytest.mark.parametrize("newest", [12, 24])
def test_no_month_of_the_usual_periods_is_suspected_wrongly(newest: int) -> None:
    for postcode in (CENTRE, SUBURB, VILLAGE):
        archive, months = demo(), MONTHS[-newest:]
        pull = archive.pull(archive.place(postcode), months)
        table = judge(postcode, months, pull.coverage, pull.evidence, pull.crimes)
        assert "suspiciously low" not in set(table["status"])


def test_a_second_force_in_the_suburb_is_absent_now_and_then() -> None:
    shares = pulled(SUBURB).coverage.set_index("force")["share"]
    assert 0.10 < shares["demo-moor"] < 0.20
    assert shares["demo-vale"] + shares["demo-moor"] == pytest.approx(1, abs=0.001)
    partly = statuses(SUBURB)[lambda s: s == "partly supplied"].index.tolist()
    assert partly == ["2023-12", "2024-08", "2024-10", "2025-08"]
    both = set(pulled(SUBURB).crimes["reported_by"])
    assert {"demo-vale", "demo-moor"} <= both


def test_points_are_skewed_and_some_have_no_name() -> None:
    year = pulled(CENTRE).crimes[lambda c: c["month"].isin(YEAR)]
    counts = year.groupby([year.geometry.x, year.geometry.y]).size().sort_values(ascending=False)
    half = int((counts.cumsum() < len(year) / 2).sum()) + 1
    assert half < 0.15 * len(counts)
    assert counts.iloc[0] > 0.03 * len(year)
    assert (pulled(CENTRE).nearby["snapped_to"] == "").sum() >= 10
    assert {"Hospital", "Police Station", "Supermarket"} <= set(year["snapped_to"])
    assert 10 <= pulled(VILLAGE).crimes.geometry.nunique() <= 14


def test_a_point_just_outside_the_mile_holds_much() -> None:
    pull = pulled(CENTRE)
    year = pull.crimes["month"].isin(YEAR).sum()
    beyond = demo().pull(demo().place(CENTRE), YEAR).nearby
    ring = beyond[beyond["distance_m"].between(MILE_M, MILE_M + 50)]
    assert 0.02 * year <= ring["records"].max() <= 0.06 * year
    assert ring.sort_values("records")["snapped_to"].iloc[-1] == "Epigram Street"


def test_identical_rows_are_normal_where_there_is_no_id() -> None:
    found = pulled(CENTRE).crimes
    copies = found[found.duplicated(["month", "category", "geometry", "crime_id", "outcome"])]
    asb = (found["category"] == ASB).sum()
    assert 0.15 < (copies["category"] == ASB).sum() / asb < 0.5
    assert (copies["reported_by"] == BTP).any()
    without = (found["category"] == ASB) | (found["reported_by"] == BTP)
    assert (found["crime_id"] == "").equals(without)
    ids = found.loc[found["crime_id"] != "", "crime_id"]
    assert ids.duplicated().any()  # an id stands on two rows now and then


def test_transport_police_stand_at_the_station_with_months_missing() -> None:
    found = pulled(CENTRE).crimes[lambda c: c["reported_by"] == BTP]
    assert set(found["snapped_to"]) == {"Fablemouth (Station)"}
    assert set(found["outcome"]) == {""}
    assert ASB not in set(found["category"])
    assert set(MONTHS) - set(found["month"]) == set(months_between("2025-02", "2025-08"))


def test_the_share_without_location_drifts() -> None:
    counts = pd.read_parquet(demo().folder / "counts.parquet")
    both = counts.groupby(["force", "month"])[["located", "unlocated"]].sum()
    share = (both["unlocated"] / both.sum(axis=1)).unstack("force")
    assert share["demo-vale"].iloc[-6:].mean() > share["demo-vale"].iloc[:6].mean() + 0.005
    assert share["demo-vale"].max() - share["demo-vale"].min() < 0.03
    assert share["demo-moor"].max() - share["demo-moor"].min() > 0.03


def test_anti_social_behaviour_has_a_summer() -> None:
    rest = pulled(CENTRE).surroundings[lambda s: s["category"] == ASB].set_index("month")["rest"]
    summer = rest[["2024-06", "2024-07", "2024-08", "2025-06", "2025-07", "2025-08"]].mean()
    winter = rest[["2023-12", "2024-01", "2024-12", "2025-01", "2025-12"]].mean()
    assert summer > 1.5 * winter


def test_outcomes_settle_with_age_and_one_month_is_faulty() -> None:
    shares = crime(CENTRE).groupby("month")["outcome"].value_counts(normalize=True)
    mix = shares.unstack(fill_value=0)
    assert mix[UNSETTLED].iloc[-1] > 0.35
    assert (mix[UNSETTLED].loc[:"2025-06"] <= 0.05).all()
    assert mix["Awaiting court outcome"].loc["2025-10":].mean() > 0.10
    assert mix["Court result unavailable"].loc["2025-11":].max() < 0.01
    assert mix["Court result unavailable"].loc[:"2024-06"].mean() > 0.08
    faulty = mix["Status update unavailable"]
    assert faulty.idxmax() == "2024-06"
    assert faulty.max() > 0.25
    assert faulty.drop("2024-06").max() < 3 * faulty.median()


def test_counts_vary_more_than_by_chance() -> None:
    months = statuses(CENTRE)[lambda s: s == "published"].index
    records = crime(CENTRE)
    for slug in ("violent-crime", "shoplifting", "public-order"):
        counts = by_month(records[records["category"] == slug])[months]
        phi = dispersion(counts.tolist(), [days_in(m) for m in months], float(counts.mean()))
        assert 1.3 < phi < 4.5


def clear_changes(postcode: str, earlier: list[str] = YEAR_BEFORE, later: list[str] = YEAR) -> list[str]:
    """Name the crime categories that rule R8 calls clearly changed between two years."""
    months = statuses(postcode)[lambda s: s == "published"].index
    pairs = [(a, b) for a, b in zip(earlier, later, strict=True) if {a, b} <= set(months)]
    assert len(pairs) >= 10
    records, found = crime(postcode), []
    for slug in CRIME_CATEGORIES:
        n = by_month(records[records["category"] == slug])
        before, after = sum(n[a] for a, _ in pairs), sum(n[b] for _, b in pairs)
        if min(before, after) < 50:
            continue
        days = [days_in(m) for m in months]
        phi = dispersion(n[months].tolist(), days, float(n[months].mean()))
        log = np.log(after / before)
        lower = sum(n[b] < n[a] for a, b in pairs)
        wide = 2.58 * np.sqrt(phi * (1 / before + 1 / after))
        same_way = max(lower, len(pairs) - lower)
        if abs(log) > wide and abs(after / before - 1) >= 0.1 and same_way >= 9:
            found.append(slug)
    return found


def test_the_one_true_change_is_found_and_no_other() -> None:
    assert clear_changes(CENTRE) == ["vehicle-crime"]
    assert clear_changes(SUBURB) == []
    assert clear_changes(CENTRE, FIRST_YEAR, YEAR_BEFORE) == []


def test_one_batch_of_shoplifting_stands_out() -> None:
    shop = crime(CENTRE)[lambda c: c["category"] == "shoplifting"]
    cells = shop.groupby([shop.geometry.x, shop.geometry.y, shop["month"]]).size()
    found = []
    for (x, y, month), n in cells[cells >= 10].items():
        others = cells[x, y].drop(month).sum() / 34
        if n >= 5 * others and n >= 0.2 * (shop["month"] == month).sum():
            found.append(month)
    assert found == ["2025-09"]


@pytest.mark.parametrize("postcode", [CENTRE, SUBURB, VILLAGE])
def test_the_rest_of_the_force_is_large_enough_to_compare_with(postcode: str) -> None:
    pull = pulled(postcode)
    rest = pull.surroundings[lambda s: s["force"] == "demo-vale"].groupby("month")["rest"].sum()
    here = by_month(pull.crimes[lambda c: c["reported_by"] == "demo-vale"])[rest.index]
    assert (rest >= 3 * here).all()


def test_the_neighbourhoods_are_there_and_obviously_invented() -> None:
    archive = demo()
    centre = archive.neighbourhood(archive.place(CENTRE))
    assert {k: len(v) for k, v in centre.items()} == {
        "neighbourhoods": 1, "people": 4, "priorities": 3, "events": 2,
    }  # fmt: skip
    suburb = archive.neighbourhood(archive.place(SUBURB))
    assert list(suburb) == ["neighbourhoods", "people"]
    assert archive.neighbourhood(archive.place(VILLAGE)) == {}
    text = (archive.folder / "neighbourhoods.json").read_text("utf-8")
    assert "invented" in text
    links = re.findall(r"https?://[^\s\"\\]+", text)
    allowed = ("https://example.org/", "https://www.police.uk/pu/your-area/")
    assert links
    assert all(link.startswith(allowed) for link in links)
    # 01632 960xxx is the range Ofcom keeps free for stories.
    numbers = re.findall(r"\b0\d{4} \d{6}\b", text)
    assert numbers
    assert all(n.startswith("01632 960") for n in numbers)


@pytest.mark.parametrize(
    ("postcode", "residents", "jobs"),
    [(CENTRE, 8999, 13_995), (SUBURB, 11_998, 3020), (VILLAGE, 899, 191), ("ZZ9 8ZZ", 188, None)],
)
def test_who_lives_and_works_in_each_place(postcode: str, residents: int, jobs: int | None) -> None:
    context = pulled(postcode).context
    here = context["residents"].query("where == 'here'").set_index("measure")
    assert here["value"].get("residents") == residents
    assert here["value"].get("jobs") == jobs
    assert here["source"].str.endswith(", invented").all()
    if "estimate" in here.index:
        assert 0.95 < here["value"]["estimate"] / residents < 1.05
    # The rest of the force, and of the district, beside which rates are set.
    assert {"force", "district"} < {*context["residents"]["where"]}
    assert (context["district_counts"]["rest"] >= 0).all()


@pytest.mark.slow
def test_the_script_writes_the_same_bytes_again(tmp_path: Path) -> None:
    again = tmp_path / "demo"
    subprocess.run([sys.executable, ROOT / "tools" / "make_demo.py", again], check=True, capture_output=True)
    old, new = demo(), Archive(again)
    assert sorted(f.name for f in old.folder.iterdir()) == sorted(f.name for f in again.iterdir())
    assert old.inventory == new.inventory
    for file in sorted(old.folder.glob("*.parquet")):
        pd.testing.assert_frame_equal(pd.read_parquet(file), pd.read_parquet(again / file.name))
    if made_by(old) != made_by(new):
        pytest.skip("The same rows; the bytes were written by other versions of Parquet writers.")
    for file in old.folder.iterdir():
        assert file.read_bytes() == (again / file.name).read_bytes(), file.name


def made_by(archive: Archive) -> list[str]:
    """Name what wrote each Parquet file: writers put their version into it."""
    footers = [pq.read_metadata(f) for f in sorted(archive.folder.glob("*.parquet"))]
    return [f"{f.created_by} {(f.metadata or {}).get(b'pandas', b'')!r}" for f in footers]
