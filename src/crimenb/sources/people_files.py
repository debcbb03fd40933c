"""Official files of residents, households and jobs by small area; each is known by its columns, whatever it is called.

Nomis writes the same numbers in four ways: its files by postcode and of the workplace population, whole tables
of the census, answers of its service, and downloads of its pages with a title above and notes below.
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
import pyarrow
import pyarrow.compute
import pyarrow.csv
import shapely

from crimenb.errors import QueryError, SourceError
from crimenb.files import regular
from crimenb.geo import LONLAT, METRES, to_lonlat
from crimenb.plurals import counted
from crimenb.sources import outlines, zips
from crimenb.sources.clean_text import tidy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

RESIDENTS, HOUSEHOLDS, JOBS, ESTIMATE = "residents", "households", "jobs", "estimate"
POSTCODE, OA, LSOA = "postcode", "oa", "lsoa"
UNITS = {POSTCODE: "postcodes", OA: "output areas", LSOA: "LSOAs"}
ONE = {POSTCODE: "postcode", OA: "output area", LSOA: "LSOA"}
"""What is counted, and what it is called in the frame and in a sentence."""

CENSUS = "2021"
CUT = 25_000
"""Rows of an answer of Nomis, beyond which it is cut without a word."""

SOURCES = {
    (RESIDENTS, POSTCODE): "ONS Census 2021, P001",
    (HOUSEHOLDS, POSTCODE): "ONS Census 2021, P002",
    (RESIDENTS, OA): "ONS Census 2021, TS001",
    (RESIDENTS, LSOA): "ONS Census 2021, TS001",
    (HOUSEHOLDS, OA): "ONS Census 2021, TS041",
    (HOUSEHOLDS, LSOA): "ONS Census 2021, TS041",
    (JOBS, OA): "ONS Census 2021, WP001 (people aged 16 and over by place of work)",
    (JOBS, LSOA): "ONS Business Register and Employment Survey (employees)",
    (ESTIMATE, LSOA): "ONS mid-year estimates of small areas",
}
"""Who publishes a number of a unit, and under which name. No other pair is read."""

_CODES = {
    "postcode",
    "geography code",
    "geography_code",
    "mnemonic",
    "output areas code",
    "lsoa21cd",
    "oa21cd",
}
"""Columns with the code of an area; the first line that has one is the header."""

_TITLES = {
    HOUSEHOLDS: r"ts041|number of households",
    JOBS: r"business register and employment survey",
    ESTIMATE: r"population estimates",
    RESIDENTS: r"ts001|usual residents",
}
"""What stands above the numbers in a download of Nomis's pages."""

_ABOVE = 40
"""Lines that may stand above the header."""

_LONGEST_LINE = 100_000
_LARGEST = 400 * 1024**2
_NO_NUMBER = "use a file of Nomis or the ONS as it was downloaded"


@dataclass
class Numbers:
    """A number by small area: `table` has `code` and `value`, which is missing where it is suppressed."""

    measure: str
    unit: str
    year: str
    table: pd.DataFrame
    passed: int = 0
    """Rows of larger areas, which were passed over."""

    @property
    def key(self) -> tuple[str, str]:
        """Which number of which unit it is."""
        return self.measure, self.unit

    @property
    def source(self) -> str:
        """Who publishes it, and under which name."""
        return SOURCES[self.key]


@dataclass
class Given:
    """What some files hold."""

    numbers: dict[tuple[str, str], Numbers] = field(default_factory=dict)
    points: dict[str, pd.DataFrame] = field(default_factory=dict)
    """By unit: `code`, `longitude`, `latitude`."""
    classes: pd.DataFrame = field(default_factory=pd.DataFrame)
    """Rural-urban classes: `code` of the LSOA, `class`, `name`."""
    unused: list[str] = field(default_factory=list)


class _Part(NamedTuple):
    """One file's share of a number, how many rows the file has, and how many Nomis says that there are in all."""

    numbers: Numbers
    rows: int
    promised: int
    shown: str


