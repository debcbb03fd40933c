"""Who lives and works in a place: the frames of it, from numbers by postcode, output area or LSOA."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from crimenb.data import frame
from crimenb.geo import distances
from crimenb.month_status import LEAST_SHARE
from crimenb.plurals import counted
from crimenb.schema import CATEGORIES, district_names, force_name
from crimenb.sources.people_files import ESTIMATE, HOUSEHOLDS, JOBS, LSOA, OA, ONE, POSTCODE, RESIDENTS, UNITS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import geopandas as gpd

FILE, TOTALS, CLASSES = "residents.parquet", "resident_totals.parquet", "rural_urban.parquet"
"""Of an archive's version: the numbers by small area, the sums of whole districts and forces, the classes of LSOAs."""

LICENCE = "Source: Office for National Statistics licensed under the Open Government Licence v3.0."

PREFERRED = {
    RESIDENTS: (POSTCODE, OA, LSOA),
    HOUSEHOLDS: (POSTCODE, OA, LSOA),
    JOBS: (LSOA, OA),
    ESTIMATE: (LSOA,),
}
"""Of which units a number is taken where several are held: the smallest. Jobs come from the employers' survey, which
is newer and not of a lockdown day as the census's workplaces are, where there are LSOAs enough."""

LEAST = {POSTCODE: 1, OA: 5, LSOA: 5}
"""Areas whose centre must lie in a place for a sum. Of five to seven, nine sums in ten are within 27% of what the
shares of the areas give; of one or two, within 49% (1,238 circles of 700 m in Birmingham)."""


