"""Sixty-six false sentences, each put into a page of the demonstration; thirty were written before the audit was.

Each is a kind of sentence that a report has printed or may print by mistake. The audit must find
every one of them (tests/test_audit.py); an audit that reads nothing finds none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from benchmarks.audit_texts import Page

WARD = "demo-ward.geojson"
Asked = tuple[str, ...]
"""A postcode (or the file of an area), the first month, the last, and postcodes compared with, or "--like"."""

TOWN: Asked = ("ZZ1 1AA", "2025-01", "2025-12")
LONG: Asked = ("ZZ1 1AA", "2023-01", "2025-12", "ZZ2 2BB")
VILLAGE: Asked = ("ZZ9 9ZZ", "2025-01", "2025-12")
GAP: Asked = ("ZZ2 2BB", "2025-01", "2025-12")
PART: Asked = ("ZZ2 2BB", "2025-08", "2025-08")
NOTHING: Asked = ("ZZ1 1AA", "2024-10", "2024-10")
AREA: Asked = (WARD, "2025-01", "2025-12")
ALIKE: Asked = ("ZZ1 1AA", "2025-01", "2025-12", "--like")
NONE_ALIKE: Asked = ("ZZ2 2BB", "2025-01", "2025-12", "--like")
LIVED: Asked = ("ZZ1 1AA", "2025-01", "2025-12", "lived in")
APART: Asked = ("ZZ1 1AA", "2025-01", "2025-11", "by day")
SEARCHED: Asked = ("ZZ1 1AA", "2023-01", "2025-12", "--stops")
SEARCHED_PART: Asked = ("ZZ2 2BB", "2025-01", "2025-12", "--stops")
SEARCHED_FEW: Asked = ("ZZ9 9ZZ", "2025-01", "2025-12", "--stops")
HAMLET: Asked = ("ZZ9 9ZZ", "2025-01", "2025-12", "hamlet")
"""Places with the residents, households and jobs that tests/people.py makes: a centre, one whose two rates
disagree, and one with too few residents for a rate."""


class Seed(NamedTuple):
    """A false sentence: the kind of fault (numbered), where it goes, the true words and the false ones.

    Where there are no true words, the false ones are added to the part.
    """

    fault: int
    asked: Asked
    part: str
    true: str
    false: str


FAULTS = {
    1: "a part called the whole",
    2: "a release or a day of retrieval that nobody knows",
    3: "a reason the numbers do not bear",
    4: "wrong words for the forces of a custom area",
    5: "no outcomes, where some are known",
    6: "a supplied zero called unknown, or a gap called zero",
    7: "a percentage of too few records",
    8: "two ranges or verdicts for one month",
    9: "pairs of months miscounted",
    10: "first paragraph and year section disagree",
    11: "map points: batch, edge, ties, institutions",
    12: "singular, plural and lists",
    13: "counts of one series beside the range of another",
    14: "crime and anti-social behaviour added",
    15: "records without a location",
    16: "a rate alone, of too few, of the wrong people or beside the wrong ones",
    17: "searches by the police: gaps, unknown outcomes, people for events, a share of ethnicity",
}
"""The fifteen faults found in real reports in November 2026, as kinds, and those of rates and of searches."""

SEEDS = [
    Seed(1, PART, "glance", " (86% of its area; the rest cannot be estimated from it)", ""),
    Seed(1, PART, "headline trend", "the Fable Vale part (86%), ", ""),
    Seed(1, GAP, "glance", "11 of the 12 months are counted.", "All 12 months were published."),
    Seed(
        2, TOWN, "note source", "Source: the invented records of the demonstration.",
        "Source: police.uk, release of December 2025, retrieved on 26 November 2026.",
    ),
    Seed(3, TOWN, "glance", "There is no sign of a local change.", "Most of that fall was across the whole force."),
    Seed(3, TOWN, "glance", "compared with January to September", "compared with earlier in the year"),
    Seed(
        4, AREA, "policed by", "",
        "The force at Market Ward itself is the local force, and other parts are policed by Fable Vale (100%).",
    ),
    Seed(
        5, LONG, "headline outcomes",
        "12% of the crimes in 29 of the 35 months led to a charge or a court case",
        "No outcomes are given here",
    ),
    Seed(
        6, VILLAGE, "headline categories",
        "The most common crimes in 2025: violence and sexual offences (16), burglary (5) and other theft (4)",
        "No category can be counted",
    ),
    Seed(6, LONG, "table trend", "October 2024 | not in this archive | [x]", "October 2024 | not in this archive | 0"),
    Seed(6, NOTHING, "glance", "It is not zero.", "There was no crime."),
    Seed(
        6, VILLAGE, "glance", "No crime was recorded in January and August 2025.",
        "No crime was recorded in January, August and November 2025.",
    ),
    Seed(
        7, VILLAGE, "how to read", "",
        "7% of the crimes of January to October 2025 led to a charge or a court case so far. Court results are not "
        "published.",
    ),
    Seed(
        7, VILLAGE, "instead of", "",
        "Crime rose 100% in December. | Police recorded 2 crimes in December and 1 in November. "
        "Two months cannot show a trend.",
    ),
    Seed(8, TOWN, "headline trend", "(251 to 409)", "(271 to 400)"),
    Seed(8, TOWN, "table trend", " | 251 | 409 | ", " | 261 | 409 | "),
    Seed(8, TOWN, "index", "within the normal range", "below the normal range"),
    Seed(9, LONG, "text change", "lower in 11 of 11 months", "lower in 0 of 12 months"),
    Seed(
        9, LONG, "glance", "",
        "With less than two full years, the time of year and a trend cannot be told apart.",
    ),
    Seed(
        10, LONG, "glance", "no clear change (4% lower, under the 10% that counts as clear)",
        "a clear fall of 4%, lower in 9 of 11 months",
    ),
    Seed(
        10, LONG, "text change",
        "One category changed clearly: vehicle crime (222 after 351, 37% lower, lower in 11 of 11 months).",
        "None of the 11 categories compared changed clearly.",
    ),
    Seed(10, TOWN, "glance", "53 of the 449 points", "53 of the 732 points"),
    Seed(11, TOWN, "careful", "records of shoplifting", "records of violence and sexual offences"),
    Seed(
        11, TOWN, "careful", "",
        "The edge of the area is arbitrary. 100 m more on every side would add 0 crimes.",
    ),
    Seed(11, TOWN, "careful", "1 map point named Hospital", "2 map points named Hospital"),
    Seed(12, VILLAGE, "glance", "1 report of anti-social", "1 reports of anti-social"),
    Seed(12, TOWN, "glance", "shoplifting (59) and other theft (36)", "shoplifting (59), other theft (36)"),
    Seed(13, TOWN, "table trend.asb", "published | 32 | 14 | 59", "published | 329 | 14 | 59"),
    Seed(
        14, TOWN, "headline explore",
        "Explore 3,731 crimes and, counted separately, 563 reports of anti-social behaviour",
        "The 4,294 records of crime and anti-social behaviour",
    ),
    Seed(
        15, TOWN, "glance", "They are not counted anywhere in this report.", "They are counted, but on no map.",
    ),
    Seed(11, TOWN, "enlarged", "600 metres across", "60 metres across"),
    # The first screen, which is newer than the fifteen.
    Seed(1, PART, "first screen", "Only a part of the area is counted.", "Nothing unusual stands out."),
    Seed(8, TOWN, "first screen", "within the normal range, 251 to 409", "above the normal range, 251 to 409"),
    Seed(8, TOWN, "first screen", "251 to 409", "240 to 409"),
    Seed(9, LONG, "first screen", "3,569 in the same months", "3,569 in the 12 months"),
    Seed(12, TOWN, "first screen", "329 crimes in December", "329 crime in December"),
    Seed(13, TOWN, "first screen", "32 reports", "329 reports"),
    # Places like this one.
    Seed(8, ALIKE, "headline like", "vehicle crime: fewer than", "vehicle crime: more than"),
    Seed(8, ALIKE, "headline like", "Bicycle theft: more", "Bicycle theft and burglary: more"),
    Seed(1, ALIKE, "headline like", "36 places", "40 places"),
    Seed(3, ALIKE, "text like", "1.2 to 1.9 jobs", "0.5 to 0.9 jobs"),
    Seed(3, NONE_ALIKE, "headline like", "this archive has none", "this archive has only 12"),
    Seed(8, ALIKE, "table like", "among the middle eight of ten", "more than in nine of ten"),
    Seed(13, ALIKE, "table like", "Burglary | 210", "Burglary | 563"),
    # Rates and groups, which are newer still.
    Seed(16, LIVED, "headline rates", "9,400 residents (Census 2021)", "9,400 residents (Census 2011)"),
    Seed(16, APART, "figure rates", "Crimes in 11 months for every", "Crimes a year for every"),
    Seed(16, LIVED, "figure rates", "Here | 400 | 370 to 420", "Here | 400 | 380 to 410"),
    Seed(16, LIVED, "figure rates", "residents and jobs, about 23,000 here", "residents and jobs, about 14,000 here"),
    Seed(
        16, LIVED, "table rates", "residents and jobs | Rest of Fable Vale (police area)",
        "residents and jobs | Rest of Fablemouth (district)",
    ),
    Seed(16, LIVED, "text rates", "Both crime rates are above", "Both crime rates are below"),
    Seed(
        16, APART, "text rates",
        "By residents the rate is above the rest of Fable Vale, by residents and jobs below it. That "
        "disagreement is the answer: it depends on who is counted.",
        "Both crime rates are above the rest of Fable Vale.",
    ),
    Seed(
        16, LIVED, "text rates", "Neither counts visitors or measures safety.",
        "The area is less safe than the rest of Fable Vale.",
    ),
    Seed(
        16, HAMLET, "text rates", "No rate is given for fewer than 500 residents: one crime more would add 3.2 to it.",
        "Both crime rates are below the rest of Fable Vale. Residents fit crimes at home; jobs add people at work. "
        "Neither counts visitors or measures safety.",
    ),
    # Searches by the police.
    Seed(17, SEARCHED, "headline searches", "391 searches", "391 people searched"),
    Seed(17, SEARCHED, "headline searches", "the 34 months counted", "the 36 months to December 2025"),
    Seed(17, SEARCHED, "text searches", "159 of 964 searches (16%)", "159 of 964 searches (6%)"),
    Seed(
        17, SEARCHED, "text searches",
        "Not counted, which does not mean none: March 2024 and May 2025 (not in this archive).",
        "No search was recorded in March 2024 and May 2025.",
    ),
    Seed(17, SEARCHED, "table searches", "March 2024 | not in this archive | [x]", "March 2024 | published | 0"),
    Seed(17, SEARCHED, "table searches outcome", "Not recorded | 14 | 3.6%", "No action | 14 | 3.6%"),
    Seed(17, SEARCHED, "table searches outcome", "| 30 | 9 | 0", "| 39 | 0 | 0"),
    Seed(17, SEARCHED, "table searches object", "Controlled drugs | 256", "Controlled drugs | 265"),
    Seed(17, SEARCHED, "table searches self_defined", "Not recorded | 21", "White | 21"),
    Seed(17, SEARCHED, "searches", "Seven were under section 60", "No search was under section 60"),
    Seed(17, SEARCHED_PART, "text searches", "Fable Moor are held here", "Fable Vale are held here"),
    Seed(
        17, SEARCHED_FEW, "searches", "No rate per resident and no ratio between groups is given.",
        "Black people were searched four times as often as white people.",
    ),
    Seed(16, TOWN, "table groups", "Retail crime | Shoplifting", "Retail crime | Shoplifting, Other theft"),
]  # fmt: skip


def with_seed(page: Page, seed: Seed) -> Page:
    """Return the page with the false words in it.

    Raises
    ------
    ValueError
        The page does not have the true words, so the seed says nothing.
    """
    texts = page[seed.part]
    if not seed.true:
        return page | {seed.part: [*texts, seed.false]}
    if not any(seed.true in text for text in texts):
        msg = f"{seed.part!r} of {seed.asked} has no {seed.true!r}: {texts}"
        raise ValueError(msg)
    return page | {seed.part: [text.replace(seed.true, seed.false) for text in texts]}
