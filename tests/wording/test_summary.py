"""The computed sentences: large, small, part, gaps, nothing, two and three years."""

import re
from dataclasses import replace

import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from crimenb.measures import changes
from crimenb.measures.months import MonthVerdict, Verdict
from crimenb.measures.place import place_of
from crimenb.query import months_between
from crimenb.report.sections import neighbourhood
from crimenb.schema import CATEGORIES, MonthStatus
from crimenb.usual_range import Range
from crimenb.wording import format as write
from crimenb.wording import how_to_read, misreadings, verdicts
from crimenb.wording.availability import source_sentence
from crimenb.wording.comparisons import comparison_sentences
from crimenb.wording.summary import at_a_glance, leading, summary_md
from tests.make_data import YEAR, monthly, written

ONE_OF_MANY = re.compile(
    r"\b1 (?:crimes|reports|records|points|months|files|categories)\b|\bof 1 (?:months|points)\b|"
    r"\b(in|the|of|a|to) \1\b",
    re.IGNORECASE,
)
NEVER = re.compile(r"\b(safest|dangerous|dangerously|crime-ridden|hotspot|nan|None|inf)\b")


def text(data):
    return " ".join(at_a_glance(place_of(data)))


def misread(data):
    return misreadings.do_not_say(place_of(data))


def test_large():
    said = text(monthly(100, rest=1000))
    assert said.startswith(
        "Police recorded 100 crimes in the mile around ZZ5 5AA in December 2025, about 3.2 a day. "
        "That is within the normal range for this area ("
    )
    assert "Daily crime was 1% lower in October to December than in January to September." in said
    assert "the time of year and a trend cannot be told apart" in said


def test_village():
    said = text(monthly([3, 3, 1, 5, 7, 0, 5, 0, 0, 4, 4, 8]))
    assert ": 0 to 8 crimes a month. No crime was recorded in June, August and September 2025." in said
    assert (
        "December 2025 had the most (8), but with under 10 crimes a month that is too few to call a change."
        in said
    )
    assert "Chance alone could make the crimes of a year here anything from 26 to 57." in said
    assert "%" not in said
    assert "range" not in said


def test_a_month_without_a_crime_that_was_supplied_is_a_zero():
    said = text(monthly([0], ["2025-12"]))
    assert "Police recorded 0 crimes and 0 reports of anti-social behaviour" in said
    assert "in December 2025." in said


def test_part():
    forces = (("city-of-london", 0.42), ("metropolitan", 0.58))
    said = text(monthly(600, status=dict.fromkeys(YEAR, "partly supplied"), forces=forces))
    assert "600 crimes in the City of London part of the mile around ZZ5 5AA (42% of its area;" in said
    assert "the rest cannot be estimated from it" in said
    assert "No figure covers the whole area" in said
    assert "for this area" not in said
    assert "below" not in said


def test_gaps():
    gone = dict.fromkeys(
        ["2025-05", "2025-06", "2025-07", "2025-08", "2025-10", "2025-11"], "not in this archive"
    )
    said = text(monthly(100, status=gone))
    assert "Six of the 12 months are counted." in said
    files = "The Leicestershire files for May to August, October and November 2025 are not in this archive"
    assert files in said
    assert "In the 6 months counted police recorded 600 crimes" in said
    assert "not judged, because a normal range needs 6 earlier months" in said
    assert "in October" not in said


def test_the_newest_month_is_a_gap():
    said = text(monthly(100, status={"2025-12": "not supplied"}))
    assert "in November 2025 (the newest month counted)" in said


def test_nothing():
    data = monthly(2, status=dict.fromkeys(YEAR, "not in this archive"))
    said = text(data)
    assert said.startswith(
        "This archive does not hold Leicestershire for January to December 2025, so the crime of the mile "
        "around ZZ5 5AA is unknown. It is not zero."
    )
    assert "24 records found there came from other forces" in said
    assert "|" not in summary_md(place_of(data))


