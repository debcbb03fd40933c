"""Pull a question's data once, and keep it: a folder of frames with a manifest.

Everything a report shows goes through this format, on disk for a report and in memory in
JupyterLab, so that both see the same values and the same dtypes.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import re
from collections.abc import Iterable
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, overload

import geopandas as gpd
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import shapely

from crimenb.buckets import is_address
from crimenb.data import FRAMES, Data, Pull, Searched, check, frame, kind_of
from crimenb.errors import Busy, PlaceNotFound, QueryError, ReportError, SnapshotError
from crimenb.files import bounded_memory, read_regular, swap, working
from crimenb.geo import LONLAT, from_wkb
from crimenb.month_status import judge
from crimenb.progress import meter
from crimenb.query import MOST_COMPARED, Area, Month, Query, parse_postcode
from crimenb.schema import COLUMNS, GEO_FRAMES
from crimenb.sources.archive import Archive, demo
from crimenb.sources.archive_fetch import fetched
from crimenb.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from crimenb.sources.named_areas import Outline

FORMAT = 2
DATA = "data"
"""Name of the snapshot's folder inside a report."""

MANIFEST = "manifest.json"
MONTHS = "months.csv"
_AS_TEXT = ("months", "searches_months")
"""Frames whose file is a CSV: what may be said of each month, for anyone to read."""

SEAL = "snapshot"
"""Kind of the row of `provenance` that holds the SHA-256 of the snapshot's manifest."""

MOST_ROWS = 5_000_000
"""Rows of one frame that are read: more than the records of the largest force in six years."""

_STORED = [name for name in FRAMES if name != "provenance"]
_OPTIONAL = ("streets", "stretches", "residents", "district_counts", "like_places", "decided", "revised", "searches",
             "searches_months")  # fmt: skip
"""Frames that have a file only where there is something in them."""

_MONTH = re.compile(r"20\d\d-(0[1-9]|1[0-2])")
PACKAGES = (
    "altair",
    "geopandas",
    "openpyxl",
    "pandas",
    "papermill",
    "pyarrow",
    "shapely",
    "vl-convert-python",
)
"""Packages whose versions the manifest names."""


class Source(Protocol):
    """Whatever can answer a question: the live services, an archive, the demonstration."""

    name: str

    @property
    def release(self) -> str:
        """The newest month that this release of the source holds."""

    def months(self) -> list[str]:
        """Return the months on offer, oldest first."""

    def place(self, postcode: str) -> gpd.GeoDataFrame:
        """Return the row of `places` for a postcode."""

    def positions(self, postcodes: Sequence[str]) -> Mapping[str, Mapping[str, Any] | PlaceNotFound]:
        """Return for each postcode its row of `places` without the shape, or why it has none."""

    def custom_place(self, area: Area) -> gpd.GeoDataFrame:
        """Return the row of `places` for a custom area."""

    def named(self, kind: str, words: str) -> Outline:
        """Return the area of a kind that has a name or code."""

    def named_in(self, kind: str, district: str) -> list[Outline]:
        """Return every area of a kind in a district."""

    def pull(self, place: gpd.GeoDataFrame, months: Sequence[str]) -> Pull:
        """Return the frames of one place over the months, with the evidence to judge them."""

    def searches(self, place: gpd.GeoDataFrame, months: Sequence[str], coverage: pd.DataFrame) -> Searched:
        """Return the searches by the police in a place, and what its forces supplied of them."""

    def neighbourhood(self, place: gpd.GeoDataFrame) -> dict[str, pd.DataFrame]:
        """Return the frames of the neighbourhood team, where the source knows one."""

    def describe(self) -> dict[str, str]:
        """Return what the source says of itself: name, release, when it was read, ..."""

    def close(self) -> None:
        """Let go of connections."""


def usual_source(query: Query) -> str:
    """Return the name of the source to use where none is named."""
    return "demo" if query.postcode.startswith("ZZ") else "live"


