"""The Live source: police.uk and postcodes.io, taken at their word and no further.

police.uk never says which force supplied a month, so evidence is handed over, not a verdict
(see months.py). An empty answer is no zero by itself: the force must show by other records
that it supplied the month.
"""

from __future__ import annotations

import datetime as dt
import functools
import logging
import os
from typing import TYPE_CHECKING, Any

import pandas as pd

from crimenb.data import Pull, Searched, frame
from crimenb.errors import PlaceNotFound, SourceError, SourceUnavailable
from crimenb.month_status import EVIDENCE, LEAST_SHARE
from crimenb.progress import Progress, silent
from crimenb.schema import BTP, NEW_POINTS, MonthStatus, force_name
from crimenb.sources import kept_streets, nomis, people_files, police_uk, residents, searches, streets
from crimenb.sources.http import Web
from crimenb.sources.live_frames import (
    AROUND_M,
    around,
    crimes_frame,
    left_out,
    points_frame,
    searches_table,
    sift,
)
from crimenb.sources.ons_geography import FOLDER, Geography
from crimenb.sources.people_files import LSOA, OA
from crimenb.sources.place_frames import place_row
from crimenb.sources.police_uk import DAY, MONTH, Got, Police
from crimenb.sources.postcodes_io import Gazetteer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import geopandas as gpd

    from crimenb.query import Area
    from crimenb.sources.api_models import Beat, Search
    from crimenb.sources.named_areas import Outline

POLICE_URL = "https://data.police.uk/api"
POSTCODES_URL = "https://api.postcodes.io"
ONS_URL = "https://services1.arcgis.com"
"""Where the services are, unless CRIMENB_POLICE_URL, CRIMENB_POSTCODES_URL and CRIMENB_ONS_URL say otherwise."""

_NORTHERN_IRELAND = "northern-ireland"
_NO_CENSUS = {_NORTHERN_IRELAND, ""}
"""Forces of whose areas the census of England and Wales knows nothing."""
_log = logging.getLogger(__name__)


