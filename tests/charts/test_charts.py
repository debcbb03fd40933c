"""The figures, by their specifications: fields, values, emptiness, size."""

import json
import math
import re
from dataclasses import replace

import altair as alt
import pandas as pd
import pytest
import shapely

import crimenb as cn
from crimenb import geo, schema
from crimenb.charts import map as map_chart
from crimenb.charts import map_labels, timeline
from crimenb.charts.display import resized, static_svg
from crimenb.charts.theme import specified, steady
from crimenb.data import frame as frame_called
from crimenb.measures import counts as count_records
from crimenb.query import Query
from crimenb.snapshot import collect


def values(spec):
    """Return every row that a specification carries."""
    sets = list(spec.get("datasets", {}).values())

    def walk(node):
        if isinstance(node, dict):
            if isinstance(node.get("data"), dict) and "values" in node["data"]:
                sets.append(node["data"]["values"])
            for v in node.values():
                walk(v)
        elif isinstance(node, list):
            for v in node:
                walk(v)

    walk(spec)
    return [r for s in sets for r in s]


@pytest.fixture(scope="module")
def drawn(centre):
    months = count_records.count_by_month(centre)
    made = {
        "categories": cn.category_chart(count_records.count_by_category(centre)),
        "trend": cn.trend_chart(months),
        "asb": cn.trend_chart(count_records.count_by_month(centre, category="asb")),
        "points": cn.point_map(count_records.count_by_point(centre), data=centre),
        "explore": cn.explore_chart(centre),
    }
    return {name: specified(chart) for name, chart in made.items()}


def test_every_chart_describes_itself_and_carries_no_title(drawn):
    for spec in drawn.values():
        assert len(spec["description"]) > 20
        assert "title" not in spec


def test_a_specification_holds_the_rows_that_altair_would_give():
    table = pd.DataFrame({
        "words": ["a", None, "é"], "whole": [1, 2, 3], "real": [0.5, float("nan"), float("inf")],
        "yes": [True, False, True], "counted": pd.array([1, None, 3], "Int64"), "list": [[1], [2, 3], []],
    })  # fmt: skip
    days = table.assign(day=pd.to_datetime(["2025-01-01", None, "2025-03-01"]))
    for frame in (table, days, table.iloc[:0], alt.InlineData(values=[{"words": "a"}])):
        chart = alt.Chart(frame).mark_point().encode(x=alt.X("words:N"))
        assert json.dumps(specified(chart)) == json.dumps(steady(chart.to_dict()) | {"usermeta": {}})


def test_bars_carry_the_counts(drawn, centre):
    counts = count_records.count_by_category(centre)
    rows = values(drawn["categories"])
    assert [r["period"] for r in rows] == counts["period"].tolist()
    months = count_records.count_by_month(centre)
    assert [r["n"] for r in values(drawn["trend"])] == months["crime"].tolist()
    assert [r["n"] for r in values(drawn["asb"])] == months["asb"].tolist()


def test_the_map_is_true_to_scale_and_holds_every_point(drawn, centre):
    spec = drawn["points"]
    assert spec["width"] == spec["height"]
    axes = [
        layer["encoding"][c]["scale"]["domain"]
        for layer in spec["layer"]
        for c in ("x", "y")
        if c in layer["encoding"]
    ]
    assert all(domain == axes[0] for domain in axes)
    assert axes[0][1] == -axes[0][0] > 1609
    crimes = [r["crimes"] for r in values(spec) if "crimes" in r]
    assert sum(crimes) == count_records.count_by_point(centre)["crime"].sum()


@pytest.fixture(scope="module")
def bare(centre):
    """Return the data of a source without streets."""
    return replace(centre, streets=frame_called("streets"), stretches=frame_called("stretches"))


@pytest.mark.parametrize(("small", "width"), [(False, 680), (True, 330)])
@pytest.mark.parametrize("with_streets", [True, False])
def test_labels_do_not_collide(drawn, bare, with_streets, small, width):
    spec = drawn["points"] if with_streets else specified(cn.point_map(bare))
    names = {r["name"]: {"disc": 0.0} | r for r in values(spec) if r.get("small") is small}
    assert {"N", "500 metres", "1 mile", "¼ mile"} <= set(names)
    if with_streets:  # each has its line in the key
        assert set(names) >= set("12345678ABCDE")
    else:
        assert 2 <= len(names) - 4 <= 8
    domain = spec["layer"][0]["encoding"]["x"]["scale"]["domain"]
    boxes = [map_labels.box_of(r, (domain[1] - domain[0]) / width) for r in names.values()]
    for i, a in enumerate(boxes):
        assert not any(a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3] for b in boxes[:i])


