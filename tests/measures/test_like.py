"""Where a place lies among places like it: a position, named only where it is far out and no chance (R25)."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import crimenb as cn
from crimenb.data import frame
from crimenb.measures.like import Standing, like_this, position
from crimenb.measures.place import place_of
from crimenb.query import days_in, months_between
from crimenb.schema import ASB, CATEGORIES
from crimenb.usual_range import dispersion
from crimenb.wording import like as words
from tests.make_data import written

YEAR = months_between("2025-01", "2025-12")
DAYS = np.array([days_in(m) for m in YEAR], float)


def places(
    records, *, force="leicestershire", months=YEAR, residents=0, jobs=0, rural_urban="", key="ZZ5 5AA"
):
    """Return the frame `like_places` of places with so many records of each category a month."""
    rows = [
        {"postcode": key, "candidate": f"LE1 {i // 10}A{'ABDEFGHJLN'[i % 10]}", "name": f"Ward {99 - i}, Town",
         "force": force, "rural_urban": rural_urban, "residents": residents, "jobs": jobs, "month": m, "category": c,
         "records": one.get(c, 0)}
        for i, one in enumerate(records) for m in months for c in CATEGORIES
    ]  # fmt: skip
    return frame("like_places", pd.DataFrame(rows) if rows else None)


def asked(n_each, records, *, here=None, **more):
    """Return data of a place with so many records of each category a month, and places like it."""
    known = {k: more.pop(k) for k in ("force", "residents", "jobs", "rural_urban") if k in more}
    rows = [{"month": m, "category": c, "n": n} for m in YEAR for c, n in n_each.items() if n]
    data = written(rows, YEAR, **more)
    people = [
        {"postcode": "ZZ5 5AA", "where": "here", "area": "", "name": "", "measure": measure, "value": value,
         "counted": 9, "unit": "postcodes", "year": "2021", "source": "made"}
        for measure, value in (here or {}).items()
    ]  # fmt: skip
    return replace(
        data, query=replace(data.query, like=True), like_places=places(records, **known),
        residents=frame("residents", pd.DataFrame(people)) if people else data.residents,
    )  # fmt: skip


def test_the_interval_is_the_formula_s():
    counts = np.random.default_rng(3).poisson(20, 12)
    found = position("burglary", counts, YEAR, np.arange(40) * 6)
    n = counts.sum()
    phi = dispersion(counts, DAYS, n / 365 * 31, spread=0.17)
    half = stats.t.ppf(0.995, 11) * np.sqrt(phi) / 2
    assert found.low == pytest.approx((np.sqrt(n) - half) ** 2)
    assert found.high == pytest.approx((np.sqrt(n) + half) ** 2)
    assert found.median == 117
    assert (found.fewer, found.more) == ((np.arange(40) * 6 < n).sum(), (np.arange(40) * 6 > n).sum())


EVEN = np.full(12, 10)
"""Ten a month: 120, the level at least 80 and at most 170."""


@pytest.mark.parametrize(
    ("others", "kind"),
    [
        ([50] * 37 + [200] * 3, Standing.MORE),  # more than in 37 of 40
        ([50] * 36 + [200] * 4, Standing.WITHIN),  # in nine of ten, and not in more
        ([50] * 36 + [120] * 4, Standing.WITHIN),  # as many is not fewer
        ([110] * 37 + [200] * 3, Standing.CHANCE),
        ([300] * 37 + [20] * 3, Standing.LESS),
        ([300] * 36 + [20] * 4, Standing.WITHIN),
        ([130] * 37 + [20] * 3, Standing.CHANCE),
        ([20] * 20 + [300] * 20, Standing.WITHIN),
    ],
)
def test_what_a_position_is_called(others, kind):
    assert position("burglary", EVEN, YEAR, np.array(others)).kind == kind


def test_violence_is_never_named_as_few():
    few = np.array([300] * 40)
    assert position("violent-crime", EVEN, YEAR, few).kind == Standing.UNNAMED
    assert position("violent-crime", EVEN, YEAR, np.array([50] * 40)).kind == Standing.MORE
    assert position("robbery", EVEN, YEAR, few).kind == Standing.LESS


def test_under_twenty_on_both_sides_no_position_is_called():
    one = np.eye(12, dtype=int)[0]
    assert position("burglary", one * 19, YEAR, np.zeros(40)).kind == Standing.FEW
    assert position("burglary", np.full(12, 2), YEAR, np.zeros(40)).kind == Standing.MORE
    assert position("burglary", one * 0, YEAR, np.full(40, 60)).kind == Standing.LESS
    assert position("burglary", one * 0, YEAR, np.full(40, 19)).kind == Standing.FEW


MIX = {"violent-crime": 10, "public-order": 5, "burglary": 4, ASB: 6}
LIKE = [{c: n + i % 3 for c, n in MIX.items()} for i in range(40)]


def test_places_alike_in_crime_are_not_compared_in_all_crime():
    found = like_this(asked(MIX, LIKE))
    assert not found.by_residents
    assert "crime" not in [p.series for p in found.positions]
    by_people = like_this(asked(MIX, LIKE, residents=1000, here={"residents": 1100}))
    assert by_people.positions[0].series == "crime"
    assert by_people.positions[0].records == 12 * 19


def test_public_order_and_reports_are_compared_within_a_force_only():
    both = {"public-order", ASB}
    assert both <= {p.series for p in like_this(asked(MIX, LIKE)).positions}
    other = asked(MIX, LIKE, force="warwickshire")
    assert not both & {p.series for p in like_this(other).positions}
    assert "burglary" in {p.series for p in like_this(other).positions}
    text = words.within_force(place_of(other))
    assert text.endswith("0 of these places are in Leicestershire, and 30 are needed.")
    mixed = asked(MIX, LIKE)
    some = mixed.like_places["candidate"].isin(sorted(set(mixed.like_places["candidate"]))[:30])
    half = mixed.like_places.assign(force=np.where(some, "leicestershire", "leicestershire warwickshire"))
    half = half.astype({"force": "str"})
    found = like_this(replace(mixed, like_places=half))
    assert {len(p.others) for p in found.positions if p.series in both} == {30}
    assert {len(p.others) for p in found.positions if p.series not in both} == {40}


def test_fewer_than_thirty_are_not_compared():
    data = asked(MIX, LIKE[:29])
    found = like_this(data)
    assert found.refused == "few places"
    assert found.positions == ()
    assert cn.like_positions(data).empty
    head = words.headline(place_of(data))
    assert head == "Not compared with places like this one: this archive has only 29, and 30 are needed"
    assert len(words.sentences(place_of(data))) == 1
    assert "this archive has none" in words.headline(place_of(asked(MIX, [])))
    assert not like_this(asked(MIX, LIKE[:30])).refused


@pytest.mark.parametrize(
    ("status", "why"),
    [("partly supplied", "partly"), ("not supplied", "nothing")],
)
def test_a_part_is_not_compared(status, why):
    data = asked(MIX, LIKE, status=dict.fromkeys(YEAR, status))
    assert like_this(data).refused == why
    assert words.headline(place_of(data)).startswith("Not compared with places like this one, because")


def test_only_the_months_that_the_place_has_whole_are_compared():
    data = asked(MIX, LIKE, status={"2025-03": "suspiciously low"})
    found = {p.series: p for p in like_this(data).positions}
    assert found["burglary"].records == 44
    assert found["burglary"].median == 55
    few = asked(MIX, LIKE, status=dict.fromkeys(YEAR[5:], "suspiciously low"))
    assert like_this(few).refused == "few months"


def test_the_table_ranks_nothing():
    table = cn.like_positions(asked(MIX, LIKE, residents=1000, here={"residents": 1100}))
    middle = table["label"].tolist()[1:-1]
    assert table["category"].iloc[0] == "crime"
    assert table["category"].iloc[-1] == ASB
    assert middle == sorted(middle)
    rows = like_this(asked(MIX, LIKE)).places
    assert rows["name"].tolist() == sorted(rows["name"])


# ------------------------------------------------------------------------ in words


def test_the_headline_names_what_is_far_out_on_either_side():
    here = MIX | {"burglary": 30, "drugs": 20, "vehicle-crime": 0}
    others = [one | {"vehicle-crime": 12} for one in LIKE]
    assert words.headline(place_of(asked(here, others))) == (
        "Burglary and drugs: more than in nine of ten of 40 places like this one; vehicle crime: fewer than in nine of ten "
        "of them"
    )
    assert words.headline(place_of(asked(MIX, LIKE))) == "Nothing stands out among 40 places like this one"


def test_more_than_three_are_counted():
    here = MIX | dict.fromkeys(("burglary", "drugs", "robbery", "shoplifting"), 30)
    text = words.headline(place_of(asked(here, LIKE)))
    assert text.startswith("Four categories, among them burglary, drugs and robbery: more than")


def test_what_is_compared_within_the_force_says_so():
    data = asked(MIX | {"burglary": 30, "public-order": 60}, LIKE)
    first = data.like_places["candidate"].isin(sorted(set(data.like_places["candidate"]))[:35])
    force = np.where(first, "leicestershire", "warwickshire")
    data = replace(data, like_places=data.like_places.assign(force=force).astype({"force": "str"}))
    assert words.headline(place_of(data)) == (
        "Burglary: more than in nine of ten of 40 places like this one; public order: more than in nine of ten of the 35 in "
        "Leicestershire"
    )


def test_too_few_records_are_said_to_be_so():
    assert words.headline(place_of(asked({"burglary": 1}, [{"burglary": 1}] * 40))) == (
        "Too few records here to compare with 40 places like this one"
    )


def test_the_rule_is_said_in_full():
    by_crime = words.rule(place_of(asked(MIX, LIKE)))
    assert by_crime.endswith(
        "with two thirds to one and a half times as many crimes as here. This archive has no residents to go by."
    )
    known = {"residents": 1000, "jobs": 300, "rural_urban": "Larger rural"}
    by_people = words.rule(place_of(asked(MIX, LIKE, here={"residents": 13120, "jobs": 4000}, **known)))
    assert by_people == (
        "Places like this one are miles in this archive that overlap neither this area nor each other, of the same "
        "rural-urban class (Larger rural), with about 9,800 to 16,000 residents and with 0.23 to 0.38 jobs for each resident."
    )
    nobody = words.rule(place_of(asked(MIX, [], here={"households": 5})))
    assert nobody.endswith("with residents within 25% of those here.")


def test_what_a_position_does_not_mean_is_said():
    first, force, names = words.sentences(place_of(asked(MIX, LIKE)))
    assert "It does not show that this area is safe or unsafe, or why." in first
    assert "compared with the 40 of these places that are in Leicestershire only" in force
    assert names.startswith("The 40 places, in order of name: Ward 60, Town (LE1 3AN); Ward 61, Town")
