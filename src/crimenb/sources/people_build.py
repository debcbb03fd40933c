"""Residents, households and jobs by small area -> a new version of an archive that has them."""

from __future__ import annotations

import csv
import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pandas as pd

from crimenb.errors import QueryError
from crimenb.plurals import counted
from crimenb.schema import data_file
from crimenb.sources import candidates, districts, people_files
from crimenb.sources.archive_add import revised
from crimenb.sources.people_files import LSOA, OA, POSTCODE, RESIDENTS, UNITS, compact
from crimenb.sources.residents import CLASSES, FILE, TOTALS, lines, no_areas

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

OFF, OFF_BY = 0.03, {"residents": 300, "lsoas": 1}
"""A district is whole if its residents with a place, or its LSOAs, are as many as in 2021, to this share or so many.
Counts are changed a little by the ONS, and an area at the edge may go to the neighbour."""

_PLACED = 0.99
"""The same where nobody knows how many a district has: of the rows of the file."""

_POINTS = {OA: "OA_December_2021_EW_PWC", LSOA: "LSOA_PopCentroids_EW_2021"}
_SUPPRESSED = 0.01
"""Share of a district's or force's areas that may be suppressed in its total."""


def add_people(
    files: Sequence[Path | str], into: Path | str, *, progress: Callable[[str], None] = lambda _: None
) -> list[str]:
    """Add residents, households, jobs and rural-urban classes to an archive.

    What the archive has of the same number by the same areas is replaced; the rest stays.

    Parameters
    ----------
    files
        Files of Nomis and the ONS, in any order (see `people_files.read`); zips or folders of them.
    into
        The archive's folder; it gets a new version. It must hold postcodes, which give places to the numbers.
    progress
        Called with a word on what is being read.

    Returns
    -------
    list of str
        What was added, in lines: how many, of which year and source, and how many have no place.

    Raises
    ------
    QueryError
        There is no such file, or the archive holds no postcodes.
    SourceError
        A file is none of these, is cut off, or holds two numbers of one area; or the archive cannot be written.
    """
    given = people_files.read([Path(f) for f in files], progress)
    with revised(into) as (work, inventory), duckdb.connect(config={"threads": 2}) as db:
        if not (work / "postcodes.parquet").is_file():
            msg = f"The archive {str(into)!r} holds no postcodes, which place residents; build it with --postcodes."
            raise QueryError(msg)
        progress("postcodes")
        codes = districts.postcodes(db, work)
        old = pd.read_parquet(work / FILE) if (work / FILE).is_file() else no_areas()
        points = {unit: _points(unit, given, codes, old) for unit in UNITS}
        new, described = [old], {(s["measure"], s["unit"]): s for s in inventory.get("residents", [])}
        for key, numbers in given.numbers.items():
            rows = _place(numbers, points[numbers.unit], codes, str(into))
            described[key] = _describe(numbers, rows)
            new = [held[(held["measure"] != key[0]) | (held["unit"] != key[1])] for held in new] + [rows]
        table = pd.concat(new, ignore_index=True)
        if len(table):
            _write(db, table, work / FILE)
            _write_totals(db, table, [*described.values()], work / TOTALS)
            progress("districts")
            districts.count(db, work, codes)
        if len(given.classes):
            inventory["rural_urban"] = _write_classes(db, given.classes, points[LSOA], work / CLASSES)
        progress("places to compare with")
        complete = bool(inventory["gazetteer"].get("complete"))
        inventory["candidates"] = candidates.write(db, work, complete=complete)
        inventory["residents"] = [described[key] for key in sorted(described, key=_in_order)]
        added = {"residents": [described[key] for key in sorted(given.numbers, key=_in_order)]}
        if len(given.classes):
            added["rural_urban"] = inventory["rural_urban"]
    return [*lines(added), *(f"Not used: {name}." for name in given.unused)]


def _in_order(key: tuple[str, str]) -> int:
    return [*people_files.SOURCES].index(key)


# ------------------------------------------------------------------------ places


def _points(unit: str, given: people_files.Given, codes: pd.DataFrame, old: pd.DataFrame) -> pd.DataFrame:
    """Return where the areas of a unit are, with the district and force of each.

    Points given now come first, then those that the archive has; LSOAs that have none are in the middle of their
    postcodes, where the postcode file names the LSOA of each.
    """
    if unit == POSTCODE:
        return codes.assign(code=compact(codes["postcode"]))[
            ["code", "longitude", "latitude", "district", "force"]
        ]
    known = [given.points.get(unit, pd.DataFrame(columns=["code", "longitude", "latitude"]))]
    known.append(old.loc[old["unit"] == unit, ["code", "longitude", "latitude"]])
    if unit == LSOA:
        within = codes[codes["lsoa"] != ""].groupby("lsoa")[["longitude", "latitude"]].mean().round(6)
        known.append(within.rename_axis("code").reset_index())
    points = pd.concat([k for k in known if len(k)] or known[:1]).drop_duplicates("code", ignore_index=True)
    points = points.astype({"code": "str", "longitude": "float64", "latitude": "float64"})
    row = districts.nearest(codes, points["longitude"].to_numpy(), points["latitude"].to_numpy())
    near = codes[["district", "force"]].reindex(row).fillna("").set_index(points.index)
    return pd.concat([points, near], axis=1)


