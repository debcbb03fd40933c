"""The vocabulary: which frames there are, their columns, and the words for their values.

Storage and drawing are in EPSG:4326 (longitude, latitude); distances are measured in
EPSG:27700 (the British National Grid, metres). The key of a place in every frame is the
column `postcode`, which holds the area's name when a custom area was asked for.
"""

from __future__ import annotations

import csv
import functools
from dataclasses import dataclass, fields
from importlib import resources
from typing import TYPE_CHECKING, Any, Concatenate, NamedTuple, ParamSpec, TypeVar

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from geopandas.array import from_shapely

from crimenb.errors import SnapshotError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from shapely.geometry.base import BaseGeometry

    from crimenb.query import Query

P = ParamSpec("P")
Value = TypeVar("Value")
Frame = TypeVar("Frame", bound=pd.DataFrame)

MILE_M = 1609.344
"""Radius of police.uk's street-level answer, in metres (one statute mile)."""

LONLAT = "EPSG:4326"
METRES = "EPSG:27700"

ASB = "anti-social-behaviour"
CATEGORIES: dict[str, str] = {
    "violent-crime": "Violence and sexual offences",
    "shoplifting": "Shoplifting",
    "public-order": "Public order",
    "criminal-damage-arson": "Criminal damage and arson",
    "vehicle-crime": "Vehicle crime",
    "other-theft": "Other theft",
    "burglary": "Burglary",
    "drugs": "Drugs",
    "theft-from-the-person": "Theft from the person",
    "bicycle-theft": "Bicycle theft",
    "robbery": "Robbery",
    "possession-of-weapons": "Possession of weapons",
    "other-crime": "Other crime",
    ASB: "Anti-social behaviour",
}
"""Slug of police.uk's API to the name used in its files and here; thirteen crime categories
and anti-social behaviour, which is reports and no crime. The slug of violence is short."""

CRIME_CATEGORIES = [slug for slug in CATEGORIES if slug != ASB]

OLD_CATEGORIES: dict[str, str] = {
    "Violent crime": "violent-crime",
    "Public disorder and weapons": "public-order",
}
"""Names of the categories of data months before 2013-05 that no longer exist."""

BTP = "btp"
TERRITORIAL = "territorial"
"""`reported_by` where the source tells a territorial force from BTP but not which (the API)."""

OUTCOME_SPELLINGS = {"Offender given penalty notice": "Offender given a penalty notice"}
"""Files and API spell one outcome differently; the API's spelling is kept."""

# What may be done with a month of each status; the table in the docstring of months.py.
SUMMED = frozenset({"published", "partly supplied", "suspiciously low"})
STATUSES = (
    "published",
    "partly supplied",
    "suspiciously low",
    "not in this archive",
    "not supplied",
    "probably not supplied",
    "not yet published",
    "no longer published",
    "failed",
)

_TEXT, _WHOLE, _REAL, _FLAG = "str", "int64", "float64", "bool"
COLUMNS: dict[str, dict[str, str]] = {
    "places": {
        "postcode": _TEXT, "role": _TEXT, "kind": _TEXT, "longitude": _REAL, "latitude": _REAL,
        "district": _TEXT, "ward": _TEXT, "lsoa": _TEXT, "force": _TEXT, "remark": _TEXT,
        "geometry": "geometry",
    },
    "crimes": {
        "postcode": _TEXT, "month": _TEXT, "category": _TEXT, "outcome": _TEXT,
        "reported_by": _TEXT, "crime_id": _TEXT, "snapped_to": _TEXT, "geometry": "geometry",
    },
    "months": {"postcode": _TEXT, "month": _TEXT, "status": _TEXT, "why": _TEXT},
    "coverage": {
        "postcode": _TEXT, "force": _TEXT, "force_name": _TEXT, "share": _REAL, "method": _TEXT,
        "months": _TEXT, "geometry": "geometry",
    },
    "nearby": {
        "postcode": _TEXT, "snapped_to": _TEXT, "distance_m": _REAL, "records": _WHOLE,
        **{slug: _WHOLE for slug in CATEGORIES}, "geometry": "geometry",
    },
    "surroundings": {
        "postcode": _TEXT, "force": _TEXT, "month": _TEXT, "category": _TEXT,
        "rest": _WHOLE, "unlocated": _WHOLE,
    },
    "neighbourhoods": {
        "postcode": _TEXT, "force": _TEXT, "force_name": _TEXT, "force_url": _TEXT,
        "neighbourhood": _TEXT, "name": _TEXT, "description": _TEXT, "url": _TEXT,
        "email": _TEXT, "telephone": _TEXT, "address": _TEXT, "links": _TEXT,
        "geometry": "geometry",
    },
    "people": {"postcode": _TEXT, "name": _TEXT, "rank": _TEXT, "bio": _TEXT, "contact": _TEXT},
    "priorities": {
        "postcode": _TEXT, "issue": _TEXT, "issue_date": _TEXT, "action": _TEXT,
        "action_date": _TEXT,
    },
    "events": {
        "postcode": _TEXT, "title": _TEXT, "kind": _TEXT, "start": _TEXT, "address": _TEXT,
        "description": _TEXT, "contact": _TEXT,
    },
    "provenance": {"kind": _TEXT, "name": _TEXT, "value": _TEXT},
}  # fmt: skip
"""Columns and dtypes of each frame, in their order. Missing text is "", never None.

places: one row a place; geometry = the area asked for; `kind` "circle" or "area"; `role` "main"
    or "compared"; `remark` what a reader must know of the position (a closed postcode, say).
crimes: one row a record inside the area, duplicates kept; geometry = the snapped point;
    `category` a slug; `reported_by` a police.uk force id, or "territorial" where the source
    does not say which; `crime_id` and `outcome` "" for anti-social behaviour and BTP.
months: one row a place and month; `status` one of STATUSES, `why` one sentence.
coverage: one row a place and force; `share` of the area (0-1), how found, months supplied
    (separated by spaces); geometry = the force's part of the area, empty where the source
    does not tell its boundary.
nearby: one row a snapped point in the frame of the map, inside the area or not: records of
    the period, in all and by category; `distance_m` to the area's centre for a circle, to
    its boundary (negative inside) for a custom area.
surroundings: one row a place, force, month and category: located records of the force
    outside the place (`rest`) and its records without location (`unlocated`).
neighbourhoods, people, priorities, events: the neighbourhood team, from the live service.
    `links` is one "title<TAB>address" a line.
provenance: what the source says of itself: kind "source", "file" or "request"; and of kind
    "snapshot" the SHA-256 of the manifest, which holds those of all the other files.
"""

