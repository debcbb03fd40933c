"""Residents, households and jobs made for tests, over records that are real or of the demonstration."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from crimenb.data import Data, frame
from crimenb.schema import COLUMNS, force_name

SOURCES = {
    "residents": ("postcodes", "2021", "ONS Census 2021, P001"),
    "households": ("postcodes", "2021", "ONS Census 2021, P002"),
    "jobs": ("LSOAs", "2024", "ONS Business Register and Employment Survey (employees)"),
    "estimate": ("LSOAs", "2024", "ONS mid-year estimates of small areas"),
}
DISTRICT = "E06000016"

CITY = {"residents": 40249, "households": 17104, "jobs": 68950, "estimate": 43120}
FORCE = {"residents": 1_080_000, "households": 430_000, "jobs": 460_000}
REST = {"residents": 330_000, "households": 120_000, "jobs": 110_000}


def residents(
    key: str, here: dict[str, int], forces: dict[str, dict[str, int]] | None = None, *,
    district: dict[str, int] | None = None, name: str = "Leicester",
) -> pd.DataFrame:  # fmt: skip
    """Return the frame `residents` of a place: its numbers, those of the rest of each force and of the district."""
    areas = [("here", "", "", here), *(("force", f, force_name(f), n) for f, n in (forces or {}).items())]
    areas += [("district", DISTRICT, name, district)] if district else []
    rows = [
        (key, where, area, called, measure, value, 812 if unit == "postcodes" else 44, unit, year, source)
        for where, area, called, numbers in areas
        for measure, value in numbers.items()
        for unit, year, source in [SOURCES[measure]]
    ]
    return frame("residents", pd.DataFrame(rows, columns=list(COLUMNS["residents"])))


def district_counts(data: Data, *, share: float = 0.35, name: str = "Leicester") -> pd.DataFrame:
    """Return the frame `district_counts`: a share of the rest of the forces, rounded down."""
    rest = data.surroundings.groupby(["postcode", "month", "category"], as_index=False)["rest"].sum()
    rest = rest.assign(rest=(rest["rest"] * share).astype("int64"), district=DISTRICT, name=name)
    return frame("district_counts", rest)


def peopled(
    data: Data, here: dict[str, int] = CITY, forces: dict[str, dict[str, int]] | None = None, *,
    district: dict[str, int] | None = None, name: str = "Leicester",
) -> Data:  # fmt: skip
    """Return data with people: of the place itself, of the rest of its forces, and of its district."""
    made = replace(data, residents=residents(data.query.postcode, here, forces, district=district, name=name))
    return replace(made, district_counts=district_counts(data, name=name)) if district else made


class Peopled:
    """A source that gives the people of a test with the records of another source."""

    def __init__(self, source, here=CITY, forces=None, *, district=None, name="Leicester"):
        self._source, self._made = source, (here, forces)
        self._more = {"district": district, "name": name}

    def __getattr__(self, name):
        return getattr(self._source, name)

    def pull(self, place, months):
        """Return what the source gives, with people."""
        found = self._source.pull(place, months)
        key = str(place["postcode"].iloc[0])
        context = {**found.context, "residents": residents(key, *self._made, **self._more)}
        if self._more["district"]:
            rest = found.surroundings.groupby(["month", "category"], as_index=False)["rest"].sum()
            rest = rest.assign(
                postcode=key,
                rest=(rest["rest"] * 0.35).astype("int64"),
                district=DISTRICT,
                name=self._more["name"],
            )
            context["district_counts"] = frame("district_counts", rest)
        return found._replace(context=context)