def read(paths: Iterable[Path], progress: Callable[[str], None] = lambda _: None) -> Given:
    """Return what official files hold.

    Parameters
    ----------
    paths
        CSV files, GeoJSON, GeoPackage or Shapefile with points or outlines of output areas or LSOAs, zips or
        folders of these.
    progress
        Called with the name of each file.

    Raises
    ------
    QueryError
        There is no such file.
    SourceError
        A file is none of these, is cut off, or holds two numbers of one area.
    """
    given, parts = Given(), []
    for path in _files(paths):
        progress(path.name)
        if _has_shapes(path):
            _add_points(given, *_shapes(path))
            continue
        for shown, raw in _texts(path):
            found = _read(raw, shown)
            if found is None:
                given.unused.append(shown)
            elif isinstance(found, _Part):
                parts.append(found)
            elif isinstance(found, pd.DataFrame):
                given.classes = found
            else:
                _add_points(given, *found)
    for key in dict.fromkeys(p.numbers.key for p in parts):
        given.numbers[key] = _whole([p for p in parts if p.numbers.key == key])
    if not (given.numbers or given.points or len(given.classes)):
        named = ", ".join(given.unused[:3]) or "The folder"
        msg = f"{named} holds no residents, households, jobs, points or rural-urban classes; {_NO_NUMBER}."
        raise SourceError(msg)
    return given


def numbers_of(text: str, shown: str) -> Numbers:
    """Return the numbers of an answer of Nomis's service in CSV, which must be whole.

    Raises
    ------
    SourceError
        It is none, is cut off, or holds two numbers of one area.
    """
    found = _read(text.encode(), shown)
    if not isinstance(found, _Part):
        msg = f"{shown} gives no numbers of small areas."
        raise SourceError(msg)
    return _whole([found])


# ------------------------------------------------------------------------ files


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    """Yield the files given, and those in folders that have an ending of ours."""
    for path in paths:
        if regular(path, QueryError).is_dir():
            endings = {".csv", ".zip", *outlines.ENDINGS} - {".kml", ".json"}  # JSON may be about the others
            yield from sorted(f for f in path.rglob("*") if f.suffix.lower() in endings)
        elif path.is_file():
            yield path
        else:
            msg = f"There is no file {str(path)!r}; give files of Nomis and the ONS ('crimenb fetch people')."
            raise QueryError(msg)


def _has_shapes(path: Path) -> bool:
    """Whether a file holds points or outlines: by its ending, or of a zip by those of its members."""
    if not zips.is_zip(path.name):
        return path.suffix.lower() in outlines.ENDINGS
    with zips.opened(path) as archive:
        names = [zips.plain(m).lower() for m in zips.members(archive)]
    return any(
        n.endswith(outlines.ENDINGS) and not n.endswith(".json") for n in names
    )  # of tables: metadata.json


def _texts(path: Path) -> Iterator[tuple[str, bytes]]:
    """Yield a file's bytes under its name, or those of the tables in a zip."""
    if not zips.is_zip(path.name):
        with path.open("rb") as stream:
            yield path.name, _bounded(iter(lambda: stream.read(1 << 20), b""), path.name)
        return
    with zips.opened(path) as archive:
        members = [m for m in zips.members(archive) if zips.plain(m).lower().endswith(".csv")]
        for member in members:
            shown = f"{path.name}!{zips.plain(member)}"
            yield shown, _bounded(zips.chunks(archive, member, shown), shown)


def _bounded(chunks: Iterable[bytes], shown: str) -> bytes:
    whole = bytearray()
    for chunk in chunks:
        whole += chunk
        if len(whole) > _LARGEST:
            msg = f"{shown!r} is larger than {_LARGEST // 1024**2} MB, and no such file is so large."
            raise SourceError(msg)
    return bytes(whole)


def _shapes(path: Path) -> tuple[str, pd.DataFrame]:
    """Return the points of output areas or LSOAs, or the middles of their outlines."""
    for layer in outlines.read_outlines(path).values():
        columns = {str(c).lower(): str(c) for c in layer.columns}
        for column, unit in (("oa21cd", OA), ("lsoa21cd", LSOA)):
            if column not in columns:
                continue
            placed = (layer if layer.crs is not None else layer.set_crs(LONLAT)).to_crs(METRES)
            shapes = placed.geometry.to_numpy()
            middle = shapely.centroid(shapes)
            x, y = to_lonlat(shapely.get_x(middle), shapely.get_y(middle))
            codes = layer[columns[column]].map(tidy)
            return unit, pd.DataFrame({"code": codes, "longitude": x.round(6), "latitude": y.round(6)})
    msg = f"{path.name!r} has no column OA21CD or LSOA21CD; give points or outlines of the ONS of 2021."
    raise SourceError(msg)