def open_source(spec: str, query: Query, *, allow_missing: bool = False, closed_ok: bool = False) -> Source:
    """Open a source by its name: "live", "demo" or "archive:DIR", where DIR may be in a bucket (s3://...).

    An empty name means the demonstration for a demonstration postcode (ZZ...) and the live
    services for any other.

    Parameters
    ----------
    spec
        The name.
    query
        What will be asked of it.
    allow_missing
        Live only: make a month that fails a gap, instead of stopping.
    closed_ok
        Use the last position of a postcode that is no longer in use.

    Raises
    ------
    QueryError
        The name is none of these, or the archive cannot be opened.
    SourceError
        The archive's bucket is not there, lets nobody in or does not answer.
    """
    spec = spec or usual_source(query)
    if query.like and spec == "live":
        raise QueryError(_NO_CANDIDATES.format("The live services have", "report from an archive"))
    if spec == "demo":
        return demo(closed_ok=closed_ok)
    if spec == "live":
        # Imported here: what talks to the network is a tenth of a second that most runs need not pay.
        from crimenb.sources.live import Live

        asked = query.months if query.settled else []
        return Live(asked=asked, allow_missing=allow_missing, closed_ok=closed_ok, progress=meter())
    if spec.startswith("archive:") and len(spec) > len("archive:"):
        where = spec.removeprefix("archive:")
        archive = Archive(fetched(where) if is_address(where) else where, closed_ok=closed_ok)
        if query.like:
            _check_candidates(archive)
        if query.stops:
            archive.check_searches()
        return archive
    if Path(spec).is_dir():
        msg = f"Source {spec!r} is a folder; write 'archive:{spec}' if it is an archive."
    else:
        msg = f"Source {spec!r} is unknown; give 'live', 'demo' or 'archive:DIR'."
    raise QueryError(msg)


_NO_CANDIDATES = "{} no places like this one to compare with (--like); {}, or leave out --like."


def _check_candidates(source: Source) -> Archive:
    """Return a source that holds places to compare with.

    Raises
    ------
    QueryError
        It holds none.
    """
    if isinstance(source, Archive) and source.has_candidates:
        return source
    msg = _NO_CANDIDATES.format("This source has", "build the archive anew, with --postcodes")
    raise QueryError(msg)


@overload
def collect(query: Query, source: Source | Path | str = "", snapshot: Path | str = "") -> Data: ...


@overload
def collect(
    query: str | Area | Sequence[str],
    start: Month = "",
    end: Month = "",
    *,
    compare_with: str | Iterable[str] = (),
    like: bool = False,
    stops: bool = False,
    source: Source | Path | str = "",
    snapshot: Path | str = "",
) -> Data: ...


def collect(  # type: ignore[misc]  # after a Query, source and snapshot may stand second and third
    query: Any,
    start: Any = "",
    end: Any = "",
    *,
    compare_with: str | Iterable[str] = (),
    like: bool = False,
    stops: bool = False,
    source: Source | Path | str = "",
    snapshot: Path | str = "",
) -> Data:
    """Return the data of a question: read from a snapshot if one is given, else pulled.

    Parameters
    ----------
    query
        A postcode; several, the first of which is the place itself and the others those it is
        compared with; an area from `read_area`; or a `Query`.
    start, end
        The months, as for `Query.parse`. After a `Query`, which has its months, source and snapshot
        stand in their place.
    compare_with
        Up to five further postcodes.
    like
        Compare with places like it too, which needs an archive.
    stops
        Collect searches by the police (stop and search) too.
    source
        "live", "demo", "archive:DIR" (best with the full path, or s3://...), the archive's folder as a `Path`, an
        opened source, or "" for the usual one: the demonstration for its postcodes (ZZ...), else the live services.
    snapshot
        A report's folder `data`; then no source is asked at all.

    Returns
    -------
    Data
        Data; its `query` has every month asked for, those that the source does not hold too.

    Raises
    ------
    MonthNotPublished
        The source holds none of the months asked for.
    PlaceNotFound
        The postcode is unknown, closed or outside the data.
    QueryError
        No postcode, month or source is written so; the message says how.
    SnapshotError
        The snapshot answers another query, or has been changed.

    Examples
    --------
    >>> import crimenb as cn
    >>> cn.collect("ZZ9 9ZZ", "2025-10", "2025-12")
    <Data ZZ9 9ZZ, 2025-10 to 2025-12: ... records>
    >>> cn.collect(["ZZ9 9ZZ", "ZZ2 2BB"], "2025-10", "2025-12", source="demo")
    <Data ZZ9 9ZZ, 2025-10 to 2025-12, compared with ZZ2 2BB: ... records>
    >>> cn.collect(cn.Query.parse("ZZ9 9ZZ", "2025-10", "2025-12"), "demo")
    <Data ZZ9 9ZZ, 2025-10 to 2025-12: ... records>
    """
    if isinstance(query, Query):
        return _collect(query, source or start, snapshot or end)
    if isinstance(start, str) and (start in {"live", "demo"} or start.startswith("archive:")):
        msg = f"{start!r} stands where the first month belongs; write source={start!r}."
        raise QueryError(msg)
    if isinstance(query, Area):
        asked = Query.parse("", start, end, compare_with, area=query, like=like, stops=stops)
    else:
        named = [query] if isinstance(query, str) or not isinstance(query, Iterable) else [*query]
        others = [compare_with] if isinstance(compare_with, str) else compare_with
        asked = Query.parse(
            named[0] if named else "", start, end, [*named[1:], *others], like=like, stops=stops
        )
    return _collect(asked, source, snapshot)