class Live:
    """The live services as a source.

    What is published changes once a month. The list of months on offer is asked once a run, its
    newest month is the release, and answers about crimes are kept under it for good: a new
    release is asked anew, an old one never twice. Where the caller's months are all spelt out,
    a list asked less than a day ago will do if it reaches to the last of them, so that a second
    run asks nothing at all.

    Parameters
    ----------
    web
        The client; one over the user's cache by default.
    asked
        The months asked for, if the caller spelt them out.
    allow_missing
        Make a month that fails a gap, instead of stopping.
    closed_ok
        Use the last position of a postcode that is no longer in use.
    progress
        Told of each step (see progress.py).
    """

    name = "live"

    def __init__(
        self,
        web: Web | None = None,
        *,
        asked: Sequence[str] = (),
        allow_missing: bool = False,
        closed_ok: bool = False,
        progress: Progress = silent,
    ) -> None:
        self.web, self.allow_missing = web or Web(), allow_missing
        police, postcodes, ons, nomis_url = (
            next(iter(os.environ.get(name, "").split()), usual).rstrip("/")
            for name, usual in (
                ("CRIMENB_POLICE_URL", POLICE_URL),
                ("CRIMENB_POSTCODES_URL", POSTCODES_URL),
                ("CRIMENB_ONS_URL", ONS_URL),
                ("CRIMENB_NOMIS_URL", nomis.URL),
            )
        )
        self._police = Police(self.web, police, progress=progress, asked=asked)
        self._gazetteer = Gazetteer(self.web, postcodes, closed_ok=closed_ok)
        self._geography = Geography(self.web, f"{ons}/{FOLDER}")
        self._nomis = nomis.Nomis(self.web, nomis_url)
        self._series: dict[tuple[str, str], dict[str, str]] = {}
        self._points: set[str] = set()
        self._retrieved: set[str] = set()
        self._unanswered: list[str] = []
        self._uncounted: list[str] = []
        self._left_out: list[str] = []
        self._streets: dict[str, str] = {}

    @property
    def release(self) -> str:
        """The newest month published: every release brings one."""
        return self._police.offer[-1]

    def months(self) -> list[str]:
        """Return the months on offer, oldest first."""
        return list(self._police.offer)

    def close(self) -> None:
        """Let go of the connections and the cache."""
        self.web.close()

    def describe(self) -> dict[str, str]:
        """Return what the source says of itself; `retrieved` is when its oldest answer came."""
        now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
        described = {
            "name": self.name,
            "release": self.release,
            "retrieved": min(self._retrieved, default=now),
            "first month": self._police.offer[0],
            "newest month": self._police.offer[-1],
        }
        if self._series:
            by = f" Points: {', '.join(sorted(self._points))}."
            described["residents and jobs"] = residents.credit([*self._series.values()]) + by
        for name, sentences in (
            ("not answered", self._unanswered),
            ("residents not answered", self._uncounted),
            ("left out", self._left_out),
        ):
            if sentences:
                described[name] = " ".join(dict.fromkeys(sentences))
        return described | self._streets

    # ---------------------------------------------------------------- places

    def place(self, postcode: str) -> gpd.GeoDataFrame:
        """Return the row of `places` for a postcode: its mile's circle, district and force.

        Raises
        ------
        PlaceNotFound
            Unknown, no longer in use, without position, or outside the data.
        SourceUnavailable
            A service did not answer.
        """
        return place_row(self._with_force(self._gazetteer.position(postcode)))

    def positions(self, postcodes: Sequence[str]) -> dict[str, dict[str, Any] | PlaceNotFound]:
        """Return for each postcode its row of `places` without the shape, or why it has none."""
        found: dict[str, dict[str, Any] | PlaceNotFound] = {}
        for postcode, row in self._gazetteer.positions(postcodes).items():
            try:
                found[postcode] = row if isinstance(row, PlaceNotFound) else self._with_force(row)
            except PlaceNotFound as error:
                found[postcode] = error
        return found

    def custom_place(self, area: Area) -> gpd.GeoDataFrame:
        """Return the row of `places` for a custom area."""
        centre = area.geometry.representative_point()
        return place_row({"postcode": area.name, "longitude": centre.x, "latitude": centre.y}, area)

    def named(self, kind: str, words: str) -> Outline:
        """Return the area of a kind (ward, parish, lsoa, neighbourhood) that has a name or code.

        Raises
        ------
        QueryError
            None or several are called so.
        SourceUnavailable
            A service did not answer.
        """
        return self._police.named(words) if kind == "neighbourhood" else self._geography.named(kind, words)

    def named_in(self, kind: str, district: str) -> list[Outline]:
        """Return every area of a kind in a district, by its name or code.

        Raises
        ------
        QueryError
            There is none.
        SourceUnavailable
            The service did not answer.
        """
        return self._geography.named_in(kind, district)

    def _with_force(self, row: dict[str, Any]) -> dict[str, Any]:
        if row["force"]:
            return row
        beat = self._police.beat(row["longitude"], row["latitude"])
        if beat is None:
            msg = (
                f"police.uk knows no police force at {row['postcode']!r}; "
                "choose a postcode in England, Wales or Northern Ireland."
            )
            raise PlaceNotFound(msg)
        return row | {"force": beat.force}

    # ---------------------------------------------------------------- crimes

    def pull(self, place: gpd.GeoDataFrame, months: Sequence[str]) -> Pull:
        """Return the frames of one place over the months, with the evidence to judge them.

        `nearby` holds points inside the mile only, of a custom area those close around it too;
        `surroundings` is empty and no column tells
        which territorial force reported a record: the service knows nothing of these. Records
        from elsewhere are left out, and each number counts once; `remark` says so. The streets of
        the map are those that were fetched into the cache.

        Raises
        ------
        PlaceNotFound
            The position lies where police.uk knows no force.
        TooManyCrimes
            police.uk refuses the area; see the message for what to do.
        SourceUnavailable
            No usable answer, unless `allow_missing`.
        """
        postcode, offer = str(place["postcode"].iloc[0]), self._police.offer
        served = [m for m in months if offer[0] <= m <= offer[-1]]
        wider = around(place)
        jobs = [functools.partial(self._month, wider, m) for m in served]
        done = self._police.all(f"{postcode}: police.uk", [*jobs, *self._beats(police_uk.spots(place))])
        beats = done[len(served) :]
        if place["kind"].iloc[0] == "circle" and len({b and b.force for b in beats}) > 1:
            fine = police_uk.spots(place, fine=True)
            beats = self._police.all(f"{postcode}: police forces", self._beats(fine))
        coverage = police_uk.coverage(postcode, beats)
        _refuse_at_sea(place, beats)
        sifted = {m: sift(wider, g.records) for m, g in zip(served, done, strict=False)}
        got = {m: g._replace(records=sifted[m].records) for m, g in zip(served, done, strict=False)}
        self._retrieved |= {g.retrieved for g in got.values() if g.retrieved}
        if remark := left_out([*sifted.values()]):
            self._left_out.append(f"{postcode}: {remark}")
        found = crimes_frame(place, [r for g in got.values() for r in g.records], AROUND_M)
        crimes = found
        if place["kind"].iloc[0] == "area":
            crimes = found[~(found["distance_m"] > 0)].reset_index(drop=True)
        people, asked = self._residents(place, coverage)
        return Pull(
            crimes=crimes.drop(columns="distance_m"),
            coverage=coverage,
            evidence=pd.DataFrame(self._evidence(months, coverage, got), columns=EVIDENCE),
            nearby=points_frame(found),
            surroundings=frame("surroundings"),
            force_outcomes=frame("force_outcomes"),
            requests=[r for m in served for r in got[m].requests] + asked,
            remark=remark,
            context=({"residents": people} if len(people) else {}) | self._ground(place, coverage, found),
        )

    def _beats(self, spots: Sequence[tuple[float, float]]) -> list[Callable[[], Beat | None]]:
        return [functools.partial(self._police.beat, *at, MONTH if n else DAY) for n, at in enumerate(spots)]

    def _residents(
        self, place: gpd.GeoDataFrame, coverage: pd.DataFrame
    ) -> tuple[pd.DataFrame, list[tuple[str, str]]]:
        """Return the frame `residents` of a place, and what was asked for it.

        No count of crime rests on it, so where Nomis or the ONS does not answer it is left out, and that is said.
        """
        if {*coverage["force"]} <= _NO_CENSUS | {BTP}:
            return frame("residents"), []
        key = str(place["postcode"].iloc[0])
        try:
            areas, asked = self._small_areas(place)
        except SourceError as error:
            sentence = f"{key}: how many people live and work here is not known now: {error}"
            self._uncounted.append(sentence)
            _log.warning(sentence)
            return frame("residents"), []
        none = pd.DataFrame({"longitude": [], "latitude": [], "district": []})
        sums = residents.Sums(pd.DataFrame(columns=["kind", "area", "measure", "unit", "value", "counted"]))
        found = residents.residents(place, areas, none, sums, [*self._series.values()], [], ("", ""))
        return found, asked

    def _small_areas(self, place: gpd.GeoDataFrame) -> tuple[pd.DataFrame, list[tuple[str, str]]]:
        """Return the numbers of the small areas whose point lies in a place, and what was asked."""
        bounds = place.geometry.iloc[0].bounds
        inside = {}
        for unit in (OA, LSOA):
            name, points = self._geography.points(unit, bounds)
            self._points.add(name)
            inside[unit] = residents.within(place, points)
        wanted = [t for t in nomis.TABLES if len(inside[t.unit]) >= residents.LEAST[t.unit]]
        what = f"{place['postcode'].iloc[0]}: residents"
        ready = [functools.partial(self._nomis.ready, t, str(inside[t.unit]["code"].min())) for t in wanted]
        self._police.all(what, ready)
        parts = [
            (t, codes[i : i + nomis.MOST_CODES])
            for t in wanted
            for codes in [sorted(inside[t.unit]["code"])]
            for i in range(0, len(codes), nomis.MOST_CODES)
        ]
        done = self._police.all(what, [functools.partial(self._nomis.text, *part) for part in parts])
        tables = []
        for (t, _), (text, _) in zip(parts, done, strict=True):
            numbers = people_files.numbers_of(text, t.name)
            rows = numbers.table.merge(inside[t.unit], on="code").assign(measure=t.measure, unit=t.unit)
            rows["value"] = rows["value"].round().astype("Int64")
            tables.append(rows.assign(district="", force=""))
            key = {"measure": t.measure, "unit": t.unit}
            self._series[t.measure, t.unit] = key | {"year": numbers.year, "source": numbers.source}
        if not tables:
            return residents.no_areas(), []
        return pd.concat(tables, ignore_index=True), [asked for _, asked in done]

    def _ground(
        self, place: gpd.GeoDataFrame, coverage: pd.DataFrame, found: gpd.GeoDataFrame
    ) -> dict[str, pd.DataFrame]:
        """Return the streets of a place's map from the cache; where they are not in it, say how they come there.

        Parameters
        ----------
        found
            What `crimes_frame` returned: its points since July 2022 are those that are known.
        """
        if coverage["force"].iloc[0] == _NORTHERN_IRELAND:  # of which there are none
            return {}
        kept = kept_streets.read(place)
        if kept is None:
            _say_how(place)
            return {}
        points = found[found["distance_m"].notna() & (found["month"] >= NEW_POINTS)]
        known = points.assign(longitude=points.geometry.x, latitude=points.geometry.y)
        ground, stretches = streets.cut(kept.rows, place, known)
        if len(ground):
            self._streets = {"streets": kept.attribution, "edition of the streets": kept.edition}
        return {"streets": ground, "stretches": stretches}

    def _month(self, place: gpd.GeoDataFrame, month: str) -> Got:
        try:
            return self._police.crimes(place, month)
        except SourceError as error:
            if not self.allow_missing:
                raise
            return Got([], [], failed=str(error))

    def _evidence(
        self, months: Sequence[str], coverage: pd.DataFrame, got: dict[str, Got]
    ) -> Iterator[tuple[str, str, str, int, int, str]]:
        """Yield what the service answered for each force and month, and what that shows."""
        offer = self._police.offer
        window = f"police.uk serves {offer[0]} to {offer[-1]}."
        shown = self._shown(coverage, got)
        for month in months:
            detail = window
            if month < offer[0]:
                state = "early"
            elif month > offer[-1]:
                state = "late"
            else:
                detail = got[month].failed
                state = "failed" if detail else "answered"
            for force in coverage["force"]:
                known = "shown" if (force, month) in shown else state
                yield force, month, known, -1, -1, detail

    def _shown(self, coverage: pd.DataFrame, got: dict[str, Got]) -> set[tuple[str, str]]:
        """Return the forces and months without a record here that were supplied all the same."""
        deciding = coverage.loc[coverage["share"] >= LEAST_SHARE, "force"]
        empty = [
            month
            for month, g in got.items()
            if not g.failed and all(r.location_type == "BTP" for r in g.records)
        ]
        pairs = [(force, month) for month in empty for force in deciding]
        jobs = [functools.partial(self._supplied, *pair) for pair in pairs]
        shown = self._police.all("police.uk: months without a record", jobs)
        return {pair for pair, yes in zip(pairs, shown, strict=True) if yes}

    def _supplied(self, force: str, month: str) -> bool:
        try:
            return self._police.supplied(force, month)
        except SourceUnavailable:
            if not self.allow_missing:
                raise
            return False

    # ---------------------------------------------------------------- searches

    def searches(self, place: gpd.GeoDataFrame, months: Sequence[str], coverage: pd.DataFrame) -> Searched:
        """Return the searches by the police in a place, and what its forces supplied of them.

        Which force made a search is not told, nor how many a force made in all.

        Raises
        ------
        SourceUnavailable
            No usable answer, unless `allow_missing`.
        """
        supplied, forces = self._police.searches_supplied, searches.deciding(coverage)
        served = [m for m in months if any(f in supplied.get(m, ()) for f in forces)]
        pairs = [(f, m) for m in served for f in forces if f in supplied[m]]
        jobs: list[Callable[[], Any]] = [functools.partial(self._searches, place, m) for m in served]
        jobs += [functools.partial(self._without_place, *pair) for pair in pairs]
        done = self._police.all(f"{place['postcode'].iloc[0]}: searches", jobs)
        got, nowhere = (
            dict(zip(served, done, strict=False)),
            dict(zip(pairs, done[len(served) :], strict=True)),
        )
        tables = [searches_table(found, m) for m, (found, _, failed) in got.items() if not failed]
        found = pd.concat(tables or [searches_table([], "")], ignore_index=True)
        requests = [r for _, asked, _ in got.values() for r in asked] + [
            r for _, asked in nowhere.values() for r in asked
        ]
        supply = [
            self._supply_of(
                f, m, got[m][2] if m in got else "", nowhere.get((f, m), (searches.UNKNOWN, []))[0]
            )
            for f in forces
            for m in months
        ]
        return searches.searched(place, found, supply, requests)

    def _searches(
        self, place: gpd.GeoDataFrame, month: str
    ) -> tuple[list[Search], list[tuple[str, str]], str]:
        try:
            return *self._police.searches(place, month), ""
        except SourceError as error:
            if not self.allow_missing:
                raise
            return [], [], str(error)

    def _without_place(self, force: str, month: str) -> tuple[int, list[tuple[str, str]]]:
        """Return how many of a force's searches have no place; no other number rests on it."""
        try:
            found, asked = self._police.searches_without_place(force, month)
        except SourceError:
            if not self.allow_missing:
                raise
            return searches.UNKNOWN, []
        return len(found), [asked]

    def _supply_of(self, force: str, month: str, failed: str, unplaced: int) -> dict[str, Any]:
        """Return what police.uk's list of months says of a force's searches in a month."""
        offer, why = (
            self._police.offer,
            f"police.uk serves {self._police.offer[0]} to {self._police.offer[-1]}.",
        )
        status = MonthStatus.NO_LONGER if month < offer[0] else MonthStatus.NOT_YET
        if offer[0] <= month <= offer[-1]:
            status, why = MonthStatus.PUBLISHED, ""
            if force not in self._police.searches_supplied.get(month, ()):
                status, why = MonthStatus.NOT_SUPPLIED, f"police.uk lists no searches by {force_name(force)}."
            elif failed:
                status, why = MonthStatus.FAILED, failed
        return {"force": force, "month": month, "status": status, "why": why, "searches": searches.UNKNOWN,
                "unplaced": unplaced}  # fmt: skip

    # ---------------------------------------------------------------- the neighbourhood

    def neighbourhood(self, place: gpd.GeoDataFrame) -> dict[str, pd.DataFrame]:
        """Return the frames of the neighbourhood team of the place's centre, as of today.

        No count rests on it, so what cannot be had is left out; `describe` says what that was.
        """
        row = place.iloc[0]
        try:
            beat = self._police.beat(float(row["longitude"]), float(row["latitude"]))
        except SourceUnavailable as error:
            self._unanswered.append(str(error))
            return {}
        if beat is None:
            return {}
        return self._police.team(str(row["postcode"]), beat, self._unanswered.append)