def test_two_years_with_a_change_built_in():
    months = months_between("2024-01", "2025-12")
    data = monthly([200] * 12 + [140] * 12, months, rest=3000)
    said = text(data)
    assert said.startswith(
        "In the 12 months to December 2025 police recorded 1,680 crimes, after 2,400 in the 12 months before: "
        "a clear fall of 30%, lower in 12 of 12 months. In the rest of Leicestershire daily crime was unchanged over the same time."
    )
    assert (
        "One category changed clearly: shoplifting (1,680 after 2,400, 30% lower, lower in 12 of 12 months)."
        in said
    )
    assert "trend" not in said


def test_a_share_without_location_that_swings_is_no_reason_to_say_nothing():
    data = monthly(100, rest=100)
    moved = data.surroundings.assign(unlocated=lambda t: 20 * (t["month"] == "2025-03"))
    said = text(replace(data, surroundings=moved))
    assert "Months are not compared" not in said
    assert (
        "of Leicestershire's records have no location. They are not counted anywhere in this report." in said
    )


def test_under_twenty_a_month_are_listed_not_ranked():
    rows = [{"month": m, "category": c, "n": 6} for m in YEAR for c in ("robbery", "drugs")]
    said = text(written(rows, YEAR))
    assert "The crimes of December were 6 drugs and 6 robbery." in said
    assert "most common" not in said


@pytest.mark.parametrize(
    ("counts", "named"),
    [
        ([9, 8, 7, 6], ["a", "b", "c"]),
        ([9, 8, 7, 7], ["a", "b", "c", "d"]),  # a tie at the last place names all of them ...
        ([9, 8, 7, 7, 7], ["a", "b"]),  # ... or none
        ([9, 9, 9, 9, 9], []),
        ([9, 8, 0], ["a", "b"]),
    ],
)
def test_a_tie_at_the_last_place_names_all_or_none(counts, named):
    row = pd.Series(counts, index=list("abcde")[: len(counts)])
    assert [slug for slug, _ in leading(row)] == named


def test_a_category_outside_its_range_is_named_with_it():
    rows = [{"month": m, "category": "drugs", "n": 40 if m != "2025-12" else 120} for m in YEAR]
    rows += [{"month": m, "n": 100} for m in YEAR]
    said = text(written(rows, YEAR, rest=3000))
    assert re.search(r"Drugs was above the normal range for this area \(120; \d+ to \d+\)\.", said)


@st.composite
def anything(draw):
    months = YEAR[: draw(st.integers(1, 12))]
    rows = draw(
        st.lists(
            st.fixed_dictionaries(
                {
                    "month": st.sampled_from(months),
                    "category": st.sampled_from(list(CATEGORIES)),
                    "reported_by": st.sampled_from(["leicestershire", "btp"]),
                    "outcome": st.sampled_from(["", "Under investigation", "Awaiting court outcome"]),
                    "snapped_to": st.sampled_from(["", "Hospital", "High Street"]),
                    "x": st.sampled_from([-1.13, -1.129]),
                    "n": st.sampled_from([1, 3, 40]),
                }
            ),
            max_size=10,
        )
    )
    status = {m: draw(st.sampled_from(["published", "published", *MonthStatus])) for m in months}
    rest = draw(st.sampled_from([None, 0, 5, 1000]))
    forces = (("leicestershire", 0.6), ("warwickshire", 0.4))
    return written(
        rows, months, status=status, rest=rest, forces=forces, unlocated=draw(st.sampled_from([0, 1]))
    )


# Shrinking builds frames by the hundred; the sentence that fails says enough.
@settings(deadline=None, max_examples=40, phases=[Phase.explicit, Phase.generate])
@given(anything())
def test_any_data_give_whole_sentences(data):
    place = place_of(data)
    said = [*at_a_glance(place), *how_to_read.how_to_read(place), *how_to_read.careful_sentences(place)]
    said += [part for misreading in misreadings.do_not_say(place) for part in misreading]
    said += [s for c in place.comparisons for s in comparison_sentences(c)]
    for sentence in said:
        assert re.fullmatch(r"[A-Z0-9].*[.]", sentence), sentence
        assert not NEVER.search(sentence), sentence
        assert ".." not in sentence
        assert "  " not in sentence
        assert not ONE_OF_MANY.search(sentence), sentence
    assert summary_md(place).startswith("# Recorded crime: ")


