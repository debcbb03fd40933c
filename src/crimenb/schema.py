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

COUNCIL_GROUPS: dict[str, tuple[str, ...]] = {
    "Retail crime": ("shoplifting",),
    "Vehicle crime": ("vehicle-crime",),
    "Acquisitive crime": (
        "burglary", "robbery", "vehicle-crime", "theft-from-the-person", "bicycle-theft", "shoplifting", "other-theft",
    ),
    "Violence": ("violent-crime",),
    "Damage": ("criminal-damage-arson",),
}  # fmt: skip
"""Groups that councils report by, made of whole categories; a category may be in two."""

NOT_SPLIT: dict[str, str] = {
    "Violence with injury": "violent-crime",
    "Violence without injury": "violent-crime",
    "Residential burglary": "burglary",
}
"""Groups that no category of police.uk gives, and the category that they are a part of."""

OLD_CATEGORIES: dict[str, str] = {
    "Violent crime": "violent-crime",
    "Public disorder and weapons": "public-order",
}
"""Names of the categories of data months before 2013-05 that no longer exist."""

NEW_POINTS = "2022-07"
"""From this month on police.uk's map points are others than before (R20)."""

NEW_CATEGORIES = ("2011-09", "2013-05")
"""Months from which police.uk's categories are others than before: six, then eleven, then fourteen."""

BTP = "btp"
TERRITORIAL = "territorial"
"""`reported_by` where the source tells a territorial force from BTP but not which (the API)."""

