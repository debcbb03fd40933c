"""The analyst's notebook: runs on the demonstration, and its answers are those of plain pandas."""

import doctest
import importlib
import inspect
import json
import os
import pkgutil
import shutil
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely
from nbclient import NotebookClient

import crimenb
from crimenb.charts.theme import VEGALITE
from crimenb.files import notebook_path
from tests.real import REAL, ROOT, needs_real_data


def run(folder: Path, parameters: str = "", replaced: dict[str, str] | None = None, then: str = ""):
    """Run explore.ipynb in a folder of its own, with other parameters and words, and a last cell."""
    for path in notebook_path().parent.glob("demo-*"):
        shutil.copy(path, folder)
    nb = nbformat.read(notebook_path("explore"), as_version=4)
    for old, new in (replaced or {}).items():
        assert any(old in c["source"] for c in nb["cells"]), old
        for cell in nb["cells"]:
            cell["source"] = cell["source"].replace(old, new)
    nb["cells"].insert(2, nbformat.v4.new_code_cell(parameters))
    nb["cells"].append(nbformat.v4.new_code_cell(then))
    return NotebookClient(nb, timeout=120, resources={"metadata": {"path": str(folder)}}).execute()


def test_its_first_cells_are_those_of_the_report():
    report, explore = (nbformat.read(notebook_path(n), as_version=4)["cells"] for n in ("report", "explore"))
    assert [c["metadata"].get("tags") for c in report[1:3]] == [["parameters"], ["setup"]]
    assert explore[1:3] == report[1:3]


@pytest.mark.slow
def test_it_runs_on_the_demonstration(tmp_path):
    nb = run(tmp_path)
    outputs = [o for c in nb["cells"] if c["cell_type"] == "code" for o in c["outputs"]]
    assert not [o for o in outputs if o["output_type"] in ("error", "stream")]
    charts = [o["data"] for o in outputs if VEGALITE in o.get("data", {})]
    assert len(charts) == 9
    for chart in charts:
        assert "$schema" not in chart[VEGALITE]
        assert chart["text/plain"].startswith("[Chart] ")
        assert chart["image/svg+xml"].startswith("<svg ")
    found = {p.name: p.read_bytes()[:16] for p in (tmp_path / "exports").iterdir()}
    assert set(found) == {"tables.xlsx", "points.gpkg", "shoplifting.svg", "shoplifting.png"}
    assert found["shoplifting.png"].startswith(b"\x89PNG")
    assert found["points.gpkg"].startswith(b"SQLite format 3")
    assert found["shoplifting.svg"].startswith(b"<svg")


def files() -> pd.DataFrame:
    """Return every located row of 2025, straight from the CSVs, with metres."""
    columns = ["Month", "Longitude", "Latitude", "Crime type", "Last outcome category"]
    paths = sorted((REAL / "police-uk-archive").glob("2025-*/*-street.csv"))
    rows = [pd.read_csv(p, usecols=columns).assign(force=p.stem[8:-7]) for p in paths]
    table = pd.concat(rows).dropna(subset="Longitude").reset_index(drop=True)
    to_grid = pyproj.Transformer.from_crs(4326, 27700, always_xy=True)
    x, y = to_grid.transform(table["Longitude"].to_numpy(), table["Latitude"].to_numpy())
    return table.assign(x=x, y=y)


def mile_centre(postcode: str) -> tuple[int, int]:
    area = postcode[:2].lower()
    centres = pd.read_csv(REAL / "code-point-open" / f"{area}.csv", header=None, usecols=[0, 2, 3])
    compact = centres[0].str.replace(" ", "")
    _, x, y = centres[compact == postcode.replace(" ", "")].iloc[0]
    return x, y


def within_a_mile(table: pd.DataFrame, postcode: str) -> pd.DataFrame:
    x, y = mile_centre(postcode)
    near = (table["x"] - x) ** 2 + (table["y"] - y) ** 2 <= 1609.344**2
    return table[near & (table["force"] != "btp")]


WARD = [(-1.1475, 52.6262), (-1.1405, 52.6225), (-1.1302, 52.6248), (-1.1248, 52.6301),
        (-1.1291, 52.6372), (-1.1388, 52.6391), (-1.1462, 52.6340)]  # fmt: skip
