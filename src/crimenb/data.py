"""The frames of one question, and what has been worked out of them.

Storage and drawing are in EPSG:4326 (longitude, latitude). The key of a place in every frame is
the column `postcode`, which holds the area's name when a custom area was asked for.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, fields
from html import escape
from inspect import signature
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Concatenate, NamedTuple, ParamSpec, TypeVar

import geopandas as gpd
import numpy as np
import pandas as pd
from geopandas.array import from_shapely

from crimenb.errors import QueryError, SnapshotError, no_such_name
from crimenb.geo import LONLAT, _crs
from crimenb.schema import _TEXT, COLUMNS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from crimenb.query import Query

P = ParamSpec("P")
Value = TypeVar("Value")
Frame = TypeVar("Frame", bound=pd.DataFrame)


class Pull(NamedTuple):
    """What a source hands over of one place: frames, and the evidence to judge its months."""

    crimes: gpd.GeoDataFrame
    coverage: gpd.GeoDataFrame
    evidence: pd.DataFrame
    nearby: gpd.GeoDataFrame
    surroundings: pd.DataFrame
    force_outcomes: pd.DataFrame
    requests: list[tuple[str, str]]
    remark: str = ""
    """What a reader must know of the answer; it joins the place's own remark."""
    context: Mapping[str, pd.DataFrame] = MappingProxyType({})
    """The frames of what lies around the records, where the source has them: streets, residents, ..."""


class Searched(NamedTuple):
    """The searches by the police of one place: the frames, and what they were made of."""

    searches: gpd.GeoDataFrame
    months: pd.DataFrame
    requests: list[tuple[str, str]]


@dataclass(frozen=True, eq=False)
class Data:
    """The frames of one question, as a source answered it. Nothing in it is changed later.

    Every attribute but `query` is a frame; the data dictionary (docs/data.md) has its columns.
    """

    query: Query
    places: gpd.GeoDataFrame
    crimes: gpd.GeoDataFrame
    months: pd.DataFrame
    coverage: gpd.GeoDataFrame
    nearby: gpd.GeoDataFrame
    streets: gpd.GeoDataFrame
    stretches: gpd.GeoDataFrame
    surroundings: pd.DataFrame
    force_outcomes: pd.DataFrame
    residents: pd.DataFrame
    district_counts: pd.DataFrame
    like_places: pd.DataFrame
    decided: pd.DataFrame
    revised: pd.DataFrame
    searches: gpd.GeoDataFrame
    searches_months: pd.DataFrame
    neighbourhoods: gpd.GeoDataFrame
    people: pd.DataFrame
    priorities: pd.DataFrame
    events: pd.DataFrame
    provenance: pd.DataFrame

    def __repr__(self) -> str:
        """Name the question and count the records, in one line."""
        q = self.query
        others = f", compared with {', '.join(q.compare_with)}" if q.compare_with else ""
        return f"<Data {q.postcode}, {q.start} to {q.end}{others}: {len(self.crimes):,} records>"

    def __str__(self) -> str:
        """Say what is held: the places with their months, the frames with their columns."""
        lines = (
            "  ".join(f"{v:<{w}}" for v, w in zip(row, (18, 9, 8, 0), strict=False)) for row in _held(self)
        )
        return "\n".join([repr(self), *map(str.rstrip, lines)])

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        rows = ("".join(f"<td>{escape(cell)}</td>" for cell in row) for row in _held(self))
        table = f"<table>{''.join(f'<tr>{row}</tr>' for row in rows)}</table>"
        return {"text/html": f"<p>{escape(repr(self))}</p>{table}", "text/plain": str(self)}

    if not TYPE_CHECKING:  # it would let a type checker accept any name

        def __getattr__(self, name: str) -> object:
            """Say what there is instead."""
            raise no_such_name(name, "These data", (*FRAMES, "query", "main", "of", "source"))

    @property
    def main(self) -> Data:
        """The same with the rows of the report's own place: what every count begins with."""
        return self if len(self.places) <= 1 else self.of(self.query.postcode)

    def of(self, place: str = "") -> Data:
        """Return the same with the rows of one place only; of the report's own by default.

        Raises
        ------
        QueryError
            The data hold no such place; the message lists those they hold.
        """
        if isinstance(place, str) and not place:
            return self.main
        key = place_key(self, place)
        return self if len(self.places) == 1 else _rows_of(self, key)

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
        if not isinstance(data, Data):
            msg = f"{measure.__name__} begins with the Data that collect returns, not {kind_of(data)}."
            raise QueryError(msg)
        # What is left empty is the same as what is not given.
        named = sorted((k, v) for k, v in kwargs.items() if not (isinstance(v, str) and not v))
        key = (measure, args, *named)
        try:
            hash(key)
        except TypeError:  # a list, say: the measure itself says what belongs there
            return measure(data, *args, **kwargs)
        if key not in data.worked_out:
            data.worked_out[key] = measure(data, *args, **kwargs)
        found: Value = data.worked_out[key]
        return found

    return given


