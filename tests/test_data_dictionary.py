"""docs/data.md says what every frame holds: those stored, and those that the public functions return."""

import json
from dataclasses import replace

import pandas as pd
import pytest
from tools import make_data_dictionary

import crimenb as cn
from crimenb import schema
from crimenb.data import FRAMES
from crimenb.measures.place import place_of
from crimenb.wording.rates import values
from tests.people import CITY, peopled, residents
from tests.real import ROOT


@pytest.fixture(scope="module")
def data():
    found = cn.collect(["ZZ1 1AA", "ZZ2 2BB"], "2023-07", "2025-12", like=True, stops=True)
    people = [residents(place, CITY) for place in found.places["postcode"]]
    return replace(found, residents=pd.concat(people, ignore_index=True))


def test_it_is_what_the_schema_says():
    assert (ROOT / "docs" / "data.md").read_text("utf-8") == make_data_dictionary.text()
    assert set(schema.ROWS) == {*FRAMES, *schema.VIEWS}


def names(value, way=""):
    """Yield the way to every value of JSON; lists count as their items."""
    if isinstance(value, list):
        for item in value:
            yield from names(item, way)
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from names(inner, f"{way}.{key}".removeprefix("."))
    elif value is not None or not way.endswith(".range"):
        yield way


def test_the_summary_is_described_name_by_name(demo_report, centre):
    said = json.loads((demo_report / "summary.json").read_text())
    listed = {"numbers", "people", "months", "links.figures"}  # a list and its items
    people = {f"people.{name}" for person in values(place_of(peopled(centre))) for name in person}
    assert {*names(said)} | people == {*make_data_dictionary.SUMMARY} - listed
    assert said["form"] == 1  # rises when a name goes or changes


def test_every_meaning_is_of_a_column():
    columns = {c for frames in (schema.COLUMNS, schema.VIEWS) for f in frames.values() for c in f}
    whole = {f"{n}.{c}" for frames in (schema.COLUMNS, schema.VIEWS) for n, f in frames.items() for c in f}
    assert set(schema.MEANINGS) <= columns | whole


@pytest.mark.parametrize("name", schema.VIEWS)
def test_a_function_returns_what_the_dictionary_says(name, data):
    more = {"before_and_after": {"month": "2025-01"}}.get(name, {})
    for place in ("", "ZZ2 2BB"):
        frame = cn.locate(["ZZ1 1AA"]) if name == "locate" else getattr(cn, name)(data, place=place, **more)
        # No outcomes files are in the demonstration, and only the place itself has places like it, and searches.
        own = ("like_positions", "searches_by_month", "count_searches")
        assert len(frame) or name == "outcome_times" or (name in own and place)
        assert {c: str(d) for c, d in frame.dtypes.items()} == schema.VIEWS[name]
        if "place" in frame and len(frame):
            assert set(frame["place"]) == {place or "ZZ1 1AA"}
