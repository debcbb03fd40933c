"""The first screen: its three numbers, and which sentence comes first."""

import pytest

from crimenb.measures.place import place_of
from crimenb.wording.first_screen import three_numbers, what_matters
from tests.make_data import YEAR, monthly

TWO_YEARS = [f"{y}-{m:02}" for y in (2024, 2025) for m in range(1, 13)]
STEADY = [600, 610, 590, 605, 595, 600, 615, 585, 600, 607, 593]


def test_a_usual_month():
    data = monthly([*STEADY, 600])
    crime, asb, year = three_numbers(place_of(data))
    assert (crime.value, crime.what) == (600, "crimes in December 2025")
    assert crime.verdict == "Within the normal range"
    assert crime.range is not None
    assert crime.detail.startswith(f"{crime.range.low:,} to {crime.range.high:,}")
    assert crime.bars == [*STEADY, 600]
    assert (asb.value, asb.what) == (0, "reports of anti-social behaviour in December 2025")
    assert (year.value, year.what) == (sum(STEADY) + 600, "crimes in 2025")
    assert (year.verdict, year.detail) == (
        "Not compared with the year before", "this report covers less than two years",
    )  # fmt: skip
    assert what_matters(place_of(data)) == (
        "Nothing unusual stands out.", "The December number of crimes is within the normal range. Of the months, only the newest is judged.",
    )  # fmt: skip


def test_one_crime_is_one_crime():
    crime, *_ = three_numbers(place_of(monthly([3, 1], YEAR[-2:])))
    assert crime.what.startswith("crime in ")


@pytest.mark.parametrize(("last", "where"), [(1200, "above"), (100, "below")])
def test_an_unusual_month_comes_first(last, where):
    first, rest = what_matters(place_of(monthly([*STEADY, last])))
    assert first == "December 2025 was unusual."
    assert rest.startswith(f"Crime was {where} the normal range for this area (")


def test_what_is_missing_comes_before_all_else():
    data = monthly([*STEADY, 1200], status={YEAR[3]: "not in this archive"})
    first, rest = what_matters(place_of(data))
    assert first == "11 of the 12 months are counted."
    assert "April 2025" in rest
    assert three_numbers(place_of(data))[0].bars[3] is None


def test_a_part_is_told_before_its_numbers_are_read():
    forces = (("city-of-london", 0.42), ("metropolitan", 0.58))
    data = monthly([*STEADY, 1200], status=dict.fromkeys(YEAR, "partly supplied"), forces=forces)
    place = place_of(data)
    first, rest = what_matters(place)
    assert first == "Only a part of the area is counted."
    assert "Metropolitan" in rest
    assert {n.verdict for n in three_numbers(place)[:2]} == {"Not judged"}


def test_a_small_place_is_not_judged():
    place = place_of(monthly([3, 2, 4, 1, 5, 3, 2, 3, 4, 2, 3, 8]))
    first, rest = what_matters(place)
    assert first == "The numbers are too small to say what is usual."
    assert rest.startswith("Chance alone could make the crimes of a year here anything from ")
    assert three_numbers(place)[0].verdict == "Too few to judge"


def test_a_clear_change_comes_before_a_month():
    y = [*[600] * 12, *[380] * 12]
    place = place_of(monthly(y, months=TWO_YEARS))
    first, rest = what_matters(place)
    assert first == "Crime has clearly changed on the year."
    assert "a clear fall of 36%, lower in 12 of 12 months" in rest
    year = three_numbers(place)[2]
    assert (year.value, year.verdict, year.detail) == (4560, "Clear fall", "7,200 in the 12 months before")
    assert len(year.bars) == 24


def test_nothing_is_invented_where_no_month_is_counted():
    place = place_of(monthly([0] * 12, status=dict.fromkeys(YEAR, "not in this archive")))
    assert three_numbers(place) == []


def test_the_range_is_behind_the_month_it_is_of_where_newer_months_are_missing():
    data = monthly([*STEADY, 0], status={YEAR[-1]: "not in this archive"})
    crime, _, year = three_numbers(place_of(data))
    assert crime.what == "crimes in November 2025"
    assert crime.range is not None
    assert (crime.months[-1], crime.bars[-1]) == ("2025-11", crime.value)
    assert year.months[-1] == "2025-11"
