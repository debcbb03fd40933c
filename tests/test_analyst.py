"""What an analyst tries: forty one-line cells that run, twenty and more wrong calls that each say what there is."""

import datetime as dt
import json
import os
import re
import sqlite3

import altair as alt
import nbformat
import openpyxl
import pandas as pd
import pytest
import vl_convert
from nbclient import NotebookClient

import crimenb as cn
from crimenb.charts.display import mimebundle
from crimenb.charts.theme import BLUE, ORANGE, VEGALITE, specified
from crimenb.files import notebook_path
from crimenb.schema import ASB, BTP
from tests.real import ROOT

FIRST = """\
import datetime as dt, pathlib, socket
import altair as alt, pandas as pd
import crimenb as cn

def refused(self, address):
    raise AssertionError(f"a cell asked {address}")

reach, socket.socket.connect = socket.socket.connect, lambda s, a: reach(s, a) if str(a[0])[:4] in ("127.", "/tmp") else refused(s, a)
data = cn.collect(["ZZ1 1AA", "ZZ2 2BB"], "2024-01", "2025-12")
other = "ZZ2 2BB"
"""
FORTY = """\
data
data.places
data.crimes["category"].value_counts()
data.of("zz22bb")
cn.collect("ZZ1 1AA", "2025-01", "2025-12")
cn.collect("ZZ1 1AA", pd.Period("2025-01"), pd.Timestamp("2025-03-31"))
cn.collect("ZZ1 1AA", dt.date(2025, 1, 1), "Mar 2025", source="demo")
cn.collect("ZZ1 1AA", "2025-01", "2025-03", compare_with="ZZ2 2BB").months
cn.collect(cn.read_area(pathlib.Path("demo-ward.geojson")), "2025-01", "2025-12", source="demo")
[ward.name for ward in cn.read_areas("demo-wards.geojson")]
cn.count_by_month(data)
cn.count_by_month(data, place=other, category="Shoplifting").tail()
cn.count_by_month(data).set_index("month_start")["crime"].rolling(3).mean()
cn.count_by_category(data)
cn.count_by_category(data, place=other).query("is_crime").nlargest(3, "period")
cn.count_by_month_and_category(data, place=other).set_index("month").sum()
pd.concat([cn.count_by_category(data, place=p) for p in data.places["postcode"]]).pivot(index="label", columns="place", values="period")
cn.count_by_point(data, category="burglary").head()
cn.count_by_point(data).to_crs("EPSG:27700").buffer(100).union_all().area
cn.list_records(data, category="vehicle-crime").groupby("month").size()
cn.list_records(data, place=other, month="2025-06")["outcome"].value_counts(dropna=False)
cn.months_with_range(data, category="drugs", place=other)
cn.months_with_range(data, month="2025-06").dropna(subset="low")
cn.change_by_category(data, place=other)
cn.before_and_after(data, month=pd.Period("2025-04"), category="burglary")
cn.compared_shares(data, place=other)
cn.outcome_shares(data, place=other)
cn.locate(["zz1 1aa", "ZZ2 2BB", "nowhere"])
cn.trend_chart(data)
cn.trend_chart(data, place=other, category="shoplifting", month="2025-06")
cn.trend_chart(cn.count_by_month(data, category="asb")).properties(width=300)
cn.trend_chart(data) | cn.category_chart(data)
cn.trend_chart(data) + alt.Chart(pd.DataFrame({"n": [400]})).mark_rule(color="red").encode(y="n:Q")
cn.category_chart(data).facet("kind:N")
cn.small_multiples(data, place=["ZZ1 1AA", other], category=["burglary", "drugs", "asb"])
cn.point_map(data) | cn.point_map(data, place=other, category="shoplifting")
(cn.change_chart(data) & cn.comparison_chart(data, place=other)).resolve_scale(x="independent")
cn.outcome_chart(data, place=other) & cn.explore_chart(data, place=other)
alt.Chart(cn.list_records(data)).mark_bar().encode(x="month_start:T", y="count()", color="is_crime:N")
cn.export({"months": cn.count_by_month(data), "points": cn.count_by_point(data)}, "exports/tables.xlsx").name
""".splitlines()
CHARTS = 11


