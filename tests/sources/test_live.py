"""The live source over the loopback service: failures, refusals, hostile texts, interruptions."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import textwrap
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from crimenb.data import Pull, check
from crimenb.errors import MonthNotPublished, PlaceNotFound, SourceError, SourceUnavailable, TooManyCrimes
from crimenb.geo import distances
from crimenb.month_status import judge
from crimenb.query import Area, Query
from crimenb.sources.archive import Archive
from crimenb.sources.http import AT_ONCE, Web
from crimenb.sources.live import Live
from crimenb.sources.place_frames import place_row
from crimenb.sources.police_uk import MOST_PARTS, MOST_REQUESTS, first_cell, polygons
from tests.service import KINDS, Service
from tests.town import BORDER, BUSY, CENTRE, HAMLET, MONTHS, ROUGH

Serve = Callable[..., Service]
MakeLive = Callable[..., Live]
MakeWeb = Callable[..., Web]
NEXT = "2026-01"


def whole(source: Live, postcode: str = BUSY, months: list[str] = MONTHS) -> dict[str, Any]:
    """Everything a report takes from the source."""
    place = source.place(postcode)
    pull = source.pull(place, months)
    verdict = judge(postcode, months, pull.coverage, pull.evidence, pull.crimes)
    said = {"places": place, "months": verdict, "requests": pd.DataFrame(pull.requests)}
    frames = {n: getattr(pull, n) for n in Pull._fields if n not in ("requests", "remark", "context")}
    return said | frames | dict(pull.context) | source.neighbourhood(place)


def assert_same(a: dict[str, Any], b: dict[str, Any]) -> None:
    assert a.keys() == b.keys()
    for name, table in a.items():
        assert_frame_equal(table, b[name], obj=name)


def crimes_asked(service: Service) -> list[str]:
    return [a.query for a in service.log if a.path.startswith("/api/crimes-street/")]


# -------------------------------------------------------------------- how often is asked


def test_a_second_run_asks_nothing_and_latest_asks_once(town: Archive, serve: Serve, live: MakeLive) -> None:
    service = serve(town)
    first = whole(live())
    service.log.clear()
    again = whole(live(asked=MONTHS))
    assert service.log == []
    assert_same(first, again)
    opened = live()
    query = Query.parse(BUSY, "2023-01", "latest").within(opened.months())
    whole(opened, months=query.months)
    assert [a.path for a in service.log] == ["/api/crimes-street-dates"]


def test_a_month_newer_than_the_kept_list_makes_it_ask(town: Archive, serve: Serve, live: MakeLive) -> None:
    service = serve(town)
    live().months()
    service.log.clear()
    assert live(asked=["2025-12", NEXT]).months() == MONTHS
    assert 1 <= len(service.log) <= 2  # twice where a busy disk had not kept the first answer


def test_a_new_release_is_asked_anew(town: Archive, serve: Serve, live: MakeLive) -> None:
    service = serve(town)
    service.records.months = MONTHS[:-1]
    source = live()
    source.pull(source.place(BUSY), MONTHS[:12])
    service.records.months = MONTHS
    service.log.clear()
    source = live()
    source.pull(source.place(BUSY), MONTHS[:12])
    assert source.release == "2025-12"
    assert len(crimes_asked(service)) == 12
    assert len(service.log) == 13, "positions and forces of points are kept over a release"


def test_every_question_names_its_month_and_category(town: Archive, serve: Serve, live: MakeLive) -> None:
    service = serve(town)
    whole(live(), HAMLET, MONTHS[-12:])
    assert all("date=20" in q for q in crimes_asked(service))
    assert {a.path for a in service.log if "crimes-street/" in a.path} == {"/api/crimes-street/all-crime"}
    assert max(a.in_flight for a in service.log) <= 8


# -------------------------------------------------------------------- months


def test_months_outside_the_window_are_not_asked_for(town: Archive, serve: Serve, live: MakeLive) -> None:
    service = serve(town)
    months = ["2022-12", "2023-01", "2025-12", NEXT]
    verdict = whole(live(), months=months)["months"].set_index("month")
    assert verdict["status"].tolist() == [
        "no longer published",
        "published",
        "published",
        "not yet published",
    ]
    assert verdict["why"].iloc[0] == "police.uk serves 2023-01 to 2025-12."
    assert len(crimes_asked(service)) == 2


def test_nothing_but_months_outside_the_window_is_refused(
    town: Archive, serve: Serve, live: MakeLive
) -> None:
    serve(town)
    with pytest.raises(MonthNotPublished, match="2023-01 to 2025-12"):
        Query.parse(BUSY, "2022-01", "2022-06").within(live().months())


def test_an_empty_month_of_a_hamlet_is_asked_of_the_force(
    town: Archive, serve: Serve, live: MakeLive
) -> None:
    service = serve(town)
    verdict = whole(live(), HAMLET, MONTHS[-12:])["months"]
    assert set(verdict["status"]) == {"published"}
    shown = [a.query for a in service.log if a.path.endswith("crimes-no-location")]
    assert len(shown) == len(set(shown)) >= 4


def test_an_empty_month_that_nothing_explains_is_a_gap(town: Archive, serve: Serve, live: MakeLive) -> None:
    service = serve(town)
    service.records.counts = service.records.counts.assign(unlocated=0)
    frames = whole(live(), HAMLET, MONTHS[-12:])
    empty = set(MONTHS[-12:]) - set(frames["crimes"]["month"])
    verdict = frames["months"].set_index("month")["status"]
    assert set(verdict[sorted(empty)]) == {"probably not supplied"}
    assert set(verdict.drop(sorted(empty))) == {"published"}


def test_btp_alone_is_not_a_quiet_place(town: Archive, serve: Serve, live: MakeLive) -> None:
    service = serve(town)
    street = service.records.street
    street["2025-06"] = street["2025-06"][street["2025-06"]["force"] == "btp"]
    frames = whole(live())
    assert (frames["crimes"]["month"] == "2025-06").any()
    verdict = frames["months"].set_index("month")
    assert verdict.loc["2025-06", "status"] == "probably not supplied"
    assert set(verdict.drop("2025-06")["status"]) == {"published"}


# -------------------------------------------------------------------- the fault table

FAULTS: dict[str, dict[str, float]] = {k: {k: 0.3} for k in KINDS} | {
    "all": dict.fromkeys(KINDS, 0.3 / len(KINDS))
}


@pytest.fixture(scope="module")
def faultless(town: Archive, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    with Service(town) as service, pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRIMENB_POLICE_URL", f"{service.url}/api")
        patch.setenv("CRIMENB_POSTCODES_URL", service.url)
        service.behaviour.leaky = False
        with Web(tmp_path_factory.mktemp("cache")) as web:
            return whole(Live(web))


@pytest.mark.parametrize("kind", FAULTS)
def test_the_fault_table(
    kind: str, town: Archive, serve: Serve, live: MakeLive, faultless: dict[str, Any]
) -> None:
    """Complete and equal to the faultless answer, or one sentence; and never anything between."""
    service = serve(town, faults=FAULTS[kind], seed=11)
    frames, said, source = None, "", live()
    try:
        frames = whole(source)
    except SourceError as error:
        said = str(error)
    if frames is not None:
        assert "not answered" not in source.describe()
        assert_same(frames, faultless)
    else:
        # Six 503s in a row while all else is answered look like police.uk's limit: it says so.
        assert re.fullmatch(
            r"(police.uk|postcodes.io) gave no usable answer about [^\n]+ asked \d+ times [^\n]+"
            r"|police.uk refuses 'LE1 1AA' in 20\d\d-\d\d [^\n]+ or try again later\.",
            said,
        )
    met = Counter(a.fault for a in service.log)
    assert sum(met.values()) - met[""] > 0.15 * len(service.log)
    # What was kept is whole: with the faults gone, only what failed is asked for.
    service.behaviour.faults = {}
    done = {(a.path, a.query) for a in service.log if a.fault == "" and a.status == 200}
    service.log.clear()
    assert_same(whole(live(asked=MONTHS)), faultless)
    assert not done & {(a.path, a.query) for a in service.log}


def test_an_outage_is_one_sentence_with_service_month_status_and_attempts(
    town: Archive, serve: Serve, live: MakeLive
) -> None:
    service = serve(town)
    source = live()
    place = source.place(BUSY)
    source.months()
    service.behaviour.faults = {"503": 1.0}
    with pytest.raises(SourceUnavailable) as caught:
        source.pull(place, ["2025-12"])
    assert str(caught.value) == (
        "police.uk gave no usable answer about the crimes of 2025-12, asked 6 times (HTTP 503); "
        "what it did answer is kept, so try again later."
    )
    assert (caught.value.status, caught.value.attempts) == (503, 6)


def test_a_missing_month_may_be_made_a_gap(town: Archive, serve: Serve, live: MakeLive) -> None:
    service = serve(town)
    source = live(allow_missing=True)
    source.pull(source.place(BUSY), MONTHS[-12:-1])
    service.behaviour.faults = {"503": 1.0}
    frames = whole(source, months=MONTHS[-12:])
    last = frames["months"].iloc[-1]
    assert last["status"] == "failed"
    assert "the crimes of 2025-12, asked 6 times (HTTP 503)" in last["why"]
    assert set(frames["months"]["status"][:-1]) == {"published"}
    assert "neighbourhoods" not in frames
    assert "neighbourhood" in source.describe()["not answered"]


def test_a_404_for_a_month_on_offer_is_a_failure_and_no_zero(
    town: Archive, serve: Serve, live: MakeLive
) -> None:
    service = serve(town)
    source = live()
    place = source.place(BUSY)
    source.months()
    service.behaviour.faults = {"404": 1.0}
    with pytest.raises(SourceUnavailable, match="HTTP 404"):
        source.pull(place, ["2025-12"])


CHILD = """
    import sys
    from crimenb.sources.live import Live
    from crimenb.sources.http import Web

    source = Live(Web(sys.argv[1]))
    source.pull(source.place("LE1 1AA"), source.months())