def _collect(query: Query, source: Source | Path | str, snapshot: Path | str) -> Data:
    if str(snapshot):
        return read(snapshot, query)
    with opened(source, query) as held:
        settled = query.within(held.months())
        return _unpack(_pack(_pull(settled, held)))


@contextlib.contextmanager
def opened(source: Source | Path | str, query: Query) -> Iterator[Source]:
    """Open a source by its name and close it afterwards; one that is open stays so."""
    if isinstance(source, Path | str):
        named = f"archive:{source}" if isinstance(source, Path) else source
        with contextlib.closing(open_source(named, query)) as one:
            yield one
    elif hasattr(source, "pull"):
        yield source
    else:
        msg = f"The source is {kind_of(source)}; give 'live', 'demo' or 'archive:DIR'."
        raise QueryError(msg)


def locate(postcodes: Iterable[str], *, source: Source | Path | str = "") -> gpd.GeoDataFrame:
    """Return the position of each postcode, to join data of one's own with.

    Parameters
    ----------
    postcodes
        A list or a column of postcodes, in any spelling.
    source
        As for `collect`.

    Returns
    -------
    GeoDataFrame
        One row a postcode given, in that order: `postcode` (in its written form), `longitude`,
        `latitude`, `district`, `ward`, `parish`, `force`, `why` (why it has no position, else missing) and the
        point, missing where there is none; EPSG:4326. A postcode's position is the middle of some
        fifteen addresses.

    Raises
    ------
    QueryError
        There is no such source.

    Examples
    --------
    >>> import crimenb as cn
    >>> cn.locate(["zz11aa", "nowhere"], source="demo")[["postcode", "district"]]
      postcode    district
    0  ZZ1 1AA  Fablemouth
    1  nowhere         NaN
    """
    rows: list[dict[str, Any]] = []
    for text in [postcodes] if isinstance(postcodes, str) else postcodes:
        try:
            rows.append({"postcode": parse_postcode(text)})
        except QueryError as error:
            rows.append({"postcode": str(text), "why": str(error)})
    known = list(dict.fromkeys(r["postcode"] for r in rows if "why" not in r))
    found: Mapping[str, Any] = {}
    if known:
        with opened(source, Query.parse(known[0])) as held:
            found = held.positions(known)
    for row in rows:
        position = found.get(row["postcode"], {})
        row.update({"why": str(position)} if isinstance(position, PlaceNotFound) else position)
    columns = ["postcode", "longitude", "latitude", "district", "ward", "parish", "force", "why"]
    table = pd.DataFrame(rows, columns=columns).astype({"longitude": "float64", "latitude": "float64"})
    table = table.astype(dict.fromkeys(["district", "ward", "parish", "force", "why"], "str"))
    points = gpd.GeoSeries(gpd.points_from_xy(table["longitude"], table["latitude"]), crs=LONLAT)
    return gpd.GeoDataFrame(table, geometry=points.where(table["longitude"].notna(), None))


def save(query: Query, source: Source, folder: Path | str) -> Data:
    """Pull the data of a settled question and write the snapshot, as `collect` would have it.

    Raises
    ------
    PlaceNotFound
        The postcode is unknown, closed or outside the data.
    SnapshotError
        The folder cannot be written.
    """
    data = _pull(query.within(source.months()), source)
    write(data, folder)
    return data


