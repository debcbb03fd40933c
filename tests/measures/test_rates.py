"""Rates: their numbers by an independent computation, and where none may be given (R24)."""

import calendar
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import crimenb as cn
from crimenb import schema
from crimenb.data import frame
from crimenb.measures.place import place_of
from crimenb.measures.rates import BOTH, HOUSEHOLDS, RESIDENTS, NoRate, Side
from crimenb.schema import ASB, BTP
from crimenb.sources.archive import Archive
from crimenb.wording import rates as words
from tests.make_data import YEAR, make_data, monthly, written
from tests.people import CITY, FORCE, REST, peopled
from tests.real import needs_real_data

TOWN = {"residents": 31_400, "households": 14_200, "jobs": 27_300}
VILLAGE = {"residents": 1_140, "households": 470, "jobs": 205}
FORCES = {
    "leicestershire": FORCE,
    "warwickshire": {"residents": 600_000, "households": 250_000, "jobs": 280_000},
}


# ------------------------------------------------------ a second computation, with numpy and nothing of ours


def level(y, months, base, spread):
    """Return the rate for every 1,000 of `base` and the ends of its interval, as docs/method.md has them."""
    days = np.array([calendar.monthrange(int(m[:4]), int(m[5:]))[1] for m in months], float)
    early, d = y[:-1], days[:-1]
    mu = early.sum() * d / d.sum()
    expected = early.sum() / d.sum() * days[-1]
    own = ((early - mu) ** 2 / mu).sum() if (mu > 0).all() else len(early) - 1
    phi = max(1.0, (own + 10 * (1 + spread * math.sqrt(expected))) / (len(early) - 1 + 10))
    n, half = y.sum(), 1.96 * math.sqrt(phi) / 2
    ends = max(0.0, math.sqrt(n) - half) ** 2, (math.sqrt(n) + half) ** 2
    return tuple(1000 / base * v for v in (n, *ends))


def counted(rows, months, category, column=None):
    """Count rows by month: records, or what a column holds of them; crime is all but anti-social behaviour."""
    kinds, when = rows["category"].to_numpy(), rows["month"].to_numpy()
    chosen = kinds != ASB if category == "crime" else kinds == category
    of = np.ones(len(rows)) if column is None else rows[column].to_numpy(float)
    return np.array([of[chosen & (when == m)].sum() for m in months])


@needs_real_data
@pytest.mark.parametrize(
    ("postcode", "here", "force"),
    [
        ("LE1 6RN", CITY, "leicestershire"),
        ("CV32 4EA", TOWN, "warwickshire"),
        ("LE7 9AE", VILLAGE, "leicestershire"),
    ],
)
def test_rates_and_intervals_are_those_of_a_second_computation(real_archive, postcode, here, force):
    data = peopled(make_data(Archive(real_archive), postcode, YEAR[0], YEAR[-1]), here, FORCES, district=REST)
    own = data.crimes[data.crimes["reported_by"] != BTP]
    around = data.surroundings[data.surroundings["force"] == force]
    frames = {
        "here": (own, None, here), "force": (around, "rest", FORCES[force]),
        "district": (data.district_counts, "rest", REST),
    }  # fmt: skip
    expected = {}
    for per, category, of, spread in (
        ("residents", "crime", ["residents"], 0.12), ("residents and jobs", "crime", ["residents", "jobs"], 0.12),
        ("households", "burglary", ["households"], 0.17),
    ):  # fmt: skip
        for where, (rows, column, people) in frames.items():
            y = counted(rows, YEAR, category, column)
            if counted(own, YEAR, category).sum() >= 20:
                expected[per, where] = level(y, YEAR, sum(people[m] for m in of), spread)
    table = cn.rates(data).set_index(["per", "where"])
    assert list(table.index) == list(expected)
    for key, numbers in expected.items():
        assert table.loc[key, ["rate", "low", "high"]].tolist() == pytest.approx(numbers, rel=1e-12), key
    assert (table["months"] == 12).all()


@needs_real_data
def test_the_village_of_the_method_has_its_interval(real_archive):
    """NUMBERS of the method (R6): 40 crimes of a year at LE7 9AE, 26 to 57."""
    data = peopled(
        make_data(Archive(real_archive), "LE7 9AE", YEAR[0], YEAR[-1]), {"residents": 1000, "jobs": 1}
    )
    row = cn.rates(data).iloc[0]
    assert (row["records"], row["rate"], round(row["low"]), round(row["high"])) == (40, 40.0, 26, 57)
    assert HOUSEHOLDS not in set(cn.rates(data)["per"])  # fewer than 20 burglaries


