"""Official bulk files (folders or zips) and postcode files -> one archive of Parquet.

Reading is strict: a truncated or foreign file stops the build and the old archive stays as it
was. What is recognised but not used, and every row that cannot be read, is counted by name.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
import shutil
import tempfile
import zipfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING

import duckdb

from crimenb.errors import QueryError, SourceError
from crimenb.files import swap
from crimenb.schema import CATEGORIES, OLD_CATEGORIES, OUTCOME_SPELLINGS
from crimenb.sources import gazetteer as gazetteers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

FORMAT = 1
"""Format of the archive folder; another one is refused with a sentence."""

INVENTORY = "crimenb-archive.json"
NAME = re.compile(r"(\d{4}-\d{2})-([a-z][a-z-]*?)-(street|outcomes|stop-and-search)\.csv")
STREET = (
    "Crime ID,Month,Reported by,Falls within,Longitude,Latitude,Location,LSOA code,LSOA name,"
    "Crime type,Last outcome category,Context"
)
HEADERS = {
    "street": STREET,
    "outcomes": "Crime ID,Month,Reported by,Falls within,Longitude,Latitude,Location,LSOA code,"
    "LSOA name,Outcome type",
    "stop-and-search": "Type,Date,Part of a policing operation,",
}
OLD_STREET = "Month,Reported by,Falls within,Easting,Northing,Location,Crime type,Context"

_SCHEMA = """
CREATE TABLE street (month VARCHAR, force VARCHAR, category VARCHAR, longitude DOUBLE,
    latitude DOUBLE, crime_id VARCHAR, snapped_to VARCHAR, outcome VARCHAR)
