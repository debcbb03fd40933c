"""The audit of pages: it finds every false sentence, and none on the pages as they are."""

import functools
from pathlib import Path

import pytest
from benchmarks.audit import Finding, read_page
from benchmarks.audit_facts import Facts
from benchmarks.audit_seeds import (
    ALIKE,
    APART,
    AREA,
    FAULTS,
    GAP,
    HAMLET,
    LIVED,
    LONG,
    NONE_ALIKE,
    NOTHING,
    PART,
    SEARCHED,
    SEARCHED_FEW,
    SEARCHED_PART,
    SEEDS,
    TOWN,
    VILLAGE,
    WARD,
    with_seed,
)
from benchmarks.audit_texts import Page, page_of
from hypothesis import Phase, given, settings

import crimenb as cn
from tests.people import peopled
from tests.wording.test_summary import anything

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
PAGES = [
    TOWN, LONG, VILLAGE, GAP, PART, NOTHING, AREA,
    ("ZZ2 2BB", "2023-07", "2025-12"), ("ZZ9 9ZZ", "2024-01", "2025-12"), ("ZZ9 9ZZ", "2025-08", "2025-08"),
    ("ZZ1 1AA", "2024-09", "2024-11"), ("ZZ1 1AA", "2023-09", "2023-09"), ("ZZ2 2BB", "2025-07", "2025-12", "ZZ1 1AA", "ZZ9 9ZZ"),
    ("Quarry", "2024-01", "2025-12"), ALIKE, NONE_ALIKE, ("ZZ1 1AA", "2023-01", "2025-12", "ZZ2 2BB", "--like"),
    ("ZZ1 1AA", "2025-09", "2025-12", "--like"), ("ZZ2 2BB", "2025-08", "2025-08", "--like"),
    ("ZZ1 1AA", "2024-10", "2024-10", "--like"),
    LIVED, APART, HAMLET, SEARCHED, SEARCHED_PART, SEARCHED_FEW, (WARD, "2023-01", "2025-12", "--stops"),
    ("ZZ1 1AA", "2024-03", "2024-03", "--stops"), ("ZZ1 1AA", "2025-05", "2025-06", "ZZ2 2BB", "--stops"),
]  # fmt: skip
VALE = {"demo-vale": {"residents": 112_000, "households": 47_000, "jobs": 52_000}}
FABLEMOUTH = {"residents": 31_000, "households": 12_900, "jobs": 11_000}
CENTRE = {"residents": 9_430, "households": 4_120, "jobs": 14_060, "estimate": 9_710}
PEOPLE = {
    "lived in": {"here": CENTRE, "forces": VALE, "district": FABLEMOUTH, "name": "Fablemouth"},
    "by day": {"here": CENTRE | {"jobs": 90_000}, "forces": VALE},
    "hamlet": {"here": {"residents": 310, "households": 130, "jobs": 45}, "forces": VALE},
}


@functools.cache
def read(asked: tuple[str, ...]) -> tuple[Facts, Page]:
    start, end = asked[1:3]
    others, like, stops = [a for a in asked[3:] if a[:2] != "--"], "--like" in asked, "--stops" in asked
    if asked[0] == WARD:
        query = cn.Query.parse("", start, end, area=cn.read_area(NOTEBOOKS / WARD), stops=stops)
    elif asked[0] == "Quarry":
        query = cn.Query.parse("", start, end, area=cn.named_area("ward", asked[0], source="demo"))
    else:
        others = [code for code in others if code not in PEOPLE]
        query = cn.Query.parse(asked[0], start, end, others, like=like, stops=stops)
    data = cn.collect(query, "demo")
    if asked[-1] in PEOPLE:
        data = peopled(data, **PEOPLE[asked[-1]])
    return Facts(data), page_of(data)


@pytest.mark.parametrize("asked", PAGES, ids=" ".join)
def test_every_sentence_of_a_page_is_what_the_records_say(asked):
    found = read_page(*read(asked))
    assert found.findings == []
    assert found.sentences > 60


@settings(deadline=None, max_examples=15, phases=[Phase.explicit, Phase.generate])
@given(anything())
def test_every_sentence_of_any_page_is_what_the_records_say(data):
    found = read_page(Facts(data), page_of(data)).findings
    # Months are called published here at random, whoever supplied them.
    assert [x for x in found if x.kind != "a part called whole"] == []


@pytest.mark.parametrize("seed", SEEDS, ids=[f"{s.fault}: {FAULTS[s.fault]}, {s.part}" for s in SEEDS])
def test_a_false_sentence_is_found(seed):
    facts, page = read(seed.asked)
    assert read_page(facts, {seed.part: with_seed(page, seed)[seed.part]}).findings


def test_every_kind_of_fault_has_a_false_sentence():
    assert {s.fault for s in SEEDS} == set(FAULTS)
    assert len(SEEDS) == 66


def test_a_sentence_that_the_audit_does_not_know_is_not_passed_over():
    facts, _ = read(VILLAGE)
    text = "All 12 months were published. Crime here is nothing to speak of."
    unknown = "Crime here is nothing to speak of."
    assert read_page(facts, {"glance": [text]}).findings == [Finding("not read", "glance", unknown)]
