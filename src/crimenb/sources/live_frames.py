"""police.uk's answers -> the frames of a place: crimes, nearby, and those of the neighbourhood team."""

from __future__ import annotations

import datetime as dt
import math
from typing import TYPE_CHECKING, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from crimenb.data import frame
from crimenb.geo import MOST_CROSSINGS, distances, in_degrees, in_metres, to_metres, too_tangled
from crimenb.schema import ASB, BTP, TERRITORIAL, force_name, outcome
from crimenb.sources.api_models import Located
from crimenb.sources.clean_text import coordinate, plain, safe_link, snapped_to, tidy
from crimenb.sources.place_frames import ORDER, nearby

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shapely.geometry.base import BaseGeometry

    from crimenb.sources.api_models import (
        Beat,
        Contact,
        Crime,
        Event,
        Force,
        Officer,
        Priority,
        Search,
        Team,
    )

NOWHERE = shapely.Point()
"""Geometry of a record without location: it is counted, and on no map."""


def position(record: Crime) -> tuple[float, float]:
    """Return longitude and latitude; NaN for both where there is no location (blank or zero)."""
    place = record.location
    if place is None:
        return math.nan, math.nan
    x, y = coordinate(place.longitude), coordinate(place.latitude)
    return (math.nan, math.nan) if math.isnan(x + y) or (x == 0 and y == 0) else (x, y)


_BESIDE_M = 50.0
"""A record so far outside what was asked for is no rounding of its position."""


class Sifted(NamedTuple):
    """The records of an answer that can be counted, and how many were left out and why."""

    records: list[Crime]
    outside: int
    farthest_km: float
    twice: int


def sift(place: gpd.GeoDataFrame, records: Sequence[Crime]) -> Sifted:
    """Return one month's records, each number once, without those from outside the place.

    More than the place may have been asked for (its hull, without holes), and is cut to size later;
    what lies outside that too was not asked for.
    """
    first = {r.id if r.id is not None else -1 - n: r for n, r in reversed([*enumerate(records)])}
    once = [*reversed(first.values())]
    x, y = np.array([position(r) for r in once], float).reshape(-1, 2).T
    hull = in_metres(place.geometry.iloc[0]).convex_hull
    located = np.isfinite(x)
    away = np.zeros(len(x))
    away[located] = shapely.distance(hull, shapely.points(*to_metres(x[located], y[located])))
    beside = away > _BESIDE_M
    kept = [r for r, out in zip(once, beside, strict=True) if not out]
    return Sifted(kept, int(beside.sum()), float(away.max(initial=0)) / 1000, len(records) - len(once))


def left_out(sifted: Sequence[Sifted]) -> str:
    """Say what was left out of a place's answers, "" where nothing was."""
    outside, twice = sum(s.outside for s in sifted), sum(s.twice for s in sifted)
    sentences = []
    if outside:
        records, verb = ("record", "is") if outside == 1 else ("records", "are")
        sentences.append(
            f"police.uk answered with {outside:,} {records} from outside the area, up to "
            f"{max(s.farthest_km for s in sifted):,.0f} km away; {'it' if outside == 1 else 'they'} {verb} left out."
        )
    if twice:
        sentences.append(
            f"police.uk gave {twice:,} {'record' if twice == 1 else 'records'} more than once under the same "
            "number; each is counted once."
        )
    return " ".join(sentences)


AROUND_M = 100.0
"""A custom area is asked for with so much more on every side: what lies just outside is told, and counted nowhere."""


