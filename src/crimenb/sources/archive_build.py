"""Official bulk files (folders or zips) and postcode files -> a new version of an archive, in Parquet.

Reading is strict: a truncated or foreign file stops the build and the archive stays as it was.
What is recognised but not used, and every row that cannot be read, is counted by name.
"""

from __future__ import annotations

import codecs
import contextlib
import csv
import datetime as dt
import hashlib
import io
import json
import shutil
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np

from crimenb.errors import CrimenbError, QueryError, SourceError
from crimenb.files import locked
from crimenb.geo import to_lonlat
from crimenb.plurals import counted
from crimenb.query import parse_month
from crimenb.schema import (
    ASB,
    CATEGORIES,
    OLD_CATEGORIES,
    OUTCOME_SPELLINGS,
    UNDER_INVESTIGATION,
    label_of,
)
from crimenb.sources import candidates, districts, residents
from crimenb.sources import gazetteer as gazetteers
from crimenb.sources.named_areas import FILE as AREAS
from crimenb.sources.official_files import (
    NAME,
    OLD_STREET,
    OUTCOMES_COLUMNS,
    SEARCHES_COLUMNS,
    STREET,
    Finder,
    Found,
    Layout,
    damaged,
    reporting_names,
)  # fmt: skip
from crimenb.sources.releases import known_release, release_of_all
from crimenb.sources.releases_compared import FILE as REVISED
from crimenb.sources.releases_compared import compare, in_words
from crimenb.sources.versions import FORMAT, INVENTORY, STREETS, publish, read_inventory, resolve, sweep

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

OUTCOMES = "outcomes.parquet"
"""Located crimes by force, month and latest outcome: what the rest of a force is known by."""

SEARCHES = "searches.parquet"
"""Searches by the police, those without a place too."""

MOST_NEW = 10
"""A file with more unknown crime types than this has something else in that column."""

_SCHEMA = """
CREATE TABLE street (month VARCHAR, force VARCHAR, category VARCHAR, longitude DOUBLE,
    latitude DOUBLE, crime_id VARCHAR, snapped_to VARCHAR, outcome VARCHAR, decided VARCHAR);
CREATE TABLE decisions (crime_id VARCHAR, month VARCHAR, outcome VARCHAR);
CREATE TABLE searches (month VARCHAR, force VARCHAR, kind VARCHAR, time VARCHAR, operation VARCHAR,
    longitude DOUBLE, latitude DOUBLE, gender VARCHAR, age_range VARCHAR, self_defined VARCHAR,
    officer_defined VARCHAR, power VARCHAR, object VARCHAR, outcome VARCHAR, linked VARCHAR, clothing VARCHAR)
"""
_READ = """
SELECT trim("crime id") AS crime_id, trim("month") AS month, trim("longitude") AS lon,
    trim("latitude") AS lat, regexp_replace(
      regexp_replace(trim("location"), '(?i)^on or near *', ''), '''S\\b', '''s', 'g') AS snapped_to,
    coalesce(c.slug, CASE WHEN regexp_full_match(trim("crime type"), '[A-Za-z][A-Za-z ,&/()''-]{2,59}')
      THEN trim(regexp_replace(lower("crime type"), '[^a-z]+', '-', 'g'), '-') ELSE '' END) AS category,
    coalesce(o.kept, trim("last outcome category")) AS outcome,
    trim("reported by") AS reported_by, coalesce(r.force, '') AS reporting
FROM read_csv($path, header = true, delim = $delim, skip = $skip, quote = '"', escape = '"',
    auto_detect = false, nullstr = '', columns = $columns, force_not_null = $names,
    store_rejects = true, rejects_limit = 0, rejects_table = 'rejects', rejects_scan = 'rejects_scan') AS f
LEFT JOIN categories AS c ON c.name = lower(trim(f."crime type"))
LEFT JOIN outcomes AS o ON o.name = trim(f."last outcome category")
LEFT JOIN reporting AS r ON r.name = replace(lower(trim(f."reported by")), '&', 'and')
"""
_READ_OLD = (
    _READ.replace('trim("crime id")', "''").replace('"longitude"', '"easting"').replace('"latitude"', '"northing"')
    .replace('coalesce(o.kept, trim("last outcome category"))', "''")
    .replace('LEFT JOIN outcomes AS o ON o.name = trim(f."last outcome category")\n', "")
)  # fmt: skip
# Great Britain and Northern Ireland with their seas; anything else is a broken coordinate.
_LOCATED = "lon <> '' AND lat <> '' AND NOT (x = 0 AND y = 0)"
_BROKEN = """
CASE WHEN regexp_matches(month, '^[A-Za-z]{3}-[0-9]{2}$|/')
     THEN 'Month reads ''' || month || '''; Excel changed it'
     WHEN month <> $month THEN 'another month than the file'
     WHEN reporting NOT IN ('', $force) THEN 'reported by ' || reported_by
     WHEN category = '' THEN 'no readable crime type'
"""
_MISPLACED = """
     WHEN (lon = '') <> (lat = '') THEN 'only one coordinate'
     WHEN lon <> '' AND (x IS NULL OR y IS NULL) THEN 'a coordinate that is no number'
     WHEN lon <> '' AND NOT (x = 0 AND y = 0)
          AND (x NOT BETWEEN -9.5 AND 2.5 OR y NOT BETWEEN 49 AND 61.5)
     THEN 'a coordinate outside the United Kingdom'
     ELSE '' END
"""
_BROKEN += _MISPLACED