UNDER_INVESTIGATION = "Under investigation"
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
        "district": _TEXT, "ward": _TEXT, "parish": _TEXT, "lsoa": _TEXT, "force": _TEXT, "remark": _TEXT,
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
    "streets": {
        "postcode": _TEXT, "kind": _TEXT, "road_class": _TEXT, "name": _TEXT, "number": _TEXT,
        "geometry": "geometry",
    },
    "stretches": {
        "postcode": _TEXT, "snapped_to": _TEXT, "street": _TEXT, "how": _TEXT, "longitude": _REAL,
        "latitude": _REAL, "geometry": "geometry",
    },
    "surroundings": {
        "postcode": _TEXT, "force": _TEXT, "month": _TEXT, "category": _TEXT,
        "rest": _WHOLE, "unlocated": _WHOLE,
    },
    "force_outcomes": {
        "postcode": _TEXT, "force": _TEXT, "month": _TEXT, "outcome": _TEXT, "rest": _WHOLE,
    },
    "residents": {
        "postcode": _TEXT, "where": _TEXT, "area": _TEXT, "name": _TEXT, "measure": _TEXT, "value": _WHOLE,
        "counted": _WHOLE, "unit": _TEXT, "year": _TEXT, "source": _TEXT,
    },
    "district_counts": {
        "postcode": _TEXT, "district": _TEXT, "name": _TEXT, "month": _TEXT, "category": _TEXT, "rest": _WHOLE,
    },
    "like_places": {
        "postcode": _TEXT, "candidate": _TEXT, "name": _TEXT, "force": _TEXT, "rural_urban": _TEXT,
        "residents": _WHOLE, "jobs": _WHOLE, "month": _TEXT, "category": _TEXT, "records": _WHOLE,
    },
    "decided": {
        "postcode": _TEXT, "month": _TEXT, "category": _TEXT, "later": _WHOLE, "followed": _WHOLE,
        "crimes": _WHOLE,
    },
    "revised": {
        "postcode": _TEXT, "month": _TEXT, "category": _TEXT, "added": _WHOLE, "removed": _WHOLE, "decided": _WHOLE,
    },
    "searches": {
        "postcode": _TEXT, "month": _TEXT, "reported_by": _TEXT, "kind": _TEXT, "time": _TEXT, "operation": _TEXT,
        "gender": _TEXT, "age_range": _TEXT, "self_defined": _TEXT, "officer_defined": _TEXT, "power": _TEXT,
        "object": _TEXT, "outcome": _TEXT, "linked": _TEXT, "clothing": _TEXT, "geometry": "geometry",
    },
    "searches_months": {
        "postcode": _TEXT, "force": _TEXT, "month": _TEXT, "status": _TEXT, "why": _TEXT, "searches": _WHOLE,
        "unplaced": _WHOLE,
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
"""Columns and dtypes of each frame, in their order. Missing text is "", never None."""

_DAY, _COUNT = "datetime64[s]", "Int64"
_MONTHS = {
    "place": _TEXT, "month": _TEXT, "month_start": _DAY, "status": _TEXT, "why": _TEXT, "left_out": _TEXT,
    "days": _WHOLE, "crime": _COUNT, "asb": _COUNT, "btp": _COUNT,
}  # fmt: skip
_OF = {"category": _TEXT, "label": _TEXT}
VIEWS: dict[str, dict[str, str]] = {
    "list_records": {
        "place": _TEXT, "month": _TEXT, "month_start": _DAY, **_OF, "is_crime": _FLAG, "outcome": _TEXT,
        "reported_by": _TEXT, "crime_id": _TEXT, "snapped_to": _TEXT, "geometry": "geometry",
    },
    "count_by_month": _MONTHS,
    "months_with_range": {
        **_MONTHS, **_OF, "is_crime": _FLAG, "n": _COUNT, "low": _REAL, "high": _REAL, "elsewhere": _REAL,
    },
    "count_by_category": {
        "place": _TEXT, **_OF, "is_crime": _FLAG, "latest": _WHOLE, "period": _WHOLE, "a_month": _REAL,
        "share": _REAL,
    },
    "count_by_month_and_category": {"month": _TEXT, **dict.fromkeys(CATEGORIES.values(), _COUNT)},
    "count_by_point": {
        "place": _TEXT, "snapped_to": _TEXT, "crime": _WHOLE, "asb": _WHOLE, "share": _REAL,
        "cumulative": _REAL, "top": _TEXT, **_OF, "n": _WHOLE, "geometry": "geometry",
    },
    "change_by_category": {
        "place": _TEXT, **_OF, "is_crime": _FLAG, "before": _WHOLE, "after": _WHOLE, "change": _REAL,
        "low": _REAL, "high": _REAL, "same_way": _WHOLE, "pairs": _WHOLE, "kind": _TEXT,
    },
    "before_and_after": {
        "place": _TEXT, **_OF, "month": _TEXT, "where": _TEXT, "months_before": _WHOLE,
        "months_after": _WHOLE, "before": _COUNT, "after": _COUNT, "a_day_before": _REAL,
        "a_day_after": _REAL, "change": _REAL,
    },
    "outcome_shares": {
        "place": _TEXT, "group": _TEXT, "crimes": _WHOLE, "share": _REAL, "rest": _REAL,
    },
    "outcome_times": {
        "place": _TEXT, **_OF, "crimes": _WHOLE, "decided": _WHOLE, "same_month": _REAL, "in_three": _REAL,
        "median": _REAL,
    },
    "compared_shares": {
        "place": _TEXT, "other": _TEXT, **_OF, "here": _REAL, "there": _REAL, "quotient": _REAL,
        "low": _REAL, "high": _REAL, "named": _TEXT,
    },
    "like_positions": {
        "place": _TEXT, **_OF, "is_crime": _FLAG, "here": _WHOLE, "low": _REAL, "high": _REAL, "places": _WHOLE,
        "median": _REAL, "fewer": _WHOLE, "more": _WHOLE, "position": _TEXT,
    },
    "count_by_group": {
        "place": _TEXT, "group": _TEXT, "made_of": _TEXT, "latest": _COUNT, "period": _COUNT,
    },
    "rates": {
        "place": _TEXT, "where": _TEXT, "name": _TEXT, **_OF, "per": _TEXT, "months": _WHOLE, "records": _WHOLE,
        "base": _WHOLE, "rate": _REAL, "low": _REAL, "high": _REAL,
    },
    "searches_by_month": {
        "place": _TEXT, "month": _TEXT, "status": _TEXT, "why": _TEXT, "category": _TEXT, "n": _COUNT,
    },
    "count_searches": {
        "place": _TEXT, "by": _TEXT, "group": _TEXT, "searches": _WHOLE, "share": _REAL, "linked": _COUNT,
        "not_linked": _COUNT,
    },
    "locate": {
        "postcode": _TEXT, "longitude": _REAL, "latitude": _REAL, "district": _TEXT, "ward": _TEXT,
        "parish": _TEXT, "force": _TEXT, "why": _TEXT, "geometry": "geometry",
    },
}  # fmt: skip
"""The frames that the public functions return, for analysts: columns and dtypes. Missing is missing (NA),
but for the few texts whose meaning says that they may be empty."""

ROWS: dict[str, str] = {
    "places": "a place",
    "crimes": "a record inside the area, copies kept",
    "months": "a place and month",
    "coverage": "a place and police force",
    "nearby": "a snapped point in the frame of the map, inside the area or not",
    "streets": "a street, a stretch of water or a railway on the map; none where the source has no streets",
    "stretches": "a map point inside the area, of July 2022 and later; none where the source has no streets",
    "surroundings": "a place, force, month and category (archives only)",
    "force_outcomes": "a place, force, month and latest outcome of crimes (archives only)",
    "residents": "a place, an area (the place, the rest of its force, the rest of its district) and a number; "
    "none where the source has none",
    "district_counts": "a place, district, month and category; none where the source has no residents",
    "like_places": "a place, a place like it, month and category; only where asked for (archives only)",
    "decided": "a place, month recorded, category of crime and number of months to the first outcome; "
    "none where the archive holds no outcomes files",
    "revised": "a place, month and category that the release changed; none where the archive has no release before",
    "searches": "a search by the police inside the area, copies kept; only where asked for",
    "searches_months": "a police force of the area and month, and what it supplied of searches; only where asked for",
    "neighbourhoods": "the neighbourhood team of a place (live service and demonstration)",
    "people": "a named member of the team",
    "priorities": "a priority of the team",
    "events": "a meeting or event of the team",
    "provenance": "a statement of the source, a file read, or a request made",
    "list_records": "a record that is counted",
    "count_by_month": "a month asked for; with `category=` also the columns `category`, `label`, `is_crime` and `n`",
    "months_with_range": "a month asked for",
    "count_by_category": "a category",
    "count_by_month_and_category": "a month asked for",
    "count_by_point": "a snapped point inside the area",
    "change_by_category": "a category; before them all crime and anti-social behaviour",
    "before_and_after": "here, and the rest of the force",
    "outcome_shares": "a group of outcomes",
    "outcome_times": "a category of crime; before them all crime",
    "compared_shares": "a comparison and category",
    "like_positions": "a series that may be described; none where places like this one were not asked for",
    "count_by_group": "a group of categories, then those that cannot be given",
    "rates": "what is counted, what it is divided by, and where; none where no rate may be given",
    "searches_by_month": "a month asked for; none where searches were not asked for",
    "count_searches": "a group of searches, most first; none where searches were not asked for",
    "locate": "a postcode given",
}
"""What a row of each frame is."""

MEANINGS: dict[str, str] = {
    "postcode": "The place's key: its postcode, or the name of a custom area.",
    "place": "The place's key: its postcode, or the name of a custom area.",
    "month": "The month, YYYY-MM.",
    "month_start": "The month's first day. The day of a record is not published.",
    "category": 'Slug of the category; "crime", "asb" or "btp" for a total.',
    "label": "Name of the category, as police.uk's files write it.",
    "is_crime": "Whether it is part of the total of crime: anti-social behaviour and BTP are not.",
    "geometry": "The snapped point.",
    "force": "police.uk's id of the police force.",
    "force_name": "Name of the police force.",
    "share": "Share, 0 to 1.",
    "name": "Name.",
    "longitude": "Degrees (EPSG:4326).",
    "latitude": "Degrees (EPSG:4326).",
    "district": "Local authority district.",
    "ward": "Electoral ward.",
    "parish": "Parish or community, empty where there is none or none is known.",
    "snapped_to": 'Words for the anonymised point, such as "Shopping Area" or a street\'s name.',
    "outcome": "Latest outcome, in the spelling of police.uk's API; none for anti-social behaviour and BTP.",
    "reported_by": 'Force id; "territorial" where the source does not say which, "btp" for British Transport Police.',
    "crime_id": "police.uk's id; none for anti-social behaviour and BTP. No key: copies share it.",
    "status": "What may be said of the month: " + ", ".join(f'"{s}"' for s in MonthStatus) + ".",
    "why": "The reason in one sentence, where there is one.",
    "left_out": 'Series kept out of ranges and changes in that month: "all", "asb", or none.',
    "days": "Days in the month.",
    "crime": "Records of crime by territorial forces.",
    "asb": "Reports of anti-social behaviour. Never part of a total of crime.",
    "btp": "Records of British Transport Police. Never part of a total.",
    "n": "Records of the category.",
    "low": "Lower end of the normal range (R5); only of the month judged, where one may be given.",
    "high": "Upper end of the normal range (R5); only of the month judged, where one may be given.",
    "elsewhere": "The rest of the force, scaled to this place's earlier months; only where it is a control.",
    "places.role": '"main", the place asked for, or "compared".',
    "places.kind": '"circle" of a mile around a postcode, or "area".',
    "places.longitude": "Of the centre, degrees (EPSG:4326).",
    "places.latitude": "Of the centre, degrees (EPSG:4326).",
    "places.lsoa": "Lower layer super output area.",
    "places.remark": "What a reader must know of the position, such as a closed postcode; may be empty.",
    "places.geometry": "The area asked for.",
    "coverage.share": "Its share of the area, 0 to 1.",
    "coverage.method": "How the share was found.",
    "coverage.months": "Months it supplied, separated by spaces.",
    "coverage.geometry": "Its part of the area; empty where the source does not tell its boundary.",
    "nearby.distance_m": "Metres to the centre of a circle, or to the edge of an area (negative inside).",
    "nearby.records": "Records at the point in all months asked for.",
    "streets.kind": '"street", "water" or "railway".',
    "streets.road_class": "Class of the road, as the source of the streets has it; may be empty.",
    "streets.name": "Name of the street; may be empty.",
    "streets.number": "Number of the road, such as A4; may be empty.",
    "streets.geometry": "Its lines or areas in the square of the map, to four metres.",
    "stretches.street": "Of a point that is not drawn as a street, the nearest named one within 250 m.",
    "stretches.how": '"name": drawn as the street it is named after (R23); "nearest": it has no name, and the street '
    'is within 5 m; "near": the street beside it; else empty.',
    "stretches.longitude": "Of the map point, degrees (EPSG:4326).",
    "stretches.latitude": "Of the map point, degrees (EPSG:4326).",
    "stretches.geometry": "Its own stretch of street (R23); empty where it is not drawn as one.",
    "surroundings.rest": "The force's located records outside the place.",
    "surroundings.unlocated": "The force's records without a location.",
    "outcome_shares.rest": "Share in the rest of the force, 0 to 1; missing where it is not known.",
    "force_outcomes.rest": "The force's located crimes with this outcome outside the place.",
    "residents.where": '"here", "force" for the rest of the force, "district" for the rest of the district.',
    "residents.area": "Id of the force or code of the district; empty for the place.",
    "residents.name": "Name of the force or district; empty for the place.",
    "residents.measure": '"residents", "households", "jobs", or "estimate" of the residents in a later year.',
    "residents.value": "The number.",
    "residents.counted": "How many postcodes, output areas or LSOAs were summed.",
    "residents.unit": '"postcodes", "output areas" or "LSOAs": those whose centre lies in the area are summed.',
    "residents.year": "Its year, or its day.",
    "residents.source": "Who publishes it, and under which name.",
    "district_counts.district": "Code of the district.",
    "district_counts.rest": "The district's located records outside the place.",
    "like_places.candidate": "The postcode at the centre of its mile.",
    "like_places.name": "What it is called: its ward and district, as far as their names are known.",
    "like_places.force": "police.uk's ids of the forces with 2% or more of it, separated by spaces.",
    "like_places.rural_urban": "The rural-urban class (2021) that it shares with the place; empty where none is known.",
    "like_places.residents": "Its residents; 0 where none are known.",
    "like_places.jobs": "Its jobs; 0 where none are known.",
    "like_places.records": "Its records in the month.",
    "decided.later": "Months from the month recorded to that of the first outcome; -1 where there is none.",
    "decided.followed": "Months after it of which the archive holds the force's outcomes files, none missing between.",
    "decided.crimes": "Crimes.",
    "revised.added": "Records of this release that the one before did not have at their map point.",
    "revised.removed": "Records of the release before that this one does not have at their map point.",
    "revised.decided": "Crimes of both releases that have another outcome.",
    "neighbourhoods.force_url": "The force's own site.",
    "neighbourhoods.neighbourhood": "The team's id.",
    "neighbourhoods.description": "The team in its own words.",
    "neighbourhoods.url": "The team's own page.",
    "neighbourhoods.email": "Address.",
    "neighbourhoods.telephone": "Number.",
    "neighbourhoods.address": "Postal address.",
    "neighbourhoods.links": 'One "title, tab, address" a line.',
    "neighbourhoods.geometry": "Its boundary.",
    "people.rank": "Rank.",
    "people.bio": "The person in the team's words.",
    "people.contact": "How to reach the person.",
    "priorities.issue": "What is to be done about.",
    "priorities.issue_date": "The day it was set.",
    "priorities.action": "What was done.",
    "priorities.action_date": "The day it was done.",
    "events.title": "Title.",
    "events.kind": "Kind.",
    "events.start": "When it begins.",
    "events.address": "Where.",
    "events.description": "What it is about.",
    "events.contact": "How to ask.",
    "provenance.kind": '"source", "file", "request", or "snapshot" for the SHA-256 of the manifest.',
    "provenance.name": "What is stated, or the file or address.",
    "provenance.value": "The statement, or the SHA-256.",
    "count_by_category.latest": "Records of the newest summed month.",
    "count_by_category.period": "Records of all summed months; missing where no month is summed.",
    "count_by_category.a_month": "Mean of the summed months.",
    "count_by_category.share": "Share of crime, 0 to 1; missing for anti-social behaviour.",
    "count_by_point.snapped_to": "Words for the point; may be empty, and several points may share them.",
    "count_by_point.share": "Share of all `n`, 0 to 1.",
    "count_by_point.cumulative": "Share of all `n` at this and the points before it.",
    "count_by_point.top": "Its most common category of crime; may be empty.",
    "change_by_category.before": "Records of the same months a year before.",
    "change_by_category.after": "Records of the latest twelve months.",
    "change_by_category.change": "Change of the records a day, as a share; missing under 20.",
    "change_by_category.low": "Lower end of the change's interval.",
    "change_by_category.high": "Upper end of the change's interval.",
    "change_by_category.same_way": "Months that moved the same way.",
    "change_by_category.pairs": "Months compared.",
    "change_by_category.kind": "What the change may be called (R8).",
    "before_and_after.month": "The first month after, YYYY-MM.",
    "before_and_after.where": '"here" or "rest of the force".',
    "before_and_after.months_before": "Whole months before.",
    "before_and_after.months_after": "Whole months after.",
    "before_and_after.before": "Records of those before.",
    "before_and_after.after": "Records of those after.",
    "before_and_after.a_day_before": "Records a day before.",
    "before_and_after.a_day_after": "Records a day after.",
    "before_and_after.change": "Change of the records a day, as a share. It shows no cause.",
    "outcome_shares.group": "Group of outcomes (R16).",
    "outcome_shares.crimes": "Crimes of the settled months.",
    "outcome_shares.share": "Share of them, 0 to 1; missing under 50 crimes.",
    "outcome_times.crimes": "Crimes of the settled months that have been followed for three months or more.",
    "outcome_times.decided": "Those of them that have an outcome.",
    "outcome_times.same_month": "Share with an outcome in the month recorded, 0 to 1; missing under 50 crimes.",
    "outcome_times.in_three": "Share with one within three months, 0 to 1; missing under 50 crimes.",
    "outcome_times.median": "Months after which half of all have one; missing under 50 crimes, or where fewer than "
    "half have one.",
    "compared_shares.other": "What is compared with, in words.",
    "compared_shares.here": "Share of crime here, 0 to 1.",
    "compared_shares.there": "Share of crime there, 0 to 1.",
    "compared_shares.quotient": "The one by the other (R11).",
    "compared_shares.low": "Lower end of the quotient's interval.",
    "compared_shares.high": "Upper end of the quotient's interval.",
    "compared_shares.named": '"more" or "less" where the difference passes R11; else empty.',
    "like_positions.here": "Records here, in the months that this place has whole.",
    "like_positions.low": "Lower end of what the level here may be (R25).",
    "like_positions.high": "Upper end of what the level here may be (R25).",
    "like_positions.places": "How many places like this one are compared.",
    "like_positions.median": "The median of their records.",
    "like_positions.fewer": "How many of them have fewer records than this place.",
    "like_positions.more": "How many of them have more.",
    "like_positions.position": '"more" or "fewer" than in nine of ten; "within", "chance" or "unnamed" where none is '
    'named; "few" where records are too few (R25).',
    "count_by_group.group": "What councils call it.",
    "count_by_group.made_of": "The categories whose records are summed, or why they cannot be.",
    "count_by_group.latest": "Records of the newest summed month; missing where they are not published apart.",
    "count_by_group.period": "Records of all summed months; missing where they are not published apart.",
    "rates.where": '"here", "force" for the rest of the force, "district" for the rest of the district.',
    "rates.name": "Name of the force or district; empty for the place.",
    "rates.category": 'What is counted: "crime" or "burglary".',
    "rates.per": 'What it is divided by: "residents", "residents and jobs" or "households".',
    "rates.months": "How many months are counted; a rate of 12 is a year's.",
    "rates.records": "Their records.",
    "rates.base": "How many residents, residents and jobs, or households.",
    "rates.rate": "Records for every 1,000 of them, in these months (R24).",
    "rates.low": "Lower end of the rate's interval of 95% (R24).",
    "rates.high": "Upper end of the rate's interval of 95% (R24).",
    "searches.month": "The month of the file, YYYY-MM, which is that of the time in the United Kingdom.",
    "searches.reported_by": "Force id; empty where the source does not say which (the API).",
    "searches.kind": '"Person search", "Vehicle search" or "Person and Vehicle search".',
    "searches.time": "When, as the source writes it (ISO 8601, UTC); some forces give the day only, as midnight.",
    "searches.operation": 'Whether it was part of a policing operation: "yes", "no" or empty.',
    "searches.gender": "As the police recorded it; may be empty.",
    "searches.age_range": "May be empty.",
    "searches.self_defined": "Ethnicity as the person described it, in the source's words; may be empty.",
    "searches.officer_defined": "Ethnicity as the officer described it, in other categories; may be empty.",
    "searches.power": "The law under which it was made; may be empty.",
    "searches.object": "What was looked for; may be empty.",
    "searches.outcome": "May be empty: it is then not known, which is not no action.",
    "searches.linked": 'Whether the outcome is linked to what was looked for: "yes", "no" or empty.',
    "searches.clothing": 'Whether more than outer clothing was removed: "yes", "no" or empty.',
    "searches_months.status": "What may be said of the force's searches of the month (R26).",
    "searches_months.searches": "Searches in the force's file, wherever they were; -1 where it is not known.",
    "searches_months.unplaced": "Those of them without a place; -1 where it is not known.",
    "searches_by_month.category": '"searches".',
    "searches_by_month.status": "What may be said of the searches of the month (R26).",
    "searches_by_month.n": "Searches; missing where the month is not counted.",
    "count_searches.by": "What they are grouped by, as it was asked for.",
    "count_searches.group": 'In the source\'s words; "Not recorded" where it is empty.',
    "count_searches.searches": "Searches.",
    "count_searches.share": "Share of them, 0 to 1; missing under 50 searches in all.",
    "count_searches.linked": "Of an outcome: those linked to what was looked for; else missing.",
    "count_searches.not_linked": "Of an outcome: those not linked to it; of the rest it is not recorded.",
    "locate.postcode": "The postcode in its written form; as given where it is none.",
    "locate.force": "police.uk's id of the police force; missing where the source does not say.",
    "locate.why": "Why it has no position, else missing.",
    "locate.geometry": "Its position, missing where there is none.",
}
"""What a column holds, by its name, or by frame and name where it is another thing there."""


def meaning(frame: str, column: str) -> str:
    """Return what a column of a frame holds."""
    if column in (*CATEGORIES, *CATEGORIES.values()):
        return f"Records of {label_of(column).lower()}."
    return MEANINGS.get(f"{frame}.{column}") or MEANINGS[column]


GEO_FRAMES = tuple(name for name, columns in COLUMNS.items() if "geometry" in columns)


def data_file(name: str) -> str:
    """Return the text of a small file shipped with the package."""
    return resources.files("crimenb").joinpath("reference", name).read_text("utf-8")


@functools.cache
def forces() -> dict[str, str]:
    """Return police.uk's force ids and the forces' names, as shipped in data/forces.csv."""
    return {r["id"]: r["name"] for r in csv.DictReader(data_file("forces.csv").splitlines())}


@functools.cache
def district_names() -> dict[str, str]:
    """Return the codes of districts and their names, as shipped in reference/districts.csv."""
    return {r["district"]: r["name"] for r in csv.DictReader(data_file("districts.csv").splitlines())}


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
