"""Postcodes and months in, one checked question out."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crimenb.errors import MonthNotPublished, PlaceNotFound, QueryError
from crimenb.query import Query, days_in, month_before, months_between, parse_month, parse_postcode
from crimenb.snapshot import collect


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("LE1 6RN", "LE1 6RN"), ("le16rn", "LE1 6RN"), ("  Le1   6rN ", "LE1 6RN"), ("M1 1AE", "M1 1AE"),
        ("B33 8TH", "B33 8TH"), ("CR2 6XH", "CR2 6XH"), ("DN55 1PT", "DN55 1PT"), ("W1A 0AX", "W1A 0AX"),
        ("EC1A 1BB", "EC1A 1BB"), ("ec2v7hh", "EC2V 7HH"), ("gir 0aa", "GIR 0AA"), ("BT1 5GS", "BT1 5GS"),
        ("L E 1 6 R N", "LE1 6RN"), ("LE1\t6RN", "LE1 6RN"),
    ],
)  # fmt: skip
def test_every_real_shape_is_a_postcode(text, written):
    assert parse_postcode(text) == written


@pytest.mark.parametrize(
    "text",
    [
        "",
        "LE1",
        "6RN",
        "LE1 6R",
        "LE1 6CN",
        "QQ1 1AA",
        "LE111 6RN",
        "1LE 6RN",
        "LE1 6RN2",
        "../etc",
        "LE1 6RN; LE2 7TR",
        "LE1O 6RN",
    ],
)
def test_other_texts_are_refused_with_their_value(text):
    with pytest.raises(QueryError, match="full UK postcode") as caught:
        parse_postcode(text)
    assert repr(text.strip()) in str(caught.value)


@given(st.text(max_size=12))
def test_parsing_settles_or_refuses_and_is_idempotent(text):
    try:
        written = parse_postcode(text)
    except QueryError:
        return
    assert parse_postcode(written.lower().replace(" ", "")) == written


@pytest.mark.parametrize(
    "text",
    [
        "LE1 6RN.", "(LE1 6RN)", '="LE1 6RN"', '=""LE1 6RN""', "'le1 6rn", "“LE1 6RN”", "LE1\u200b 6RN", "\ufeffLE16RN,",
        "LE1-6RN", "LE1\u20136RN", "LE1 6RN;", "LE1\u00a06RN", "[LE1 6RN]:",
    ],
)  # fmt: skip
def test_what_stands_around_a_postcode_is_passed_over(text):
    assert parse_postcode(text) == "LE1 6RN"


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("STl 1AP", "did you mean 'ST1 1AP'?"),
        ("ST1 OAA", "did you mean 'ST1 0AA'?"),
        ("ECIA 1BB", "did you mean 'EC1A 1BB'?"),
        ("LE1O 1AA", "did you mean 'LE10 1AA'?"),
        ("M1 IAE", "did you mean 'M1 1AE'?"),
        ("Address: ST1 1AP", "did you mean 'ST1 1AP'?"),
        ("1 High St, Hanley, ST11AP", "did you mean 'ST1 1AP'?"),
        ("ST1", "that is the first half of one; write it all, like 'LE1 6RN'."),
        ("ST1 1", "that is a sector of many; write one whole postcode, like 'LE1 6RN'."),
        ("ST1 1AP, ST1 2AA", "write one like 'LE1 6RN'."),
        ("Leicester", "write one like 'LE1 6RN'."),
        ("QQ1 OAA", "write one like 'LE1 6RN'."),
    ],
)
def test_a_slip_is_answered_with_what_was_meant_and_never_guessed(text, hint):
    with pytest.raises(QueryError) as caught:
        parse_postcode(text)
    assert str(caught.value) == f"{text!r} is not a full UK postcode; {hint}"


@pytest.mark.parametrize("text", ["BF1 2AY", "BX9 1AS"])
def test_real_postcodes_without_a_place_are_said_to_be_real(text):
    with pytest.raises(PlaceNotFound, match=f"{text!r} is real, but without a place"):
        collect(Query.parse(text, "2025-12", "2025-12"), "demo")


@pytest.mark.parametrize(
    "text",
    [
        "2025-10", "2025/10", "2025.10", "Oct 2025", "October 2025", "OCTOBER, 2025", "2025 Oct", "2025-10-15", "Oct-25", "Oct 25",
        "Oct/25", "oct'25", "10/2025", "01/10/2025", "1.10.2025", "31/10/2025", "10/10/2025", "1 October 2025",
        "1st Oct 2025", "01-Oct-2025", "October 1, 2025", "2025-10-01 00:00:00", "2025-10-01T00:00:00Z", " 2025-10 ", "'2025-10",
    ],
)  # fmt: skip
def test_months_as_people_type_them(text):
    assert parse_month(text) == "2025-10"


def test_every_name_of_a_month_is_known():
    names = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
    assert [parse_month(f"{n} 2024") for n in names] == months_between("2024-01", "2024-12")
    assert [parse_month(dt.date(2024, n, 1).strftime("%B %Y")) for n in range(1, 13)] == months_between(
        "2024-01", "2024-12"
    )
    assert parse_month("Sept 2024") == "2024-09"


@pytest.mark.parametrize("text", ["03/02/2025", "3-2-2025", "02.03.2025", "10/01/2025"])
def test_a_date_that_may_be_of_two_months_shows_how_to_write_it(text):
    with pytest.raises(
        QueryError, match=r"may be of two months; write 2025-\d\d if the day stands first, or 2025"
    ):
        parse_month(text)


def test_excels_number_of_a_day_is_answered_with_the_month():
    with pytest.raises(
        QueryError, match=r"'45931' is the number by which Excel keeps 2025-10-01; write 2025-10\."
    ):
        parse_month("45931")


@pytest.mark.parametrize(
    "text", ["2025-13", "202501", "2025", "January", "25-Oct", "Janu 2025", "32/10/2025", "2025-00", "Oct"]
)
def test_what_is_no_month_shows_how_to_write_one(text):
    with pytest.raises(QueryError, match=f"{text!r} is not a month; write YYYY-MM, for example '2025-12'"):
        parse_month(text)


def test_a_month_before_the_first_is_refused_as_it_was_written():
    with pytest.raises(
        QueryError, match=r"Month '2010-11' \(written 'Nov 2010'\) is before police.uk's first"
    ):
        parse_month("Nov 2010")


def test_a_month_that_is_not_over_is_refused():
    now = dt.datetime.now(dt.UTC)
    with pytest.raises(QueryError, match="not over yet"):
        parse_month(f"{now:%Y-%m}")
    with pytest.raises(QueryError, match="not over yet"):
        parse_month(f"{now.year + 1}-01")


def test_months_run_across_a_year_end():
    assert months_between("2024-11", "2025-02") == ["2024-11", "2024-12", "2025-01", "2025-02"]
    assert month_before("2025-01") == "2024-12"
    assert month_before("2025-03", 24) == "2023-03"
    assert [days_in(m) for m in ("2024-02", "2025-02", "2025-12")] == [29, 28, 31]


def test_start_after_end_is_refused():
    with pytest.raises(QueryError, match="after the end"):
        Query.parse("LE1 6RN", "2025-12", "2025-01")


HELD = months_between("2023-01", "2025-12")


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("", "", ("2024-01", "2025-12")),
        ("", "2025-06", ("2023-07", "2025-06")),
        ("", "2023-06", ("2023-01", "2023-06")),
        ("2025-03", "", ("2025-03", "2025-12")),
        ("latest", "latest", ("2025-12", "2025-12")),
        ("2025-01", "latest", ("2025-01", "2025-12")),
        ("2022-11", "2023-02", ("2022-11", "2023-02")),  # partly held: the rest becomes a gap
    ],
)
def test_open_months_settle_on_what_is_held(start, end, expected):
    query = Query.parse("LE1 6RN", start, end).within(HELD)
    assert (query.start, query.end) == expected
    assert query.settled


def test_months_not_held_at_all_name_those_that_are():
    with pytest.raises(MonthNotPublished, match="2023-01 to 2025-12"):
        Query.parse("LE1 6RN", "2020-01", "2020-12").within(HELD)
    with pytest.raises(MonthNotPublished):
        Query.parse("LE1 6RN", "2026-02", "").within(HELD)


def test_slug_says_the_question_and_hashes_the_rest():
    plain = Query.parse("LE1 6RN", "2025-01", "2025-12")
    assert plain.slug == "le1-6rn_2025-01_2025-12"
    compared = Query.parse("LE1 6RN", "2025-01", "2025-12", "CV32 4EA")
    assert compared.slug.startswith(plain.slug + "_")
    assert compared.slug != Query.parse("LE1 6RN", "2025-01", "2025-12", ["CV31 1EB"]).slug


def test_comparisons_are_parsed_once_and_bounded():
    query = Query.parse("LE1 6RN", compare_with="cv324ea, LE1 6RN , CV32 4EA")
    assert query.compare_with == ("CV32 4EA",)
    for text in ("LE2 7BA CV32 4EA w1a 1aa", "le27ba  cv324ea w1a1aa", "LE2 7BA, CV32 4EA W1A 1AA"):
        assert Query.parse("LE1 6RN", compare_with=text).compare_with == ("LE2 7BA", "CV32 4EA", "W1A 1AA")
    assert Query.parse("LE1 6RN", compare_with=["CV32 4EA, CV31 1EB", "BS1 4ST"]).compare_with == (
        "CV32 4EA",
        "CV31 1EB",
        "BS1 4ST",
    )
    with pytest.raises(QueryError, match="at most 5"):
        Query.parse("LE1 6RN", compare_with=[f"LE{i} 6RN" for i in range(2, 9)])