def _place(
    numbers: people_files.Numbers, points: pd.DataFrame, codes: pd.DataFrame, into: str
) -> pd.DataFrame:
    """Return the rows of a number whose areas have a place; `lost` tells of the others."""
    rows = numbers.table.merge(points, how="left", on="code")
    rows["value"] = rows["value"].round().astype("Int64")
    rows = rows.assign(measure=numbers.measure, unit=numbers.unit)
    if rows["longitude"].isna().all():
        how = (
            f"none of its {counted(len(codes), 'postcode')} is in the file"
            if numbers.unit == POSTCODE
            else f"give the ONS's points of them too ({_POINTS[numbers.unit]}, by 'crimenb fetch people')"
        )
        msg = f"The archive {into!r} knows no place of the {UNITS[numbers.unit]} of {numbers.measure}: {how}."
        raise QueryError(msg)
    return rows


def _describe(numbers: people_files.Numbers, rows: pd.DataFrame) -> dict[str, Any]:
    placed = rows["longitude"].notna()
    return {
        "measure": numbers.measure, "unit": numbers.unit, "year": numbers.year, "source": numbers.source,
        "areas": int(placed.sum()), "total": int(rows.loc[placed, "value"].sum()),
        "lost_areas": int((~placed).sum()), "lost": int(rows.loc[~placed, "value"].sum()),
        "suppressed": int(rows["value"].isna().sum()),
    }  # fmt: skip


# ------------------------------------------------------------------------ files


def _copy(db: duckdb.DuckDBPyConnection, table: pd.DataFrame, select: str, path: Path, how: str = "") -> None:
    """Write what is selected of a table (`given`) to a Parquet file."""
    path.unlink(missing_ok=True)  # its other name is the version before
    db.register("given", table)
    db.execute(f"COPY ({select}) TO $path (FORMAT parquet, COMPRESSION zstd{how})", {"path": str(path)})
    db.unregister("given")


def _write(db: duckdb.DuckDBPyConnection, table: pd.DataFrame, path: Path) -> None:
    select = (
        "SELECT measure, unit, code, longitude, latitude, district, force, value::BIGINT AS value FROM given "
        "WHERE longitude IS NOT NULL ORDER BY floor((latitude - 49) / 0.04)::INT, floor((longitude + 9) / 0.064)::INT, "
        "measure, unit, code"
    )
    _copy(db, table, select, path, ", ROW_GROUP_SIZE 8192")


def _write_classes(
    db: duckdb.DuckDBPyConnection, classes: pd.DataFrame, points: pd.DataFrame, path: Path
) -> dict[str, Any]:
    table = classes.merge(points[["code", "longitude", "latitude"]], on="code")
    _copy(db, table, "SELECT code, class, name, longitude, latitude FROM given ORDER BY code", path)
    return {"areas": len(table), "source": "ONS rural-urban classification 2021"}


@functools.cache
def _expected() -> dict[str, dict[str, str]]:
    """Return for each district of England and Wales its force, residents and LSOAs of the census of 2021."""
    rows = csv.DictReader(data_file("districts.csv").splitlines())
    return {r["district"]: r for r in rows if r["residents"]}


def _write_totals(
    db: duckdb.DuckDBPyConnection, table: pd.DataFrame, described: list[dict[str, Any]], path: Path
) -> None:
    """Write the sums of each district and force that is whole."""
    placed = table[table["longitude"].notna()]
    sums: list[pd.DataFrame] = []
    whole = {unit: _whole_districts(unit, placed, described) for unit in UNITS}
    for unit, areas in whole.items():
        rows = placed[placed["unit"] == unit]
        within = _whole_forces(rows, areas)
        for kind, kept in (("district", areas), ("force", within)):
            some = rows[rows[kind].isin(kept)].groupby(["measure", "unit", kind])["value"]
            found = pd.DataFrame({"value": some.sum(), "counted": some.count(), "areas": some.size()})
            found = found[found["counted"] >= (1 - _SUPPRESSED) * found["areas"]].reset_index()
            sums.append(found.rename(columns={kind: "area"}).assign(kind=kind))
    select = (
        "SELECT kind::VARCHAR AS kind, area::VARCHAR AS area, measure::VARCHAR AS measure, "
        "unit::VARCHAR AS unit, value::BIGINT AS value, counted::BIGINT AS counted FROM given ORDER BY ALL"
    )
    _copy(db, pd.concat(sums, ignore_index=True), select, path)


def _whole_districts(unit: str, placed: pd.DataFrame, described: list[dict[str, Any]]) -> set[str]:
    """Return the districts whose areas of a unit are all known, as far as the census tells."""
    rows = placed[(placed["unit"] == unit) & (placed["district"] != "")]
    among = [s for s in described if s["unit"] == unit]
    if not among or rows.empty:
        return set()
    shares = [s["areas"] / max(s["areas"] + s["lost_areas"], 1) for s in among]
    if unit == LSOA:
        found = rows.groupby("district")["code"].nunique()
    else:
        found = rows[rows["measure"] == RESIDENTS].groupby("district")["value"].sum()
        if found.empty:  # of workplaces alone: they are whole where the country is
            return {*rows["district"]} if unit == OA and min(shares) >= _PLACED else set()
    whole = set()
    for district, n in found.items():
        expected = _expected().get(str(district))
        if expected is None:
            if min(shares) >= _PLACED:
                whole.add(str(district))
        else:
            of = "lsoas" if unit == LSOA else "residents"
            if abs(n - int(expected[of])) <= max(OFF * int(expected[of]), OFF_BY[of]):
                whole.add(str(district))
    return whole


def _whole_forces(rows: pd.DataFrame, whole: set[str]) -> set[str]:
    """Return the forces all of whose districts are whole."""
    listed: dict[str, set[str]] = {}
    for district, known in _expected().items():
        listed.setdefault(known["force"], set()).add(district)
    held = rows[["force", "district"]].drop_duplicates()
    for force, district in zip(held["force"], held["district"], strict=True):
        if force and district not in _expected():
            listed.setdefault(force, set()).add(district)
    return {force for force, areas in listed.items() if areas <= whole}