# ------------------------------------------------------ where there is none, and which months


def busy(n=60, **more):
    return monthly([n] * 12, **more)


@pytest.mark.parametrize(
    ("data", "here", "why"),
    [
        (busy(), {}, NoRate.NO_RESIDENTS),
        (busy(), {"jobs": 900}, NoRate.NO_RESIDENTS),
        (busy(), {"residents": 5000}, NoRate.NO_JOBS),
        (busy(), {"residents": 499, "jobs": 900}, NoRate.FEW_RESIDENTS),
        (busy(1), {"residents": 5000, "jobs": 900}, NoRate.FEW_CRIMES),
        (
            busy(status=dict.fromkeys(YEAR, "partly supplied")),
            {"residents": 5000, "jobs": 900},
            NoRate.PARTLY,
        ),
        (
            busy(status=dict.fromkeys(YEAR, "not supplied")),
            {"residents": 5000, "jobs": 900},
            NoRate.NO_MONTHS,
        ),
    ],
    ids=lambda v: str(v) if isinstance(v, NoRate) else "",
)
def test_no_rate_and_why(data, here, why):
    place = place_of(peopled(data, here))
    assert place.rates.refused == why
    assert cn.rates(peopled(data, here)).empty
    assert "1,000" not in words.guidance(place)


def test_no_crime_and_one_crime_have_sentences_of_their_own():
    said = [words.guidance(place_of(peopled(monthly([n] + [0] * 11), TOWN))) for n in (0, 1, 12)]
    assert said == [
        "No crime was counted, so no rate is given.", "One crime is too few for a rate.", "12 crimes are too few for a rate.",
    ]  # fmt: skip


def test_five_hundred_residents_and_twenty_crimes_are_enough():
    data = peopled(monthly([2] * 8 + [1] * 4), {"residents": 500, "jobs": 100})
    assert place_of(data).rates.refused == NoRate.NONE
    assert cn.rates(data)["rate"].tolist() == [40.0, pytest.approx(1000 * 20 / 600)]


def test_a_missing_month_is_not_scaled_and_the_words_say_so():
    place = place_of(peopled(busy(status={"2025-03": "not supplied"}), TOWN))
    assert (len(place.rates.months), place.rates.is_year) == (11, False)
    assert place.rates.table["records"].iloc[0] == 660
    assert words.counted(place, "crime", RESIDENTS) == "Crimes in 11 months for every 1,000 residents"


def test_a_suspiciously_low_month_is_left_out():
    place = place_of(peopled(busy(status={"2025-12": "suspiciously low"}), TOWN))
    assert "2025-12" not in place.rates.months


def test_of_two_years_the_newest_twelve_months_count():
    months = [f"{y}-{m:02d}" for y in (2024, 2025) for m in range(1, 13)]
    rows = [{"month": m, "n": 100 if m < "2025" else 50} for m in months]
    place = place_of(peopled(written(rows, months), TOWN))
    assert place.rates.months == months[12:]
    assert place.rates.crimes == 600


def test_reports_and_british_transport_police_are_in_no_rate():
    plain = [{"month": m, "n": 60} for m in YEAR]
    other = [{"month": m, "category": ASB, "n": 30} for m in YEAR]
    other += [{"month": m, "reported_by": BTP, "n": 30} for m in YEAR]
    one, two = (cn.rates(peopled(written(rows, YEAR), TOWN)) for rows in (plain, plain + other))
    pd.testing.assert_frame_equal(one, two)


# ------------------------------------------------------ the rest of the force, and of the district


def beside(here, force, *, district=None, months=YEAR, rest=6000):
    """Return data of 600 crimes a month, with a rest of the force in these months."""
    data = monthly([600] * 12)
    name = data.coverage["force"].iloc[0]
    around = frame("surroundings", pd.DataFrame([
        {"postcode": data.query.postcode, "force": name, "month": m, "category": "shoplifting", "rest": rest,
         "unlocated": 0} for m in months
    ]))  # fmt: skip
    return peopled(
        replace(data, surroundings=around), here, {name: force} if force else {}, district=district
    )