def _add_points(given: Given, unit: str, table: pd.DataFrame) -> None:
    held = [given.points[unit]] if unit in given.points else []
    given.points[unit] = pd.concat([*held, table]).drop_duplicates("code", ignore_index=True)


# ------------------------------------------------------------------------ one table


def _read(raw: bytes, shown: str) -> _Part | pd.DataFrame | tuple[str, pd.DataFrame] | None:
    """Return what a table is: numbers, classes, points (their unit and they), or none of these."""
    try:
        text = raw.decode("utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("cp1252", "replace")
    above: list[list[str]] = []
    columns: list[str] = []
    at = 0
    while at < len(text) and len(above) <= _ABOVE:
        end = text.find("\n", at) + 1 or len(text)
        line, at = text[at : min(end, at + _LONGEST_LINE)].rstrip("\r\n"), end
        columns = [" ".join(c.split()).lower() for c in next(csv.reader([line]), [])]
        if _CODES & {*columns}:
            break
        above.append(columns)
    if not _CODES & {*columns}:
        return None
    names = [c if columns.index(c) == i else f"{c} ({i})" for i, c in enumerate(columns)]
    table = _table(text[at:], names, shown)
    return _meant(table, above, shown)


def _table(text: str, names: list[str], shown: str) -> pd.DataFrame:
    """Return the rows below a header, as text; notes below them, which have fewer columns, are passed over."""

    def judge(row: pyarrow.csv.InvalidRow) -> str:
        return "skip" if row.actual_columns < row.expected_columns else "error"

    last = text[text.rfind("\n") + 1 :].strip()[:_LONGEST_LINE]
    try:
        if last and len(next(csv.reader([last]))) < len(names):
            msg = "its last line is cut off"
            raise ValueError(msg)
        table = pyarrow.csv.read_csv(
            io.BytesIO(text.encode()),
            read_options=pyarrow.csv.ReadOptions(column_names=names),
            parse_options=pyarrow.csv.ParseOptions(invalid_row_handler=judge),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types=dict.fromkeys(names, pyarrow.string()), strings_can_be_null=False
            ),
        )
    except ValueError as error:  # pyarrow's own are among them
        if text.strip():
            why = " ".join(str(error).split())[:120]
            msg = f"{shown!r} is not a whole table ({why}); download it again."
            raise SourceError(msg) from error
        return pd.DataFrame(columns=names, dtype="str")
    stripped = [pyarrow.compute.utf8_trim_whitespace(c) for c in table.columns]
    found: pd.DataFrame = pyarrow.table(stripped, names=names).to_pandas()
    return found


def _meant(
    table: pd.DataFrame, above: list[list[str]], shown: str
) -> _Part | pd.DataFrame | tuple[str, pd.DataFrame] | None:
    columns = {*table.columns}
    if {"lsoa21cd", "ruc21nm"} <= columns:
        return _classes(table)
    if (unit := next((u for u in (OA, LSOA) if f"{u}21cd" in columns), "")) and "pcds" not in columns:
        return _points(table, unit, shown)
    if {"postcode", "count"} <= columns:
        # One row a sex: residents. Which code is whose does not matter: both are summed.
        sex = any(c.startswith("sex") for c in columns)
        summed = table.assign(postcode=compact(table["postcode"]))
        return _part(
            summed, "postcode", "count", RESIDENTS if sex else HOUSEHOLDS, CENSUS, shown, several=sex
        )
    if {"output areas code", "count"} <= columns:
        return _part(table, "output areas code", "count", JOBS, CENSUS, shown)
    if "geography code" in columns:
        return _census_table(table, shown)
    if {"geography_code", "obs_value"} <= columns:
        return _answer(table, shown)
    return _download(table, above, shown) if "mnemonic" in columns else None


def compact(postcodes: pd.Series) -> pd.Series:
    """Return postcodes in capitals without spaces: the spacing varies from file to file."""
    return postcodes.str.upper().str.replace(r"\s+", "", regex=True)


def _classes(table: pd.DataFrame) -> pd.DataFrame:
    code = table["ruc21cd"] if "ruc21cd" in table else table["ruc21nm"]
    found = pd.DataFrame({"code": table["lsoa21cd"], "class": code, "name": table["ruc21nm"].map(tidy)})
    return found[found["name"] != ""].drop_duplicates("code", ignore_index=True)