_READ_OUTCOMES = """
SELECT trim("crime id") AS crime_id, trim("month") AS month,
    coalesce(o.kept, trim("outcome type")) AS outcome
FROM read_csv($path, header = true, delim = $delim, skip = $skip, quote = '"', escape = '"',
    auto_detect = false, nullstr = '', columns = $columns, force_not_null = $names,
    store_rejects = true, rejects_limit = 0, rejects_table = 'rejects', rejects_scan = 'rejects_scan') AS f
LEFT JOIN outcomes AS o ON o.name = trim(f."outcome type")
"""
_BROKEN_OUTCOME = """
CASE WHEN crime_id = '' THEN 'no crime ID'
     WHEN month <> $month THEN 'another month than the file'
     WHEN NOT regexp_full_match(outcome, '[A-Za-z][A-Za-z ,;&/()''-]{2,99}') THEN 'no readable outcome'
     ELSE '' END
"""
# An outcome ends an investigation that is open in the street file; of any other the street file knows what came later.
_DECIDE = """
UPDATE street SET decided = d.first,
    outcome = CASE WHEN street.outcome IN ('', $open) THEN d.outcome ELSE street.outcome END
FROM (SELECT crime_id, min(month) AS first, arg_max(outcome, month) AS outcome FROM decisions GROUP BY 1) AS d
WHERE street.crime_id = d.crime_id AND street.crime_id <> ''
"""


_YES = "CASE lower(trim({})) WHEN 'true' THEN 'yes' WHEN 'false' THEN 'no' ELSE '' END"
_READ_SEARCHES = f"""
SELECT trim("type") AS kind, trim("date") AS time, {_YES.format('"part of a policing operation"')} AS operation,
    trim("longitude") AS lon, trim("latitude") AS lat, trim("gender") AS gender, trim("age range") AS age_range,
    trim("self-defined ethnicity") AS self_defined, trim("officer-defined ethnicity") AS officer_defined,
    trim("legislation") AS power, trim("object of search") AS object, trim("outcome") AS outcome,
    {_YES.format('"outcome linked to object of search"')} AS linked,
    {_YES.format('"removal of more than just outer clothing"')} AS clothing
FROM read_csv($path, header = true, delim = $delim, skip = $skip, quote = '"', escape = '"',
    auto_detect = false, nullstr = '', columns = $columns, force_not_null = $names,
    store_rejects = true, rejects_limit = 0, rejects_table = 'rejects', rejects_scan = 'rejects_scan')
"""
# A month follows the clock of the United Kingdom, up to an hour from UTC.
_BROKEN_SEARCH = f"""
CASE WHEN NOT regexp_full_match(kind, '[A-Za-z][A-Za-z ]{{2,59}}') THEN 'no readable type of search'
     WHEN NOT regexp_full_match(time, '[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T[0-9:.]{{5,16}}([+-][0-9]{{2}}:?[0-9]{{2}}|Z)?')
          OR try_cast(time AS TIMESTAMP) IS NULL THEN 'no readable time'
     WHEN $month NOT IN (strftime(try_cast(time AS TIMESTAMP), '%Y-%m'),
          strftime(try_cast(time AS TIMESTAMP) + INTERVAL 1 HOUR, '%Y-%m')) THEN 'another month than the file'
{_MISPLACED}"""