def test_the_table_to_paste_sums():
    rows = [{"month": m, "category": c, "n": 2} for m in YEAR for c in CATEGORIES]
    table = [
        r.split("|") for r in summary_md(place_of(written(rows, YEAR))).splitlines() if r.startswith("| ")
    ]
    latest = {r[1].strip(): int(r[2].replace(",", "")) for r in table[1:]}
    period = {r[1].strip(): int(r[3].replace(",", "")) for r in table[1:]}
    assert latest["All crime"] == 26 == sum(list(latest.values())[:13])
    assert period["All crime"] == 312 == sum(list(period.values())[:13])
    assert period["Anti-social behaviour (reports)"] == 24


def test_what_to_write_instead_is_filled():
    data = monthly([*[100] * 10, 100, 110], rest=1000)
    found = misread(data)
    assert len(found) == 2
    assert found[0].sentence == "Crime rose 10% in December."
    assert found[0].instead == f"December was {verdicts.describe(place_of(data).crime)}."


def test_a_share_is_never_called_more_than_it_is():
    said = [misreadings._times_as(q) for q in (1.6, 2.0, 2.54, 3.2, 12.9)]
    assert said == [
        "far more", "more than twice as", "more than twice as", "more than 3 times as", "more than 12 times as",
    ]  # fmt: skip


def test_a_year_with_a_month_left_out_says_which():
    months = months_between("2023-11", "2025-12")
    said = text(monthly(200, months, rest=3000, status={"2024-10": "not in this archive"}))
    assert "In 11 of the 12 months to December 2025 police recorded 2,200 crimes" in said
    assert "in the same months a year before" in said
    assert "The Leicestershire file for October 2024 is not in this archive" in said


def test_reports_are_judged_beside_those_of_the_force():
    asb = {m: 100 if m != "2025-12" else 80 for m in YEAR}
    rows = [{"month": m, "n": 100} for m in YEAR]
    rows += [{"month": m, "category": "anti-social-behaviour", "n": n} for m, n in asb.items()]
    rest = {(m, c): 1000 if m != "2025-12" else 700 for m in YEAR for c in CATEGORIES}
    said = text(written(rows, YEAR, rest=rest))
    assert (
        "The range allows for the rest of Leicestershire, where reports a day were 31% lower than in the earlier months."
    ) in said


def test_more_than_three_larger_shares_are_counted():
    named = ["robbery", "drugs", "burglary", "bicycle-theft"]
    rows = [{"month": m, "category": c, "n": 30} for m in YEAR for c in named]
    rows += [{"month": m, "category": "violent-crime", "n": 30} for m in YEAR]
    rest = {(m, c): 5000 if c == "violent-crime" else 100 for m in YEAR for c in CATEGORIES}
    said = text(written(rows, YEAR, rest=rest))
    assert "Four categories make up a clearly larger share of crime here than in" in said
    assert ", among them " in said


def test_british_transport_police_is_said_once():
    rows = [{"month": m, "n": 100} for m in YEAR]
    many = written([*rows, {"month": "2025-01", "reported_by": "btp", "n": 100}], YEAR)
    few = written([*rows, {"month": "2025-01", "reported_by": "btp", "n": 5}], YEAR)
    for data, findings_have_it in ((many, True), (few, False)):
        reading = " ".join(how_to_read.how_to_read(place_of(data)))
        assert ("British Transport Police" in text(data)) is findings_have_it
        assert reading.count("British Transport Police") == 1


def test_a_part_is_not_contradicted_by_what_to_write_instead():
    forces = (("city-of-london", 0.42), ("metropolitan", 0.58))
    data = monthly([*[600] * 11, 700], status=dict.fromkeys(YEAR, "partly supplied"), forces=forces)
    whole = misread(data)[0]
    assert whole.sentence == "There were 700 crimes in the mile around ZZ5 5AA in December 2025."
    assert "in the City of London part (42%) of the mile" in whole.instead
    rise = next(m for m in misread(data) if m.sentence.startswith("Crime rose"))
    assert rise.instead.startswith(
        "Police recorded 700 crimes in the City of London part (42%) of the mile around"
    )
    assert rise.instead.endswith(" in December. Two months cannot show a trend.")