def _points(table: pd.DataFrame, unit: str, shown: str) -> tuple[str, pd.DataFrame] | None:
    for across, up, metres in (
        ("x", "y", True), ("easting", "northing", True), ("bng_e", "bng_n", True), ("long", "lat", False),
    ):  # fmt: skip
        if {across, up} <= {*table.columns}:
            x, y = (pd.to_numeric(table[c], errors="coerce").to_numpy() for c in (across, up))
            if metres:
                x, y = to_lonlat(x, y)
            found = pd.DataFrame(
                {"code": table[f"{unit}21cd"], "longitude": x.round(6), "latitude": y.round(6)}
            )
            found = found[np.isfinite(x) & np.isfinite(y)].reset_index(drop=True)
            if found.empty or not found["latitude"].between(49, 61.5).all():
                msg = f"{shown!r} has points outside the United Kingdom; download it again."
                raise SourceError(msg)
            return unit, found
    return None


def _census_table(table: pd.DataFrame, shown: str) -> _Part | None:
    """Read a table of the census as Nomis gives it whole: a total, and its parts beside it."""
    wanted = {
        RESIDENTS: r"residence type: total.*value",
        HOUSEHOLDS: r"number of households.*|household.*: total.*value",
    }
    for measure, pattern in wanted.items():
        for column in table.columns:
            if re.fullmatch(pattern, column):
                return _part(table, "geography code", column, measure, CENSUS, shown)
    return None


_DIMENSIONS: dict[str, tuple[tuple[str, str, str], ...]] = {
    RESIDENTS: (("c2021_restype_3", "0", r"total\b.*"),),
    ESTIMATE: (("gender", "0", r"total"), ("c_age", "200", r"all ages")),
    JOBS: (
        ("industry", "37748736", r"(37748736 : )?total"),
        ("employment_status", "1", r"employees"),
        ("measure", "1", r"count"),
    ),
}
"""Of each number the columns that divide it, with the id and the name of the one that is wanted."""


def _answer(table: pd.DataFrame, shown: str) -> _Part | None:
    """Read an answer of Nomis's service: of all that it may hold, the totals of the newest year."""
    columns = {*table.columns}
    for measure, dimensions in _DIMENSIONS.items():
        if not all(any(c in columns for c in (d, f"{d}_name")) for d, *_ in dimensions):
            continue
        kept = pd.Series(data=True, index=table.index)
        for column, number, name in dimensions:
            # By the name where it is given: ids stand in another order from table to table.
            if f"{column}_name" in columns:
                kept &= table[f"{column}_name"].str.fullmatch(name, case=False)
            else:
                kept &= table[column] == number
        if "measures" in columns:
            kept &= table["measures"].isin(["20100", ""])
        return _part(table[kept], "geography_code", "obs_value", measure, "", shown, of=table)
    if "ts041" in shown.lower():  # it has no dimension
        return _part(table, "geography_code", "obs_value", HOUSEHOLDS, "", shown)
    msg = f"{shown!r} does not say what it counts; ask Nomis without 'select=', or with the columns of its dimensions."
    raise SourceError(msg)


def _download(table: pd.DataFrame, above: list[list[str]], shown: str) -> _Part | None:
    """Read a download of Nomis's pages."""
    title = " ".join(cell for row in above for cell in row) or shown.lower().replace("-", " ")
    measure = next((m for m, words in _TITLES.items() if re.search(words, title)), RESIDENTS)
    dated = [c for row in above if row and row[0] == "date" for c in row[1:] if re.fullmatch(r"\d{4}", c)]
    values = [
        c for c in table.columns
        if c != "mnemonic" and not c.startswith(("flag", "("))
        and pd.to_numeric(table[c].str.replace(",", ""), errors="coerce").notna().any()
    ]  # fmt: skip
    if not values:
        return None
    column = next((c for c in values if c.startswith(("total", "all "))), values[0])
    if len(values) > 1 and not column.startswith(("total", "all ")):
        msg = f"{shown!r} has {len(values)} columns of numbers and no total; download the total alone."
        raise SourceError(msg)
    year = dated[0] if dated else column if re.fullmatch(r"20\d\d", column) else ""
    return _part(table, "mnemonic", column, measure, year, shown)