def test_an_own_figure_has_its_own_words(capsys):
    data = cn.collect("ZZ1 1AA", "2025-01", "2025-12")
    months = cn.count_by_month(data, category="burglary")
    cn.show(cn.trend_chart(months), months, title="Burglary by <month>", note="Mind the gap.")
    out = capsys.readouterr().out
    assert out.startswith("Burglary by <month>\n")
    assert "Mind the gap." in out
    assert "month_start" in out  # the table has every column


@pytest.mark.slow
def test_forty_cells_run_without_an_error_or_a_request(tmp_path):
    for name in ("demo-ward.geojson", "demo-wards.geojson"):
        (tmp_path / name).write_bytes((notebook_path().parent / name).read_bytes())
    assert len(FORTY) == 40
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in (FIRST, *FORTY)])
    nowhere = dict.fromkeys(("http_proxy", "https_proxy"), "http://127.0.0.1:9")
    NotebookClient(nb, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute(
        env=os.environ | nowhere
    )
    drawn = 0
    for cell in nb["cells"][1:]:
        assert [o["output_type"] for o in cell["outputs"]] == ["execute_result"], (
            cell["source"],
            cell["outputs"],
        )
        data = cell["outputs"][0]["data"]
        assert ("text/html" in data) <= (VEGALITE not in data), cell["source"]
        if VEGALITE in data:
            drawn += 1
            assert set(data) == {VEGALITE, "image/svg+xml", "text/plain"}, cell["source"]
            assert not re.search(r"<style|style=|<script|href=\"http", data["image/svg+xml"])
    assert drawn == CHARTS
    nbformat.validate(nb)
    exporters = pytest.importorskip("nbconvert").exporters
    page, _ = exporters.HTMLExporter().from_notebook_node(nb)
    assert page.count('src="data:image/svg+xml') == CHARTS
    _, files = exporters.MarkdownExporter().from_notebook_node(nb)
    assert sum(name.endswith(".svg") for name in files["outputs"]) == CHARTS


CATEGORIES = (
    "crime, asb, btp, violent-crime, shoplifting, public-order, criminal-damage-arson, vehicle-crime, other-theft, "
    "burglary, drugs, theft-from-the-person, bicycle-theft, robbery, possession-of-weapons, other-crime, "
    "anti-social-behaviour."
)
PLACES = "choose one of 'ZZ1 1AA', 'ZZ2 2BB'."
MONTHS = "choose one of 2024-01 to 2025-12."
WRONG = {
    'cn.show(cn.trend_chart(data), cn.count_by_month(data), "trends", data)': "There is no figure 'trends' with data; choose one of categories, trend, trend.asb, snapped-points, outcomes, change, compared, like, rates, searches, explore, or give a title=.",
    'cn.count_by_month(data, place="ZZ7 7ZZ")': f"The data hold no place 'ZZ7 7ZZ'; {PLACES}",
    'cn.count_by_month(data, "ZZ2 2BB")': "count_by_month takes the text 'ZZ2 2BB' only by name; choose one of place, category.",
    'cn.count_by_month(data, postcode="ZZ2 2BB")': "count_by_month has no 'postcode'; choose one of place, category.",
    'cn.count_by_month(data, category="theft")': f"There is no category 'theft'; choose one of {CATEGORIES}",
    'cn.count_by_month("ZZ1 1AA")': "count_by_month begins with the Data that collect returns, not the text 'ZZ1 1AA'.",
    "cn.count_by_category(data.crimes)": "count_by_category begins with the Data that collect returns, not a GeoDataFrame.",
    'cn.count_by_category(data, place=["ZZ1 1AA"])': f"The data hold no place ['ZZ1 1AA']; {PLACES}",
    'cn.count_by_point(data, category="btp")': "Records of British Transport Police are on no map; choose 'crime', 'asb' or a category.",
    'cn.months_with_range(data, month="2023-12")': f"Month '2023-12' is not in the data; {MONTHS}",
    'cn.months_with_range(data, month="summer")': f"Month 'summer' is not in the data; {MONTHS}",
    "cn.list_records(data, category=5)": f"There is no category 5; choose one of {CATEGORIES}",
    'cn.before_and_after(data, month="2024-01")': "No whole month lies before 2024-01; choose one of 2024-02 to 2025-12.",
    'cn.before_and_after(data, month="2025-06", months=0)': "before_and_after has no months=0; give a number of 1 or more.",
    'cn.trend_chart(data, width="wide")': "trend_chart has no width='wide'; give a number of 1 or more.",
    "cn.small_multiples(data, columns=0)": "small_multiples has no columns=0; give a number of 1 or more.",
    "cn.count_by_month()": "count_by_month begins with the Data that collect returns, not nothing.",
    "cn.trend_chart()": "A chart cannot be drawn of nothing; give it the Data, or what months_with_range returns.",
    "cn.trend_char(data)": "The functions of crimenb have no 'trend_char'; choose one of trend_chart.",
    "data.crime": "These data have no 'crime'; choose one of crimes.",
    "cn.show(months, cn.trend_chart(months))": "show takes a chart and then the frame it draws; a Figure stands in the frame's place.",
    'cn.export(data, "all.xlsx")': "A Data cannot be exported; give a frame, a dict of frames or a chart.",
    'data.of("ZZ7 7ZZ")': f"The data hold no place 'ZZ7 7ZZ'; {PLACES}",
    'cn.trend_chart(data, "shoplifting")': "trend_chart takes the text 'shoplifting' only by name; choose one of place, category, month, most, width.",
    "cn.trend_chart(data.crimes)": "This frame has no column 'status' to draw; give it the Data, or what months_with_range returns.",
    'cn.trend_chart("ZZ1 1AA")': "A chart cannot be drawn of the text 'ZZ1 1AA'; give it the Data, or what months_with_range returns.",
    "cn.trend_chart(pd.concat([months, months]))": "This frame holds several places or categories; give small_multiples the frame, or trend_chart a part.",
    'cn.trend_chart(months, category="burglary")': "This frame is counted already, so category='burglary' cannot be chosen; give the Data.",
    "cn.point_map(points)": "Points alone show no ground; write point_map(points, data=...) with the Data they are counted in.",
    "cn.category_chart(months)": "This frame has no column 'period' to draw; give it the Data, or what count_by_category returns.",
    'cn.category_chart(data, colour="red")': "category_chart has no 'colour'; choose one of place, width.",
    "cn.small_multiples([])": "A chart cannot be drawn of a list; give it the Data, or what months_with_range returns.",
    "cn.explore_chart(points)": "explore_chart begins with the Data that collect returns, not a GeoDataFrame.",
    'cn.collect("ZZ1 1AA", "demo")': "'demo' stands where the first month belongs; write source='demo'.",
    'cn.collect("ZZ1 1AA", source=5)': "The source is an int; give 'live', 'demo' or 'archive:DIR'.",
    'cn.collect("ZZ1 1AA", 2025)': "'2025' is not a month; write YYYY-MM, for example '2025-12', or 'latest'.",
    'cn.collect("ZZ1 1AA", "2019-01", "2019-12")': "Nothing of '2019-01 to 2019-12' is held here; choose months from 2023-01 to 2025-12.",
    "cn.collect([])": "Nothing was named to report on; give a postcode, for example 'LE1 6RN', or an area.",
    'cn.export(points, "points.pdf")': "A frame cannot be written as 'points.pdf'; end the name with .csv or .xlsx or .gpkg.",
    'cn.export(cn.trend_chart(data), "trend.xlsx")': "A chart cannot be written as 'trend.xlsx'; end the name with .svg or .png.",
    'cn.export(5, "five.csv")': "An int cannot be exported; give a frame, a dict of frames or a chart.",
}


@pytest.fixture(scope="module")
def data():
    return cn.collect(["ZZ1 1AA", "ZZ2 2BB"], "2024-01", "2025-12")


@pytest.mark.parametrize("call", WRONG)
def test_a_wrong_call_gives_one_sentence_with_the_choices(call, data):
    known = {
        "cn": cn, "pd": pd, "data": data, "points": cn.count_by_point(data),
        "months": cn.months_with_range(data, category="drugs"),
    }  # fmt: skip
    with pytest.raises(cn.CrimenbError) as raised:
        eval(call, known)
    assert str(raised.value) == WRONG[call]


# ------------------------------------------------------------------- independent counts


def plain_counts(data, place):
    """Count a place's records by month and category with nothing of ours but the stored frame."""
    rows = data.crimes[(data.crimes["postcode"] == place) & (data.crimes["reported_by"] != BTP)]
    status = data.months[data.months["postcode"] == place].set_index("month")["status"]
    held = status[status.isin(["published", "partly supplied", "suspiciously low"])].index
    return pd.crosstab(rows["month"], rows["category"]), sorted(held)


@pytest.mark.parametrize("place", ["ZZ1 1AA", "ZZ2 2BB", "Market Ward"])
def test_every_frame_counts_what_plain_pandas_counts(place, data):
    if place == "Market Ward":
        data = cn.collect(
            cn.read_area(ROOT / "notebooks" / "demo-ward.geojson"), "2024-01", "2025-12", source="demo"
        )
    table, held = plain_counts(data, place)
    summed = cn.summed_months(data, place=place)
    for slug in ("shoplifting", "burglary", ASB):
        expected = table[slug].reindex(held, fill_value=0)
        found = cn.months_with_range(data, place=place, category=slug).set_index("month")["n"].dropna()
        assert found.astype(int).to_dict() == expected.to_dict()
        found = cn.count_by_month(data, place=place, category=slug).set_index("month")["n"].dropna()
        assert found.astype(int).to_dict() == expected.reindex(summed).astype(int).to_dict()
        total = int(expected.reindex(summed).sum())
        by_category = cn.count_by_category(data, place=place).set_index("category")["period"]
        assert by_category[slug] == total == len(cn.list_records(data, place=place, category=slug))
        points = cn.count_by_point(data, place=place, category=slug)
        assert points["n"].sum() == total
        assert points["n"].is_monotonic_decreasing
        one = data.crimes[(data.crimes["postcode"] == place) & (data.crimes["category"] == slug)]
        here = (one.geometry == points.geometry.iloc[0]) & one["month"].isin(summed)
        assert points["n"].iloc[0] == (here & (one["reported_by"] != BTP)).sum()
    crimes = table.drop(columns=ASB).sum(axis=1).reindex(summed)
    assert (
        cn.count_by_month(data, place=place).set_index("month")["crime"].dropna().astype(int).to_dict()
        == crimes.to_dict()
    )


def test_before_and_after_are_sums_of_the_months(data):
    here, rest = cn.before_and_after(data, month="2025-04", category="burglary", months=6).to_dict("records")
    counts = cn.count_by_month(data, category="burglary").set_index("month")["n"]
    assert here["before"] == counts["2024-09":"2025-03"].sum()  # October 2024 was not supplied
    assert here["after"] == counts["2025-04":"2025-09"].sum()
    assert (here["months_before"], here["months_after"]) == (6, 6)
    assert here["change"] == pytest.approx(here["a_day_after"] / here["a_day_before"] - 1)
    around = data.surroundings[
        (data.surroundings["postcode"] == "ZZ1 1AA") & (data.surroundings["category"] == "burglary")
    ]
    by_month = around.groupby("month")["rest"].sum()
    assert rest["after"] == by_month["2025-04":"2025-09"].sum()
    few = cn.before_and_after(data, month="2025-04", category="robbery", place="ZZ2 2BB")
    assert few["change"].isna().iloc[0]


# ------------------------------------------------------------------------- asking, showing


def test_months_and_places_are_taken_as_people_give_them():
    asked = cn.collect("ZZ1 1AA", "2025-01", "2025-03").query
    for start, end in ((pd.Period("2025-01"), dt.date(2025, 3, 2)), (pd.Timestamp("2025-01-31"), "Mar 2025")):
        assert cn.collect("zz11aa", start, end).query == asked
    pair = cn.collect("ZZ1 1AA", "2025-01", "2025-03", compare_with="ZZ2 2BB").query
    assert cn.collect(["ZZ1 1AA", "ZZ2 2BB"], "2025-01", "2025-03").query == pair
    assert cn.collect(pair, "demo").query == pair


def test_a_folder_of_an_archive_may_be_a_path(real_archive):
    found = cn.collect("LE1 6RN", "2025-12", "2025-12", source=real_archive)
    assert found.source["name"].startswith("archive")


def test_the_data_show_what_they_hold(data):
    shown = data._repr_mimebundle_()
    for text in shown.values():
        for said in ("ZZ2 2BB", "not in this archive", "data.crimes", f"{len(data.crimes):,}", "snapped_to"):
            assert said in text
    assert shown["text/plain"] == str(data)


def test_charts_carry_no_theme_and_are_shown_with_it(data):
    chart = cn.trend_chart(data)
    assert not {"config", "autosize", "background", "usermeta"} & set(chart._kwds) - {
        k for k, v in chart._kwds.items() if v is alt.Undefined
    }
    assert chart.to_dict()["config"]["bar"] == specified(chart)["config"]["bar"] == {"color": BLUE}
    assert specified(alt.Chart().mark_bar().configure_bar(color="red"))["config"]["bar"] == {"color": "red"}


def test_a_renderer_and_a_theme_of_the_analyst_are_left_to_work(data):
    chart = cn.trend_chart(data)
    with alt.theme.enable("dark"):
        spec = mimebundle(chart)[VEGALITE]
    assert spec["usermeta"]["embedOptions"] == {"theme": "dark"}
    assert "bar" not in spec["config"]
    with alt.renderers.enable("json"):
        assert VEGALITE not in str(mimebundle(chart))


def test_any_frame_of_an_analyst_may_be_drawn(data):
    days = pd.DataFrame(
        {"day": [dt.date(2025, 1, 1), None], "n": [1, pd.NA], "c": pd.Categorical(["a", "b"])}
    )
    for frame in (days, cn.count_by_point(data), cn.list_records(data)):
        spec = specified(alt.Chart(frame).mark_point().encode(y="n:Q"))
        assert len(json.loads(json.dumps(spec))["datasets"].popitem()[1]) == len(frame)


def test_charts_look_the_same_inside_another(data):
    """Vega knows the width of a whole chart only: in another, circles would vanish and months lose their names."""
    chart = cn.point_map(data)
    alone, inside = (vl_convert.vegalite_to_svg(c.to_dict()) for c in (chart, chart | cn.trend_chart(data)))
    circles = re.compile(r'd="M([\d.]+),0A')
    assert set(circles.findall(alone)) <= set(circles.findall(inside))
    assert "width" not in str([part for part in (chart | chart).to_dict()["hconcat"]]).replace(
        "'width'", ""
    ).replace("strokeWidth", "").replace("colour and width by", "")


def test_charts_beside_each_other_keep_their_colours(data):
    both = cn.trend_chart(data), cn.category_chart(data)
    for chart in (both[0] | both[1], both[0] & both[1], alt.hconcat(*both)):
        svg = vl_convert.vegalite_to_svg(specified(chart))
        assert svg.count(f'fill="{ORANGE}"') >= 2  # the bar of anti-social behaviour, and its key


def test_small_multiples_have_one_scale(data):
    spec = specified(cn.small_multiples(data, place=["ZZ1 1AA", "ZZ2 2BB"], category="crime"))
    tops = [re.findall(r"'domain': \[0, ([\d.]+)\]", str(part)) for part in spec["concat"]]
    assert len({top for part in tops for top in part}) == 1
    assert [part["title"] for part in spec["concat"]] == ["ZZ1 1AA", "ZZ2 2BB"]


# ------------------------------------------------------------------------------- exports


def test_exports_hold_what_the_frames_hold(data, tmp_path):
    points = cn.count_by_point(data)
    points.loc[0, "snapped_to"] = "=1+1"
    book = cn.export({"points": points, "months": cn.count_by_month(data)}, tmp_path / "new" / "tables.xlsx")
    sheet = openpyxl.load_workbook(book)["points"]
    assert sheet["B2"].data_type == "s"
    back = pd.read_excel(book, sheet_name="points")
    assert back["n"].tolist() == points["n"].tolist()
    assert back["longitude"].tolist() == pytest.approx(points.geometry.x.tolist())
    flat = pd.read_csv(cn.export(points, tmp_path / "points.csv"))
    assert flat["crime"].sum() == points["crime"].sum()
    with sqlite3.connect(cn.export(points, tmp_path / "points.gpkg")) as file:
        [(table, style)] = file.execute(
            "SELECT f_table_name, styleQML FROM layer_styles WHERE useAsDefault"
        ).fetchall()
        assert file.execute(f"SELECT sum(n) FROM {table}").fetchone() == (points["n"].sum(),)
    file.close()
    assert f"/ {points['n'].max()})" in style
    assert cn.export(cn.point_map(data), tmp_path / "map.png").read_bytes().startswith(b"\x89PNG")
    first, second = (cn.export(cn.point_map(data), tmp_path / f"{i}.svg").read_bytes() for i in range(2))
    assert first == second


def test_positions_say_why_there_is_none():
    found = cn.locate(pd.Series(["zz11aa", "ZZ1 1ZZ", "nowhere", "ZZ1 1AA"]))
    assert found["longitude"].notna().tolist() == [True, False, False, True]
    assert found["why"].notna().tolist() == [False, True, True, False]
    assert found.crs == "EPSG:4326"