@pytest.mark.parametrize(("small", "width"), [(False, 500), (True, 280)])
def test_no_name_runs_over_the_edge_where_the_map_is_smallest(drawn, bare, small, width):
    for spec in (drawn["points"], specified(cn.point_map(bare))):
        reach = spec["layer"][0]["encoding"]["x"]["scale"]["domain"][1]
        placed = [{"disc": 0.0} | r for r in values(spec) if r.get("small") is small and len(r["name"]) > 1]
        # The scale stands in its corner whatever the width.
        boxes = [map_labels.box_of(r, 2 * reach / width) for r in placed if r["name"] != "500 metres"]
        assert len(boxes) > 2
        assert max(max(abs(edge) for edge in box) for box in boxes) <= reach


def test_the_neighbourhoods_boundary_is_drawn_with_its_name(centre):
    spec = cn.point_map(count_records.count_by_point(centre), data=centre).to_dict()
    name = centre.main.neighbourhoods["name"].iloc[0]
    assert {r["small"] for r in values(spec) if r.get("name") == name} == {False, True}
    assert any(r.get("kind") == "beat" for r in values(spec))


def test_the_line_between_forces_is_drawn_where_one_crosses(centre):
    data = collect(Query.parse("ZZ2 2BB", "2025-10", "2025-12"), "demo")
    for spec in (
        specified(cn.point_map(count_records.count_by_point(data), data=data)),
        specified(cn.explore_chart(data)),
    ):
        line = [(r["x"], r["y"]) for r in values(spec) if r.get("kind") == "force"]
        assert len(line) > 1
        far = [math.hypot(*at) for at in line]
        assert max(far) < geo.MILE_M
        assert max(far) > geo.MILE_M - 30  # from edge to edge
    # The line runs between the forces' parts of the circle, and nowhere else.
    frame = map_chart.frame_of(data)
    parts = map_chart.force_parts(data.main, frame)
    assert len(parts) == 2
    assert all(part.distance(shapely.Point(at)) < 10 for at in line for part in parts.values())
    assert sum(p.area for p in parts.values()) == pytest.approx(frame.outline.area, rel=1e-3)
    one = cn.point_map(count_records.count_by_point(centre), data=centre).to_dict()
    assert not any(r.get("kind") == "force" for r in values(one))


def test_each_force_is_named_in_its_part():
    data = collect(Query.parse("ZZ2 2BB", "2025-10", "2025-12"), "demo")
    spec = cn.point_map(count_records.count_by_point(data), data=data).to_dict()
    parts = map_chart.force_parts(data.main, map_chart.frame_of(data))
    for name, part in parts.items():
        at = [shapely.Point(r["x"], r["y"]) for r in values(spec) if r.get("name") == f"{name} police area"]
        assert at, name
        assert all(part.distance(point) < 100 for point in at)


def test_gaps_are_marked_and_are_no_bars():
    data = collect(Query.parse("ZZ1 1AA", "2024-01", "2024-12"), "demo")
    spec = cn.trend_chart(count_records.count_by_month(data)).to_dict()
    gaps = [r for r in values(spec) if r.get("n", 0) is None]
    assert gaps
    assert all(r["status"] == "not in this archive" for r in gaps)
    assert "NaN" not in json.dumps(spec)
    assert "not in this archive" in static_svg(spec, "x", "x")


def test_a_run_of_missing_months_is_one_bracket_that_gives_its_reason_once():
    data = collect(Query.parse("ZZ1 1AA", "2024-01", "2024-12"), "demo")
    counts = count_records.count_by_month(data)
    gone = counts["month"].between("2024-03", "2024-07")
    counts.loc[gone, ["crime", "asb"]] = pd.NA
    counts.loc[gone, "status"] = "not supplied"
    svg = static_svg(specified(cn.trend_chart(counts)), "x", "x")
    assert svg.count(">not supplied<") == 1
    assert svg.count(">not in this archive<") == 1  # October, as before


@pytest.mark.parametrize("width", [760, 343, 271])
def test_months_are_as_wide_as_they_are_asked_to_be(drawn, width):
    for name in ("trend", "asb"):
        assert f'width="{width}"' in static_svg(resized(drawn[name], width), name, "x")


def test_a_pale_bar_stands_for_a_part():
    data = collect(Query.parse("ZZ2 2BB", "2023-07", "2025-12"), "demo")
    spec = cn.trend_chart(cn.months_with_range(data)).to_dict()
    parts = sum(r.get("status") == "partly supplied" and r["n"] is not None for r in values(spec))
    assert static_svg(spec, "x", "x").count('fill="#c7d5e5"') == parts > 0


def test_an_empty_frame_draws_a_sentence(centre):
    none = count_records.count_by_month(centre).assign(status="not in this archive", crime=pd.NA, asb=pd.NA)
    assert timeline.trend_chart(none).to_dict()["layer"]


def test_static_drawings_are_the_same_twice_and_hold_no_foreign_id(drawn):
    for name, spec in drawn.items():
        first, second = (static_svg(resized(spec, w), name, 'a <b> & "c"') for w in (680, 680))
        assert first == second
        assert 'role="img"' in first
        assert "a &lt;b&gt; &amp; &quot;c&quot;" in first
        assert "gradient_" not in first
        assert 'id="clip' not in first
        narrow = static_svg(resized(spec, 330), name, "x")
        assert narrow != first


