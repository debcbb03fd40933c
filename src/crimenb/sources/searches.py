"""Searches by the police (stop and search): the frames of a place, and what its forces supplied (R26)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd

from crimenb.data import Searched, frame
from crimenb.geo import distances
from crimenb.month_status import LEAST_SHARE
from crimenb.plurals import counted
from crimenb.schema import BTP, COLUMNS, MonthStatus, force_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

LOW_SHARE, LEAST_USUAL = 0.2, 20
"""A file with less than this share of the force's usual month, where that is so many searches, is suspiciously low."""

_WORDS = [c for c in COLUMNS["searches"] if c not in ("postcode", "reported_by", "geometry")]
UNKNOWN = -1
"""A number of searches that the source does not give."""


def deciding(coverage: pd.DataFrame) -> list[str]:
    """Return the forces with 2 % or more of the area of the frame `coverage`, largest share first."""
    return coverage.loc[
        (coverage["share"] >= LEAST_SHARE) & ~coverage["force"].isin([BTP, ""]), "force"
    ].tolist()


def searched(
    place: gpd.GeoDataFrame,
    found: pd.DataFrame,
    supply: Iterable[Mapping[str, Any]],
    requests: list[tuple[str, str]],
) -> Searched:
    """Return the frames `searches` and `searches_months` of a place.

    Parameters
    ----------
    found
        Searches with the frame's texts, `reported_by`, `longitude` and `latitude` (degrees, NaN where there is
        none). Those outside the place are left out, and those without a place: nobody knows whether they were in it.
    supply
        `force`, `month`, `status`, `why`, `searches` and `unplaced` of each force and month.
    requests
        What was read or asked, with its SHA-256.
    """
    key = str(place["postcode"].iloc[0])
    found = found[found["longitude"].notna() & found["latitude"].notna()]
    inside = distances(place, found["longitude"].to_numpy(float), found["latitude"].to_numpy(float))[1]
    found = found[inside].fillna("")
    found = found.sort_values(
        [*_WORDS, "longitude", "latitude", "reported_by"], kind="stable", ignore_index=True
    )
    points = gpd.points_from_xy(found["longitude"], found["latitude"])
    months = pd.DataFrame([*supply], columns=list(COLUMNS["searches_months"])[1:]).assign(postcode=key)
    return Searched(
        frame("searches", found.assign(postcode=key, geometry=points)),
        frame("searches_months", months),
        requests,
    )


def file_supply(
    files: Sequence[Mapping[str, Any]], lost: Mapping[str, Mapping[str, int]], lacks: Iterable[str], release: str,
    forces: Sequence[str], months: Sequence[str],
) -> list[dict[str, Any]]:  # fmt: skip
    """Return what an archive holds of the searches of each force and month (R26).

    Parameters
    ----------
    files
        The archive's stop-and-search files of any month: `force`, `month`, `records`, `unplaced`.
    lost
        The rows of each file that could not be read, by reason.
    lacks
        Names of the files that the release does not hold.
    """
    rows, absent = [], {*lacks}
    held = {(f["force"], f["month"]): f for f in files}
    usual = {
        force: float(np.median([f["records"] for f in files if f["force"] == force] or [0])) for force in forces
    }  # fmt: skip
    for force in forces:
        for month in months:
            file, name = held.get((force, month)), f"{month}-{force}-stop-and-search.csv"
            status, why = MonthStatus.PUBLISHED, ""
            if file is None:
                status = MonthStatus.NOT_SUPPLIED if name in absent else MonthStatus.NOT_IN_ARCHIVE
                where = f"release {release} of police.uk" if name in absent else "this archive"
                why = f"{force_name(force)}'s stop-and-search file ({name}) is not in {where}."
            elif not file["records"]:
                status = MonthStatus.PROBABLY_NOT
                why = f"{force_name(force)}'s stop-and-search file ({name}) has no search."
            elif usual[force] >= LEAST_USUAL and file["records"] < LOW_SHARE * usual[force]:
                status = MonthStatus.LOW
                n = counted(file["records"], "search", "searches")
                why = f"{force_name(force)}'s file has {n}, and {usual[force]:,.0f} are usual."
            elif gone := sum(lost.get(file["name"], {}).values()):
                status = MonthStatus.PARTLY
                why = (
                    f"{counted(gone, 'row')} of {force_name(force)}'s stop-and-search file could not be read."
                )
            counts = {k: file[k] if file else UNKNOWN for k in ("records", "unplaced")}
            rows.append(
                {"force": force, "month": month, "status": status, "why": why, "searches": counts["records"],
                 "unplaced": counts["unplaced"]}
            )  # fmt: skip
    return rows