ANSWERS = """
import json
answers = {
    "street": [street.geometry.x, street.geometry.y, year.sum().to_dict()],
    "shoplifting": dict(zip(months["month"], months["n"].tolist())),
    "pair": {p: cn.count_by_month(pair, place=p).set_index("month")["crime"].astype(int).to_dict() for p in (first, second)},
    "near": near.where(whole.to_numpy()).dropna().astype(int).to_dict(),
    "ward": cn.count_by_category(inside).set_index("label")["period"].astype(int).to_dict(),
}
print(json.dumps(answers))
"""


@pytest.mark.slow
@needs_real_data
def test_its_answers_on_leicester_are_those_of_pandas_over_the_csvs(real_archive, tmp_path):
    ward = shapely.Polygon(WARD)
    (tmp_path / "ward.geojson").write_text(shapely.to_geojson(ward))
    parameters = f"postcode, start, end, source = 'LE1 6RN', '2025-01', '2025-12', 'archive:{real_archive}'"
    parameters += "\ncompare_with = 'CV32 4EA'"
    (tmp_path / "sites.csv").write_text("site,postcode\nClock Tower,le16rn\n")
    replaced = {
        'collect(cn.read_area("demo-ward.geojson"), source="demo")': 'collect(cn.read_area("ward.geojson"), start, end, source=source)',
        "demo-sites.csv": "sites.csv",
        'locate(own["postcode"], source="demo")': 'locate(own["postcode"], source=source)',
    }
    nb = run(tmp_path, parameters, replaced, ANSWERS)
    said = json.loads(nb["cells"][-1]["outputs"][0]["text"])
    table = files()
    mile = within_a_mile(table, "LE1 6RN")
    is_asb = mile["Crime type"] == "Anti-social behaviour"

    x, y, by_month = said["street"]
    there = mile[(mile["Longitude"] == x) & (mile["Latitude"] == y)]
    assert there[~is_asb[there.index]].groupby("Month").size().to_dict() == {
        m: n for m, n in by_month.items() if n
    }
    busiest = mile[~is_asb].groupby(["Longitude", "Latitude"]).size().nlargest(5)
    assert (~is_asb & mile.index.isin(there.index)).sum() == busiest.iloc[4]

    theft = mile[mile["Crime type"] == "Shoplifting"]
    assert said["shoplifting"] == theft.groupby("Month").size().to_dict()
    for postcode in ("LE1 6RN", "CV32 4EA"):
        place = within_a_mile(table, postcode)
        crime = place[place["Crime type"] != "Anti-social behaviour"]
        assert said["pair"][postcode] == crime.groupby("Month").size().to_dict()
    # A snapped point is at a metre or two from 250 m, whichever way it is projected.
    away = np.hypot(mile["x"] - mile_centre("LE1 6RN")[0], mile["y"] - mile_centre("LE1 6RN")[1])[~is_asb]
    assert (away <= 249).sum() <= said["near"]["Clock Tower"] <= (away <= 251).sum()
    inside = table[
        shapely.contains_xy(ward, table["Longitude"], table["Latitude"]) & (table["force"] != "btp")
    ]
    counts = inside["Crime type"].value_counts().to_dict()
    assert {k: n for k, n in said["ward"].items() if n} == counts


@pytest.mark.slow
def test_an_error_in_a_cell_reads_as_a_sentence(tmp_path):
    cell = nbformat.v4.new_code_cell("import crimenb as cn\ncn.Query.parse('LE1')")
    nb = nbformat.v4.new_notebook(cells=[cell])
    NotebookClient(nb, allow_errors=True, resources={"metadata": {"path": str(tmp_path)}}).execute()
    [error] = nb["cells"][0]["outputs"]
    assert error["traceback"] == [
        "QueryError: 'LE1' is not a full UK postcode; that is the first half of one; write it all, like 'LE1 6RN'."
    ]


MODULES = [m.name for m in pkgutil.walk_packages(crimenb.__path__, "crimenb.")]


def test_the_examples_of_the_docstrings_run():
    """Every example, as written, from the folder a reader stands in."""
    where = Path.cwd()
    os.chdir(ROOT)
    try:
        for name in MODULES:
            module = importlib.import_module(name)
            failed, _ = doctest.testmod(module, optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
            assert not failed, name
    finally:
        os.chdir(where)


def test_every_public_function_has_an_example():
    for name in crimenb.__all__:
        thing = getattr(crimenb, name)
        # The chart functions take what the counting functions give; the examples are at `show`.
        if inspect.isfunction(thing) and "chart" not in name and name != "point_map":
            assert ">>> " in inspect.getdoc(thing), name
