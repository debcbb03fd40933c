"""What the live services answer is checked against what was asked; what no count rests on costs itself."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import nbformat
import pytest
import shapely

from crimenb.data import Pull
from crimenb.errors import PlaceNotFound, SourceUnavailable
from crimenb.query import Area, Query
from crimenb.report.build import build_report
from crimenb.snapshot import collect
from crimenb.sources.api_models import Located
from crimenb.sources.http import Web
from crimenb.sources.live import Live
from crimenb.sources.live_frames import outline, too_intricate

MakeWeb = Callable[..., Web]
MONTH, POSTCODE = "2025-12", "LE1 6RN"
AT = (-1.1323, 52.6327)
TEAM = {"id": "N1", "name": "City Centre", "description": "", "links": [], "contact_details": {}}


def record(
    number: int | None, longitude: float = AT[0], latitude: float = AT[1], **change: Any
) -> dict[str, Any]:
    return {
        "category": "burglary", "location_type": "Force", "context": "", "outcome_status": None, "id": number,
        "location": {"latitude": str(latitude), "longitude": str(longitude), "street": {"id": 1, "name": "On or near X"}},
        "persistent_id": "", "location_subtype": "", "month": MONTH,
    } | change  # fmt: skip


def looked_up(
    postcode: str = POSTCODE, at: tuple[float | None, float | None] = AT, **change: Any
) -> dict[str, Any]:
    result = {
        "postcode": postcode, "quality": 1, "country": "England", "longitude": at[0], "latitude": at[1],
        "admin_district": "Leicester", "admin_ward": "Castle", "codes": {"pfa": "E23000021"},
    } | change  # fmt: skip
    return {"status": 200, "result": result}


class Services:
    """Both services, canned: answers by the end of the path, and what was asked."""

    def __init__(self, **answers: Any) -> None:
        self.asked: list[str] = []
        self.answers: dict[str, Any] = {
            "crimes-street-dates": [{"date": MONTH}],
            "locate-neighbourhood": {"force": "leicestershire", "neighbourhood": "N1"},
            "all-crime": [record(n) for n in range(30)],
            "leicestershire/N1": TEAM,
            "people": [{"name": "A. Example", "rank": "Sgt"}],
            "forces/leicestershire": {"name": "Leicestershire", "url": "https://www.leics.police.uk/"},
            f"postcodes/{POSTCODE}": looked_up(),
        } | answers

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.url.path)
        for end, answer in self.answers.items():
            if request.url.path.endswith(end):
                if callable(answer):
                    return httpx.Response(200, json=answer(request))
                return (
                    httpx.Response(200, json=answer)
                    if not isinstance(answer, int)
                    else httpx.Response(answer)
                )
        return httpx.Response(
            404, text="Not Found" if "postcodes" not in request.url.path else '{"status": 404}'
        )


def live(client: MakeWeb, services: Services, **options: Any) -> Live:
    return Live(client(transport=httpx.MockTransport(services)), **options)


def pulled(client: MakeWeb, *records: dict[str, Any], **answers: Any) -> tuple[Live, Pull]:
    source = live(client, Services(**{"all-crime": [*records]} | answers))
    return source, source.pull(source.place(POSTCODE), [MONTH])


# ---------------------------------------------------------------------------- the postcode

WRONG_PLACES = {
    "another postcode": (looked_up("BS1 3XD"), r"Asked for the postcode 'LE1 6RN', postcodes.io answered about 'BS1 3XD'"),
    "Paris": (looked_up(at=(2.35, 48.86)), "not in the United Kingdom"),
    "the Atlantic": (looked_up(at=(-30.0, 50.0)), "not in the United Kingdom"),
    "the other hemisphere": (looked_up(at=(1.1323, -52.6327)), "not in the United Kingdom"),
    "swapped": (looked_up(at=(52.6327, -1.1323)), "not in the United Kingdom"),
    "nowhere": (looked_up(at=(None, None)), "no coordinates"),
    "zero": (looked_up(at=(0.0, 0.0)), "no coordinates"),
}  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG_PLACES)
def test_a_place_that_is_not_the_one_asked_for_is_refused_at_once(client: MakeWeb, wrong: str) -> None:
    answer, words = WRONG_PLACES[wrong]
    services = Services(**{f"postcodes/{POSTCODE}": answer})
    with pytest.raises(PlaceNotFound, match=words):
        live(client, services).place(POSTCODE)
    assert len(services.asked) == 1
    # Nor is it kept: once the service answers rightly, so does the next run.
    if wrong == "another postcode":
        assert live(client, Services()).place(POSTCODE)["postcode"].tolist() == [POSTCODE]


@pytest.mark.parametrize("spelt", ["LE16RN", "le1 6rn", "LE1  6RN"])
def test_a_spelling_is_no_other_postcode(client: MakeWeb, spelt: str) -> None:
    source = live(client, Services(**{f"postcodes/{POSTCODE}": looked_up(spelt)}))
    assert source.place(POSTCODE)["postcode"].tolist() == [POSTCODE]


def test_a_closed_postcode_is_checked_too(client: MakeWeb) -> None:
    def closed(postcode: str, at: tuple[float, float]) -> Services:
        last = {
            "postcode": postcode,
            "year_terminated": 2020,
            "month_terminated": 2,
            "longitude": at[0],
            "latitude": at[1],
        }
        return Services(**{f"postcodes/{POSTCODE}": {"status": 404, "error": "x", "terminated": last}})

    for services, words in (
        (closed("BS1 3XD", AT), "answered about"),
        (closed(POSTCODE, (2.0, 48.0)), "not in the United"),
    ):
        with pytest.raises(PlaceNotFound, match=words):
            live(client, services, closed_ok=True).place(POSTCODE)


def test_one_wrong_answer_of_a_hundred_costs_one_row(client: MakeWeb) -> None:
    both = [POSTCODE, "BS1 3XD"]

    def many(request: httpx.Request) -> Any:
        found = [looked_up(POSTCODE)["result"], looked_up("M1 1AE")["result"]]
        return {
            "status": 200,
            "result": [{"query": q, "result": r} for q, r in zip(both, found, strict=True)],
        }

    services = Services(**{"/postcodes": many, "postcodes/BS1 3XD": looked_up("M1 1AE")})
    rows = live(client, services).positions(both)
    assert rows[POSTCODE]["postcode"] == POSTCODE
    assert "answered about 'M1 1AE'" in str(rows["BS1 3XD"])


def test_a_position_in_the_sea_is_refused(client: MakeWeb) -> None:
    """The look-up names a force all the same; police.uk knows one at the coast only."""

    def coast(request: httpx.Request) -> Any:
        latitude = float(request.url.params["q"].split(",")[0])
        return {"force": "leicestershire", "neighbourhood": "N1"} if latitude > AT[1] + 0.008 else None

    def beat(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("locate-neighbourhood") and coast(request) is None:
            return httpx.Response(404)
        return Services()(request)

    source = Live(client(transport=httpx.MockTransport(beat)))
    with pytest.raises(
        PlaceNotFound, match=r"outside every police force's area, in the sea or in another country"
    ):
        source.pull(source.place(POSTCODE), [MONTH])


# ---------------------------------------------------------------------------- the records


def test_records_from_elsewhere_are_left_out_and_named(client: MakeWeb) -> None:
    far = [record(n, AT[0], AT[1] + 0.88) for n in (100, 101)]
    source, pull = pulled(client, *[record(n) for n in range(5)], *far)
    assert len(pull.crimes) == 5
    assert pull.nearby["records"].sum() == 5
    said = "police.uk answered with 2 records from outside the area, up to 96 km away; they are left out."
    assert pull.remark == said
    assert source.describe()["left out"] == f"{POSTCODE}: {said}"


def test_a_record_at_the_edge_or_without_a_place_is_not_from_elsewhere(client: MakeWeb) -> None:
    edge = record(1, AT[0], round(AT[1] + 1609 / 111_250, 6))
    _, pull = pulled(client, edge, record(2, location=None), record(3))
    assert len(pull.crimes) == 3
    assert pull.remark == ""


def test_a_month_of_nothing_but_records_from_elsewhere_is_no_supply(client: MakeWeb) -> None:
    _, pull = pulled(client, *[record(n, AT[0], AT[1] + 0.9) for n in range(40)])
    assert pull.crimes.empty
    assert "40 records from outside" in pull.remark
    assert set(pull.evidence["state"]) == {"answered"}


def test_a_number_counts_once_and_records_without_one_each(client: MakeWeb) -> None:
    _, pull = pulled(client, *[record(n) for n in range(5)] * 3, record(None), record(None))
    assert len(pull.crimes) == 7
    assert pull.remark == (
        "police.uk gave 10 records more than once under the same number; each is counted once."
    )


def test_an_area_with_a_hole_leaves_nothing_out_that_was_asked_for(client: MakeWeb) -> None:
    ring = shapely.Point(*AT).buffer(0.03).difference(shapely.Point(*AT).buffer(0.01))
    source = live(
        client, Services(**{"all-crime": [record(1), record(2, AT[0] + 0.02), record(3, AT[0] + 0.5)]})
    )
    pull = source.pull(source.custom_place(Area("ring", ring)), [MONTH])
    assert len(pull.crimes) == 1
    assert "answered with 1 record from outside the area, up to 3" in pull.remark


@pytest.mark.parametrize(
    "slug", ["cyber-crime", "Fraud & theft", "x" * 5000, "<script>alert(1)</script>", "a\u202eb"]
)
def test_a_category_new_to_this_version_is_counted_at_once_under_its_own_name(
    client: MakeWeb, slug: str
) -> None:
    services = Services(**{"all-crime": [record(1), record(2, category=slug)]})
    source = live(client, services)
    pull = source.pull(source.place(POSTCODE), [MONTH])
    assert len(pull.crimes) == 2
    new = next(c for c in pull.crimes["category"] if c != "burglary")
    assert len(new) <= 200
    assert new.startswith(slug[:1])
    assert "\u202e" not in new
    assert pull.nearby["records"].tolist() == [2]
    assert sum(path.endswith("all-crime") for path in services.asked) == 1


# ---------------------------------------------------------------------------- what no count rests on

SCRIBBLE = [
    (random.Random(n).uniform(-1.2, -1.0), random.Random(-n - 1).uniform(52.5, 52.7)) for n in range(20_000)
]


def corners(points: list[tuple[float, float]]) -> list[dict[str, str]]:
    return [{"longitude": f"{x:.6f}", "latitude": f"{y:.6f}"} for x, y in points]


@pytest.mark.parametrize(
    ("many", "limit"),
    [
        (100, "200 times"),
        (1_000, "200 times"),
        (2_079, "200 times"),
        (9_999, "200 times"),
        (20_000, "10,000"),
    ],
)
def test_a_boundary_that_could_only_be_mended_at_a_great_cost_is_not_drawn(many: int, limit: str) -> None:
    boundary = [Located(**c) for c in corners(SCRIBBLE[:many])]
    assert outline(boundary).is_empty
    assert f"than the limit of {limit}" in too_intricate(boundary)


def test_a_boundary_that_touches_itself_is_mended() -> None:
    eight = [(-1.2, 52.6), (-1.1, 52.7), (-1.1, 52.6), (-1.2, 52.7)]
    assert outline([Located(**c) for c in corners(eight)]).geom_type == "MultiPolygon"


def test_a_large_honest_boundary_is_drawn() -> None:
    ring = shapely.Point(*AT).buffer(0.02, quad_segs=2_000).exterior.coords
    assert outline([Located(**c) for c in corners([*ring])]).area > 0.001


OPTIONAL = {
    "the team": "leicestershire/N1",
    "its boundary": "boundary",
    "its people": "people",
    "its priorities": "priorities",
    "its events": "events",
    "the force": "forces/leicestershire",
}
DAMAGE = {
    "down": 503,
    "another shape": {"url": [1], "id": [1]},
    "text": "x",
    "a list of text": ["x"],
    "nested": [[[[[]]]]],
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("what", OPTIONAL)
def test_what_cannot_be_had_of_the_team_costs_itself(client: MakeWeb, what: str, damage: str) -> None:
    source = live(client, Services(**{OPTIONAL[what]: DAMAGE[damage]}))
    place = source.place(POSTCODE)
    assert len(source.pull(place, [MONTH]).crimes) == 30
    frames = source.neighbourhood(place)
    assert ("neighbourhoods" in frames) == (what != "the team")
    assert ("people" in frames) == (what not in ("its people", "the team"))
    assert "police.uk gave no usable answer about the" in source.describe()["not answered"]


def test_nothing_of_the_team_costs_the_team(client: MakeWeb) -> None:
    def down(request: httpx.Request) -> httpx.Response:
        path = request.url.path
        optional = any(path.endswith(end) for end in OPTIONAL.values())
        return httpx.Response(503) if optional else Services()(request)

    source = Live(client(transport=httpx.MockTransport(down)))
    assert source.neighbourhood(source.place(POSTCODE)) == {}
    assert "asked 6 times (HTTP 503)" in source.describe()["not answered"]


DAMAGED_DATES = [
    "2025-11-²",
    "2025-99-10",
    "٢٠٢٥-11-10",
    "soon",
    "0000-00-00",
    "9" * 400,
    "2025-11-31",
    "<b>2025</b>",
    None,
    "",
]


@pytest.mark.slow
def test_one_report_of_all_of_this(client: MakeWeb, tmp_path: Path) -> None:
    """Links, dates, boundary, categories, strays and repeats at once: a whole report that says so."""
    services = Services(**{
        "all-crime": [record(n) for n in range(40)] * 2 + [record(90, category="cyber-crime")] * 2
        + [record(91, AT[0], AT[1] + 0.88)],
        "leicestershire/N1": TEAM | {
            "url_force": "https://www.leics.police.uk/home/at 0x7f3a2b1c9d10/".replace(" ", "-"),
            "description": "Find us at 0x7f3a2b1c9d10 or /home/team, /tmp/x and /root/y.",
            "links": [{"title": "/home/links", "url": "https://www.leics.police.uk/home/0xdeadbeef00"}],
        },
        "boundary": corners(SCRIBBLE),
        "priorities": [{"issue": f"Noise {n}", "issue-date": d, "action-date": d, "action": "x"} for n, d in enumerate(DAMAGED_DATES)],
        "events": [{"title": f"Meeting {n}", "start_date": d} for n, d in enumerate(DAMAGED_DATES)],
        "people": 503,
    })  # fmt: skip
    page = build_report(Query.parse(POSTCODE, MONTH, MONTH), live(client, services), tmp_path)
    html = page.read_text("utf-8")
    assert "https://www.leics.police.uk/home/at-0x7f3a2b1c9d10/" in html
    assert "https://www.leics.police.uk/home/0xdeadbeef00" in html
    for words in (
        "Cyber crime",
        "1 record from outside the area, up to 96 km away; it is left out",
        "41 records more than once under the same number; each is counted once",
        "Not all of this could be fetched: police.uk gave no usable answer about the neighbourhood team",
        "The neighbourhood&#39;s boundary is not drawn: it has 20,000 corners, more than the limit of 10,000.",
        "Noise 0",
        "Meeting 9",
    ):
        assert words in html, words
    shown = re.sub(r"<[^>]+>", " ", html)
    assert "²" not in shown
    data = collect(Query.parse(POSTCODE, MONTH, MONTH), snapshot=page.parent / "data")
    assert len(data.crimes) == 41
    assert data.neighbourhoods.geometry.is_empty.all()
    nbformat.validate(json.loads((page.parent / "report.ipynb").read_text("utf-8")))


def test_a_source_that_is_needed_still_stops_the_report(client: MakeWeb, tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable, match="the crimes of 2025-12"):
        build_report(
            Query.parse(POSTCODE, MONTH, MONTH), live(client, Services(**{"all-crime": 500})), tmp_path
        )
    assert list(tmp_path.glob("le1*")) == []