def test_the_force_is_blamed_only_where_it_moved_the_same_way():
    """A fall here beside a rise in the rest of the force is not "in line with" it."""
    y = [100] * 9 + [92] * 3
    up = {(m, c): 1000 if m < "2025-10" else 1040 for m in YEAR for c in CATEGORIES}
    said = text(monthly(y, rest=up))
    assert "The difference is too small to call a local change." in said
    assert "accounts for" not in said
    down = {(m, c): 1000 if m < "2025-10" else 930 for m in YEAR for c in CATEGORIES}
    assert "Most of that fall was across the whole force." in text(monthly(y, rest=down))


def test_a_custom_area_is_policed_by_its_forces_by_name():
    data = monthly(100)
    area = data.places.assign(kind="area", postcode="ZZ5 5AA", force="")
    assert policed(replace(data, places=area)) == "ZZ5 5AA is in the Leicestershire police area."


def policed(data):
    return neighbourhood(data).text.partition(" Use https")[0]


def test_what_is_not_known_of_the_source_is_not_said():
    data = monthly(100)
    assert source_sentence(place_of(data)) == "Source: police.uk, release of December 2025."
    rows = data.provenance.assign(name="read", value="2026-11-26T10:00:00+00:00")
    read = source_sentence(place_of(replace(data, provenance=rows)))
    assert read == (
        "Source: police.uk, files for January to December 2025, read into an archive on 26 November 2026."
    )


@pytest.mark.parametrize(
    ("months", "said"),
    [
        (["2025-05"], "May 2025"),
        (["2025-05", "2025-06"], "May and June 2025"),
        (["2025-05", "2025-06", "2025-07", "2025-12"], "May to July and December 2025"),
        (["2024-11", "2024-12", "2025-01"], "November 2024 to January 2025"),
        (["2024-11", "2025-01"], "November 2024 and January 2025"),
        (["2024-08", "2024-10", "2025-08"], "August and October 2024, and August 2025"),
    ],
)
def test_months_in_words(months, said):
    assert write.months(months) == said


@pytest.mark.parametrize(("n", "said"), [(0, "None"), (8, "Eight"), (19, "19"), (1317, "1,317")])
def test_numbers_that_open_a_sentence(n, said):
    assert write.opening(n) == said


CHANGE = changes.Change(
    changes.ChangeVerdict.NONE, "crime", count_later=95, count_earlier=100, ratio=0.95, same_way=7, pairs=12
)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("no change", "no clear change (5% lower, under the 10% that counts as clear)"),
        ("fall", "a clear fall of 5%, lower in 7 of 12 months"),
        ("too few", "too few to judge a change"),
        ("map changed", "not compared across July 2022, when police.uk replaced its map points"),
    ],
)
def test_one_wording_for_one_change(kind, words):
    assert verdicts.describe_change(replace(CHANGE, kind=changes.ChangeVerdict(kind))) == words


@pytest.mark.parametrize(
    ("ratio", "low", "high", "why"),
    [
        (0.95, 0.90, 0.99, "5% lower, under the 10% that counts as clear"),
        (0.82, 0.60, 1.12, "chance could explain it"),
        (0.82, 0.70, 0.95, "lower in only 7 of 12 months"),
    ],
)
def test_no_clear_change_says_which_condition_is_not_met(ratio, low, high, why):
    change = replace(CHANGE, ratio=ratio, low=low, high=high)
    assert verdicts.describe_change(change) == f"no clear change ({why})"


@pytest.mark.parametrize("kind", list(MonthVerdict))
def test_every_verdict_has_words_and_its_range(kind):
    ranged = kind in ("below", "within", "above", "as located")
    verdict = Verdict(
        kind, "crime", "2025-12", 575, range=Range(477, 699, 583.1, 3.0, 11) if ranged else None
    )
    assert verdicts.brief(verdict)
    assert ("(477 to 699)" in verdicts.describe(verdict)) is ranged