_said: set[str] = set()


def _say_how(place: gpd.GeoDataFrame) -> None:
    """Say how the streets of a place's map are got, once of the same squares."""
    squares, row = ",".join(kept_streets.squares_of(place)), place.iloc[0]
    which = (
        f"--near {''.join(row['postcode'].split())}" if row["kind"] == "circle" else f"--squares {squares}"
    )
    if squares not in _said:
        _said.add(squares)
        _log.warning(
            "The map of %s is drawn without streets. 'crimenb fetch streets %s' gets them once, for all live reports "
            "there; make the report again with --refresh then.",
            row["postcode"],
            which,
        )


def _refuse_at_sea(place: gpd.GeoDataFrame, beats: Sequence[Beat | None]) -> None:
    """Raise PlaceNotFound for a postcode placed where police.uk knows no force, nor in most of its mile."""
    row = place.iloc[0]
    if row["kind"] != "circle" or beats[0] is not None or 2 * sum(b is not None for b in beats) >= len(beats):
        return
    msg = (
        f"The position given for {row['postcode']!r} (longitude {row['longitude']:.4f}, latitude "
        f"{row['latitude']:.4f}) lies outside every police force's area, in the sea or in another "
        "country; choose another postcode nearby."
    )
    raise PlaceNotFound(msg)