def around(place: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return what is asked for of a place: the mile itself, a custom area with a little around it."""
    if place["kind"].iloc[0] == "circle":
        return place
    wider = in_metres(place.geometry.iloc[0]).buffer(AROUND_M, quad_segs=4).simplify(1.0)
    return place.set_geometry([in_degrees(wider)], crs=place.crs)


def crimes_frame(
    place: gpd.GeoDataFrame, records: Sequence[Crime], beyond_m: float = 0.0
) -> gpd.GeoDataFrame:
    """Return the frame `crimes` of one place, with a column `distance_m` more.

    The service's own mile is kept as it was answered; a custom area was asked for with a margin
    and is cut to size here, or to so much more. `distance_m` is NaN where a record has no location.
    """
    x, y = np.array([position(r) for r in records], float).reshape(-1, 2).T
    names = [_words(r) for r in records]
    words = {name: snapped_to(name) for name in set(names)}
    table = pd.DataFrame(
        {
            "postcode": place["postcode"].iloc[0],
            "month": [r.month for r in records],
            "category": [r.category for r in records],
            "outcome": [_outcome(r) for r in records],
            "reported_by": [BTP if r.location_type == "BTP" else TERRITORIAL for r in records],
            "crime_id": ["" if r.category == ASB else tidy(r.persistent_id) for r in records],
            "snapped_to": [words[name] for name in names],
            "longitude": x,
            "latitude": y,
        }
    )
    located = np.isfinite(x)
    away, inside = np.full(len(x), np.nan), ~located
    away[located], within = distances(place, x[located], y[located])
    inside[located] = within | (place["kind"].iloc[0] == "circle") | (away[located] <= beyond_m)
    table = table.assign(distance_m=away)[inside]
    table = table.sort_values([*ORDER, "reported_by"], kind="stable", ignore_index=True)
    points = gpd.points_from_xy(table["longitude"], table["latitude"])
    geometry = np.where(table["distance_m"].notna(), points, NOWHERE)
    crimes = frame("crimes", table.assign(geometry=geometry))
    return crimes.assign(distance_m=table["distance_m"])


def searches_table(searches: Sequence[Search], month: str) -> pd.DataFrame:
    """Return searches of one month as the texts and the position of the frame `searches`."""
    spots = [s.location or Located() for s in searches]
    return pd.DataFrame(
        {
            "month": month, "reported_by": "",
            "kind": [tidy(s.type) for s in searches], "time": [tidy(s.datetime) for s in searches],
            "operation": [_YES[s.operation] for s in searches],
            "gender": [tidy(s.gender) for s in searches], "age_range": [tidy(s.age_range) for s in searches],
            "self_defined": [tidy(s.self_defined_ethnicity) for s in searches],
            "officer_defined": [tidy(s.officer_defined_ethnicity) for s in searches],
            "power": [tidy(s.legislation) for s in searches], "object": [tidy(s.object_of_search) for s in searches],
            "outcome": ["" if isinstance(s.outcome, bool) else tidy(s.outcome) for s in searches],
            "linked": [_YES[s.outcome_linked_to_object_of_search] for s in searches],
            "clothing": [_YES[s.removal_of_more_than_outer_clothing] for s in searches],
            "longitude": [coordinate(p.longitude) for p in spots], "latitude": [coordinate(p.latitude) for p in spots],
        }
    )  # fmt: skip


_YES = {True: "yes", False: "no", None: ""}


def points_frame(crimes: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the frame `nearby` of what `crimes_frame` returned."""
    located = crimes[crimes["distance_m"].notna()]
    table = located.assign(longitude=located.geometry.x, latitude=located.geometry.y)
    return nearby(table, table)


def _words(record: Crime) -> str:
    street = record.location.street if record.location is not None else None
    return (street.name or "") if street is not None else ""


def _outcome(record: Crime) -> str:
    """Return the latest outcome; anti-social behaviour has none."""
    if record.outcome_status is None or record.category == ASB:
        return ""
    return outcome(tidy(record.outcome_status.category))


_LEAST_CORNERS, _MOST_CORNERS = 3, 10_000
"""The boundary with the most corners seen has 2,079."""

_MEETS = ("email", "telephone", "mobile")
# What else `contact_details` may name; police.uk writes addresses of pages under each.
_PAGES = {
    "web": "Website", "website": "Website", "facebook": "Facebook", "twitter": "X (Twitter)",
    "youtube": "YouTube", "forum": "Forum", "e-messaging": "Messages", "blog": "Blog", "rss": "News",
}  # fmt: skip


def team_frames(
    postcode: str,
    beat: Beat,
    team: Team,
    force: Force | None,
    boundary: Sequence[Located],
    people: Sequence[Officer],
    priorities: Sequence[Priority],
    events: Sequence[Event],
) -> dict[str, pd.DataFrame]:
    """Return the frames `neighbourhoods`, `people`, `priorities` and `events` of one place.

    Parameters
    ----------
    postcode
        Key of the place.
    beat
        The force and neighbourhood of the place's centre.
    team, force, boundary, people, priorities, events
        The service's answers.

    Returns
    -------
    dict[str, DataFrame]
        The frames with rows; one without is left out.
    """
    contact = team.contact_details
    about = {
        "force": beat.force,
        "force_name": force_name(beat.force),
        "force_url": safe_link(force.url) if force is not None else "",
        "neighbourhood": plain(team.id),
        "name": plain(team.name),
        "description": plain(team.description, "text"),
        "url": safe_link(team.url_force),
        "email": _email(contact.get("email")),
        "telephone": plain(contact.get("telephone")) or plain(contact.get("mobile")),
        "address": _address(team),
        "links": "\n".join(_links(team)),
        "geometry": outline(boundary),
    }
    rows: dict[str, list[dict[str, object]]] = {
        "neighbourhoods": [about],
        "people": [
            {
                "name": plain(p.name),
                "rank": plain(p.rank),
                "bio": plain(p.bio, "text"),
                "contact": contact_line(p.contact_details),
            }
            for p in people
        ],
        "priorities": [
            {
                "issue": plain(p.issue, "text"),
                "issue_date": _time(p.issue_date)[:10],
                "action": plain(p.action, "text"),
                "action_date": _time(p.action_date)[:10],
            }
            for p in priorities
            if plain(p.issue, "text")
        ],
        "events": [
            {
                "title": plain(e.title),
                "kind": plain(e.type),
                "start": _time(e.start_date)[:19],
                "address": plain(e.address),
                "description": plain(e.description, "text"),
                "contact": contact_line(e.contact_details),
            }
            for e in events
        ],
    }
    return {
        name: frame(name, pd.DataFrame([{"postcode": postcode, **row} for row in found]))
        for name, found in rows.items()
        if found
    }


def _time(text: str | None) -> str:
    """Return an ISO date or time as it is written, "" for anything else."""
    written = plain(text)
    try:
        dt.datetime.fromisoformat(written)
    except ValueError:
        return ""
    return written


def outline(boundary: Sequence[Located]) -> BaseGeometry:
    """Return a neighbourhood's boundary as a polygon (EPSG:4326), empty where none can be drawn."""
    corners = [(coordinate(p.longitude), coordinate(p.latitude)) for p in boundary]
    corners = [c for c in corners if math.isfinite(c[0] + c[1])]
    if len(corners) < _LEAST_CORNERS or too_intricate(boundary):
        return shapely.Polygon()
    shape = shapely.make_valid(shapely.Polygon(corners))
    parts = [p for p in shapely.get_parts(shape) if p.geom_type == "Polygon"]
    parts += [q for p in shapely.get_parts(shape) if p.geom_type == "MultiPolygon" for q in p.geoms]
    if not parts:
        return shapely.Polygon()
    return parts[0] if len(parts) == 1 else shapely.MultiPolygon(parts)


def too_intricate(boundary: Sequence[Located]) -> str:
    """Say which limit a boundary breaks that would cost too much to mend or draw, "" if none."""
    if len(boundary) > _MOST_CORNERS:
        return f"it has {len(boundary):,} corners, more than the limit of {_MOST_CORNERS:,}"
    at = np.array([(coordinate(p.longitude), coordinate(p.latitude)) for p in boundary], float).reshape(-1, 2)
    at = at[np.isfinite(at).all(axis=1)]
    if len(at) < _LEAST_CORNERS or (drawn := shapely.Polygon(at)).is_valid:
        return ""
    if too_tangled(drawn):
        return f"it crosses itself more often than the limit of {MOST_CROSSINGS} times"
    return ""


def contact_line(contact: Contact) -> str:
    """Return how somebody is reached, in one line."""
    said = [_email(contact.get("email"))] + [plain(contact.get(k)) for k in _MEETS[1:]]
    return ", ".join(dict.fromkeys(s for s in said if s))


def _email(address: str | None) -> str:
    text = plain(address)
    name, _, host = text.partition("@")
    fits = name and "." in host and not set(text) & set(" <>\"'()[]\\,;:?&%")
    return text if fits else ""


def _address(team: Team) -> str:
    if given := plain(team.contact_details.get("address")):
        return given
    for station in team.locations:
        parts = [plain(station.name), plain(station.address), plain(station.postcode)]
        whole: list[str] = []
        for part in parts:  # the address often ends with the postcode already
            if part and not any(part in w for w in whole):
                whole.append(part)
        if whole:
            return ", ".join(whole)
    return ""


def _links(team: Team) -> list[str]:
    """Return "title<TAB>address" for each link that a reader may safely follow."""
    offered = [(link.title, link.url) for link in team.links]
    offered += [(name, team.contact_details.get(key)) for key, name in _PAGES.items()]
    found = {address: plain(title) or address for title, url in offered if (address := safe_link(url))}
    return [f"{title}\t{address}" for address, title in found.items()]
