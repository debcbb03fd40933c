"""What was revised between two releases; ids are no keys (FACTS C)."""

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from crimenb.errors import QueryError
from crimenb.measures.revisions import COUNTS, diff
from crimenb.wording.revisions import diff_text
from tests.make_data import written

MONTHS = ["2025-01", "2025-02"]
ID = {"month": "2025-01", "crime_id": "a", "outcome": "Under investigation"}
ASB = {"month": "2025-01", "category": "anti-social-behaviour"}


def only_row(before, after):
    table = diff(written(before, MONTHS, release="2025-03"), written(after, MONTHS, release="2025-04"))
    assert len(table) == 1
    return table.iloc[0][COUNTS].tolist()


@pytest.mark.parametrize(
    ("before", "after", "counts"),
    [
        ([ID], [ID], [1, 1, 0, 0, 0, 0, 0]),
        ([], [ID], [0, 1, 1, 0, 0, 0, 0]),
        ([ID], [], [1, 0, 0, 1, 0, 0, 0]),
        ([ID], [ID | {"x": -1.2}], [1, 1, 0, 0, 1, 0, 0]),
        ([ID], [ID | {"outcome": "Local resolution"}], [1, 1, 0, 0, 0, 1, 0]),
        ([ID], [ID | {"outcome": "Local resolution", "x": -1.2}], [1, 1, 0, 0, 0, 0, 1]),
        # One id on several rows of a month is no key: rows are matched one to one.
        ([ID | {"n": 3}], [ID | {"n": 2}, ID | {"x": -1.2}], [3, 3, 0, 0, 1, 0, 0]),
        ([ID], [ID | {"crime_id": "b"}], [1, 1, 1, 1, 0, 0, 0]),
        # Without an id a moved row cannot be told from one gone and one added.
        ([ASB | {"n": 5}], [ASB | {"n": 3}], [5, 3, 0, 2, 0, 0, 0]),
        ([ASB | {"n": 2}], [ASB, ASB | {"x": -1.2}], [2, 2, 1, 1, 0, 0, 0]),
    ],
)
def test_by_hand(before, after, counts):
    assert only_row(before, after) == counts


def test_the_same_id_in_another_month_is_another_crime():
    table = diff(written([ID], MONTHS), written([ID | {"month": "2025-02"}], MONTHS))
    assert table[["month", "added", "gone"]].to_numpy().tolist() == [["2025-01", 0, 1], ["2025-02", 1, 0]]


RECORDS = st.lists(
    st.fixed_dictionaries(
        {
            "month": st.sampled_from(MONTHS),
            "category": st.sampled_from(["robbery", "drugs"]),
            "crime_id": st.sampled_from(["", "a", "b"]),
            "outcome": st.sampled_from(["", "Local resolution"]),
            "x": st.sampled_from([-1.13, -1.12]),
        }
    ),
    max_size=10,
)


@settings(deadline=None, max_examples=25, phases=[Phase.explicit, Phase.generate])
@given(RECORDS, RECORDS)
def test_every_record_is_accounted_for(before, after):
    table = diff(written(before, MONTHS), written(after, MONTHS))
    assert table["before"].sum() == len(before)
    assert table["after"].sum() == len(after)
    assert (table["before"] - table["gone"] == table["after"] - table["added"]).all()
    assert (table[COUNTS] >= 0).all().all()
    back = diff(written(after, MONTHS), written(before, MONTHS))
    for one, other in (("added", "gone"), ("moved", "moved"), ("outcome_changed", "outcome_changed")):
        assert table[one].tolist() == back[other].tolist()


def test_in_words():
    a = written([ID, ASB | {"n": 2}], MONTHS, release="2025-03", status={"2025-02": "not yet published"})
    b = written(
        [ID | {"outcome": "Local resolution"}, ASB, ID | {"month": "2025-02"}], MONTHS, release="2025-04"
    )
    text = diff_text(a, b)
    assert "the earlier data (release 2025-03) hold 3 records, the later (release 2025-04) 3." in text
    assert "Records: 1 added, 1 gone and 1 with another outcome." in text
    assert "New in the later data: February 2025." in text
    assert "No record differs." in diff_text(a, a)


def test_other_places_and_months_are_refused():
    with pytest.raises(QueryError, match="same place"):
        diff(written([], MONTHS), written([], MONTHS, postcode="ZZ5 5AB"))
    with pytest.raises(QueryError, match="no month in common"):
        diff(written([], MONTHS), written([], ["2025-03"]))