"""


def test_after_a_kill_only_what_is_missing_is_asked_for(
    town: Archive, serve: Serve, live: MakeLive, tmp_path: Path, faultless: dict[str, Any]
) -> None:
    service = serve(town, latency=0.05)
    child = subprocess.Popen([sys.executable, "-c", textwrap.dedent(CHILD), str(tmp_path / "cache")])
    deadline = time.monotonic() + 30
    while sum(a.status == 200 for a in list(service.log)) < 30 and time.monotonic() < deadline:
        time.sleep(0.01)
    child.send_signal(signal.SIGKILL)
    child.wait()
    time.sleep(0.2)
    service.behaviour.latency = 0.0
    before = crimes_asked(service)
    service.log.clear()
    assert_same(whole(live()), faultless)
    after = crimes_asked(service)
    assert 0 < len(after) < len(MONTHS)
    # Answers under way or not yet kept when the process died may be asked for twice: of two rounds at most.
    assert len(set(before) & set(after)) <= 2 * AT_ONCE
    assert len(set(before) | set(after)) == len(MONTHS)


# -------------------------------------------------------------------- areas

WIDE = Area("wide", shapely.Point(*CENTRE).buffer(0.03, quad_segs=32))


def area_pull(source: Live, area: Area = WIDE, months: list[str] = MONTHS[-3:]) -> Pull:
    return source.pull(source.custom_place(area), months)


def test_an_area_that_is_refused_is_asked_for_in_quarters(
    town: Archive, serve: Serve, live: MakeLive
) -> None:
    service = serve(town, most=12)
    pull = area_pull(live())
    expected = town.pull(town.custom_place(WIDE), MONTHS[-3:]).crimes
    assert_frame_equal(pull.crimes.drop(columns="reported_by"), expected.drop(columns="reported_by"))
    statuses = Counter(a.status for a in service.log if "crimes-street/" in a.path)
    assert statuses[503] >= 3
    assert statuses[200] >= 12
    assert any(a.path.endswith("crime-last-updated") for a in service.log)


def test_points_on_the_edges_of_quarters_are_counted_once(
    town: Archive, serve: Serve, live: MakeLive
) -> None:
    x, y = CENTRE
    area = Area("square", shapely.box(x - 0.02, y - 0.01, x + 0.02, y + 0.01))
    service = serve(town, most=12)
    month = service.records.street["2025-12"].copy()
    on_edges = [
        (x, y),
        (x, y + 0.005),
        (x - 0.01, y),
        (x + 0.01, y - 0.005),
        (x - 0.02, y),
        (x, y - 0.01),
    ] * 6
    month.loc[month.index[:36], ["longitude", "latitude"]] = on_edges
    service.records.street["2025-12"] = month
    source = live()
    crimes = area_pull(source, area, ["2025-12"]).crimes
    place = source.custom_place(area)
    _, inside = distances(place, month["longitude"].to_numpy(), month["latitude"].to_numpy())
    assert len(crimes) == inside.sum() >= 24
    for x, y in on_edges[:4]:  # where quarters meet
        assert (crimes.geometry == shapely.Point(round(x, 6), round(y, 6))).sum() == 6


def islets(n: int, spread: float, seed: int = 1) -> Area:
    """Return a coast with `n` islets before it."""
    dice, (x, y) = np.random.default_rng(seed), CENTRE
    spots = shapely.points(x + spread * dice.uniform(-1, 1, n), y + spread * dice.uniform(-0.6, 0.6, n))
    coast = shapely.box(x - 0.03, y - 0.018, x + 0.03, y - 0.006)
    return Area("coast", shapely.union_all([coast, *shapely.buffer(spots, 0.0012)]))


@pytest.mark.parametrize("most", [1000, 12])
def test_a_coast_of_many_islets_costs_few_requests(
    most: int, town: Archive, serve: Serve, live: MakeLive
) -> None:
    service = serve(town, most=most)
    area = islets(250, 0.03)
    assert len(shapely.get_parts(area.geometry)) > 50
    pull = area_pull(live(), area)
    expected = town.pull(town.custom_place(area), MONTHS[-3:]).crimes
    assert len(expected) > 30
    assert_frame_equal(pull.crimes.drop(columns="reported_by"), expected.drop(columns="reported_by"))
    asked = [a for a in service.log if "crimes-street/" in a.path]
    assert len(asked) <= (3 * MOST_PARTS if most == 1000 else 3 * MOST_REQUESTS)


@settings(max_examples=30)
@given(n=st.integers(1, 300), spread=st.floats(0.005, 0.3), seed=st.integers(0, 9))
def test_the_few_polygons_hold_the_area_and_do_not_overlap(n: int, spread: float, seed: int) -> None:
    area = islets(n, spread, seed)
    place = place_row({"postcode": "coast", "longitude": CENTRE[0], "latitude": CENTRE[1]}, area)
    texts = list(polygons(place, first_cell(place)))
    shapes = [shapely.Polygon([[*map(float, p.split(","))][::-1] for p in t.split(":")]) for t in texts]
    assert 1 <= len(shapes) <= MOST_PARTS
    union = shapely.union_all(shapes)
    assert union.covers(area.geometry)
    assert union.area == pytest.approx(sum(s.area for s in shapes))


def test_an_area_that_takes_too_many_requests_says_what_to_do(
    town: Archive, serve: Serve, live: MakeLive
) -> None:
    serve(town, most=3)
    with pytest.raises(
        TooManyCrimes, match=r"'coast' takes more than 100 questions .* choose a smaller area, or use"
    ):
        area_pull(live(), islets(120, 0.06), ["2025-12"])


def test_an_area_of_many_corners_is_sent_as_a_form(town: Archive, serve: Serve, live: MakeLive) -> None:
    service = serve(town)
    ragged = Area("ragged", shapely.Point(*CENTRE).buffer(0.1, quad_segs=400))
    first = area_pull(live(), ragged)
    assert {a.method for a in service.log if "crimes-street/" in a.path} == {"POST"}
    service.log.clear()
    again = area_pull(live(asked=MONTHS), ragged)
    assert service.log == [], "forms are kept too"
    assert_frame_equal(first.crimes, again.crimes)
    assert all("sha256:" in name for name, _ in first.requests)


def test_a_mile_that_is_refused_says_what_to_do(town: Archive, serve: Serve, live: MakeLive) -> None:
    serve(town, most=12)
    source = live()
    with pytest.raises(TooManyCrimes, match="10,000 crimes a month it allows; choose a smaller area"):
        source.pull(source.place(BUSY), ["2025-12"])


def test_an_area_that_police_uk_does_not_know_is_refused(town: Archive, serve: Serve, live: MakeLive) -> None:
    serve(town)
    with pytest.raises(PlaceNotFound, match="no police force anywhere in 'sea'"):
        area_pull(live(), Area("sea", shapely.box(1.9, 52.0, 1.95, 52.05)))


def test_the_forces_of_a_border_place_share_it(town: Archive, serve: Serve, live: MakeLive) -> None:
    serve(town)
    source = live()
    shares = source.pull(source.place(BORDER), MONTHS[-1:]).coverage.set_index("force")["share"]
    assert shares["btp"] == 0
    assert shares.drop("btp").sum() == pytest.approx(1, abs=0.001)
    assert shares.drop("btp").between(0.4, 0.6).all()


def test_a_rough_position_is_remarked(town: Archive, serve: Serve, live: MakeLive) -> None:
    serve(town)
    assert "only rough (quality 6" in live().place(ROUGH)["remark"].iloc[0]


# -------------------------------------------------------------------- texts that mean harm


def test_hostile_texts_come_out_plain_short_and_without_links(
    town: Archive, serve: Serve, live: MakeLive
) -> None:
    serve(town, hostile=True)
    source = live()
    place = source.place(BUSY)
    pull = source.pull(place, MONTHS[-2:])
    frames = {"places": place, "crimes": pull.crimes, "nearby": pull.nearby} | source.neighbourhood(place)
    assert {"neighbourhoods", "people"} <= set(frames)
    for name, table in frames.items():
        check(name, table)
        for column in table.select_dtypes("str"):
            for text in table[column]:
                assert len(text) <= 10_000
                assert not [c for c in text if ord(c) < 32 and c != "\n"], (name, column, text)
                assert not set(text) & set("\x7f\u202e\u2028\u200b"), (name, column, text)
    about = frames["neighbourhoods"].iloc[0]
    assert (about["url"], about["force_url"], about["links"], about["email"]) == ("", "", "", "")
    assert not frames["neighbourhoods"].drop(columns="geometry").map(lambda t: "<script" in t).any().any()
    json.dumps(pull.crimes.drop(columns="geometry").to_dict("list"))


# -------------------------------------------------------------------- awkward answers


def canned(routes: dict[str, Any]) -> httpx.MockTransport:
    """Answer by the end of the path; anything else is not there."""

    def find(request: httpx.Request) -> httpx.Response:
        for end, body in routes.items():
            if request.url.path.endswith(end):
                return httpx.Response(200, json=body)
        return httpx.Response(404, text="Not Found")

    return httpx.MockTransport(find)


RECORD = {
    "category": "burglary", "location_type": "Force", "context": "", "outcome_status": None,
    "location": {"latitude": "52.634", "longitude": "-1.13", "street": {"id": 1, "name": "On or near "}},
    "persistent_id": "", "id": 1, "location_subtype": "", "month": "2025-12",
}  # fmt: skip


def canned_live(client: MakeWeb, *records: dict[str, Any], **routes: Any) -> Live:
    answers = {
        "crimes-street-dates": [{"date": "2025-12"}],
        "locate-neighbourhood": {"force": "leicestershire", "neighbourhood": "N 1/2"},
        "all-crime": list(records),
    }
    return Live(client(transport=canned(answers | {k.replace("__", "/"): v for k, v in routes.items()})))


def canned_pull(source: Live) -> Pull:
    return source.pull(source.custom_place(Area("box", shapely.box(-1.14, 52.62, -1.12, 52.65))), ["2025-12"])


def test_a_record_without_location_is_counted_and_on_no_map(client: MakeWeb) -> None:
    nowhere = [
        {**RECORD, "id": n, "location": place}
        for n, place in enumerate(
            (None, {"latitude": "", "longitude": "", "street": None}, {"latitude": "0", "longitude": "0"}), 2
        )
    ]
    pull = canned_pull(canned_live(client, RECORD, *nowhere))
    assert len(pull.crimes) == 4
    assert pull.crimes.geometry.is_empty.sum() == 3
    assert pull.nearby["records"].tolist() == [1]
    check("crimes", pull.crimes)


def test_records_alike_in_all_but_id_are_all_kept(client: MakeWeb) -> None:
    pull = canned_pull(canned_live(client, RECORD, {**RECORD, "id": 2}, {**RECORD, "id": 3}))
    assert len(pull.crimes) == 3


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"category": " "}, r"'category', got none.*\$\[0\]"),
        ({"month": "2025-11"}, "holds records of '2025-11'"),
        ({"location": {"latitude": "A", "longitude": "-1"}}, r"latitude.*\$\[0\].location"),
        ({"location": {"latitude": "nan", "longitude": "-1"}}, r"latitude.*\$\[0\].location"),
        ({"month": None}, r"\$\[0\].month"),
    ],
)
def test_a_record_that_cannot_be_right_is_an_error_that_names_the_field(
    client: MakeWeb, change: dict[str, Any], words: str
) -> None:
    with pytest.raises(SourceUnavailable, match=words):
        canned_pull(canned_live(client, {**RECORD, **change}))


def test_a_place_without_a_team_has_no_frames_of_one(client: MakeWeb) -> None:
    source = canned_live(client)
    place = source.custom_place(Area("box", shapely.box(-1.14, 52.62, -1.12, 52.65)))
    assert source.neighbourhood(place) == {}


def test_the_ids_of_neighbourhoods_may_hold_anything(client: MakeWeb) -> None:
    team = {"id": "N 1/2", "name": "A &amp; B", "description": None, "links": [], "contact_details": {}}
    source = canned_live(client, **{"leicestershire__N 1__2": team})
    place = source.custom_place(Area("box", shapely.box(-1.14, 52.62, -1.12, 52.65)))
    assert source.neighbourhood(place)["neighbourhoods"]["name"].tolist() == ["A & B"]


def test_progress_is_told_of_every_step(town: Archive, serve: Serve, live: MakeLive) -> None:
    serve(town)
    steps: list[tuple[str, int, int]] = []
    source = live(progress=lambda *step: steps.append(step))
    source.pull(source.place(BUSY), MONTHS[-3:])
    assert [n for what, n, _ in steps if what == "LE1 1AA: police.uk"] == list(range(1, steps[0][2] + 1))
    assert steps[-1][2] in (0, steps[0][2])