def _pull(query: Query, source: Source) -> Data:
    parts: dict[str, list[pd.DataFrame]] = {name: [] for name in FRAMES}
    used: dict[str, str] = {}
    compared = _check_candidates(source) if query.like else None
    first = source.custom_place(query.area) if query.area else source.place(query.postcode)
    others = [source.place(p).assign(role="compared") for p in query.compare_with]
    for place in [first, *others]:
        key = str(place["postcode"].iloc[0])
        pulled = source.pull(place, query.months)
        months = judge(key, query.months, pulled.coverage, pulled.evidence, pulled.crimes)
        remark = place["remark"].iloc[0]
        remarked = place.assign(remark=" ".join(filter(None, (remark, pulled.remark))))
        frames = pulled._asdict() | {"places": remarked, "months": months} | dict(pulled.context)
        if place is first:
            frames |= source.neighbourhood(place)
            if compared is not None:
                frames["like_places"] = compared.like(place, query.months, pulled)
            if query.stops:
                searched = source.searches(place, query.months, pulled.coverage)
                frames |= {"searches": searched.searches, "searches_months": searched.months}
                used |= dict(searched.requests)
        for name, tables in parts.items():
            if name in frames:
                tables.append(frames[name])
        used |= dict(pulled.requests)
    kind = "request" if source.name == "live" else "file"
    rows = [("source", name, value) for name, value in source.describe().items()]
    rows += [(kind, name, value) for name, value in sorted(used.items())]
    provenance = pd.DataFrame(rows, columns=list(COLUMNS["provenance"]))
    whole = {name: _joined(name, tables) for name, tables in parts.items()}
    return Data(query=query, **whole | {"provenance": frame("provenance", provenance)})


def _joined(name: str, tables: list[pd.DataFrame]) -> Any:
    full = [t for t in tables if len(t)]
    if not full:
        return frame(name)
    return full[0] if len(full) == 1 else frame(name, pd.concat(full, ignore_index=True))


# -------------------------------------------------------------------- the format


def _pack(data: Data) -> dict[str, bytes]:
    """Return the snapshot's files and their bytes, the manifest last."""
    files: dict[str, bytes] = {}
    for name in _STORED:
        table = getattr(data, name)
        check(name, table)
        if name in _OPTIONAL and table.empty:
            continue
        if name in _AS_TEXT:
            files[_file(name)] = table.to_csv(index=False, lineterminator="\n").encode()
            continue
        out = io.BytesIO()
        if name in GEO_FRAMES:
            table.to_parquet(out, index=False, compression="zstd")
        else:
            pq.write_table(pa.Table.from_pandas(table, preserve_index=False), out, compression="zstd")
        files[f"{name}.parquet"] = out.getvalue()
    rows = {_file(name): len(getattr(data, name)) for name in _STORED}
    provenance = data.provenance[data.provenance["kind"] != SEAL]
    months = data.months[data.months["postcode"] == data.query.postcode]
    manifest = {
        "format": FORMAT,
        "crimenb": __version__,
        "query": _query_to_json(data.query),
        "provenance": provenance.to_dict("split", index=False)["data"],
        "months": {
            "asked": len(data.query.months),
            "by status": months["status"].value_counts().sort_index().to_dict(),
        },
        "files": {
            name: {"rows": rows[name], "sha256": hashlib.sha256(raw).hexdigest()}
            for name, raw in sorted(files.items())
        },
        "packages": {name: metadata.version(name) for name in PACKAGES},
    }
    text = json.dumps(manifest, indent=1, ensure_ascii=False) + "\n"
    return files | {MANIFEST: text.encode()}


def _unpack(files: Mapping[str, bytes]) -> Data:
    manifest = json.loads(files[MANIFEST])
    tables: dict[str, Any] = {}
    for name in _STORED:
        if name in _OPTIONAL and _file(name) not in files:
            tables[name] = frame(name)
            continue
        raw = io.BytesIO(files[_file(name)])
        if name in _AS_TEXT:
            table = pd.read_csv(raw, dtype="str", keep_default_na=False)
        else:
            stored = _table(name, raw)
            table = stored.to_pandas()
            if name in GEO_FRAMES:
                table["geometry"] = _shapes(name, stored)
        tables[name] = frame(name, table)
    # The manifest holds every file's hash, so its own, shown on the page, names all the data.
    seal = (SEAL, f"data/{MANIFEST}", hashlib.sha256(files[MANIFEST]).hexdigest())
    rows = pd.DataFrame([*manifest["provenance"], seal], columns=list(COLUMNS["provenance"]))
    return Data(
        query=_query_from_json(manifest["query"]),
        provenance=frame("provenance", rows),
        **tables,
    )


