"""The vocabulary: which frames there are, their columns and dtypes, and the words for their values."""

from __future__ import annotations

import csv
import functools
from enum import StrEnum
from importlib import resources

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


class MonthStatus(StrEnum):
    """What may be said of a month of a place; the table is in month_status.py."""

    PUBLISHED = "published"
    PARTLY = "partly supplied"
    LOW = "suspiciously low"
    NOT_IN_ARCHIVE = "not in this archive"
    NOT_SUPPLIED = "not supplied"
    PROBABLY_NOT = "probably not supplied"
    NOT_YET = "not yet published"
    NO_LONGER = "no longer published"
    FAILED = "failed"


SUMMED = frozenset({MonthStatus.PUBLISHED, MonthStatus.PARTLY, MonthStatus.LOW})
"""The statuses whose records are summed."""

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
    "months": {
        "postcode": _TEXT, "month": _TEXT, "status": _TEXT, "why": _TEXT, "left_out": _TEXT,
    },
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
months: one row a place and month; `status` a MonthStatus, `why` one sentence.
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


def data_file(name: str) -> str:
    """Return the text of a small file shipped with the package."""
    return resources.files("crimenb").joinpath("reference", name).read_text("utf-8")


@functools.cache
def forces() -> dict[str, str]:
    """Return police.uk's force ids and the forces' names, as shipped in data/forces.csv."""
    return {r["id"]: r["name"] for r in csv.DictReader(data_file("forces.csv").splitlines())}


def label_of(category: str) -> str:
    """Return a category's name; one that is new to this version under its own."""
    return CATEGORIES.get(category, category.replace("-", " ").capitalize())


def force_name(force: str) -> str:
    """Return a force's short name in running text ("Leicestershire", "City of London")."""
    if not force:
        return "a force that is not known here"
    return forces().get(force, force.replace("-", " ").title())


def outcome(text: str) -> str:
    """Return an outcome in one spelling for files and API."""
    return OUTCOME_SPELLINGS.get(text, text)
