"""Answers that the services really gave: every one gives a value or a clear error."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import shapely

from crimenb.data import check
from crimenb.query import Area
from crimenb.sources.api_models import (
    Beat,
    BulkLookUp,
    ClosedLookUp,
    Contact,
    Crime,
    Event,
    Force,
    Link,
    Located,
    Location,
    LookUp,
    Officer,
    Outcome,
    Priority,
    Published,
    Station,
    Team,
    read,
)
from crimenb.sources.clean_text import coordinate, plain, safe_link, snapped_to
from crimenb.sources.http import Web
from crimenb.sources.live import Live
from crimenb.sources.live_frames import contact_line, outline, team_frames

# Shape of each sample: what would be read of it, were it the answer. The rest are answers of
# routes that are never asked; as an answer about crimes they must be refused.
SHAPES: dict[str, Any] = {
    "CrimeService_canGetTheLastUpdatedResponse": Published,
    "Force": Force,
    "LastUpdated": Published,
    "LocateNeighbourhood": Beat,
    "Neighbourhood": Team,
    "NeighbourhoodBoundary.Multiple": list[Located],
    "NeighbourhoodEvents.Multiple": list[Event],
    "NeighbourhoodService_returnsLocateNeighbourhood": Beat,
    "NeighbourhoodService_returnsNeighbourhood": Team,
    "NeighbourhoodService_returnsNeighbourhoodBoundary": list[Located],
    "NeighbourhoodService_returnsNeighbourhoodEvents": list[Event],
    "NeighbourhoodService_returnsNeighbourhoodPeople": list[Officer],
    "NeighbourhoodService_returnsNeighbourhoodPrioritiesWhenActionIsNull": list[Priority],
    "NeighbourhoodService_returnsNeighbourhoodPrioritiesWhenActionIsPopulated": list[Priority],
    "NeighbourhoodTeam.Multiple": list[Officer],
    "StreetLevelAvailability.Multiple": list[Published],
    "StreetLevelAvailability.Single": list[Published],
    "EmptyArray": list[Crime],
    "contact-details": Contact,
    "contact-details-none": Contact,
    "coordinate": Located,
    "crime": Crime,
    "data-set": Published,
    "engagement-method": Link,
    "engagement-method-empty-url": Link,
    "link": Link,
    "link-no-description": Link,
    "location": Location,
    "neighbourhood": Team,
    "neighbourhood-empty-force-url": Team,
    "neighbourhood-html-in-name": Team,
    "neighbourhood-invalid-population": Team,
    "neighbourhood-location": Station,
    "neighbourhood-location-invalid-coordinates": Station,
    "neighbourhood-location-null-coordinates": Station,
    "neighbourhood-location-null-type": Station,
    "neighbourhood-policing-team": Beat,
    "neighbourhood-priority": Priority,
    "neighbourhood-priority-html": Priority,
    "neighbourhood-priority-no-action": Priority,
    "outcome-crime": Crime,
    "outcome-status": Outcome,
    "police-force": Force,
    "police-officer": Officer,
    "police-officer-nulls": Officer,
}
REFUSED = {
    "coordinate-invalid": (Located, "in degrees, got 'A'"),
    "location-invalid-coordinate": (Location, "in degrees, got 'aaa'"),
    "Crimes.Multiple": (list[Crime], "malformed"),
    "Crimes.Single": (list[Crime], "malformed"),
    "Malformed": (list[Force], r"at '\$\[0\]'|malformed"),
    "Empty": (list[Crime], "empty"),
    "NotFound": (list[Crime], "malformed"),
}


@pytest.fixture(scope="module")
def api(real_data: Path) -> Path:
    return real_data / "police-uk-api"


def test_every_sample_gives_a_value_or_a_clear_error(api: Path) -> None:
    files = [f for f in (api / "samples").rglob("*") if f.is_file()]
    assert len(files) >= 65
    seen = {f.stem for f in files}
    assert set(SHAPES) | set(REFUSED) <= seen
    for file in files:
        if file.stem in SHAPES:
            assert read(file.read_bytes(), SHAPES[file.stem]) is not None, file
            continue
        shape, words = REFUSED.get(file.stem, (list[Crime], r"expected|missing|at '\$"))
        with pytest.raises(ValueError, match=words):
            read(file.read_bytes(), shape)


def service(routes: dict[str, bytes]) -> httpx.MockTransport:
    def find(request: httpx.Request) -> httpx.Response:
        path = request.url.path
        body = next((b for end, b in routes.items() if path.endswith(end)), None)
        return httpx.Response(404, text="Not Found") if body is None else httpx.Response(200, content=body)

    return httpx.MockTransport(find)


def recorded(client: Callable[..., Web], month: str, crimes: bytes, **routes: bytes) -> Live:
    answers = {
        "/crimes-street-dates": json.dumps([{"date": month}]).encode(),
        "/locate-neighbourhood": b'{"force": "gloucestershire", "neighbourhood": "AA3"}',
        "/all-crime": crimes,
    }
    return Live(client(transport=service(answers | {k.replace("__", "/"): v for k, v in routes.items()})))


def test_the_circle_in_leicester(api: Path, client: Callable[..., Web]) -> None:
    body = (api / "crimes-street" / "leicester_52.629729_-1.131592_2023-01.json").read_bytes()
    look_up = {"status": 200, "result": {
        "postcode": "LE2 7LH", "quality": 1, "country": "England", "longitude": -1.131592,
        "latitude": 52.629729, "codes": {"pfa": "E23000021"},
    }}  # fmt: skip
    source = recorded(client, "2023-01", body, **{"/postcodes/LE2 7LH": json.dumps(look_up).encode()})
    place = source.place("LE2 7LH")
    assert place["force"].iloc[0] == "leicestershire"
    pull = source.pull(place, ["2023-01"])
    check("crimes", pull.crimes)
    assert len(pull.crimes) == 1448
    unnamed = pull.crimes[pull.crimes["snapped_to"] == ""]
    assert len(unnamed) == 286
    assert unnamed.geometry.to_wkt().nunique() == 49
    assert pull.nearby["records"].sum() == 1448
    assert not pull.crimes["snapped_to"].str.startswith("On or near").any()
    assert (pull.crimes.query("category == 'anti-social-behaviour'")[["crime_id", "outcome"]] == "").all(
        axis=None
    )


@pytest.mark.parametrize("file", ["st-jamess-ward_poly_2018-05", "gloucestershire_AA3_poly_2021-05"])
def test_polygons(api: Path, client: Callable[..., Web], file: str) -> None:
    month = file[-7:]
    body = (api / "crimes-street" / f"{file}.json").read_bytes()
    records = json.loads(body)
    points = [(float(r["location"]["longitude"]), float(r["location"]["latitude"])) for r in records]
    area = Area(file, shapely.MultiPoint(points).convex_hull.buffer(0.0005))
    source = recorded(client, month, body)
    crimes = source.pull(source.custom_place(area), [month]).crimes
    assert len(crimes) == len(records)
    assert (crimes["reported_by"] == "btp").sum() == sum(r["location_type"] == "BTP" for r in records) > 0


def test_a_neighbourhood_and_its_boundary(api: Path, client: Callable[..., Web]) -> None:
    folder = api / "neighbourhood"
    source = recorded(
        client, "2021-05", b"[]",
        gloucestershire__AA3=(folder / "gloucestershire_AA3.json").read_bytes(),
        boundary=(folder / "gloucestershire_AA3_boundary.json").read_bytes(),
    )  # fmt: skip
    place = source.custom_place(Area("St Marks", shapely.box(-2.11, 51.90, -2.10, 51.91)))
    frames = source.neighbourhood(place)
    about = frames["neighbourhoods"].iloc[0]
    assert about["name"] == "St Marks"
    assert about["url"].startswith("https://www.gloucestershire.police.uk/")
    assert about["links"].splitlines()[-1] == "X (Twitter)\thttps://twitter.com/CheltPolice"
    shape = frames["neighbourhoods"].geometry.iloc[0]
    assert shape.is_valid
    assert len(shapely.get_coordinates(shape)) >= 1000
    assert shape.contains(shapely.Point(-2.10141, 51.9042))


def test_texts_of_the_samples_come_out_plain(api: Path) -> None:
    edge = api / "samples" / "edge-cases"
    team = read((edge / "neighbourhood-html-in-name.json").read_bytes(), Team)
    priority = read((edge / "neighbourhood-priority-html.json").read_bytes(), Priority)
    officer = read((edge / "police-officer-nulls.json").read_bytes(), Officer)
    beat = Beat(force="leicestershire", neighbourhood="NC04")
    frames = team_frames("X", beat, team, None, [], [officer], [priority], [])
    about = frames["neighbourhoods"].iloc[0]
    assert about["name"] == "Leake & Keyworth"
    assert about["description"].startswith("The Castle neighbourhood is a diverse")
    assert "Riverside communities.\nThe Highcross" in about["description"]
    assert about["address"] == "Mansfield House, 74 Belgrave Gate , Leicester, LE1 3GG"
    assert "<" not in frames["priorities"]["issue"].iloc[0]
    assert frames["priorities"]["issue_date"].iloc[0] == "2018-09-20"
    assert frames["people"].iloc[0].tolist() == ["X", "Dave Smith", "", "", ""]


def test_postcodes(real_data: Path) -> None:
    folder = real_data / "postcodes-io"
    one = read((folder / "lookup_response.json").read_bytes(), LookUp)
    assert one.result is not None
    assert (one.result.postcode, one.result.quality) == ("CM12 9TR", 1)
    for file in ("bulk_lookup_via_post", "lookup_multi_response"):
        many = read((folder / f"{file}.json").read_bytes(), BulkLookUp)
        assert many.result[0].query == "OX49 5NU"
    closed = read((folder / "lookup_terminated_response.json").read_bytes(), ClosedLookUp)
    assert closed.result is not None
    assert (closed.result.year_terminated, closed.result.month_terminated) == (2001, 8)
    nothing = read((folder / "no_results_response.json").read_bytes(), LookUp)
    assert nothing.result is None
    with pytest.raises(ValueError, match=r"at '\$.result'"):
        read((folder / "autocomplete_response.json").read_bytes(), LookUp)


# -------------------------------------------------------------------- texts, without the real data


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, ""),
        ("a\x00b\u202ec\x1b[31m", "a b c [31m"),
        ("<script>alert(1)</script>x", "x"),
        ("Tom &amp; &lt;b&gt;", "Tom & <b>"),
        ("1 < 2 & 3", "1 < 2 & 3"),
        ("  two\n lines ", "two lines"),
        ("A" * 1_000_000, "A" * 199 + "…"),
    ],
)
def test_a_label_is_plain(text: str | None, expected: str) -> None:
    assert plain(text) == expected


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://www.police.uk/a?b=c#d", True),
        ("http://example.org", True),
        ("HTTPS://EXAMPLE.ORG/", True),
        ("javascript:alert(1)", False),
        ("java\nscript:alert(1)", False),
        ("data:text/html,x", False),
        ("//example.org", False),
        ("https:///nohost", False),
        ("https://user:password@example.org", False),
        ('https://example.org/"onmouseover="x', False),
        ("http://[::1", False),
        ("", False),
        (None, False),
    ],
)
def test_a_link_is_kept_only_to_a_page(url: str | None, kept: bool) -> None:  # noqa: FBT001
    assert (safe_link(url) != "") == kept


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("On or near High Street", "High Street"),
        ("On or near ", ""),
        ("on or near Theatre/concert Hall", "Theatre/Concert Hall"),
        (None, ""),
    ],
)
def test_words_of_a_snapped_point(name: str | None, words: str) -> None:
    assert snapped_to(name) == words


def test_contacts_and_outlines() -> None:
    assert (
        contact_line({"email": "a@example.org", "telephone": "101", "mobile": "101"}) == "a@example.org, 101"
    )
    assert contact_line({"email": "javascript:alert(1)@x", "telephone": None}) == ""
    bow = [Located(latitude=str(y), longitude=str(x)) for x, y in ((0, 50), (1, 51), (1, 50), (0, 51))]
    assert outline(bow).is_valid
    assert outline(bow[:2]).is_empty
    assert coordinate("") != coordinate("")
