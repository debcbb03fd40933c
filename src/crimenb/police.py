"""police.uk's routes and rules: what is asked how, and what a refusal means."""

from __future__ import annotations

import functools
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

from crimenb import areas
from crimenb.answers import Beat, Crime, Event, Force, Located, Officer, Priority, Published, Team
from crimenb.errors import SourceUnavailable, TooManyCrimes
from crimenb.records import position
from crimenb.tables import force_name
from crimenb.teams import team_frames
from crimenb.web import AT_ONCE, TRIES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import geopandas as gpd
    import pandas as pd

    from crimenb.progress import Progress
    from crimenb.web import Web

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

    Parameters:
        web: The client.
        url: Address of the service.
        progress: Told of each step.
        asked: The months asked for, if they were spelt out (see `offer`).
    """

    def __init__(self, web: Web, url: str, *, progress: Progress, asked: Sequence[str] = ()) -> None:
        self.web, self.url, self.progress, self.asked = web, url, progress, sorted(asked)

    # ---------------------------------------------------------------- what is on offer

    @functools.cached_property
    def offer(self) -> list[str]:
        """The months on offer, oldest first; asked once a run.

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
        months = sorted({p.date[:7] for p in ask(fresh=not self.asked).value})
        if self.asked and (not months or months[-1] < self.asked[-1]):
            months = sorted({p.date[:7] for p in ask(fresh=True).value})
        if not months:
            msg = "police.uk offers no month at all at present; try again later."
            raise SourceUnavailable(msg, f"{self.url}/crimes-street-dates", 200, 1)
        return months

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

        Raises:
            TooManyCrimes: police.uk refuses the area though it is up.
            SourceUnavailable: No usable answer.
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
        answers: list[Got] = []
        found: dict[object, Crime] = {}
        cells = [areas.first_cell(place)]
        while cells:
            cell = cells.pop()
            try:
                parts = [self._street({"poly": poly}, month, tries=2) for poly in areas.polygons(place, cell)]
            except SourceUnavailable as error:
                if error.status != _REFUSED or not self.is_up():
                    raise
                if cell.depth >= areas.DEEPEST:
                    name = str(place["postcode"].iloc[0])
                    raise TooManyCrimes(_too_many(name, month)) from error
                cells += cell.quarters()
                continue
            answers += parts
            for part in parts:
                for n, record in enumerate(part.records):
                    if cell.holds(*position(record)):
                        # An id is unique in one month's answers, and in nothing else.
                        found[(cell, n) if record.id is None else record.id] = record
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
        said = "&".join(f"{k}={areas.shortened(v)}" for k, v in where.items())
        used = [(f"{route}?date={month}&{said}", answer.sha256)]
        return Got(answer.value, used, answer.retrieved)

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

    def team(self, postcode: str, beat: Beat) -> dict[str, pd.DataFrame]:
        """Return the frames of a neighbourhood's team, as police.uk shows it today."""
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
        jobs = [
            functools.partial(self.web.ask, f"{self.url}/{r}", s, what=w, ttl=DAY, absent=True)
            for r, s, w in routes
        ]
        answers = [a.value for a in self.all(f"{postcode}: the neighbourhood", jobs)]
        team, boundary, people, priorities, events, about = answers
        if team is None:
            return {}
        lists = (boundary or [], people or [], priorities or [], events or [])
        return team_frames(postcode, beat, team, about, *lists)

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
