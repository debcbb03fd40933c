"""The figures, by their specifications: fields, values, emptiness, size."""

import json
import math
import re
from dataclasses import replace

import altair as alt
import numpy as np
import pandas as pd
import pytest
import shapely
import shapely.affinity

import crimenb as cn
from crimenb import geo, schema
from crimenb.charts import map as map_chart
from crimenb.charts import map_labels, name_labels, street_map, timeline
from crimenb.charts.display import resized, static_svg
from crimenb.charts.theme import specified, steady
from crimenb.data import frame as frame_called
from crimenb.measures import counts as count_records
from crimenb.measures import streets
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
        "enlarged": cn.enlarged_map(centre),
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


def labels(spec, small, width):
    """Return the discs and the words of a map of a width, as shapes in pixels, by what they say."""
    domains = [spec["layer"][0]["encoding"][c]["scale"]["domain"] for c in "xy"]
    (west, east), (_, north) = domains
    found = {}
    for row in values(spec):
        if row.get("small") != small or not {"mark", "angle"} & set(row):
            continue
        x, y = ((row["x"] - west) * width / (east - west), (north - row["y"]) * width / (east - west))
        if "mark" in row:
            found[row["mark"]] = shapely.Point(x, y).buffer(name_labels.DISC)
        else:
            long, beside = name_labels.width_of(row["name"]), name_labels.DISC + name_labels.GAP
            start = {1: beside, -1: -beside - long, 0: -long / 2}[row["side"]]
            strip = shapely.affinity.rotate(
                shapely.box(x + start, y - 7, x + start + long, y + 7), row["angle"], origin=(x, y)
            )  # fmt: skip
            found[row["name"], x, y] = strip
    return found


@pytest.mark.parametrize(("small", "width"), [(0, 620), (1, 330)])
@pytest.mark.parametrize("part", ["points", "enlarged"])
def test_numbers_and_names_do_not_collide(drawn, part, small, width):
    found = labels(drawn[part], small, width)
    names = {key[0] for key in found if isinstance(key, tuple)}
    if part == "points":
        assert {"N", "500 metres", "1 mile", "¼ mile", "enlarged"} <= names
        assert set(found) >= set("12345678ABCDE")  # each has its line in the key
    else:
        assert {"N", "100 metres"} <= names
        assert len(names) >= 2 + 12 / (1 + small)
        assert set(found) >= {*map(str, range(9, 17)), *"FGHIJ"}
    shapes = [shape.buffer(-3) for shape in found.values()]  # a cell of the sheet
    for i, one in enumerate(shapes):
        assert not any(one.intersects(other) for other in shapes[:i])


def test_each_number_leads_to_its_own_street(drawn, centre):
    table = streets.numbered(centre, streets.crimes_drawn(centre)).set_index("mark")
    frame, lines = map_chart.frame_of(centre), street_map.stretch_lines(centre)
    for part, pixel in (("points", 2 * frame.reach / 330), ("enlarged", 600 / 330)):
        for row in (r for r in values(drawn[part]) if "mark" in r):
            own = table.loc[row["mark"]]
            assert own["is_enlarged"] == (part == "enlarged")
            end = shapely.Point(row["to_x"], row["to_y"])
            if own["is_street"]:
                assert lines[own.geometry.x, own.geometry.y].distance(end) < 1.5
            else:
                x, y = geo.to_metres(own.geometry.x, own.geometry.y)
                away = shapely.Point(x - frame.x, y - frame.y).distance(end)
                assert away <= name_labels.radius(1.0, 620) * pixel


def test_what_is_drawn_larger_is_where_the_points_are_closest(centre):
    table = streets.crimes_drawn(centre)
    square = streets.enlarged(centre, table)
    spots = map_chart.frame_of(centre).metres(table).to_numpy()

    def within(x, y):
        return (np.abs(spots - [x, y]) <= square.half).all(axis=1).sum()

    most = max(within(x, y) for x in range(-1550, 1551, 50) for y in range(-1550, 1551, 50))
    assert within(square.x, square.y) >= most - 2  # the points are in whole metres here
    assert streets.is_within(centre, table, square).sum() == pytest.approx(most, abs=2)
    assert streets.enlarged(centre, table.head(19)) is None
    village = collect(Query.parse("ZZ9 9ZZ", "2025-01", "2025-12"), "demo")
    assert streets.enlarged(village, streets.crimes_drawn(village)) is None
    assert "No part of the map" in json.dumps(cn.enlarged_map(village).to_dict())
    assert not any(r.get("name") == "enlarged" for r in values(specified(cn.point_map(village))))


@pytest.mark.parametrize("part", ["points", "enlarged"])
@pytest.mark.parametrize("width", [620, 343])
def test_streets_and_points_of_a_drawing_have_one_scale(drawn, part, width):
    svg = static_svg(resized(drawn[part], width), "x", "x")
    [(x, y, scale)] = {*re.findall(r'"translate\(([\d.-]+),([\d.-]+)\) scale\(([\d.]+)\)"', svg)}
    centres = {(float(cx), float(cy)) for cx, cy in re.findall(r'cx="([\d.-]+)" cy="([\d.-]+)"', svg)}
    rows = [r for r in values(drawn[part]) if "crimes" in r and "s" not in r]
    assert len(rows) > 3
    for row in rows:
        at = (float(x) + row["x"] * float(scale), float(y) - row["y"] * float(scale))
        assert min(math.dist(at, c) for c in centres) < 0.05


@pytest.mark.parametrize(("small", "width"), [(False, 680), (True, 330)])
def test_labels_do_not_collide(bare, small, width):
    spec = specified(cn.point_map(bare))
    names = {r["name"]: r for r in values(spec) if r.get("small") is small}
    assert {"N", "500 metres", "1 mile", "¼ mile"} <= set(names)
    assert 2 <= len(names) - 4 <= 8
    domain = spec["layer"][0]["encoding"]["x"]["scale"]["domain"]
    boxes = [map_labels.box_of(r, (domain[1] - domain[0]) / width) for r in names.values()]
    for i, a in enumerate(boxes):
        assert not any(a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3] for b in boxes[:i])


@pytest.mark.parametrize(("small", "width"), [(False, 500), (True, 280)])
def test_no_name_runs_over_the_edge_where_the_map_is_smallest(bare, small, width):
    spec = specified(cn.point_map(bare))  # names of streets are placed by charts/name_labels.py
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


def corners(path):
    """Return the corners of a path of one line, in metres from the centre."""
    start, steps = path.removeprefix("M").split("l")
    moves = [[int(n) for n in re.findall(r"-?\d+", part)] for part in (start, steps)]
    steps = np.reshape(moves[0] + moves[1], (-1, 2)).cumsum(axis=0)
    return [(x, -y) for x, y in steps.tolist()]


def test_the_line_between_forces_is_drawn_where_one_crosses(centre):
    data = collect(Query.parse("ZZ2 2BB", "2025-10", "2025-12"), "demo")
    for spec in (
        specified(cn.point_map(count_records.count_by_point(data), data=data)),
        specified(cn.explore_chart(data)),
    ):
        line = [at for r in values(spec) if r.get("kind") == "force" for at in corners(r["s"])]
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