"""
_READ = """
SELECT trim("Crime ID") AS crime_id, trim("Month") AS month, trim("Longitude") AS lon,
    trim("Latitude") AS lat, regexp_replace(
      regexp_replace(trim("Location"), '(?i)^on or near *', ''), '''S\\b', '''s', 'g') AS snapped_to,
    coalesce(c.slug, '') AS category, coalesce(o.kept, trim("Last outcome category")) AS outcome
FROM read_csv(?, header = true, delim = ',', quote = '"', escape = '"', auto_detect = false,
    nullstr = '', columns = {columns}, force_not_null = {names}) AS f
LEFT JOIN categories AS c ON c.name = trim(f."Crime type")
LEFT JOIN outcomes AS o ON o.name = trim(f."Last outcome category")
"""
# Great Britain and Northern Ireland with their seas; anything else is a broken coordinate.
_LOCATED = "lon <> '' AND lat <> '' AND NOT (x = 0 AND y = 0)"
_BROKEN = """
CASE WHEN category = '' THEN 'unknown crime type'
     WHEN month <> $month THEN 'another month than the file'
     WHEN (lon = '') <> (lat = '') THEN 'only one coordinate'
     WHEN lon <> '' AND (x IS NULL OR y IS NULL) THEN 'a coordinate that is no number'
     WHEN lon <> '' AND NOT (x = 0 AND y = 0)
          AND (x NOT BETWEEN -9.5 AND 2.5 OR y NOT BETWEEN 49 AND 61.5)
     THEN 'a coordinate outside the United Kingdom'
     ELSE '' END
"""


@dataclass
class Found:
    """One official file, on disk or inside a zip."""

    path: Path
    member: str
    month: str
    force: str
    kind: str

    @property
    def name(self) -> str:
        """The file's own name."""
        return f"{self.month}-{self.force}-{self.kind}.csv"

    @property
    def shown(self) -> str:
        """The file's place, for messages."""
        return f"{self.path}!{self.member}" if self.member else str(self.path)


@dataclass
class Built:
    """What a build read, used and left out; `lines` says it in words."""

    files: list[dict[str, object]] = field(default_factory=list)
    unused: Counter[str] = field(default_factory=Counter)
    rejected: dict[str, dict[str, int]] = field(default_factory=dict)
    superseded: list[str] = field(default_factory=list)
    records: int = 0
    located: int = 0
    gazetteer: dict[str, object] = field(default_factory=dict)
    release: str = ""

    def lines(self) -> Iterator[str]:
        """Yield the report of the build, a line each."""
        used = [f for f in self.files if f["used"]]
        months = sorted({str(f["month"]) for f in used})
        forces = {f["force"] for f in used}
        yield (
            f"{len(used)} street files of {len(forces)} forces, {months[0]} to {months[-1]}: "
            f"{self.records:,} records, {self.located:,} with a location."
        )
        for what, n in sorted(self.unused.items()):
            yield f"Not used: {n} {what}."
        for name in self.superseded:
            yield f"Not used: an earlier copy of {name} with other content."
        for name, reasons in self.rejected.items():
            for reason, n in reasons.items():
                yield f"Not read: {n} rows of {name} ({reason})."
        if self.gazetteer:
            yield f"{self.gazetteer['postcodes']:,} postcodes."
            for what, n in dict(self.gazetteer["refused"]).items():  # type: ignore[call-overload]
                yield f"Refused: {n} postcodes ({what})."


def build_archive(
    sources: Sequence[Path | str],
    into: Path | str,
    *,
    postcodes: Path | str | None = None,
    force_areas: Path | str | None = None,
    memory_limit: str = "2GB",
    progress: Callable[[str], None] = lambda _: None,
) -> Built:
    """Build an archive folder from official bulk data and postcode files.

    Parameters
    ----------
    sources
        Folders or zips of the official download, or single street files.
    into
        The archive's folder; replaced as a whole, at the end, or not at all.
    postcodes
        OS Code-Point Open, ONSPD or NSPL: a CSV, a folder of CSVs or a zip.
    force_areas
        Police force areas (GeoJSON or what GeoPandas reads), with the code of
        the area in some column; coverage is then by area, else by the nearest postcode.
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
        A source does not exist, or `into` holds something else.
    SourceError
        A file is truncated, garbled or foreign.
    """
    target = Path(into)
    if target.exists() and (
        not target.is_dir() or (any(target.iterdir()) and not (target / INVENTORY).is_file())
    ):
        msg = f"{str(into)!r} is not an archive and not empty; give another folder."
        raise QueryError(msg)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    except OSError as error:
        msg = f"Cannot write into {str(target.parent)!r}: {error.strerror}; choose another folder."
        raise QueryError(msg) from error
    try:
        built = _build(sources, work, postcodes, force_areas, memory_limit, progress)
        shutil.rmtree(work / "tmp", ignore_errors=True)
        work.chmod(0o755)
        swap(work, target)
    except OSError as error:
        msg = f"Cannot write the archive into {str(into)!r}: {error.strerror or error}."
        raise SourceError(msg) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return built


def _build(
    sources: Sequence[Path | str],
    work: Path,
    postcodes: Path | str | None,
    force_areas: Path | str | None,
    memory_limit: str,
    progress: Callable[[str], None],
) -> Built:
    built = Built()
    street = list(_choose(_discover([Path(s) for s in sources], built), built))
    if not street:
        msg = "No street file (YYYY-MM-force-street.csv) was found; name folders or zips holding some."
        raise QueryError(msg)
    tmp = work / "tmp"
    tmp.mkdir()
    with duckdb.connect(str(tmp / "work.duckdb")) as db:
        db.execute(f"SET memory_limit='{memory_limit}'; SET threads=2; SET temp_directory='{tmp}'")
        db.execute("SET preserve_insertion_order=true")
        db.execute(_SCHEMA)
        names = {name: slug for slug, name in CATEGORIES.items()} | OLD_CATEGORIES
        for table, column, pairs in (
            ("categories", "slug", names),
            ("outcomes", "kept", OUTCOME_SPELLINGS),
        ):
            db.execute(f"CREATE TABLE {table} (name VARCHAR, {column} VARCHAR)")
            db.executemany(f"INSERT INTO {table} VALUES (?, ?)", [list(p) for p in pairs.items()])
        for item in street:
            progress(item.name)
            _load(db, item, tmp, built)
        progress("sorting")
        _write(db, work, built)
    if postcodes is not None:
        progress("postcodes")
        built.gazetteer = gazetteers.build(Path(postcodes), work / "postcodes.parquet", tmp)
    if force_areas is not None:
        gazetteers.build_force_areas(Path(force_areas), work / "forces.parquet")
    used = [f for f in built.files if f["used"]]
    built.release = max(str(f["month"]) for f in used)
    inventory = {
        "format": FORMAT,
        "built": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "release": built.release,
        "records": built.records,
        "located": built.located,
        "files": built.files,
        "not_used": dict(sorted(built.unused.items())),
        "not_read": built.rejected,
        "gazetteer": built.gazetteer,
    }
    (work / INVENTORY).write_text(json.dumps(inventory, indent=1) + "\n", "utf-8")
    return built


def _discover(sources: Iterable[Path], built: Built) -> Iterator[Found]:
    """Find every official file; count the rest by what it is; refuse a foreign CSV."""
    for source in sources:
        if not source.exists():
            msg = f"{str(source)!r} does not exist; name a folder or zip of police.uk's bulk data."
            raise QueryError(msg)
        paths = sorted(p for p in source.rglob("*") if p.is_file()) if source.is_dir() else [source]
        for path in paths:
            if path.suffix.lower() == ".zip":
                try:
                    with zipfile.ZipFile(path) as archive:
                        members = sorted(n for n in archive.namelist() if not n.endswith("/"))
                except (zipfile.BadZipFile, OSError) as error:
                    msg = f"{str(path)!r} is not a whole zip file ({error}); download it again."
                    raise SourceError(msg) from error
                for member in members:
                    yield from _classify(path, member, built)
            else:
                yield from _classify(path, "", built)


def _classify(path: Path, member: str, built: Built) -> Iterator[Found]:
    name = Path(member or path).name
    match = NAME.fullmatch(name)
    if match and match[3] == "street":
        yield Found(path, member, match[1], match[2], match[3])
    elif match:
        _header(Found(path, member, match[1], match[2], match[3]))
        built.unused[f"{match[3]} files (recognised, not used yet)"] += 1
    elif name.lower().endswith(".csv") and not name.startswith("."):
        msg = (
            f"{str(Path(path) / member)!r} is not an official file (YYYY-MM-force-street.csv); "
            "take it out of the folder or rename it."
        )
        raise SourceError(msg)
    else:
        built.unused[f"other files ({Path(name).suffix or name})"] += 1


def _choose(found: Iterable[Found], built: Built) -> Iterator[Found]:
    """Keep one file a force and month: the last named, as later downloads are revised ones."""
    kept: dict[tuple[str, str], Found] = {}
    for item in found:
        old = kept.pop((item.month, item.force), None)
        if old is not None:
            if _digest(old) == _digest(item):
                built.unused["second copies of a file"] += 1
            else:
                built.superseded.append(old.name)
        kept[item.month, item.force] = item
    for item in sorted(kept.values(), key=lambda f: f.name):
        header = _header(item)
        if header == OLD_STREET:
            built.unused["street files in the eight-column format of 2010 and 2011"] += 1
        else:
            yield item


def _open(item: Found) -> IO[bytes]:
    if not item.member:
        return item.path.open("rb")
    return zipfile.ZipFile(item.path).open(item.member)


def _digest(item: Found) -> str:
    with _open(item) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()  # type: ignore[arg-type]


def _header(item: Found) -> str:
    """Return the header line after checking that it is the official one."""
    try:
        with _open(item) as stream:
            raw = stream.readline(2000)
    except (zipfile.BadZipFile, OSError, EOFError) as error:
        raise SourceError(_damaged(item, str(error))) from error
    header = raw.decode("utf-8", "replace").lstrip("\ufeff").rstrip("\r\n").replace('"', "")
    if not raw:
        raise SourceError(_damaged(item, "it is empty"))
    if not header.startswith(HEADERS[item.kind]) and header != OLD_STREET:
        msg = (
            f"{item.shown!r} is named like a police.uk {item.kind} file but its columns are "
            f"{header[:60]!r}...; take it out."
        )
        raise SourceError(msg)
    return header


def _damaged(item: Found, why: str) -> str:
    return f"{item.shown!r} is not a whole file ({why}); download it again."


def _load(db: duckdb.DuckDBPyConnection, item: Found, tmp: Path, built: Built) -> None:
    """Read one street file into the table, counting what cannot be read."""
    path, sha = item.path, hashlib.sha256()
    copy = tmp / "member.csv"
    last = b""
    try:
        with _open(item) as stream, copy.open("wb") as out:
            while chunk := stream.read(1 << 20):
                sha.update(chunk)
                last = chunk
                if item.member:
                    out.write(chunk)
    except (zipfile.BadZipFile, EOFError) as error:
        raise SourceError(_damaged(item, str(error))) from error
    if item.member:
        path = copy
    if not last.endswith((b"\n", b"\r")):
        raise SourceError(_damaged(item, "its last line is cut off"))
    columns = {name: "VARCHAR" for name in STREET.split(",")}
    sql = _READ.replace("{columns}", repr(columns)).replace("{names}", repr(list(columns)))
    try:
        db.execute(f"CREATE OR REPLACE TEMP TABLE raw AS {sql}", [str(path)])
    except duckdb.Error as error:
        reason = next((ln for ln in str(error).splitlines() if "rror" in ln), "unreadable")
        raise SourceError(_damaged(item, reason.strip()[:120])) from error
    db.execute(
        f"CREATE OR REPLACE TEMP TABLE judged AS SELECT *, {_BROKEN} AS broken FROM "
        "(SELECT *, try_cast(lon AS DOUBLE) AS x, try_cast(lat AS DOUBLE) AS y FROM raw)",
        {"month": item.month},
    )
    bad = db.execute("SELECT broken, count(*) FROM judged WHERE broken <> '' GROUP BY 1 ORDER BY 1")
    if reasons := {str(why): int(n) for why, n in bad.fetchall()}:
        built.rejected[item.name] = reasons
    db.execute(
        f"INSERT INTO street SELECT month, $force, category, CASE WHEN {_LOCATED} THEN x END, "
        f"CASE WHEN {_LOCATED} THEN y END, crime_id, snapped_to, outcome FROM judged "
        "WHERE broken = ''",
        {"force": item.force},
    )
    row = db.execute("SELECT count(*), count(*) FILTER (broken = '') FROM judged").fetchone()
    rows, used = row or (0, 0)
    if not used and rows:
        msg = f"Not one of the {rows:,} rows of {item.shown!r} can be read; take it out."
        raise SourceError(msg)
    built.files.append(
        {
            "name": item.name, "month": item.month, "force": item.force,
            "sha256": sha.hexdigest(), "rows": rows, "used": True, "records": used,
        }
    )  # fmt: skip


def _write(db: duckdb.DuckDBPyConnection, work: Path, built: Built) -> None:
    """Write the located records sorted by grid cell and month, and the counts of all."""
    db.execute(
        "COPY (SELECT * FROM street WHERE longitude IS NOT NULL ORDER BY "
        "floor((latitude - 49) / 0.01)::INT, floor((longitude + 9) / 0.016)::INT, month, "
        "category, longitude, latitude, snapped_to, force, crime_id, outcome) "
        f"TO '{work / 'street.parquet'}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 65536)"
    )
    db.execute(
        "COPY (SELECT force, month, category, count(longitude)::BIGINT AS located, "
        "(count(*) - count(longitude))::BIGINT AS unlocated FROM street GROUP BY ALL "
        "ORDER BY force, month, category) "
        f"TO '{work / 'counts.parquet'}' (FORMAT parquet, COMPRESSION zstd)"
    )
    row = db.execute("SELECT count(*), count(longitude) FROM street").fetchone()
    built.records, built.located = row or (0, 0)