def _part(
    table: pd.DataFrame, code: str, value: str, measure: str, year: str, shown: str, *,
    several: bool = False, of: pd.DataFrame | None = None,
) -> _Part | None:  # fmt: skip
    """Return the numbers of a table by the smallest areas in it.

    Parameters
    ----------
    table
        The rows that are meant.
    code, value
        Its columns.
    measure, year
        What is counted, and when; of several years in the column `date` the newest is taken.
    shown
        The file, in the words of a message.
    several
        Whether the rows of an area are parts of it, to be summed.
    of
        The rows of the whole file.
    """
    promised = _promised(table if of is None else of, shown)
    if "date" in table and measure in (JOBS, ESTIMATE):
        dates = table["date"].str[:4]
        filled = dates[table[value] != ""]
        year = str(filled.max()) if len(filled) else year
        table = table[dates == year]
    unit_of = _units(table[code], postcodes=code == "postcode")
    unit = next((u for u in UNITS if (unit_of == u).any() and (measure, u) in SOURCES), "")
    if not unit:
        return None
    rows = table[unit_of == unit]
    # What is no number is suppressed or not known. It is not nought.
    numbers = pd.to_numeric(rows[value].str.replace(",", ""), errors="coerce")
    if "obs_status" in rows:
        numbers = numbers.mask(rows["obs_status"].str.upper() == "Q")
    if (numbers < 0).any():
        msg = f"{shown!r} has numbers below nought; download it again."
        raise SourceError(msg)
    found = pd.DataFrame({"code": rows[code].to_numpy(), "value": numbers.to_numpy(dtype=float)})
    if several:
        found = found.groupby("code", sort=False)["value"].sum(min_count=1).reset_index()
    passed = int((table[code] != "").sum()) - len(rows)
    if not year and measure in (JOBS, ESTIMATE):
        msg = (
            f"{shown!r} does not say of which year its numbers are; download it with its title, or with DATE."
        )
        raise SourceError(msg)
    whole = len(table if of is None else of)
    return _Part(Numbers(measure, unit, year or CENSUS, found, passed), whole, promised, shown)


def _promised(table: pd.DataFrame, shown: str) -> int:
    """Return how many rows Nomis says there are; in a file without that, so many that it may be cut are refused."""
    if "record_count" in table:
        return int(pd.to_numeric(table["record_count"], errors="coerce").max() or 0)
    if len(table) == CUT and "obs_value" in table:
        msg = f"{shown!r} has {CUT:,} rows, where Nomis cuts its answers; ask for RECORD_COUNT and the rest."
        raise SourceError(msg)
    return 0


def _units(codes: pd.Series, *, postcodes: bool) -> pd.Series:
    if postcodes:
        right = codes.str.fullmatch(r"[A-Z]{1,2}\d[A-Z\d]?\d[A-Z]{2}")
        return pd.Series(np.where(right, POSTCODE, ""), index=codes.index)
    # E is England, W Wales, and Z the invented country of the demonstration.
    known = codes.where(codes.str.fullmatch(r"[EWZ]0[01]\d{6}"), "").str[1:3]
    return known.map({"00": OA, "01": LSOA}).fillna("")


def _whole(parts: Sequence[_Part]) -> Numbers:
    """Return the numbers of all parts together, if nothing is missing and nothing is there twice."""
    first = max(parts, key=lambda p: p.numbers.year)
    same = [p for p in parts if p.numbers.year == first.numbers.year]
    shown = " and ".join(dict.fromkeys(repr(p.shown) for p in same))
    table = pd.concat([p.numbers.table for p in same], ignore_index=True)
    twice = table["code"].duplicated()
    if twice.any():
        code = table.loc[twice, "code"].iloc[0]
        msg = f"{shown} has several numbers of {code}, such as a total and its parts; download the total alone, once."
        raise SourceError(msg)
    rows = sum(p.rows for p in same)
    if (promised := max(p.promised for p in same)) > rows:
        msg = (
            f"{shown} has {counted(rows, 'row')} of {promised:,}: Nomis cuts an answer at {CUT:,} and does not say so; "
            "ask for the rest with RecordOffset, and give all of them together."
        )
        raise SourceError(msg)
    numbers = first.numbers
    return Numbers(numbers.measure, numbers.unit, numbers.year, table, sum(p.numbers.passed for p in same))