@dataclass
class Built:
    """What a build read, used and left out; `lines` says it in words."""

    files: list[dict[str, Any]] = field(default_factory=list)
    unused: Counter[str] = field(default_factory=Counter)
    rejected: dict[str, dict[str, int]] = field(default_factory=dict)
    outcome_files: list[dict[str, Any]] = field(default_factory=list)
    search_files: list[dict[str, Any]] = field(default_factory=list)
    superseded: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    new_categories: dict[str, int] = field(default_factory=dict)
    records: int = 0
    located: int = 0
    gazetteer: dict[str, Any] = field(default_factory=dict)
    areas: dict[str, Any] = field(default_factory=dict)
    candidates: int = 0
    since: dict[str, Any] = field(default_factory=dict)
    release: str = ""
    version: str = ""

    def lines(self) -> Iterator[str]:
        """Yield the report of the build, a line each."""
        months = sorted({str(f["month"]) for f in self.files})
        forces = {f["force"] for f in self.files}
        yield (
            f"{counted(len(self.files), 'street file')} of {counted(len(forces), 'force')}, {months[0]} to "
            f"{months[-1]}: {counted(self.records, 'record')}, {self.located:,} with a location."
        )
        if self.outcome_files:
            months = sorted({str(f["month"]) for f in self.outcome_files})
            rows = sum(f["rows"] for f in self.outcome_files)
            yield (
                f"{counted(len(self.outcome_files), 'outcomes file')}, {months[0]} to {months[-1]}: "
                f"{counted(rows, 'outcome')}."
            )
        yield from self._of_searches()
        if self.since:
            yield in_words(self.since)
        for what, n in sorted(self.unused.items()):
            yield f"Not used: {what}: {n:,}."
        for text in (*self.superseded, *self.notes):
            yield f"{text}."
        for name, reasons in self.rejected.items():
            for reason, n in reasons.items():
                yield f"Not read: {counted(n, 'row')} of {name} ({reason})."
        for slug, n in self.new_categories.items():
            yield f"A category new to this version, counted as crime: {label_of(slug)} ({counted(n, 'record')})."
        if self.gazetteer:
            yield f"{counted(self.gazetteer['postcodes'], 'postcode')}."
            for what, n in self.gazetteer["refused"].items():
                yield f"Refused: {counted(n, 'postcode')} ({what})."

    def _of_searches(self) -> Iterator[str]:
        if not self.search_files:
            return
        months = sorted({str(f["month"]) for f in self.search_files})
        records, unplaced, twice = (
            sum(f[k] for f in self.search_files) for k in ("records", "unplaced", "twice")
        )
        yield (
            f"{counted(len(self.search_files), 'stop-and-search file')}, {months[0]} to {months[-1]}: "
            f"{counted(records, 'search', 'searches')}, {unplaced:,} without a location; {twice:,} are identical "
            "to another, and kept."
        )


def build_archive(
    sources: Sequence[Path | str],
    into: Path | str,
    *,
    postcodes: Path | str | Sequence[Path | str] | None = None,
    force_areas: Path | str | None = None,
    add: bool = False,
    release: str = "",
    memory_limit: str = "2GB",
    progress: Callable[[str], None] = lambda _: None,
) -> Built:
    """Build a version of an archive from official bulk data and postcode files.

    Parameters
    ----------
    sources
        Folders or zips of the official download, or single street files.
    into
        The archive's folder. What it names is replaced at the end, or not at all; who reads the
        version before goes on reading it.
    postcodes
        OS Code-Point Open, ONSPD or NSPL: a CSV, a folder of CSVs or a zip, or several of them.
    force_areas
        Police force areas (GeoJSON, KML or what GeoPandas reads), with the code or name of
        the area in some column; coverage is then by area, else by the nearest postcode.
    add
        Keep what the archive holds of other forces and months, and its postcodes and force areas
        where no new ones are given. Its outlines, streets and residents are kept in any case.
    release
        Month of the release the files are of (`YYYY-MM`), if it is known; of folders that `crimenb fetch`
        made, and of zips with their official names (`2025-12.zip`), it is known.
    memory_limit
        DuckDB's bound; larger data spills to disk beside the archive.
    progress
        Called with a word on what is being read.

    Returns
    -------
    Built
        What was read, used and left out.

    Raises
    ------
    QueryError
        A source does not exist, `release` is no month, or `into` holds something else.
    SourceError
        A file is truncated, garbled or foreign.
    Busy
        Another build writes into the same folder.
    """
    target = Path(into)
    if target.exists() and (
        not target.is_dir()
        or (any(not p.name.startswith(".") for p in target.iterdir()) and not (target / INVENTORY).is_file())
    ):
        msg = f"{str(into)!r} is not an archive and not empty; give another folder."
        raise QueryError(msg)
    release = parse_month(release) if release else ""
    known = release_of_all(map(Path, sources))
    lacks = known.lacks if known is not None and known.release == (release or known.release) else []
    if postcodes is None or isinstance(postcodes, Path | str):
        postcodes = [] if postcodes is None else [postcodes]
    base = _base(target) if add else None
    before = base or _readable(target)
    new = not target.exists()
    work = None
    try:
        target.mkdir(parents=True, exist_ok=True)
        with locked(target.parent / f".{target.name}.lock"):
            sweep(target)
            work = Path(tempfile.mkdtemp(prefix=".new.", dir=target))
            build = _Build(work, before, memory_limit, progress, release, lacks, add=base is not None)
            build.keep_layers()
            built = build.run(list(map(Path, sources)), list(map(Path, postcodes)), force_areas)
            shutil.rmtree(work / "tmp", ignore_errors=True)
            work.chmod(0o755)
            publish(work, target, built.version)
    except duckdb.Error as error:
        raise SourceError(_of_the_database(str(into), error)) from error
    except OSError as error:
        if isinstance(error, CrimenbError):
            raise
        msg = f"Cannot write the archive into {str(into)!r}: {error.strerror or error}."
        raise SourceError(msg) from error
    finally:
        if work is not None:
            shutil.rmtree(work, ignore_errors=True)
        if new:
            with contextlib.suppress(OSError):
                target.rmdir()
    return built