def _table(name: str, raw: io.BytesIO) -> pa.Table:
    """Return what a Parquet file holds of a frame's columns; its head says first how many rows."""
    file = pq.ParquetFile(raw)
    rows = sum(file.metadata.row_group(i).num_rows for i in range(file.metadata.num_row_groups))
    if rows > MOST_ROWS:
        msg = (
            f"The file {_file(name)!r} holds {rows:,} rows, more than the limit of "
            f"{MOST_ROWS:,}; no report has so many."
        )
        raise SnapshotError(msg)
    return file.read(columns=[c for c in COLUMNS[name] if c in file.schema_arrow.names])


def _shapes(name: str, stored: pa.Table) -> Any:
    """Return the shapes of a GeoParquet table.

    GeoPandas' own reader parses the coordinate system of each file, which takes longer than all else.
    """
    geometry = (
        json.loads((stored.schema.metadata or {}).get(b"geo", b"{}")).get("columns", {}).get("geometry", {})
    )
    system = (geometry.get("crs") or {}).get("id", {})
    if geometry.get("encoding") != "WKB" or f"{system.get('authority')}:{system.get('code')}" != LONLAT:
        msg = f"The file {_file(name)!r} is not GeoParquet in {LONLAT}; pull the data anew (--refresh)."
        raise SnapshotError(msg)
    return from_wkb(stored["geometry"].to_pylist())


def _file(name: str) -> str:
    return f"{name}.csv" if name in _AS_TEXT else f"{name}.parquet"


def _files(manifest: Mapping[str, Any]) -> list[str]:
    """Return the names of the files beside a manifest."""
    return [_file(n) for n in _STORED if n not in _OPTIONAL or _file(n) in manifest["files"]]


def files_of(folder: Path | str) -> list[str]:
    """Return the names of the files of the snapshot in a folder.

    Raises
    ------
    SnapshotError
        There is no snapshot, or its manifest is damaged.
    """
    return [MANIFEST, *_files(read_manifest(folder))]


def _query_to_json(query: Query) -> dict[str, Any]:
    area = None
    if query.area is not None:
        area = {"name": query.area.name, "geometry": shapely.to_geojson(query.area.geometry)}
        if query.area.drawn:
            area["drawn"] = query.area.drawn
    return {
        "postcode": query.postcode,
        "start": query.start,
        "end": query.end,
        "compare_with": list(query.compare_with),
        "area": area,
        **({"like": True} if query.like else {}),
        **({"stops": True} if query.stops else {}),
    }


def _query_from_json(fields: dict[str, Any]) -> Query:
    area = fields["area"]
    return Query(
        fields["postcode"],
        fields["start"],
        fields["end"],
        tuple(fields["compare_with"]),
        Area(area["name"], shapely.from_geojson(area["geometry"]), area.get("drawn", "")) if area else None,
        fields.get("like", False),
        fields.get("stops", False),
    )


def write(data: Data, folder: Path | str) -> None:
    """Write a snapshot; the folder appears whole or not at all, and files of others in it are kept.

    Raises
    ------
    Busy
        Another run writes it.
    SnapshotError
        The folder cannot be written.
    """
    target = Path(folder)
    try:
        with working(target) as work:
            for name, raw in _pack(data).items():
                (work / name).write_bytes(raw)
            swap(work, target)
    except Busy:
        raise
    except ReportError as error:
        why = getattr(error.__cause__, "strerror", None) or error.__cause__
        msg = f"Cannot write the data into {str(folder)!r}: {why}; choose another folder."
        raise SnapshotError(msg) from error


def read(folder: Path | str, query: Query | None = None) -> Data:
    """Read a snapshot after checking every hash, and that it answers `query`.

    Raises
    ------
    SnapshotError
        A file is missing or changed, or another query was asked.
    """
    root = Path(folder)
    manifest = read_manifest(root)
    files = {MANIFEST: read_regular(root / MANIFEST)}
    for name in _files(manifest):
        try:
            raw = read_regular(root / name)
        except OSError as error:
            msg = f"The snapshot {str(folder)!r} lacks the file {name!r}; pull it anew (--refresh)."
            raise SnapshotError(msg) from error
        if hashlib.sha256(raw).hexdigest() != manifest["files"].get(name, {}).get("sha256"):
            msg = f"{str(root / name)!r} was changed after it was written; pull it anew (--refresh)."
            raise SnapshotError(msg)
        files[name] = raw
    try:
        with bounded_memory():
            data = _unpack(files)
    except SnapshotError:
        raise
    except Exception as error:  # whatever a reader makes of a file that a stranger may have written
        why = " ".join(str(error).split())[:200] or type(error).__name__
        msg = f"The snapshot {str(folder)!r} cannot be read ({why}); pull it anew (--refresh)."
        raise SnapshotError(msg) from error
    if query is not None and not _answers(data.query, query):
        msg = (
            f"The snapshot {str(folder)!r} answers {data.query.slug!r}, not what is asked now; "
            "give another folder or pull it anew (--refresh)."
        )
        raise SnapshotError(msg)
    return data


