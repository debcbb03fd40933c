"""Faults that real reports of November 2026 had, each as a kind (issue 15); others have their tests elsewhere."""

import json
import re

from benchmarks.audit_texts import page_of

import crimenb as cn
from crimenb.measures.place import place_of
from crimenb.query import months_between
from crimenb.schema import ASB
from tests.make_data import written

YEAR = months_between("2025-01", "2025-12")
SETTLED = "Investigation complete; no suspect identified"


def page(rows, months=YEAR, **more):
    return page_of(written(rows, months, **more))


def words(found):
    return "\n".join(text for texts in found.values() for text in texts)


def test_outcomes_of_a_few_crimes_are_not_called_none():
    found = page([{"month": "2025-01", "n": 18, "outcome": SETTLED}])
    assert found["headline outcomes"][0] == "Too few crimes (18) to show outcomes as percentages"
    assert found["table outcomes"][2] == f"{SETTLED} | 18"
    open_yet = page([{"month": "2025-01", "n": 18, "outcome": "Under investigation"}])
    assert open_yet["headline outcomes"] == ["No month's outcomes have settled yet"]
    none = page([{"month": "2025-01", "n": 18}])
    assert none["headline outcomes"][0] == "No outcomes are given here"
    assert none["text outcomes"] == ["The source gives no outcomes for the crimes counted here."]


def test_a_supplied_month_without_a_crime_is_a_zero_and_a_missing_one_is_not():
    zero = page([], ["2025-12"])
    assert zero["headline categories"][0] == "No crime was recorded in December 2025"
    assert zero["headline trend"][0] == "0 crimes in December 2025"
    missing = page([], ["2025-12"], status={"2025-12": "not in this archive"})
    assert missing["headline categories"][0] == "No category can be counted"
    assert missing["headline trend"][0] == "The month is not held here, which is not zero"


def test_no_percentage_of_a_few_crimes_on_the_whole_page():
    rows = [{"month": m, "n": 4, "outcome": "Awaiting court outcome"} for m in YEAR]
    rows += [{"month": m, "n": 1, "category": ASB} for m in YEAR]
    found = page(rows)
    notes = {part: texts for part, texts in found.items() if part.startswith(("note", "coverage"))}
    # The share of the area is one of square metres, not of records.
    assert "%" not in words({part: texts for part, texts in found.items() if part not in notes})
    assert "%" not in words(notes).replace("100.0%", "").replace(
        "(95%)", ""
    )  # nor is the level of an interval


def test_three_reports_in_three_months_are_judged_in_none():
    found = page([{"month": "2025-12", "n": 3, "category": ASB}], YEAR[-3:])
    assert "higher in" not in words(found)
    assert "year with" not in words(found)


def test_first_paragraph_and_year_section_say_the_same():
    months = months_between("2023-01", "2025-12")
    rows = [{"month": m, "n": 100 if m < "2025" else 60, "category": "vehicle-crime"} for m in months]
    rows += [{"month": m, "n": 100} for m in months]
    found = page(rows, months, rest=3000)
    assert any(found["glance"][1] in text for text in found["text change"])
    assert "a clear fall of 20%, lower in 12 of 12 months" in found["glance"][0]
    assert "vehicle crime a clear fall" in found["headline change"][0]
    assert any(
        r.startswith("Vehicle crime | ") and r.endswith(" | clear fall") for r in found["table change"]
    )


def test_points_before_and_after_july_2022_are_never_counted_together():
    months = months_between("2022-01", "2022-12")
    rows = [
        {"month": m, "n": 2, "x": -1.13 - 0.0001 * k - (0.00005 if m < "2022-07" else 0)}
        for m in months for k in range(10)
    ]  # fmt: skip
    found = page(rows, months)
    assert found["headline snapped-points"][0] == "Half of the 120 crimes are mapped to 5 of 10 points"
    assert "20 points" not in words(found)


def test_only_thefts_may_be_one_batch_of_reports():
    def burst(category):
        rows = [{"month": m, "n": 1, "category": category} for m in YEAR[:-1]]
        return page([*rows, {"month": "2025-12", "n": 30, "category": category}])["careful"][-1]

    assert burst("shoplifting").endswith("They may be one batch of reports.")
    assert burst("violent-crime").endswith("The data do not say why.")


def test_crime_and_reports_are_never_one_number():
    rows = [{"month": m, "n": n, "category": c} for m in YEAR for c, n in (("drugs", 31), (ASB, 17))]
    found = page(rows)
    assert (
        found["headline explore"][0]
        == "Explore 372 crimes and, counted separately, 204 reports of anti-social behaviour"
    )
    assert "576" not in words(found)
    drawn = json.dumps(cn.explore_chart(written(rows, YEAR)).to_dict())
    assert '"stack": null' in drawn
    assert re.search(r'"xOffset": {"field": "kind"', drawn)


def test_records_without_a_location_are_said_to_be_counted_nowhere():
    data = written([{"month": m, "n": 50} for m in YEAR], YEAR, rest=100, unlocated=3)
    assert place_of(data).total("crime") == 600
    assert "have no location. They are not counted anywhere in this report." in words(page_of(data))


def test_a_report_that_copies_another_is_one_in_every_sentence():
    rows = [{"month": m, "n": 20} for m in YEAR] + [{"month": "2025-12", "n": 2, "category": ASB}]
    found = page(rows)
    note = "Of these, 1 is identical to another record. It may be a separate call, so all are counted."
    assert note in found["note trend.asb"]
    assert "of 1 month in" in words(page(rows, ["2025-12"]))


def test_a_table_of_changes_shows_its_verdicts():
    data = cn.collect(cn.Query.parse("ZZ1 1AA", "2023-07", "2025-12"), "demo")
    assert page_of(data)["table change"][1].endswith(" | Verdict")
