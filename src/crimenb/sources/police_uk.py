"""police.uk's routes and rules: how an area is asked for, and what a refusal means."""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
import math
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

import numpy as np
import pandas as pd
import shapely

from crimenb.data import frame
from crimenb.errors import PlaceNotFound, QueryError, SourceUnavailable, TooManyCrimes
from crimenb.geo import MILE_M, in_degrees, in_metres, to_lonlat, to_metres
from crimenb.schema import BTP, force_name, forces
from crimenb.sources.api_models import (
    Beat,
    Crime,
    Event,
    Force,
    Located,
    Neighbourhood,
    Officer,
    Priority,
    Published,
    Search,
    Team,
)
from crimenb.sources.clean_text import plain
from crimenb.sources.http import AT_ONCE, TRIES
from crimenb.sources.live_frames import outline, position, team_frames, too_intricate
from crimenb.sources.named_areas import LISTED, Outline, choose

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import geopandas as gpd

    from crimenb.progress import Progress
    from crimenb.sources.http import Web

SPOTS = 17
"""Points of a custom area whose force is asked for."""

_GRID_M, _FINE_M = 1000, 400
"""How far apart those of a mile are, at first and where they name several forces."""

DEEPEST = 8
"""How often an area is quartered at most: a cell is then a few streets."""

MOST_PARTS = 4
"""Polygons that a cell is asked for in at most; islands near each other share one."""

MOST_REQUESTS = 100
"""Questions about one month of an area, in quarters and parts."""

_MARGIN_DEG = 2e-5
"""About two metres: what lies on an edge is asked for and then judged by our own measure."""
_SEGMENT_M, _SEGMENT_DEG = 1000.0, 0.01
# The plastic number's sequence fills a square more evenly than chance, and needs no seed.
_R2 = (0.7548776662466927, 0.5698402909980532)


class Cell(NamedTuple):
    """A box in degrees that holds its west and south edges, not its east and north ones."""

    west: float
    south: float
    east: float
    north: float
    depth: int = 0

    def holds(self, longitude: float, latitude: float) -> bool:
        """Whether a position is this cell's; one without coordinates is anybody's."""
        if math.isnan(longitude):
            return True
        return self.west <= longitude < self.east and self.south <= latitude < self.north

    def quarters(self) -> list[Cell]:
        """Return four cells that share the box without gap or overlap."""
        x, y = (self.west + self.east) / 2, (self.south + self.north) / 2
        return [
            Cell(w, s, e, n, self.depth + 1)
            for w, e in ((self.west, x), (x, self.east))
            for s, n in ((self.south, y), (y, self.north))
        ]


def first_cell(place: gpd.GeoDataFrame) -> Cell:
    """Return the box around an area, with room on all sides."""
    west, south, east, north = place.geometry.iloc[0].bounds
    room = 10 * _MARGIN_DEG
    return Cell(west - room, south - room, east + room, north + room)


def polygons(place: gpd.GeoDataFrame, cell: Cell) -> Iterator[str]:
    """Yield what of the area lies in a cell, a little wider, as police.uk writes polygons.

    Holes and what lies between islands are asked for too, and taken out later. Long edges are broken
    up, so that it does not matter whether the service draws them straight on the globe or on a map.
    """
    metres = shapely.segmentize(in_metres(place.geometry.iloc[0]), _SEGMENT_M)
    shape = in_degrees(metres)
    box = shapely.box(cell.west, cell.south, cell.east, cell.north)
    part = shapely.segmentize(shapely.make_valid(shape).intersection(box), _SEGMENT_DEG)
    wider = part.buffer(_MARGIN_DEG, join_style="mitre", cap_style="square")
    filled = [shapely.Polygon(p.exterior) for p in shapely.get_parts(wider) if not p.is_empty]
    for polygon in _few([p for p in shapely.get_parts(shapely.union_all(filled)) if not p.is_empty]):
        ring = shapely.segmentize(polygon, _SEGMENT_DEG).exterior.coords[:-1]
        yield ":".join(f"{y:.6f},{x:.6f}" for x, y in ring)