GEO_FRAMES = tuple(name for name, columns in COLUMNS.items() if "geometry" in columns)


class Pull(NamedTuple):
    """What a source hands over of one place: frames, and the evidence to judge its months."""

    crimes: gpd.GeoDataFrame
    coverage: gpd.GeoDataFrame
    evidence: pd.DataFrame
    nearby: gpd.GeoDataFrame
    surroundings: pd.DataFrame
    requests: list[tuple[str, str]]


@dataclass(frozen=True, eq=False)
class Data:
    """The frames of one question, as a source answered it. Nothing in it is changed later.

    Every attribute but `query` is a frame with the columns of `COLUMNS`.
    """

    query: Query
    places: gpd.GeoDataFrame
    crimes: gpd.GeoDataFrame
    months: pd.DataFrame
    coverage: gpd.GeoDataFrame
    nearby: gpd.GeoDataFrame
    surroundings: pd.DataFrame
    neighbourhoods: gpd.GeoDataFrame
    people: pd.DataFrame
    priorities: pd.DataFrame
    events: pd.DataFrame
    provenance: pd.DataFrame

    def __repr__(self) -> str:
        """Name the question and count the records; the frames speak for themselves."""
        q = self.query
        others = f", compared with {', '.join(q.compare_with)}" if q.compare_with else ""
        return f"<Data {q.postcode}, {q.start} to {q.end}{others}: {len(self.crimes):,} records>"

    def of(self, postcode: str = "") -> Data:
        """Return the same with the rows of one place only (the main place by default)."""
        return _rows_of(self, postcode or self.query.postcode)

    @functools.cached_property
    def worked_out(self) -> dict[object, Any]:
        """What has been worked out of these frames (see `remembered`)."""
        return {}

    @functools.cached_property
    def source(self) -> Mapping[str, str]:
        """What the source says of itself: name, release, retrieved and the like."""
        rows = self.provenance[self.provenance["kind"] == "source"]
        return dict(zip(rows["name"], rows["value"], strict=True))


def remembered(measure: Callable[Concatenate[Data, P], Value]) -> Callable[Concatenate[Data, P], Value]:
    """Work a value out once for each Data and keep it there, so that it goes when the Data goes."""

    @functools.wraps(measure)
    def given(data: Data, /, *args: P.args, **kwargs: P.kwargs) -> Value:
        key = (measure, args, *sorted(kwargs.items()))
        if key not in data.worked_out:
            data.worked_out[key] = measure(data, *args, **kwargs)
        found: Value = data.worked_out[key]
        return found

    return given


def once(measure: Callable[Concatenate[Data, P], Frame]) -> Callable[Concatenate[Data, P], Frame]:
    """Work a frame out once for each Data; every caller is given a copy of his own to change."""
    held = remembered(measure)

    @functools.wraps(measure)
    def given(data: Data, /, *args: P.args, **kwargs: P.kwargs) -> Frame:
        # pandas copies on writing, so a shallow copy is one that nobody else sees change.
        return held(data, *args, **kwargs).copy(deep=False)  # type: ignore[no-any-return]

    return given


@remembered
def _rows_of(data: Data, key: str) -> Data:
    """Pick a place's rows; every count begins with it, so it is done once a place."""
    rows = {
        name: (f := getattr(data, name))[f["postcode"] == key].reset_index(drop=True)
        for name, columns in COLUMNS.items()
        if "postcode" in columns
    }
    return Data(query=data.query, provenance=data.provenance, **rows)