def chosen(inside: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return for each number the areas that it is summed of; none where too few are inside, or one is suppressed.

    Parameters
    ----------
    inside
        The areas whose centre lies in the place: `measure`, `unit`, `value` and any other column.
    """
    found = {}
    for measure, units in PREFERRED.items():
        for unit in units:
            rows = inside[(inside["measure"] == measure) & (inside["unit"] == unit)]
            if len(rows) >= LEAST[unit] and rows["value"].notna().all():
                found[measure] = rows
                break
    return found


def row(
    place: str, where: str, area: str, name: str, measure: str, value: int, counted: int, series: Mapping[str, Any]
) -> dict[str, Any]:  # fmt: skip
    """Return a row of the frame `residents`; `series` has the unit, year and source of the number."""
    return {
        "postcode": place, "where": where, "area": area, "name": name, "measure": measure, "value": value,
        "counted": counted, "unit": UNITS[series["unit"]], "year": series["year"], "source": series["source"],
    }  # fmt: skip


def no_areas() -> pd.DataFrame:
    """Return a table of small areas with no row."""
    columns = ["measure", "unit", "code", "longitude", "latitude", "district", "force", "value"]
    numbers = {"longitude": "float64", "latitude": "float64", "value": "Int64"}
    return pd.DataFrame(columns=columns).astype(numbers)


def within(place: gpd.GeoDataFrame, areas: pd.DataFrame) -> pd.DataFrame:
    """Return the areas whose centre lies in a place, as it has the records."""
    west, south, east, north = place.geometry.iloc[0].bounds
    lon, lat = (areas[c].to_numpy(dtype=float) for c in ("longitude", "latitude"))
    boxed = np.flatnonzero((lon >= west) & (lon <= east) & (lat >= south) & (lat <= north))
    inside = distances(place, lon[boxed], lat[boxed])[1]
    found: pd.DataFrame = areas.iloc[boxed[inside]]
    return found


class Sums:
    """The sums of the districts and forces that are whole.

    Parameters
    ----------
    table
        `kind` ("district" or "force"), `area`, `measure`, `unit`, `value`, `counted`.
    """

    def __init__(self, table: pd.DataFrame) -> None:
        keys = zip(table["kind"], table["area"], table["measure"], table["unit"], strict=True)
        sums = zip(table["value"].tolist(), table["counted"].tolist(), strict=True)
        self.of = dict(zip(keys, sums, strict=True))
        self.whole = {(unit, area) for kind, area, _, unit in self.of if kind == "district"}
        """The units and districts of which all areas are known."""


def residents(
    place: gpd.GeoDataFrame,
    areas: pd.DataFrame,
    near: pd.DataFrame,
    sums: Sums,
    series: Sequence[Mapping[str, Any]],
    forces: Sequence[str],
    district: tuple[str, str],
) -> pd.DataFrame:
    """Return the frame `residents` of a place.

    Parameters
    ----------
    place
        The place.
    areas
        Small areas around it: `measure`, `unit`, `longitude`, `latitude`, `district`, `force`, `value`.
    near
        Postcodes around it, with `district`.
    sums
        Those of whole districts and forces.
    series
        Each number by its unit, with `measure`, `unit`, `year` and `source`.
    forces
        The forces whose rest is wanted.
    district
        Code and name of the district whose rest is wanted.
    """
    key = str(place["postcode"].iloc[0])
    inside = within(place, areas)
    around = within(place, near)["district"].value_counts(normalize=True)
    touched = around.index[around >= LEAST_SHARE]
    # Postcodes are known as far as the file of them goes; of larger areas only whole districts are.
    known = [u for u in UNITS if u == POSTCODE or all((u, d) in sums.whole for d in touched)]
    about = {(s["measure"], s["unit"]): s for s in series}
    wanted = [("force", f, force_name(f)) for f in forces] + [("district", *district)]
    rows = []
    for measure, own in chosen(inside[inside["unit"].isin(known)]).items():
        unit = str(own["unit"].iloc[0])
        if (one := about.get((measure, unit))) is None:  # an archive that somebody has changed
            continue
        rows.append(row(key, "here", "", "", measure, int(own["value"].sum()), len(own), one))
        for kind, area, name in wanted:
            if (kind, area, measure, unit) in sums.of:
                value, counted = sums.of[kind, area, measure, unit]
                part = own.loc[own[kind] == area, "value"]
                rest = value - int(part.sum()), counted - len(part)
                rows.append(row(key, kind, area, name, measure, *rest, one))
    return frame("residents", pd.DataFrame(rows)) if rows else frame("residents")


def district_name(code: str, name: str) -> str:
    """Return the name of a district: from the postcode file, else ours of its code."""
    return name or district_names().get(code, code)


def district_counts(
    place: gpd.GeoDataFrame,
    counts: pd.DataFrame,
    own: pd.DataFrame,
    months: Sequence[str],
    district: tuple[str, str],
) -> pd.DataFrame:
    """Return the frame `district_counts` of a place.

    Parameters
    ----------
    place
        The place.
    counts
        Located records of the district: `month`, `category`, `located`.
    own
        The place's records that are in the district: `month`, `category`.
    months
        The months that the district's force supplied.
    district
        Its code and name.
    """
    # Every category of a supplied month has a row, so that none is a zero by accident.
    categories = [*CATEGORIES, *sorted({*counts["category"]} - {*CATEGORIES})]
    every = pd.MultiIndex.from_product([sorted(months), categories], names=["month", "category"])
    located = counts.set_index(["month", "category"])["located"].reindex(every, fill_value=0)
    here = own.groupby(["month", "category"]).size().reindex(every, fill_value=0)
    rest = (located - here).astype("int64").rename("rest").reset_index()
    rest = rest.sort_values(["month", "category"], ignore_index=True)
    code, name = district
    return frame(
        "district_counts", rest.assign(postcode=str(place["postcode"].iloc[0]), district=code, name=name)
    )


def credit(series: Sequence[Mapping[str, Any]]) -> str:
    """Name the numbers that a source has, with their years, and their publisher; "" where it has none."""
    named = [f"{s['measure']}: {s['source']}, {s['year']}, by {ONE[s['unit']]}" for s in series]
    credit = f" {LICENCE}" if any(s["source"].startswith("ONS ") for s in series) else ""
    return f"{'; '.join(named)}.{credit}" if named else ""


def lines(inventory: Mapping[str, Any]) -> Iterator[str]:
    """Yield what an archive has of residents, households and jobs, a line each."""
    for series in inventory.get("residents", []):
        yield from _lines(series)
    if found := inventory.get("rural_urban"):
        yield _class_line(found)


def _lines(series: Mapping[str, Any]) -> Iterator[str]:
    name = "mid-year estimate of residents" if series["measure"] == ESTIMATE else series["measure"]
    placed, lost, suppressed = (
        counted(series[key], ONE[series["unit"]], UNITS[series["unit"]])
        for key in ("areas", "lost_areas", "suppressed")
    )
    yield f"{name.capitalize()}: {series['total']:,} in {placed}, {series['year']}. {series['source']}."
    if series["lost_areas"]:
        share = series["lost"] / max(series["lost"] + series["total"], 1)
        yield f"  without a place here: {lost} with {series['lost']:,} ({share:.1%})."
    if series["suppressed"]:
        yield f"  suppressed, and not counted as nought: {suppressed}."


def _class_line(found: Mapping[str, Any]) -> str:
    return f"Rural-urban classes: {counted(found['areas'], 'LSOA')}, 2021. {found['source']}."