def _few(parts: list[shapely.Polygon]) -> list[shapely.Polygon]:
    """Return few polygons without overlap that hold the parts: those near each other within one hull."""
    near = 10 * _MARGIN_DEG
    while len(parts) > MOST_PARTS:
        near *= 2
        groups = shapely.get_parts(shapely.union_all(shapely.buffer(parts, near)))
        parts = [shapely.multipolygons([p for p in parts if g.contains(p)]).convex_hull for g in groups]
        while len(apart := shapely.get_parts(shapely.union_all(parts))) < len(parts):
            parts = [p.convex_hull for p in apart]
    return parts


def spots(place: gpd.GeoDataFrame, *, fine: bool = False) -> list[tuple[float, float]]:
    """Return points (longitude, latitude) that tell which forces police an area, centre first (R19).

    Of a circle: those of one grid every 1,000 metres, in it and around it, so that a force's edge
    cannot run through it unseen; places near each other share them. Of another shape: seventeen in it.

    Parameters
    ----------
    fine
        Those every 400 metres in a circle, for the shares of several forces.
    """
    row, shape = place.iloc[0], place.geometry.iloc[0]
    centre = (float(row["longitude"]), float(row["latitude"]))
    if row["kind"] == "circle":
        cx, cy = (float(v) for v in to_metres(*centre))
        step = _FINE_M if fine else _GRID_M
        reach = MILE_M + (0 if fine else _GRID_M * math.sqrt(0.5))
        # A slanting grid: an edge that runs north or east does not run along its rows.
        unit, some = step / math.sqrt(5), np.arange(-math.ceil(reach / step), math.ceil(reach / step) + 2)
        i, j = np.meshgrid(some + (2 * cx + cy) // (5 * unit), some + (2 * cy - cx) // (5 * unit))
        x, y = (2 * i - j).ravel() * unit, (i + 2 * j).ravel() * unit
        x, y = to_lonlat(*np.array([x, y])[:, np.hypot(x - cx, y - cy) <= reach])
        return [centre, *zip(x.tolist(), y.tolist(), strict=True)]
    west, south, east, north = shape.bounds
    steps = np.arange(1, 4000)
    x, y = (
        low + (high - low) * ((0.5 + steps * by) % 1)
        for low, high, by in ((west, east, _R2[0]), (south, north, _R2[1]))
    )
    inside = shapely.contains_xy(shape, x, y)
    return [centre, *zip(x[inside].tolist(), y[inside].tolist(), strict=True)][:SPOTS]


def coverage(postcode: str, beats: Sequence[Beat | None]) -> gpd.GeoDataFrame:
    """Return the frame `coverage`: shares by force from what police.uk said of each spot.

    A spot it does not know (sea, or another country) counts to no force. `months` stays empty:
    the service does not tell who supplied what; geometry is empty: nor where one force ends.

    Raises
    ------
    PlaceNotFound
        police.uk knows none of the spots.
    """
    known = Counter(b.force for b in beats if b is not None)
    if not known:
        msg = (
            f"police.uk knows no police force anywhere in {postcode!r}; "
            "choose a place in England, Wales or Northern Ireland."
        )
        raise PlaceNotFound(msg)
    method = f"estimated: police.uk named the force of {len(beats)} points in the area or just beside it"
    if outside := len(beats) - known.total():
        method += f"; {outside} lie outside its data (sea, or another country)"
    shares = [*sorted(known.items(), key=lambda item: (-item[1], item[0])), (BTP, 0)]
    rows = [
        {
            "postcode": postcode, "force": f, "force_name": force_name(f),
            "share": round(n / len(beats), 4), "method": method, "months": "",
            "geometry": shapely.Polygon(),
        }
        for f, n in shares
    ]  # fmt: skip
    return frame("coverage", pd.DataFrame(rows))


def shortened(value: str) -> str:
    """Return a parameter as the provenance shows it: a polygon by its hash."""
    if len(value) <= 40:
        return value
    return f"sha256:{hashlib.sha256(value.encode()).hexdigest()[:16]}"


DAY, MONTH = 86_400.0, 30 * 86_400.0
_REFUSED = 503


class Got(NamedTuple):
    """One month's answer: records, the requests it took, when the oldest was answered."""

    records: list[Crime]
    requests: list[tuple[str, str]]
    retrieved: str = ""
    failed: str = ""


class Police:
    """police.uk, asked through one client.

    Parameters
    ----------
    web
        The client.
    url
        Address of the service.
    progress
        Told of each step.
    asked
        The months asked for, if they were spelt out (see `offer`).
    """

    def __init__(self, web: Web, url: str, *, progress: Progress, asked: Sequence[str] = ()) -> None:
        self.web, self.url, self.progress, self.asked = web, url, progress, sorted(asked)

    # ---------------------------------------------------------------- what is on offer

    @functools.cached_property
    def offer(self) -> list[str]:
        """The months on offer, oldest first."""
        return [*self.searches_supplied]

    @functools.cached_property
    def searches_supplied(self) -> dict[str, set[str]]:
        """The months on offer, oldest first, each with the forces that supplied its searches; asked once a run.

        Where the months asked for are spelt out, a list not a day old that reaches to the last
        of them will do.
        """
        ask = functools.partial(
            self.web.ask,
            f"{self.url}/crimes-street-dates",
            list[Published],
            what="the months on offer",
            ttl=DAY,
        )
        published = ask(fresh=not self.asked).value
        if self.asked and max((p.date[:7] for p in published), default="") < self.asked[-1]:
            published = ask(fresh=True).value
        if not published:
            msg = "police.uk offers no month at all at present; try again later."
            raise SourceUnavailable(msg, f"{self.url}/crimes-street-dates", 200, 1)
        return {p.date[:7]: {*(p.searches or [])} for p in sorted(published, key=lambda p: p.date)}

    def is_up(self) -> bool:
        """Whether police.uk answers at all: a 503 about an area may mean that it is too full."""
        try:
            self.web.ask(
                f"{self.url}/crime-last-updated",
                Published,
                what="the release date",
                fresh=True,
                ttl=DAY,
            )
        except SourceUnavailable:
            return False
        return True

    def beat(self, longitude: float, latitude: float, ttl: float = DAY) -> Beat | None:
        """Return the force and neighbourhood of a point; None outside the data."""
        beat: Beat | None = self.web.ask(
            f"{self.url}/locate-neighbourhood",
            Beat,
            what="the force of a point",
            params={"q": f"{latitude:.6f},{longitude:.6f}"},
            ttl=ttl,
            absent=True,
        ).value
        return beat

    # ---------------------------------------------------------------- crimes

    def crimes(self, place: gpd.GeoDataFrame, month: str) -> Got:
        """Return the records of a place in one month.

        Raises
        ------
        TooManyCrimes
            police.uk refuses the area though it is up.
        SourceUnavailable
            No usable answer.
        """
        if place["kind"].iloc[0] == "area":
            return self._area(place, month)
        row = place.iloc[0]
        where = {"lat": f"{row['latitude']:.6f}", "lng": f"{row['longitude']:.6f}"}
        try:
            return self._street(where, month, TRIES)
        except SourceUnavailable as error:
            if error.status != _REFUSED or not self.is_up():
                raise
            raise TooManyCrimes(_too_many(str(row["postcode"]), month)) from error

    def _area(self, place: gpd.GeoDataFrame, month: str) -> Got:
        """Ask for a custom area, in quarters where police.uk refuses the whole."""
        name = str(place["postcode"].iloc[0])
        answers: list[Got] = []
        found: dict[object, Crime] = {}
        whole = first_cell(place)
        cells, asked = [whole], 0
        while cells:
            cell = cells.pop()
            parts = [*polygons(place, cell)]
            asked += len(parts)
            if asked > MOST_REQUESTS:
                raise TooManyCrimes(_too_many_parts(name, month))
            try:
                got = [self._street({"poly": part}, month, tries=2) for part in parts]
            except SourceUnavailable as error:
                if error.status != _REFUSED or not self.is_up():
                    raise
                if cell.depth >= DEEPEST:
                    raise TooManyCrimes(_too_many(name, month)) from error
                cells += cell.quarters()
                continue
            for record in (record for part in got for record in part.records):
                at = position(record)
                if cell.holds(*at) or not whole.holds(*at):  # what nobody asked for is named later
                    # An id is unique in one month's answers, and in nothing else.
                    found[("no id", len(found)) if record.id is None else record.id] = record
            answers += got
        requests = sorted(r for a in answers for r in a.requests)
        return Got([*found.values()], requests, min((a.retrieved for a in answers), default=""))

    def _street(self, where: Mapping[str, str], month: str, tries: int) -> Got:
        """Ask for one month's street-level answer, all categories at once."""

        def of_month(records: list[Crime]) -> None:
            other = next((r.month for r in records if r.month != month), None)
            if other is not None:
                msg = f"it holds records of {other[:10]!r}"
                raise ValueError(msg)

        # `all-crime` is police.uk's own slug; an unknown one would be read as it, silently, and
        # so would a missing date be read as the latest month.
        route = "crimes-street/all-crime"
        answer = self.web.ask(
            f"{self.url}/{route}",
            list[Crime],
            what=f"the crimes of {month}",
            params={**where, "date": month},
            release=self.offer[-1],
            tries=tries,
            check=of_month,
        )
        said = "&".join(f"{k}={shortened(v)}" for k, v in where.items())
        used = [(f"{route}?date={month}&{said}", answer.sha256)]
        return Got(answer.value, used, answer.retrieved)

    def searches(self, place: gpd.GeoDataFrame, month: str) -> tuple[list[Search], list[tuple[str, str]]]:
        """Return the searches in a place in one month, and what was asked.

        The parts of an area do not overlap, so none is answered twice; a search has no number to tell by.

        Raises
        ------
        SourceUnavailable
            No usable answer.
        """
        row = place.iloc[0]
        questions = [{"lat": f"{row['latitude']:.6f}", "lng": f"{row['longitude']:.6f}"}]
        if row["kind"] == "area":
            questions = [{"poly": part} for part in polygons(place, first_cell(place))]
        answers = [self._searches("stops-street", question, month) for question in questions]
        return [s for found, _ in answers for s in found], [asked for _, asked in answers]

    def searches_without_place(self, force: str, month: str) -> tuple[list[Search], tuple[str, str]]:
        """Return a force's searches without a place in one month, and what was asked.

        Raises
        ------
        SourceUnavailable
            No usable answer.
        """
        return self._searches("stops-no-location", {"force": force}, month)

    def _searches(
        self, route: str, asked: Mapping[str, str], month: str
    ) -> tuple[list[Search], tuple[str, str]]:
        def of_month(found: list[Search]) -> None:
            # A month follows the clock of the United Kingdom, up to an hour from UTC.
            times = [dt.datetime.fromisoformat(s.datetime) for s in found]
            other = next(
                (t for t in times if month not in {f"{t:%Y-%m}", f"{t + dt.timedelta(hours=1):%Y-%m}"}), None
            )
            if other is not None:
                msg = f"it holds searches of {other:%Y-%m}"
                raise ValueError(msg)

        answer = self.web.ask(
            f"{self.url}/{route}", list[Search], what=f"the searches of {month}", params={**asked, "date": month},
            release=self.offer[-1], check=of_month,
        )  # fmt: skip
        said = "&".join(f"{k}={shortened(v)}" for k, v in asked.items())
        return answer.value, (f"{route}?date={month}&{said}", answer.sha256)

    def supplied(self, force: str, month: str) -> bool:
        """Whether a force shows by its records without location that it supplied a month.

        Every force but a few has some; an empty answer shows nothing.
        """
        answer = self.web.ask(
            f"{self.url}/crimes-no-location",
            list[Crime],
            what=f"{force_name(force)}'s crimes without location in {month}",
            params={"category": "all-crime", "force": force, "date": month},
            release=self.offer[-1],
            absent=True,
        )
        return any(r.month == month for r in answer.value or [])

    # ---------------------------------------------------------------- the neighbourhood

    def team(self, postcode: str, beat: Beat, missed: Callable[[str], None]) -> dict[str, pd.DataFrame]:
        """Return the frames of a neighbourhood's team, as police.uk shows it today.

        An answer that cannot be had costs itself and no other; `missed` is told of it.
        """
        force = quote(beat.force, safe="")
        base = f"{force}/{quote(beat.neighbourhood, safe='')}"
        routes: list[tuple[str, Any, str]] = [
            (base, Team, "the neighbourhood"),
            (f"{base}/boundary", list[Located], "the neighbourhood's boundary"),
            (f"{base}/people", list[Officer], "the neighbourhood team"),
            (f"{base}/priorities", list[Priority], "the neighbourhood's priorities"),
            (f"{base}/events", list[Event], "the neighbourhood's meetings"),
            (f"forces/{force}", Force, "the police force"),
        ]

        def ask(route: str, shape: Any, what: str) -> tuple[Any, str]:
            try:
                answer = self.web.ask(f"{self.url}/{route}", shape, what=what, ttl=DAY, absent=True)
            except SourceUnavailable as error:
                return None, str(error)
            return answer.value, ""

        jobs = [functools.partial(ask, *route) for route in routes]
        answers = self.all(f"{postcode}: the neighbourhood", jobs)
        for why in filter(None, (why for _, why in answers)):
            missed(why)
        team, boundary, people, priorities, events, about = (value for value, _ in answers)
        if team is None:
            return {}
        if why := too_intricate(boundary or []):
            missed(f"The neighbourhood's boundary is not drawn: {why}.")
        lists = (boundary or [], people or [], priorities or [], events or [])
        return team_frames(postcode, beat, team, about, *lists)

    def named(self, words: str) -> Outline:
        """Return a neighbourhood by its force's id and its own, or its name: "leicestershire/NC04".

        Raises
        ------
        QueryError
            There is no such force or neighbourhood, or it has no boundary.
        """
        force, _, wanted = words.partition("/")
        force = force.strip().lower()
        if force not in forces() or not wanted.strip():
            msg = (
                f"{words!r} names no police neighbourhood; write the force's id and the neighbourhood's, as "
                "police.uk has them, like 'leicestershire/NC04'."
            )
            raise QueryError(msg)
        ask = functools.partial(self.web.ask, ttl=DAY, absent=True)
        what = f"{force_name(force)}'s neighbourhoods"
        every = ask(f"{self.url}/{force}/neighbourhoods", list[Neighbourhood], what=what).value or []
        exact = [n for n in every if n.id == wanted.strip()]  # ids may differ by case alone
        rows = [
            {"kind": "neighbourhood", "code": f"{force}/{n.id}", "name": plain(n.name), "district": force,
             "district_name": force_name(force), "origin": "police.uk"}
            for n in exact or every
        ]  # fmt: skip
        row = choose(
            pd.DataFrame(rows, columns=LISTED), "neighbourhood", f"{force}/{wanted.strip()}", "police.uk"
        )
        code, name = str(row["code"]), str(row["name"])
        number = code.partition("/")[2]
        answer = ask(
            f"{self.url}/{force}/{quote(number, safe='')}/boundary",
            list[Located],
            what="the neighbourhood's boundary",
        )
        drawn = outline(answer.value or [])
        if drawn.is_empty:
            why = too_intricate(answer.value or []) or "it gives none"
            msg = f"police.uk's boundary of {code!r} cannot be used: {why}; give another one with --area."
            raise QueryError(msg)
        return Outline("neighbourhood", code, name, force_name(force), drawn, "by police.uk")

    # ---------------------------------------------------------------- many at once

    def all(self, what: str, jobs: Sequence[Callable[[], Any]]) -> list[Any]:
        """Do the jobs at once; the first failure stops those not yet begun.

        There are more threads than the client has slots, so that a slot is not idle while an
        answer is read and kept.
        """
        with ThreadPoolExecutor(2 * AT_ONCE) as pool:
            futures = [pool.submit(job) for job in jobs]
            try:
                for n, future in enumerate(as_completed(futures), 1):
                    if future.exception() is not None:
                        break
                    self.progress(what, n, len(jobs))
            finally:
                pool.shutdown(wait=True, cancel_futures=True)
        failed = [e for f in futures if not f.cancelled() and (e := f.exception()) is not None]
        if failed:
            self.progress(what, len(jobs), len(jobs))
            raise failed[0]
        return [f.result() for f in futures]


def _too_many(name: str, month: str) -> str:
    return (
        f"police.uk refuses {name!r} in {month} (HTTP 503) while it answers other questions: the "
        "area most likely holds more than the 10,000 crimes a month it allows; choose a smaller "
        "area, use an archive, or try again later."
    )


def _too_many_parts(name: str, month: str) -> str:
    return (
        f"{name!r} takes more than {MOST_REQUESTS} questions to police.uk about {month}: it has too many crimes, "
        "or parts too far from each other; choose a smaller area, or use an archive."
    )