PEOPLE = {"residents": 1_000_000, "households": 400_000, "jobs": 500_000}


def test_the_rest_is_shown_only_where_all_of_it_is_known():
    whole = cn.rates(beside(TOWN, PEOPLE, district=REST))
    assert whole["where"].tolist() == ["here", "force", "district"] * 2
    for less in (
        beside(TOWN, {k: v for k, v in PEOPLE.items() if k != "jobs"}), beside(TOWN, None),
        beside(TOWN, PEOPLE, months=YEAR[:-1]), beside(TOWN, PEOPLE | {"residents": 499, "jobs": 0}),
    ):  # fmt: skip
        table = cn.rates(less)
        assert "force" not in set(table.loc[table["per"] == BOTH, "where"])
        assert "here" in set(table["where"])


SIDES = [
    ({"residents": 40_000, "jobs": 40_000}, Side.ABOVE, Side.ABOVE, "Both crime rates are above the rest of"),
    ({"residents": 40_000, "jobs": 900_000}, Side.ABOVE, Side.BELOW, "disagreement is the answer"),
    (
        {"residents": 100_000, "jobs": 50_000},
        Side.UNCLEAR,
        Side.UNCLEAR,
        "Neither rate is clearly above or below",
    ),
    (
        {"residents": 300_000, "jobs": 200_000},
        Side.BELOW,
        Side.BELOW,
        "Both crime rates are below the rest of",
    ),
    ({"residents": 100_000, "jobs": 500}, Side.UNCLEAR, Side.ABOVE, "not clearly above or below the rest of"),
]


@pytest.mark.parametrize(
    ("here", "one", "two", "said"), SIDES, ids=lambda v: str(v) if isinstance(v, Side) else ""
)
def test_the_page_says_where_both_rates_lie_and_where_they_disagree(here, one, two, said):
    place = place_of(beside(here, PEOPLE))
    assert (place.rates.beside_force(RESIDENTS), place.rates.beside_force(BOTH)) == (one, two)
    text = words.guidance(place)
    assert said in text
    assert ("disagreement is the answer" in text) == (one != two)
    assert text.endswith("Neither counts visitors or measures safety.")


def test_without_the_rest_of_the_force_nothing_is_above_or_below():
    place = place_of(peopled(busy(), TOWN))
    assert place.rates.beside_force(RESIDENTS) == Side.NO_OTHER
    assert words.guidance(place).startswith("Residents fit crimes at home;")


# ------------------------------------------------------ figures, groups


@pytest.mark.parametrize("value", [0.04, 0.62, 7.94, 9.97, 10, 99.6, 100.4, 412.01, 999, 40_249, 1_540_000])
def test_two_figures_are_near_and_an_interval_is_rounded_outward(value):
    near, low, high = (words.two_figures(value, to) for to in (round, math.floor, math.ceil))
    assert low <= value <= high
    assert low <= near <= high
    assert abs(near - value) <= max(0.05, 0.051 * value)
    assert len(str(int(near)).rstrip("0")) <= 2


def test_groups_are_sums_of_their_categories_and_what_cannot_be_split_is_missing():
    rows = [
        {"month": m, "category": c, "n": i + 1} for m in YEAR for i, c in enumerate(schema.CRIME_CATEGORIES)
    ]
    data = written(rows, YEAR)
    table = cn.count_by_group(data).set_index("group")
    counts = cn.count_by_category(data).set_index("category")["period"]
    assert list(table.index) == [*schema.COUNCIL_GROUPS, *schema.NOT_SPLIT]
    for group, made_of in schema.COUNCIL_GROUPS.items():
        assert table.loc[group, "period"] == counts[list(made_of)].sum()
        assert table.loc[group, "made_of"] == ", ".join(schema.label_of(c) for c in made_of)
    assert table.loc[list(schema.NOT_SPLIT), ["latest", "period"]].isna().all(axis=None)
    assert "robbery" not in schema.COUNCIL_GROUPS["Violence"]


def test_where_nothing_is_counted_a_group_is_missing_and_not_zero():
    data = monthly([0] * 12, status=dict.fromkeys(YEAR, "not in this archive"))
    assert cn.count_by_group(data)["period"].isna().all()