def by_name(function: Callable[..., Any]) -> Callable[[tuple[Any, ...], dict[str, Any]], None]:
    """Return a check that what a function takes by name is given by name, and under a name that it has."""
    names = {p.name: p.default for p in signature(function).parameters.values() if p.kind is p.KEYWORD_ONLY}

    def check(more: tuple[Any, ...], named: dict[str, Any]) -> None:
        unknown = [f"has no {name!r}" for name in named if name not in names]
        for name, value in named.items():
            least = names.get(name)  # where a number is the default, a number is asked for
            if type(least) is int and not (isinstance(value, int | float) and value >= min(least, 1)):
                msg = (
                    f"{function.__name__} has no {name}={value!r}; give a number of {min(least, 1)} or more."
                )
                raise QueryError(msg)
        wrong = [*unknown, *(f"takes {kind_of(value)} only by name" for value in more)]
        if names and wrong:
            msg = f"{function.__name__} {wrong[0]}; choose one of {', '.join(names)}."
            raise QueryError(msg)

    return check


def once(measure: Callable[Concatenate[Data, P], Frame]) -> Callable[Concatenate[Data, P], Frame]:
    """Work a frame out once for each Data; every caller is given a copy of his own to change."""
    held, check = remembered(measure), by_name(measure)

    @functools.wraps(measure)
    def given(data: Data = None, /, *args: P.args, **kwargs: P.kwargs) -> Frame:  # type: ignore[assignment]
        check(args, kwargs)
        # pandas copies on writing, so a shallow copy is one that nobody else sees change.
        return held(data, *args, **kwargs).copy(deep=False)

    return given


def kind_of(value: object) -> str:
    """Name what was given in place of something else: "a DataFrame", "the text 'LE1 6RN'", "nothing"."""
    if value is None:
        return "nothing"
    if isinstance(value, str):
        return f"the text {value[:40]!r}"
    return f"{'an' if type(value).__name__[0] in 'aeiou' else 'a'} {type(value).__name__}"


def _held(data: Data) -> list[tuple[str, str, str, str]]:
    """Return the rows of a summary: each place with its records and months, each frame with its columns."""
    rows = [("place", "role", "records", "months by status")]
    for place, role in zip(data.places["postcode"], data.places["role"], strict=True):
        status = data.months.loc[data.months["postcode"] == place, "status"].value_counts(sort=False)
        records = int((data.crimes["postcode"] == place).sum())
        rows.append((place, role, f"{records:,}", ", ".join(f"{n} {s}" for s, n in status.items())))
    rows.append(("frame", "", "rows", "columns"))
    for name in FRAMES:
        if name in ("searches", "searches_months") and not data.query.stops:  # they were not asked for
            continue
        rows.append((f"data.{name}", "", f"{len(getattr(data, name)):,}", ", ".join(COLUMNS[name])))
    return rows


def place_key(data: Data, postcode: str) -> str:
    """Return the key of a place in the frames, however its postcode is written.

    Raises
    ------
    QueryError
        The data hold no such place; the message lists those they hold.
    """
    held = data.places["postcode"].tolist()
    compact = "".join(str(postcode).split()).upper()
    for key in held:
        if compact == "".join(key.split()).upper():
            return str(key)
    said = repr(postcode)[:60]
    msg = f"The data hold no place {said}; choose one of {', '.join(map(repr, held))}."
    raise QueryError(msg)


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

    Raises
    ------
    SnapshotError
        A column is missing or holds what its dtype cannot.
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
        placed: pd.DataFrame = gpd.GeoDataFrame(data, geometry=shapes, crs=_crs(LONLAT))
        return placed
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