def _base(target: Path) -> Path | None:
    """Return the version that is added to, None where there is no archive yet."""
    if not (target / INVENTORY).is_file():
        return None
    version = resolve(target)
    if (found := read_inventory(version)["format"]) != FORMAT:
        msg = (
            f"The archive {str(target)!r} has format {found!r}, this version adds to {FORMAT}; build it anew."
        )
        raise SourceError(msg)
    return version


def _readable(target: Path) -> Path | None:
    """Return the version that an archive has, None where there is none or it cannot be read."""
    try:
        return _base(target)
    except (CrimenbError, OSError):
        return None


def _of_the_database(into: str, error: duckdb.Error) -> str:
    first = str(error).splitlines()[0]
    if isinstance(error, duckdb.OutOfMemoryException):
        return (
            f"The archive {into!r} needs more room ({first}); give a larger --memory-limit or free some disk."
        )
    return f"Cannot write the archive into {into!r}: {first}"


class _Build:
    """One build: its folder, its database, and what it found."""

    def __init__(
        self,
        work: Path,
        before: Path | None,
        memory_limit: str,
        progress: Callable[[str], None],
        release: str,
        lacks: Sequence[str],
        *,
        add: bool,
    ) -> None:
        self.layers: dict[str, Any] = {}
        self.work, self.progress, self.built, self.release, self.lacks = (
            work,
            progress,
            Built(),
            release,
            lacks,
        )
        self.before, self.add = before, add
        self.old = read_inventory(before) if before is not None else {}
        self.tmp = work / "tmp"
        self.tmp.mkdir()
        try:
            self.db = duckdb.connect(
                str(self.tmp / "work.duckdb"),
                config={"memory_limit": memory_limit, "threads": 2, "temp_directory": str(self.tmp)},
            )
        except duckdb.Error as error:
            if isinstance(error, duckdb.IOException):
                raise
            msg = f"The memory limit {memory_limit!r} is not a size such as '2GB'."
            raise QueryError(msg) from error

    def run(self, sources: list[Path], postcodes: list[Path], force_areas: Path | str | None) -> Built:
        """Read everything and write the version's files."""
        built, work = self.built, self.work
        with self.db, contextlib.closing(Finder(self.tmp)) as finder:
            found = finder.files(sources)
            if not found["street"]:
                there = "".join(f"; not used: {what}: {n:,}" for what, n in sorted(finder.unused.items()))
                msg = f"No street file (YYYY-MM-force-street.csv) was found{there}; name folders or zips holding some."
                raise QueryError(msg)
            built.unused, built.superseded = finder.unused, finder.superseded
            self._prepare()
            for load, kind in (
                (self._load, "street"), (self._load_outcomes, "outcomes"), (self._load_searches, "stop-and-search"),
            ):  # fmt: skip
                for item in found[kind]:
                    self.progress(item.name)
                    load(finder, item)
            self._refuse_twins()
            self._carry_over()
            if postcodes:
                self.progress("postcodes")
                built.gazetteer = gazetteers.build(postcodes, work / "postcodes.parquet", self.tmp, self.db)
            if force_areas is not None:
                gazetteers.build_force_areas(Path(force_areas), work / "forces.parquet", self.tmp)
            self.progress("sorting")
            self._count_own()
            self._settle_releases()
            self._write()
            if (work / residents.FILE).is_file() and (work / "postcodes.parquet").is_file():
                districts.count(self.db, work, districts.postcodes(self.db, work))
            complete = bool(built.gazetteer.get("complete"))
            built.candidates = candidates.write(self.db, work, complete=complete)
            built.since = since = self._since()
        for listed in (built.files, built.outcome_files, built.search_files):
            listed.sort(key=lambda f: str(f["name"]))
        built.rejected = dict(sorted(built.rejected.items()))
        inventory = {
            "format": FORMAT,
            "release": built.release,
            "records": built.records,
            "located": built.located,
            "files": built.files,
            "not_used": dict(sorted(built.unused.items())),
            "not_read": built.rejected,
            "new_categories": built.new_categories,
            **({"since": since} if since else {}),
            **({"outcome_files": built.outcome_files} if built.outcome_files else {}),
            **({"search_files": built.search_files} if built.search_files else {}),
            "gazetteer": built.gazetteer,
            "candidates": built.candidates,
            **({"areas": built.areas} if built.areas else {}),
            **self.layers,
        }
        if lacks := self._lacking("street", built.files):
            inventory["lacks"] = lacks
        if built.search_files and (lacks := self._lacking("stop-and-search", built.files)):
            inventory["lacks_searches"] = lacks
        built.version = content_id(inventory, work)
        inventory = {"version_id": built.version, "built": now()} | inventory
        (work / INVENTORY).write_text(json.dumps(inventory, indent=1) + "\n", "utf-8")
        return built

    def _release_of(self, item: Found) -> str:
        """Return the release that a file is of: the one given, else that of its folder or zip; "" if unknown."""
        if self.release:
            return self.release
        known = known_release(Path(item.release))
        return known.release if known else ""

    def _settle_releases(self) -> None:
        """Say of each file its release where there are several; the archive's is the newest, if all are known."""
        releases = {str(f.get("release", "")) for f in self.built.files}
        self.built.release = max(releases) if all(releases) else ""
        if len(releases) == 1 or "" in releases:
            for file in self.built.files:
                file.pop("release", None)

    def _since(self) -> dict[str, Any]:
        """Work out what this release changed of the one that the version before is of; empty where none is known."""
        if self.before is None or not self.built.release or not self.old["release"]:
            return {}
        if self.built.release > self.old["release"]:
            self.progress("what the release changed")
            return compare(self.db, self.before, self.old, self.built.files, self.work)
        if self.built.release == self.old["release"] and "since" in self.old:
            self._copy_from_before(REVISED)
            return dict(self.old["since"])
        return {}

    def _lacking(self, kind: str, files: list[dict[str, Any]]) -> list[str]:
        """Return the files of a kind, of the forces and months held, that the release does not hold."""
        months, held = {f["month"] for f in files}, {f["force"] for f in files}
        matches = [m for m in map(NAME.fullmatch, self.lacks) if m and m[3] == kind]
        return sorted(m[0] for m in matches if m[1] in months and m[2] in held)

    def _prepare(self) -> None:
        self.db.execute("SET preserve_insertion_order=true")
        self.db.execute(_SCHEMA)
        names = {name.lower(): slug for slug, name in CATEGORIES.items()}
        names |= {name.lower(): slug for name, slug in OLD_CATEGORIES.items()}
        for table, column, pairs in (
            ("categories", "slug", names),
            ("outcomes", "kept", OUTCOME_SPELLINGS),
            ("reporting", "force", reporting_names()),
        ):
            self.db.execute(f"CREATE TABLE {table} (name VARCHAR, {column} VARCHAR)")
            self.db.executemany(f"INSERT INTO {table} VALUES (?, ?)", [list(p) for p in pairs.items()])

    def _read(self, finder: Finder, item: Found, sql: str, known: str) -> tuple[_Copy, Layout]:
        """Read a file as text into the table `raw`, what cannot be read into `rejects`."""
        layout = finder.layout(item)
        copy = self._copied(finder, item, layout)
        names = [c.lower() or f"unnamed {i}" for i, c in enumerate(layout.columns)]
        for extra in sorted(set(names) - {c.lower() for c in known.split(",")}):
            self.built.notes.append(f"{item.name} has a further column {extra!r}, which was passed over")
        for table in ("rejects", "rejects_scan"):
            self.db.execute(f"DROP TABLE IF EXISTS {table}")
        values = {"path": str(copy.path), "delim": layout.delimiter, "skip": layout.skip,
                  "columns": dict.fromkeys(names, "VARCHAR"), "names": names}  # fmt: skip
        try:
            self.db.execute(f"CREATE OR REPLACE TEMP TABLE raw AS {sql}", values)
        except duckdb.IOException:
            raise
        except duckdb.Error as error:
            reason = next((ln for ln in str(error).splitlines() if "rror" in ln), "unreadable")
            raise SourceError(damaged(item, reason.strip()[:120])) from error
        return copy, layout

    def _load_outcomes(self, finder: Finder, item: Found) -> None:
        """Read one outcomes file into the table of decisions, counting what cannot be read."""
        copy, _ = self._read(finder, item, _READ_OUTCOMES, OUTCOMES_COLUMNS)
        self.db.execute(
            f"CREATE OR REPLACE TEMP TABLE judged AS SELECT *, {_BROKEN_OUTCOME} AS broken FROM raw",
            {"month": item.month},
        )
        lost, rows = self._lost(item, copy.lines)
        self.db.execute("INSERT INTO decisions SELECT crime_id, month, outcome FROM judged WHERE broken = ''")
        if lost:
            self.built.rejected[item.name] = lost
        self.built.outcome_files.append(
            {"name": item.name, "month": item.month, "force": item.force, "sha256": copy.sha256, "rows": rows}
        )

    def _load_searches(self, finder: Finder, item: Found) -> None:
        """Read one stop-and-search file into the table of searches, copies and those without a place too."""
        copy, layout = self._read(finder, item, _READ_SEARCHES, SEARCHES_COLUMNS)
        self._judge(_BROKEN_SEARCH, layout, {"month": item.month})
        lost, rows = self._lost(item, copy.lines)
        self.db.execute(
            f"INSERT INTO searches BY NAME SELECT $month AS month, $force AS force, "
            f"* EXCLUDE (lon, lat, x, y, broken), "
            f"CASE WHEN {_LOCATED} THEN x END AS longitude, CASE WHEN {_LOCATED} THEN y END AS latitude "
            "FROM judged WHERE broken = ''",
            {"month": item.month, "force": item.force},
        )
        own = "FROM searches WHERE month = $month AND force = $force"
        counts = self.db.execute(
            "SELECT count(*), count(*) - count(longitude), "
            f"count(*) - (SELECT count(*) FROM (SELECT DISTINCT * {own})) {own}",
            {"month": item.month, "force": item.force},
        ).fetchone()
        records, unplaced, twice = map(int, counts or (0, 0, 0))
        if lost:
            self.built.rejected[item.name] = lost
        self.built.search_files.append(
            {
                "name": item.name, "month": item.month, "force": item.force, "sha256": copy.sha256, "rows": rows,
                "records": records, "unplaced": unplaced, "twice": twice,
            }
        )  # fmt: skip

    def _judge(self, broken: str, layout: Layout, values: dict[str, str]) -> None:
        """Make the table `judged` of `raw`: coordinates as numbers, and what is wrong with a row."""
        comma = layout.delimiter == ";"  # where Excel writes so, it writes decimal commas too
        number = "try_cast(replace({0}, ',', '.') AS DOUBLE)" if comma else "try_cast({0} AS DOUBLE)"
        self.db.execute(
            f"CREATE OR REPLACE TEMP TABLE judged AS SELECT *, {broken} AS broken FROM "
            f"(SELECT *, {number.format('lon')} AS x, {number.format('lat')} AS y FROM raw)",
            values,
        )

    def _load(self, finder: Finder, item: Found) -> None:
        """Read one street file into the table, counting what cannot be read."""
        is_old = finder.layout(item).is_old
        copy, layout = self._read(
            finder, item, _READ_OLD if is_old else _READ, OLD_STREET if is_old else STREET
        )
        if is_old:
            self._to_degrees()
        self._judge(_BROKEN, layout, {"month": item.month, "force": item.force})
        self._check_categories(item)
        lost, rows = self._lost(item, copy.lines)
        self.db.execute(
            f"INSERT INTO street SELECT month, $force, category, CASE WHEN {_LOCATED} THEN x END, "
            f"CASE WHEN {_LOCATED} THEN y END, crime_id, snapped_to, outcome, '' FROM judged "
            "WHERE broken = ''",
            {"force": item.force},
        )
        if lost:
            self.built.rejected[item.name] = lost
        self.built.files.append(
            {
                "name": item.name, "month": item.month, "force": item.force, "sha256": copy.sha256,
                "rows": rows, "records": rows - sum(lost.values()), "release": self._release_of(item),
            }
        )  # fmt: skip

    def _to_degrees(self) -> None:
        """Write the eastings and northings of an old file as longitudes and latitudes; 0, 0 stays nowhere."""
        metres = self.db.execute(
            "SELECT DISTINCT lon, lat, try_cast(lon AS DOUBLE) AS x, try_cast(lat AS DOUBLE) AS y FROM raw "
            "WHERE x <> 0 AND y <> 0"
        ).df()
        lon, lat = to_lonlat(metres["x"], metres["y"])
        known = metres.assign(east=np.round(lon, 6).astype(str), north=np.round(lat, 6).astype(str))
        self.db.register("known", known)
        self.db.execute(
            "UPDATE raw SET lon = east, lat = north FROM known WHERE raw.lon = known.lon AND raw.lat = known.lat"
        )
        self.db.unregister("known")

    def _copied(self, finder: Finder, item: Found, layout: Layout) -> _Copy:
        """Hash a file; copy it where it is in a zip, and rewrite it where DuckDB would not read it."""
        sha, lines, ends, last, whole = hashlib.sha256(), 0, 0, b"", True
        decoder = codecs.getincrementaldecoder("utf-8")()
        copy = self.tmp / "file.csv"
        with copy.open("wb") as out:
            for chunk in finder.chunks(item):
                sha.update(chunk)
                lines, ends = lines + chunk.count(b"\n"), ends + chunk.count(b"\r\n")
                last = (last + chunk)[-65536:]
                if whole and layout.encoding != "utf-16":
                    try:
                        decoder.decode(chunk)
                    except UnicodeDecodeError:
                        whole = False
                if item.member is not None:
                    out.write(chunk)
        encoding = "utf-16" if layout.encoding == "utf-16" else "utf-8" if whole else "cp1252"
        if encoding != "utf-8":
            self.built.notes.append(f"{item.name} is not in UTF-8; it was read as {encoding}")
        rewritten = encoding != "utf-8" or 0 < ends < lines  # lines that end in two ways
        if rewritten:
            reader = io.IncrementalNewlineDecoder(
                codecs.getincrementaldecoder(encoding)("replace"), translate=True
            )
            with copy.open("wb") as out:
                for chunk in finder.chunks(item):
                    out.write(reader.decode(chunk).encode())
        path = copy if rewritten or item.member is not None else item.path
        text = "" if encoding == "utf-16" else last.decode(encoding, "replace")
        tail = [line for line in text.splitlines() if line.strip()][-1:]
        fields = next(csv.reader(tail, delimiter=layout.delimiter), layout.columns)
        if len(fields) < len(layout.columns):
            raise SourceError(damaged(item, "its last line is cut off"))
        return _Copy(path, sha.hexdigest(), lines + (not last.endswith(b"\n")) - 1 - layout.skip)

    def _check_categories(self, item: Found) -> None:
        """Count categories that this version does not know; too many of them are none."""
        known = [*CATEGORIES]
        new = "broken = '' AND NOT list_contains($known, category)"
        rows = self.db.execute(
            f"SELECT category, count(*) FROM judged WHERE {new} GROUP BY 1 ORDER BY 1", {"known": known}
        ).fetchall()
        if len(rows) > MOST_NEW:
            sql = f"UPDATE judged SET broken = 'no readable crime type' WHERE {new}"
            self.db.execute(sql, {"known": known})

    def _lost(self, item: Found, lines: int) -> tuple[dict[str, int], int]:
        """Return the rows of a file that cannot be used, by reason, and how many it has."""
        bad = self.db.execute("SELECT broken, count(*) FROM judged WHERE broken <> '' GROUP BY 1 ORDER BY 1")
        lost = {str(why): int(n) for why, n in bad.fetchall()}
        (read,) = self.db.execute("SELECT count(*) FROM judged").fetchone() or (0,)
        (torn,) = self.db.execute("SELECT count(DISTINCT line) FROM rejects").fetchone() or (0,)
        if torn:
            lost["a damaged line"] = max(torn, lines - read)
        rows = read + lost.get("a damaged line", 0)
        if not rows and lines > 0:
            raise SourceError(damaged(item, "none of its lines can be told apart"))
        other = sum(n for why, n in lost.items() if why.startswith("reported by "))
        if rows and other > rows / 2:
            who = next(why for why in lost if why.startswith("reported by "))
            msg = f"{item.shown!r} is named for {item.force!r}, but its records are {who}; take it out."
            raise SourceError(msg)
        if rows and sum(lost.values()) == rows:
            msg = f"Not one of the {rows:,} rows of {item.shown!r} can be read ({', '.join(lost)}); "
            raise SourceError(msg + "download it again.")
        return lost, rows

    def _refuse_twins(self) -> None:
        """Refuse the same bytes under the names of two forces or months."""
        first: dict[str, str] = {}
        for file in self.built.files:
            other = first.setdefault(file["sha256"], file["name"])
            if other != file["name"] and file["rows"]:
                msg = f"{other!r} and {file['name']!r} hold the same bytes; take out the one that is wrong."
                raise SourceError(msg)

    def _carry_over(self) -> None:
        """Take from the version added to what the new files do not replace, and count by outcome."""
        self.db.execute("CREATE TEMP TABLE counts AS SELECT force, month, category, "
                        "count(longitude)::BIGINT AS located, "
                        "(count(*) - count(longitude))::BIGINT AS unlocated FROM street GROUP BY ALL")  # fmt: skip
        if self.add and self.before is not None:
            self._carry_over_from(self.before)
        self.db.execute(_DECIDE, {"open": UNDER_INVESTIGATION})
        self.db.execute(
            "CREATE TEMP TABLE latest AS SELECT force, month, outcome, count(*)::BIGINT AS located FROM street "
            "WHERE longitude IS NOT NULL AND category <> ? GROUP BY ALL",
            [ASB],
        )

    def _carry_over_from(self, base: Path) -> None:
        old = self.old
        new = {f["name"] for f in (*self.built.files, *self.built.outcome_files, *self.built.search_files)}
        kept = [f for f in old["files"] if f["name"] not in new]
        for file in kept:
            file.setdefault("release", old["release"])
        decided = [f for f in old.get("outcome_files", []) if f["name"] not in new]
        searches = [f for f in old.get("search_files", []) if f["name"] not in new]
        self.built.files += kept
        self.built.outcome_files += decided
        self.built.search_files += searches
        names = {f["name"] for f in (*kept, *decided, *searches)}
        self.built.rejected |= {n: r for n, r in old["not_read"].items() if n in names}
        self.built.gazetteer = old["gazetteer"]
        for table, listed in (("street", kept), ("counts", kept), ("searches", searches)):
            if listed:
                self.db.execute(
                    f"INSERT INTO {table} BY NAME SELECT * FROM read_parquet(?) "
                    "WHERE list_contains(?, month || '-' || force)",
                    [str(base / f"{table}.parquet"), [f"{f['month']}-{f['force']}" for f in listed]],
                )
        self._copy_from_before("postcodes.parquet", "forces.parquet")

    def keep_layers(self) -> None:
        """Keep outlines, streets and residents of the version before: commands of their own replace them."""
        self.built.areas = self.old.get("areas", {})
        self.layers = {
            key: self.old[key] for key in ("streets", "residents", "rural_urban") if key in self.old
        }
        self._copy_from_before(AREAS, STREETS, residents.FILE, residents.TOTALS, residents.CLASSES)

    def _copy_from_before(self, *names: str) -> None:
        """Copy those files of the version before that are there."""
        if self.before is None:
            return
        for name in names:
            if (self.before / name).is_file():
                shutil.copyfile(self.before / name, self.work / name)

    def _count_own(self) -> None:
        """Count for each file its records in its force's own area: the evidence of supply."""
        own = gazetteers.own_records(self.db, self.work)
        for file in self.built.files:
            counts = own.get(file["force"])
            file["own"] = -1 if counts is None else counts.get(file["month"], 0)

    def _write(self) -> None:
        """Write the located records sorted by grid cell and month, and the counts of all."""
        kept = (
            "REPLACE (coalesce(decided, '') AS decided)" if self.built.outcome_files else "EXCLUDE (decided)"
        )
        self.db.execute(
            f"COPY (SELECT * {kept} FROM street WHERE longitude IS NOT NULL ORDER BY "
            "floor((latitude - 49) / 0.01)::INT, floor((longitude + 9) / 0.016)::INT, month, "
            "category, longitude, latitude, snapped_to, force, crime_id, outcome, decided) "
            "TO $path (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 65536)",
            {"path": str(self.work / "street.parquet")},
        )
        self.db.execute(
            "COPY (SELECT force, month, category, located, unlocated FROM counts "
            "ORDER BY force, month, category) TO $path (FORMAT parquet, COMPRESSION zstd)",
            {"path": str(self.work / "counts.parquet")},
        )
        self.db.execute(
            "COPY (SELECT * FROM latest ORDER BY force, month, outcome) TO $path "
            "(FORMAT parquet, COMPRESSION zstd)",
            {"path": str(self.work / OUTCOMES)},
        )
        if self.built.search_files:
            self.db.execute(
                "COPY (SELECT * FROM searches ORDER BY floor((latitude - 49) / 0.01)::INT, "
                "floor((longitude + 9) / 0.016)::INT, month, time, COLUMNS(*)) TO $path "
                "(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 65536)",
                {"path": str(self.work / SEARCHES)},
            )
        row = self.db.execute("SELECT sum(located + unlocated), sum(located) FROM counts").fetchone()
        self.built.records, self.built.located = (int(n or 0) for n in row or (0, 0))
        new = self.db.execute(
            "SELECT category, sum(located + unlocated)::BIGINT FROM counts "
            "WHERE NOT list_contains(?, category) GROUP BY 1 ORDER BY 1",
            [[*CATEGORIES]],
        )
        self.built.new_categories = {str(slug): int(n) for slug, n in new.fetchall()}


@dataclass
class _Copy:
    """A file as it is read: where, its hash, and how many lines of records it has."""

    path: Path
    sha256: str
    lines: int


def now() -> str:
    """Return the time that a version is marked with."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")


def content_id(inventory: dict[str, Any], work: Path) -> str:
    """Return what names a version: the same content, the same name."""
    sha = hashlib.sha256(json.dumps(inventory, sort_keys=True).encode())
    for file in sorted(work.glob("*.parquet")):
        with file.open("rb") as stream:
            sha.update(hashlib.file_digest(stream, "sha256").digest())
    return sha.hexdigest()[:16]