def test_months_are_named_as_often_as_there_is_room():
    months = ["2024-11", "2024-12", "2025-01", "2025-02"]
    assert timeline.month_labels(months, 1) == [["Nov", "2024"], "Dec", ["Jan", "2025"], "Feb"]
    assert timeline.month_labels(months, 3) == ["", "", ["Jan", "2025"], ""]
    assert timeline.month_labels(["2025-02", "2025-03"], 12) == [["Feb", "2025"], ""]


def test_the_linked_figure_holds_the_records_of_the_totals(centre):
    spec = specified(cn.explore_chart(centre))
    [rows] = spec["datasets"][spec["data"]["name"]]
    kept = count_records.records(centre)
    assert sum(rows["n"]) == len(kept)
    known = spec["usermeta"]["linked"]
    found = pd.DataFrame({k: rows[k] for k in "cmn"}).groupby(["c", "m"])["n"].sum()
    table = count_records.count_by_month_and_category(centre)
    for (c, m), n in found.items():
        assert table[known["categories"][c]].iloc[known["held"].index(m)] == n
    assert table.drop(columns="month").to_numpy().sum() == len(kept)
    assert known["categories"][known["reports"]] == "Anti-social behaviour"
    assert "csv" not in json.dumps(spec)


def test_a_linked_figure_without_records_says_so(centre):
    none = replace(centre, crimes=centre.crimes.iloc[:0])
    assert "No record" in json.dumps(cn.explore_chart(none).to_dict())


def test_change_marks_only_what_is_clear():
    table = pd.DataFrame({
        "label": ["All crime", "Burglary", "Robbery"], "before": [900, 100, 20], "after": [990, 150, 22],
        "kind": ["rise", "rise", "no change"],
    })  # fmt: skip
    rows = values(cn.change_chart(table).to_dict())
    assert [(r["label"], r["clear"]) for r in rows] == [("Burglary", True), ("Robbery", False)]
    assert static_svg(cn.change_chart(table).to_dict(), "x", "x").count("clear rise") == 1


def test_outcomes_are_bars_with_their_shares():
    table = pd.DataFrame(
        {"group": ["No suspect identified", "Charged"], "crimes": [80, 20], "share": [0.8, 0.2]}
    )
    svg = static_svg(cn.outcome_chart(table).to_dict(), "x", "x")
    assert "80%" in svg
    assert "20%" in svg


def test_comparisons_show_here_once_and_every_other_place():
    one = pd.DataFrame({"label": ["Burglary", "Robbery"], "here": [0.1, 0.02], "there": [0.05, 0.03],
                        "named": ["more", ""]})  # fmt: skip
    both = pd.concat([one.assign(other="the rest of the force"), one.assign(other="the mile around ZZ9 9ZZ")])
    rows = [r for r in values(cn.comparison_chart(both).to_dict()) if "place" in r]
    assert [r["share"] for r in rows if r["place"] == "Here"] == [0.1, 0.02]
    assert len(rows) == 2 + 4


@pytest.mark.parametrize(
    ("draw", "columns"),
    [
        (cn.change_chart, ["label", "before", "after", "kind"]),
        (cn.outcome_chart, ["group", "crimes", "share"]),
        (cn.comparison_chart, ["other", "label", "here", "there", "named"]),
    ],
)
def test_nothing_to_draw_is_said(draw, columns):
    said = draw(pd.DataFrame(columns=columns)).to_dict()["description"]
    assert said.startswith(("No ", "This report covers less than two years"))


def test_a_zero_is_written_where_numbers_are_not(centre):
    """Without its 0 a month without crime would look like a month that is missing."""
    months = count_records.count_by_month(centre)
    months.loc[3, "crime"] = 0
    narrow = static_svg(resized(specified(cn.trend_chart(months)), 330), "x", "x")
    assert [t for t in re.findall(r">([^<]+)</text>", narrow) if t == "0"] == ["0", "0"]  # the axis has one


def test_a_part_without_data_is_shaded_and_says_so():
    data = collect(Query.parse("ZZ2 2BB", "2025-08", "2025-08"), "demo")
    absent = [schema.force_name(f) for f in count_records.scope(data.main).absent]
    assert len(absent) == 1
    for spec in (
        specified(cn.point_map(count_records.count_by_point(data), data=data)),
        specified(cn.explore_chart(data)),
    ):
        assert static_svg(resized(spec, 680), "x", "x").count('fill="#e4e4e4"') >= 1
    words = {
        r.get("name") for r in values(cn.point_map(count_records.count_by_point(data), data=data).to_dict())
    }
    assert words & {f"{absent[0]} police area: no data held", "no data held"}