def read_manifest(folder: Path | str) -> dict[str, Any]:
    """Return a snapshot's manifest.

    Raises
    ------
    SnapshotError
        There is none, or it is of another format.
    """
    path = Path(folder) / MANIFEST
    try:
        manifest = json.loads(read_regular(path))
        stored_format = manifest["format"]
        whole = stored_format != FORMAT or _is_whole(manifest)
    except OSError as error:
        msg = f"{str(folder)!r} holds no snapshot (no {MANIFEST}); name a report's data folder."
        raise SnapshotError(msg) from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        msg = f"{str(path)!r} is damaged; pull the data anew (--refresh)."
        raise SnapshotError(msg) from error
    if stored_format != FORMAT:
        other = repr(stored_format)[:40]
        msg = f"The snapshot {str(folder)!r} has format {other}, not {FORMAT}; pull it anew (--refresh)."
        raise SnapshotError(msg)
    if not whole:
        msg = f"{str(path)!r} is damaged; pull the data anew (--refresh)."
        raise SnapshotError(msg)
    return dict(manifest)


def _is_whole(manifest: Mapping[str, Any]) -> bool:
    """Whether a manifest has the parts that are read of it, each of its kind."""
    query, area = manifest["query"], manifest["query"]["area"]
    texts = [manifest["crimenb"], *(query[k] for k in ("postcode", "start", "end")), *query["compare_with"]]
    texts += [area["name"], area["geometry"], area.get("drawn", "")] if area is not None else []
    texts += [part for row in manifest["provenance"] for part in row]
    return (
        all(isinstance(t, str) for t in texts)
        and all(isinstance(query.get(key, False), bool) for key in ("like", "stops"))
        and all(_MONTH.fullmatch(query[k]) for k in ("start", "end"))
        and len(query["compare_with"]) <= MOST_COMPARED
        and all(len(row) == len(COLUMNS["provenance"]) for row in manifest["provenance"])
        and all(isinstance(file, dict) for file in manifest["files"].values())
    )


def source_of(manifest: Mapping[str, Any]) -> dict[str, str]:
    """Return what the source said of itself when a snapshot was made."""
    return {name: value for kind, name, value in manifest["provenance"] if kind == "source"}


def is_from(manifest: Mapping[str, Any], described: Mapping[str, str]) -> bool:
    """Whether a snapshot was made from the source that describes itself so.

    Of the live services only the release is compared: they are retrieved anew each time.
    """
    stored = source_of(manifest)
    keys = ("name", "release") if described.get("name") == "live" else ("name", "release", "read", "version")
    return all(stored.get(key) == described[key] for key in keys if key in described)


def stored_query(folder: Path | str) -> Query:
    """Return the question that a snapshot answers.

    Raises
    ------
    SnapshotError
        There is no snapshot, or its manifest is damaged.
    """
    try:
        return _query_from_json(read_manifest(folder)["query"])
    except (ValueError, KeyError, TypeError, AttributeError, shapely.errors.ShapelyError) as error:
        msg = f"{str(Path(folder) / MANIFEST)!r} is damaged; pull the data anew (--refresh)."
        raise SnapshotError(msg) from error


def answers(manifest: Mapping[str, Any], query: Query) -> bool:
    """Whether the snapshot of a manifest was made for this query."""
    return _answers(_query_from_json(manifest["query"]), query)


def _answers(stored: Query, asked: Query) -> bool:
    """Whether a settled query is an answer to one whose months may still be open."""
    same_place = replace(stored, start="", end="") == replace(asked, start="", end="")
    return same_place and all(
        m in ("", "latest") or m == s for m, s in ((asked.start, stored.start), (asked.end, stored.end))
    )
