"""The computed sentences: large, small, part, gaps, nothing, two and three years."""

import re
from dataclasses import replace

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from crimenb.measures import changes
from crimenb.query import months_between
from crimenb.schema import CATEGORIES, STATUSES
from crimenb.wording import format as write
from crimenb.wording import how_to_read, misreadings, verdicts
from crimenb.wording.summary import at_a_glance, summary_md
from tests.make_data import written

YEAR = months_between("2025-01", "2025-12")
NEVER = re.compile(r"\b(safest|dangerous|dangerously|crime-ridden|hotspot|nan|None|inf)\b")


def text(data):
    return " ".join(at_a_glance(data))


def monthly(n, months=YEAR, **more):
    y = [n] * len(months) if isinstance(n, int) else n
    return written([{"month": m, "n": k} for m, k in zip(months, y, strict=True) if k], months, **more)


def test_large():
    said = text(monthly(100, rest=1000))
    assert said.startswith(
        "Police recorded 100 crimes in the mile around ZZ5 5AA in December 2025, about 3.2 a day"
    )
    assert "within the range its earlier months lead one to expect (" in said
    assert "no local change is shown" in said
    assert "with one year of data, season and trend cannot be told apart" in said


def test_village():
    said = text(monthly([3, 3, 1, 5, 7, 0, 5, 0, 0, 4, 4, 8]))
    assert "no crime recorded in June, August or September, and at most eight in any month" in said
    assert "December's eight crimes were the most of any month" in said
    assert "Chance alone could turn a usual 26 or a usual 57 a year into 40." in said
    assert "%" not in said
    assert "range" not in said.replace("arrange", "")


def test_part():
    forces = (("city-of-london", 0.42), ("metropolitan", 0.58))
    said = text(monthly(600, status=dict.fromkeys(YEAR, "partly supplied"), forces=forces))
    assert "600 crimes in the City of London part of the mile around ZZ5 5AA (42% of its area;" in said
    assert "the rest cannot be estimated from it" in said
    assert "no figure speaks of the whole circle" in said
    assert "range" not in said
    assert "below" not in said


def test_gaps():
    gone = dict.fromkeys(
        ["2025-05", "2025-06", "2025-07", "2025-08", "2025-10", "2025-11"], "not in this archive"
    )
    said = text(monthly(100, status=gone))
    assert "Six of the twelve months asked for are counted" in said
    files = "the Leicestershire files for May to August, October and November 2025 are not in this archive"
    assert files in said
    assert "January to April, September and December 2025 hold 600 crimes" in said
    assert "its other five months" in said
    assert "season not removed" in said
    assert "From October" not in said


def test_the_newest_month_is_a_gap():
    said = text(monthly(100, status={"2025-12": "not supplied"}))
    assert "in November 2025 (the newest month counted)" in said


def test_nothing():
    data = monthly(2, status=dict.fromkeys(YEAR, "not in this archive"))
    said = text(data)
    assert said.startswith(
        "This archive holds no Leicestershire file for January to December 2025, so the crime of the mile "
        "around ZZ5 5AA is unknown, not zero."
    )
    assert "24 records found there came from other forces" in said
    assert "|" not in summary_md(data)


def test_two_years_with_a_change_built_in():
    months = months_between("2024-01", "2025-12")
    data = monthly([200] * 12 + [140] * 12, months, rest=3000)
    said = text(data)
    assert "1,680 crimes, against 2,400 in the same months a year before: a clear fall of 30%" in said
    assert "lower in 12 of 12 months" in said
    assert "Clear by category: shoplifting (down 30% to 1,680, lower in 12 of 12 months)." in said
    assert "season and trend" not in said


def test_swings_of_location_forbid_comparing_months():
    data = monthly(100, rest=100)
    moved = data.surroundings.assign(unlocated=lambda t: 20 * (t["month"] == "2025-03"))
    said = text(replace(data, surroundings=moved))
    assert "Months are not compared here" in said
    assert "range" not in said


def test_under_twenty_a_month_are_listed_not_ranked():
    rows = [{"month": m, "category": c, "n": 6} for m in YEAR for c in ("robbery", "drugs")]
    said = text(written(rows, YEAR))
    assert "December's crimes were six drugs and six robbery." in said
    assert "commonest" not in said


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
    status = {m: draw(st.sampled_from(["published", "published", *STATUSES])) for m in months}
    rest = draw(st.sampled_from([None, 0, 5, 1000]))
    forces = (("leicestershire", 0.6), ("warwickshire", 0.4))
    return written(
        rows, months, status=status, rest=rest, forces=forces, unlocated=draw(st.sampled_from([0, 1]))
    )


# Shrinking builds frames by the hundred; the sentence that fails says enough.
@settings(deadline=None, max_examples=40, phases=[Phase.explicit, Phase.generate])
@given(anything())
def test_any_data_give_whole_sentences(data):
    said = [*at_a_glance(data), *how_to_read.how_to_read(data)]
    said += [part for claim in misreadings.do_not_say(data) for part in claim]
    for sentence in said:
        assert re.fullmatch(r"[A-Z0-9].*[.]", sentence), sentence
        assert not NEVER.search(sentence), sentence
        assert ".." not in sentence
        assert "  " not in sentence
    assert summary_md(data).startswith("# Recorded crime: ")