def frame(name: str, rows: Mapping[str, object] | pd.DataFrame | None = None) -> pd.DataFrame:
    """Return `rows` as the frame called `name`: its columns, dtypes and (if any) EPSG:4326.

    Raises:
        SnapshotError: A column is missing or holds what its dtype cannot.
    """
    columns = COLUMNS[name]
    data = pd.DataFrame(columns=list(columns)) if rows is None else pd.DataFrame(rows)
    missing = [c for c in columns if c not in data]
    if missing:
        msg = f"The frame {name!r} lacks the column {missing[0]!r}; pull the data anew (--refresh)."
        raise SnapshotError(msg)
    plain = {c: d for c, d in columns.items() if d != "geometry"}
    try:
        # What is as it should be costs nothing: most frames come from a snapshot.
        if list(data) != list(columns):
            data = data[list(columns)]
        data = data.reset_index(drop=True)
        for c, d in plain.items():
            if d == _TEXT and data[c].isna().any():
                data[c] = data[c].astype("object").where(data[c].notna(), "")
        if other := {c: d for c, d in plain.items() if str(data[c].dtype) != d}:
            data = data.astype(other)
    except (TypeError, ValueError) as error:
        msg = f"The frame {name!r} holds a value of the wrong kind: {error}."
        raise SnapshotError(msg) from error
    if "geometry" in columns:
        shapes = from_shapely(np.asarray(data["geometry"], dtype=object))
        return gpd.GeoDataFrame(data, geometry=shapes, crs=_crs(LONLAT))
    return data


def check(name: str, data: pd.DataFrame) -> None:
    """Raise SnapshotError unless `data` has the columns, dtypes and CRS of the frame `name`."""
    columns = COLUMNS[name]
    if list(data.columns) != list(columns):
        msg = f"The frame {name!r} has columns {list(data.columns)}, not {list(columns)}."
        raise SnapshotError(msg)
    for column, dtype in columns.items():
        found = data[column].dtype
        if str(found) != dtype:
            msg = f"Column {column!r} of {name!r} is {found}, not {dtype}."
            raise SnapshotError(msg)
    if isinstance(data, gpd.GeoDataFrame) and data.crs != LONLAT:
        msg = f"The frame {name!r} is in {data.crs}, not {LONLAT}."
        raise SnapshotError(msg)


FRAMES = tuple(f.name for f in fields(Data) if f.name != "query")


@functools.cache
def _crs(name: str) -> pyproj.CRS:
    return pyproj.CRS(name)  # parsing a name takes three milliseconds, each time


@functools.cache
def _projection(source: str, target: str) -> pyproj.Transformer:
    return pyproj.Transformer.from_crs(source, target, always_xy=True)


def to_metres(longitude: np.ndarray | float, latitude: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
    """Return eastings and northings in metres (EPSG:27700) of longitudes and latitudes."""
    x, y = _projection(LONLAT, METRES).transform(np.asarray(longitude), np.asarray(latitude))
    return np.asarray(x), np.asarray(y)


def to_lonlat(easting: np.ndarray | float, northing: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
    """Return longitudes and latitudes (EPSG:4326) of eastings and northings in metres."""
    x, y = _projection(METRES, LONLAT).transform(np.asarray(easting), np.asarray(northing))
    return np.asarray(x), np.asarray(y)


def in_metres(shape: BaseGeometry) -> BaseGeometry:
    """Return a shape of EPSG:4326 in metres (EPSG:27700)."""
    return shapely.transform(shape, lambda xy: np.column_stack(to_metres(xy[:, 0], xy[:, 1])))


def in_degrees(shape: BaseGeometry) -> BaseGeometry:
    """Return a shape of EPSG:27700 in degrees (EPSG:4326), to a centimetre."""
    return shapely.transform(shape, lambda xy: np.column_stack(to_lonlat(xy[:, 0], xy[:, 1])).round(7))


def circle(longitude: float, latitude: float, radius_m: float = MILE_M) -> BaseGeometry:
    """Return the circle around a point (EPSG:4326), a polygon of 256 corners on the ring."""
    x, y = to_metres(longitude, latitude)
    return in_degrees(shapely.Point(float(x), float(y)).buffer(radius_m, quad_segs=64))


def data_file(name: str) -> str:
    """Return the text of a small file shipped with the package."""
    return resources.files("crimenb").joinpath("data", name).read_text("utf-8")


@functools.cache
def forces() -> dict[str, str]:
    """Return police.uk's force ids and the forces' names, as shipped in data/forces.csv."""
    return {r["id"]: r["name"] for r in csv.DictReader(data_file("forces.csv").splitlines())}


def force_name(force: str) -> str:
    """Return a force's short name in running text ("Leicestershire", "City of London")."""
    return forces().get(force, force.replace("-", " ").title())


def outcome(text: str) -> str:
    """Return an outcome in one spelling for files and API."""
    return OUTCOME_SPELLINGS.get(text, text)