def test_the_table_to_paste_sums():
    rows = [{"month": m, "category": c, "n": 2} for m in YEAR for c in CATEGORIES]
    table = [r.split("|") for r in summary_md(written(rows, YEAR)).splitlines() if r.startswith("| ")]
    latest = {r[1].strip(): int(r[2].replace(",", "")) for r in table[1:]}
    period = {r[1].strip(): int(r[3].replace(",", "")) for r in table[1:]}
    assert latest["All crime"] == 26 == sum(list(latest.values())[:13])
    assert period["All crime"] == 312 == sum(list(period.values())[:13])
    assert period["Anti-social behaviour (reports)"] == 24


def test_what_not_to_say_is_filled():
    data = monthly([*[100] * 10, 100, 110], rest=1000)
    found = misreadings.do_not_say(data)
    assert len(found) == 3
    assert found[0].sentence == "Crime rose 10% in December."
    assert found[0].why.startswith("Per day that is 3.5 crimes, after 3.3 in November, and anything from")
    assert "is within what earlier months lead one to expect" in found[0].why


def test_a_share_is_never_called_more_than_it_is():
    said = [misreadings._times_as(q) for q in (1.6, 2.0, 2.54, 3.2, 12.9)]
    assert said == [
        "far more", "more than twice as", "more than twice as", "more than three times as",
        "more than 12 times as",
    ]  # fmt: skip


def test_a_year_with_a_month_left_out_says_which():
    months = months_between("2024-01", "2025-12")
    data = monthly(200, [*months[:9], *months[10:]], rest=3000)
    assert "In January to" not in text(data)  # 23 months are no two years
    months = months_between("2023-11", "2025-12")
    said = text(monthly(200, months, rest=3000, status={"2024-10": "not in this archive"}))
    assert "In January to December 2025, leaving out October, there were 2,200 crimes" in said
    assert "the Leicestershire file for October 2024 is not in this archive" in said


def test_the_rest_of_the_force_is_first_named_as_a_police_area():
    said = text(monthly(200, rest=3000))
    first, then = "the rest of the Leicestershire police area", "the rest of Leicestershire"
    assert said.count(first) == 1
    assert then not in said[: said.index(first)]


def test_reports_stand_beside_those_of_the_force():
    asb = {m: 100 if m != "2025-12" else 80 for m in YEAR}
    rows = [{"month": m, "n": 100} for m in YEAR]
    rows += [{"month": m, "category": "anti-social-behaviour", "n": n} for m, n in asb.items()]
    rest = {(m, c): 1000 if m != "2025-12" else 700 for m in YEAR for c in CATEGORIES}
    said = text(written(rows, YEAR, rest=rest))
    assert "fewer a day than in those months, as against 31% fewer in the rest of the" in said


def test_more_than_three_larger_shares_are_counted():
    named = ["robbery", "drugs", "burglary", "bicycle-theft"]
    rows = [{"month": m, "category": c, "n": 30} for m in YEAR for c in named]
    rows += [{"month": m, "category": "violent-crime", "n": 30} for m in YEAR]
    rest = {(m, c): 5000 if c == "violent-crime" else 100 for m in YEAR for c in CATEGORIES}
    said = text(written(rows, YEAR, rest=rest))
    assert "Four categories take a clearly larger share of crime here than in" in said
    assert ", above all " in said


def test_british_transport_police_is_said_once():
    rows = [{"month": m, "n": 100} for m in YEAR]
    many = written([*rows, {"month": "2025-01", "reported_by": "btp", "n": 100}], YEAR)
    few = written([*rows, {"month": "2025-01", "reported_by": "btp", "n": 5}], YEAR)
    for data, glance_has_it in ((many, True), (few, False)):
        assert ("British Transport Police" in text(data)) is glance_has_it
        assert ("British Transport Police" in " ".join(how_to_read.how_to_read(data))) is not glance_has_it


def test_a_part_is_not_contradicted_by_what_not_to_say():
    forces = (("city-of-london", 0.42), ("metropolitan", 0.58))
    data = monthly([*[600] * 11, 700], status=dict.fromkeys(YEAR, "partly supplied"), forces=forces)
    rise = next(c for c in misreadings.do_not_say(data) if c.sentence.startswith("Crime rose"))
    assert "City of London part only" in rise.why


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


@pytest.mark.parametrize(
    ("n", "said"), [(0, "None"), (8, "Eight"), (19, "Nineteen"), (41, "Forty-one"), (1317, "1,317")]
)
def test_numbers_that_open_a_sentence(n, said):
    assert write.opening(n) == said


def test_clear_words():
    base = changes.Change("no clear change", "crime", [], [], 100, 100, ratio=0.95, same_way=7, pairs=12)
    assert verdicts.clear_words(base) == "no clear change (lower in seven of 12 months)"
    assert verdicts.clear_words(base._replace(kind="too few")) == "too few to call a change"
