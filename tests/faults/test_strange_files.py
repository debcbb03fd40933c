"""Files that are not what their names say: pipes, tables that compute, rows without end, forged inventories."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import geopandas as gpd
import openpyxl
import pytest
import shapely
from click.testing import CliRunner

from crimenb.area_file import read_area
from crimenb.batch.plan import plan_batch
from crimenb.batch.rows import LAST_ROW, read_orders
from crimenb.batch.run import run_batch
from crimenb.cli import main
from crimenb.errors import QueryError, SourceError
from crimenb.files import locked, visible
from crimenb.geo import from_wkb
from crimenb.report.compare import other_outputs
from crimenb.sources import outlines
from crimenb.sources.archive import Archive, demo
from crimenb.sources.archive_info import info
from crimenb.sources.gazetteer import build_force_areas
from crimenb.sources.versions import INVENTORY
from crimenb.warm.kernels import give_ipython_a_folder
from tests.bulkfiles import row, street_file
from tests.processes import COMMAND

FROM, TO = "2025-01", "2025-12"


def crimenb(*args: object) -> str:
    """Run a command that must fail, and return the one line that it says."""
    result = CliRunner().invoke(main, [*map(str, args)])
    assert not isinstance(result.exception, Exception), result.exception
    assert result.exit_code in range(1, 7)
    (line,) = result.output.splitlines()
    assert line == visible(line)
    return line


# ---------------------------------------------------------------------------- what is no file


@pytest.fixture(params=["a pipe", "a socket", "a device"])
def no_file(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[Path], Path]]:
    """Return what puts something under a name that is no file; who reads the pipe waits ten seconds."""
    opened: list[int] = []
    timer = threading.Timer(10, lambda: [os.close(n) for n in opened])

    def put(path: Path) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        if request.param == "a socket":
            # Bound under a short name and moved there: the path of a socket has at most 107 characters.
            with tempfile.TemporaryDirectory(dir="/tmp") as short, socket.socket(socket.AF_UNIX) as listening:
                listening.bind(f"{short}/s")
                shutil.move(f"{short}/s", path)
        elif request.param == "a device":
            path.symlink_to("/dev/zero")
        else:
            os.mkfifo(path)
            opened.append(os.open(path, os.O_RDWR | os.O_NONBLOCK))
            timer.start()
        return path

    yield put
    if not timer.finished.is_set() and opened:
        timer.cancel()
        os.close(opened[0])


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("list.csv", "batch {file} --source demo --out {tmp}/out"),
        ("A/crimenb-archive.json", "archive info {tmp}/A"),
        ("A/crimenb-archive.json", "report ZZ1 --source archive:{tmp}/A"),
        ("2025-01-leicestershire-street.csv", "archive build {file} --into {tmp}/B"),
        ("in/2025-01-leicestershire-street.csv", "archive build {tmp}/in --into {tmp}/B"),
        ("in/2025-01.zip", "archive build {tmp}/in --into {tmp}/B"),
        ("codes.csv", "archive build {tmp}/src --into {tmp}/B --postcodes {file}"),
        ("codes/one.csv", "archive build {tmp}/src --into {tmp}/B --postcodes {tmp}/codes"),
        ("codes.zip", "archive build {tmp}/src --into {tmp}/B --postcodes {file}"),
        ("forces.geojson", "archive build {tmp}/src --into {tmp}/B --force-areas {file}"),
        ("forces.zip", "archive build {tmp}/src --into {tmp}/B --force-areas {file}"),
        ("ward.gpkg", "report --area {file} --source demo"),
        ("ca.pem", "batch {tmp}/l.txt --scheduler tls://h:1 --tls-ca {file} --tls-cert {file} --tls-key {file}"),
        ("D/data/manifest.json", "diff {tmp}/D {tmp}/D"),
    ],
)  # fmt: skip
def test_a_pipe_a_socket_or_a_device_is_never_read(
    no_file: Callable[[Path], Path], tmp_path: Path, name: str, command: str
) -> None:
    street_file(tmp_path / "src", [row()])
    file = no_file(tmp_path / name)
    said = crimenb(*command.format(file=file, tmp=tmp_path).replace("report ZZ1", "report ZZ11AA").split())
    assert f"{str(file)!r} is a pipe, a socket or a device and is not read; give a regular file." in said


@pytest.mark.parametrize("name", ["street", "counts", "outcomes", "postcodes", "forces"])
def test_a_pipe_among_the_files_of_an_archive_is_never_read(
    no_file: Callable[[Path], Path], tmp_path: Path, name: str
) -> None:
    folder = shutil.copytree(demo().folder, tmp_path / "A")
    no_file(folder / f"{name}.parquet")
    assert "is a pipe, a socket or a device" in crimenb("report", "ZZ11AA", "--source", f"archive:{folder}")


def test_a_link_to_another_file_shows_nothing_of_it(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("root:x:0:0:root:/root:/bin/bash\n")
    (tmp_path / "2025-01-leicestershire-street.csv").symlink_to("secret")
    said = crimenb(
        "archive", "build", tmp_path / "2025-01-leicestershire-street.csv", "--into", tmp_path / "A"
    )
    assert "root:" not in said
    assert "lacks 'crime id', 'crime type'" in said


# ---------------------------------------------------------------------------- a GeoPackage that computes

_FOR_EVER = "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT "
_SYSTEMS = f"CREATE VIEW gpkg_spatial_ref_sys AS {_FOR_EVER} 4326 AS srs_id, 'EPSG' AS organization, \
    4326 AS organization_coordsys_id, zeroblob(9000000) AS definition FROM r"
_LAYERS = f"CREATE VIEW gpkg_geometry_columns AS {_FOR_EVER} 'w' AS table_name, 'geom' AS column_name, \
    4326 AS srs_id FROM r"
_LAYER = f"CREATE VIEW w AS {_FOR_EVER} geom, zeroblob(9000000) AS name FROM r, w2"
_TRUE = "INSERT INTO sqlite_master VALUES ('table', '{0}', '{0}', 0, ?)"
"""A row of the schema that says of a view that it is a table, which SQLite does not look at."""

COMPUTED: dict[str, list[tuple[str, list[str]]]] = {
    "systems": [("DROP TABLE gpkg_spatial_ref_sys", []), (_SYSTEMS, [])],
    "systems as a table": [
        ("DROP TABLE gpkg_spatial_ref_sys", []), (_TRUE.format("gpkg_spatial_ref_sys"), [_SYSTEMS]),
    ],
    "layers": [("DROP TABLE gpkg_geometry_columns", []), (_LAYERS, [])],
    "a layer as a table": [("ALTER TABLE w RENAME TO w2", []), (_TRUE.format("w"), [_LAYER]),
                           ("UPDATE gpkg_geometry_columns SET table_name = 'w'", [])],
    "a column": [("ALTER TABLE w ADD COLUMN big AS (zeroblob(90000000)) VIRTUAL", [])],
    "more rows than the limit": [
        ("INSERT INTO w (geom) WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r LIMIT 1000) "
         "SELECT NULL FROM r", []),
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("package") / "w.gpkg"
    box = shapely.box(-1.14, 52.62, -1.12, 52.64)
    gpd.GeoDataFrame({"name": ["Abbey"]}, geometry=[box], crs=4326).to_file(path, layer="w")
    assert read_area(path).name == "Abbey"
    return path


@pytest.mark.parametrize("name", COMPUTED)
def test_a_geopackage_is_read_from_what_it_stores_alone(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(outlines, "MOST_ROWS", 1000)
    path = Path(shutil.copy(package, tmp_path))
    with sqlite3.connect(path) as db:
        for (trigger,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            db.execute(f'DROP TRIGGER "{trigger}"')
        db.execute("PRAGMA writable_schema = ON")
        for statement, values in COMPUTED[name]:
            db.execute(statement, values)
    db.close()
    began = time.monotonic()
    for read in (read_area, lambda p: build_force_areas(p, tmp_path / "out.parquet", tmp_path)):
        with pytest.raises(QueryError, match=r"export"):
            read(path)
    assert time.monotonic() - began < 60


def _nested(levels: int) -> bytes:
    return b"\x01\x07\0\0\0\x01\0\0\0" * levels + shapely.to_wkb(shapely.Point(0, 0))


@pytest.mark.parametrize("levels", [6, 2_000, 200_000])
def test_shapes_within_shapes_without_end_are_refused(package: Path, tmp_path: Path, levels: int) -> None:
    """GEOS would follow them to the end of its stack, and the process with it."""
    path = Path(shutil.copy(package, tmp_path))
    with sqlite3.connect(path) as db:
        for (trigger,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            db.execute(f'DROP TRIGGER "{trigger}"')
        db.execute("UPDATE w SET geom = ?", [b"GP\0\x01\xe6\x10\0\0" + _nested(levels)])
    db.close()
    with pytest.raises(QueryError, match="cannot be read as GeoJSON"):
        read_area(path)


@pytest.mark.parametrize("flavor", ["iso", "extended"])
@pytest.mark.parametrize("order", [0, 1])
@pytest.mark.parametrize("dimensions", [2, 3])
def test_shapes_of_every_kind_are_read_as_they_were_written(flavor: str, order: int, dimensions: int) -> None:
    ring = shapely.box(0, 0, 1, 1).difference(shapely.box(0.2, 0.2, 0.3, 0.3))
    line, points = shapely.LineString([(0, 0), (1, 1)]), shapely.MultiPoint([(0, 0), (1, 1)])
    several = shapely.MultiPolygon([ring, shapely.box(4, 4, 5, 5)])
    for shape in (
        ring,
        several,
        shapely.GeometryCollection([ring, line, points, several]),
        shapely.Polygon(),
    ):
        whole = shapely.force_3d(shape, 7.0) if dimensions == 3 else shape
        wkb = shapely.to_wkb(whole, flavor=flavor, byte_order=order, output_dimension=dimensions)
        assert shapely.to_wkb(from_wkb([wkb])[0]) == shapely.to_wkb(whole)


# ---------------------------------------------------------------------------- workbooks


def workbook(path: Path, change: Callable[[str], str]) -> Path:
    """Write a workbook with one postcode, its sheet changed."""
    book, packed = openpyxl.Workbook(), io.BytesIO()
    for cell in ("postcode", "LE1 6RN"):
        book.active.append([cell])
    book.save(packed)
    with zipfile.ZipFile(packed) as parts, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        for part in parts.namelist():
            text = parts.read(part).decode()
            out.writestr(part, change(text) if part.endswith("sheet1.xml") else text)
    return path


@pytest.mark.parametrize("number", ["1048577", "9" * 4000])
def test_a_row_that_no_excel_has_is_refused_soon(tmp_path: Path, number: str) -> None:
    cell = '<c t="inlineStr"><is><t>LE1 1AA</t></is></c>'
    path = workbook(
        tmp_path / "l.xlsx",
        lambda text: text.replace("</sheetData>", f'<row r="{number}">{cell}</row></sheetData>'),
    )
    with pytest.raises(QueryError, match=f"more than the {LAST_ROW:,} rows of Excel; save it as CSV"):
        read_orders(path)


@pytest.mark.parametrize("size", ["XFD1048576", "XFD2000000000", "ZZZ9"])
def test_a_sheet_that_claims_to_be_large_is_read_as_far_as_it_goes(tmp_path: Path, size: str) -> None:
    path = workbook(tmp_path / "l.xlsx", lambda text: text.replace('ref="A1:A2"', f'ref="A1:{size}"'))
    assert [o.query.postcode for o in read_orders(path).orders] == ["LE1 6RN"]


def test_a_cell_without_end_is_called_so(tmp_path: Path) -> None:
    (tmp_path / "l.csv").write_text(f"postcode\nLE1 6RN\n{'x' * 3_000_000}\n")
    orders, notices = read_orders(tmp_path / "l.csv")
    assert len(orders) == 1
    assert "has a cell of more than 131,072 letters." in notices[0].found


# ---------------------------------------------------------------------------- ledgers


def test_the_index_page_shows_what_the_report_says_whatever_the_ledger_says(
    demo_report: Path, tmp_path: Path
) -> None:
    (out := tmp_path / "out").mkdir()
    folder = shutil.copytree(demo_report, out / demo_report.name)
    (tmp_path / "l.txt").write_text("ZZ1 1AA\n")

    def index() -> str:
        plan = plan_batch(tmp_path / "l.txt", "demo", out, start=FROM, end=TO)
        assert not plan.todo
        return run_batch(plan).index.read_text()

    true = index()
    ledger = out / "batch.csv"
    with ledger.open() as stream:
        head, line = csv.reader(stream)
    known = json.loads(line[7])
    (number, *said), *others = known["numbers"]
    assert f"{number:,}" in true
    forged = [
        known | {"numbers": [[7, *said], *others]},
        known | {"counted": "x"},
        known | {"months": "x", "start": []},
        [1],
        7,
        None,
    ]
    for value in (json.dumps(f) for f in forged):
        for cells in ([*line[:7], value, line[8]], [*line[:7], value]):  # without a seal too
            with ledger.open("w", newline="") as stream:
                csv.writer(stream, lineterminator="\n").writerows([head, cells])
            assert index() == true
    # A line that is sealed and of another report than the one that is there now says nothing of this one.
    with ledger.open("w", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows([head, line])
    with (folder / "SHA256SUMS").open("a") as sums:
        sums.write("\n")
    (folder / "data" / "crimes.parquet").write_bytes(b"")
    plan = plan_batch(tmp_path / "l.txt", "demo", out, start=FROM, end=TO)
    assert len(plan.todo) == 1


@pytest.mark.parametrize(
    "line",
    ["../../elsewhere", '"open', "x" * 200_000, "a,b", "\0", "/etc", "ZZ1 1AA,../x,done,,,,," + "0" * 64],
)
def test_a_ledger_of_anything_is_gone_over(demo_report: Path, tmp_path: Path, line: str) -> None:
    (out := tmp_path / "out").mkdir()
    shutil.copytree(demo_report, out / demo_report.name)
    shutil.copytree(demo_report, tmp_path / "x")
    (tmp_path / "l.txt").write_text("ZZ1 1AA\n")
    (out / "batch.csv").write_text(f"postcode\n{line},{line},done,,,,,{{}}\n{line}\n")
    (out / f".{demo_report.name}.tries").symlink_to(tmp_path / "l.txt")
    page = run_batch(plan_batch(tmp_path / "l.txt", "demo", out, start=FROM, end=TO)).index.read_text()
    assert page.count('<a href="zz1-1aa_') == 1
    assert page.count("report.html") == 1
    assert (tmp_path / "l.txt").read_text() == "ZZ1 1AA\n"


# ---------------------------------------------------------------------------- archives that are not whole


def _set(key: str, value: object) -> Callable[[dict[str, object]], object]:
    return lambda found: found | {key: value}


def _file(key: str, value: object) -> Callable[[dict[str, object]], object]:
    return lambda found: found | {"files": [found["files"][0] | {key: value}, *found["files"][1:]]}


def _without(key: str) -> Callable[[dict[str, object]], object]:
    return lambda found: {k: v for k, v in found.items() if k != key}


_KEYS = ("files", "release", "built", "records", "not_read", "not_used", "new_categories", "gazetteer")
FORGED = {
    **{f"no {key}": _without(key) for key in (*_KEYS, "format")},
    **{f"{key} is {value!r}": _set(key, value) for key in _KEYS for value in (7.5, None, [1], {"a": []})},
    **{f"release {r!r}": _set("release", r) for r in ("2025-13", "x", "2025-12\n", "9999-99", "2025-12-01")},
    **{
        f"a file: {k} {v!r}": _file(k, v)
        for k, v in (("month", "x"), ("month", 1), ("rows", "x"), ("rows", 10**30))
    },
    "no file": _set("files", []),
    "a file twice": lambda found: found | {"files": [*found["files"], found["files"][0]]},
    "a list": lambda _: [],
    "text": lambda _: "x",
    "a version above": lambda _: {"version": ".."},
    "a version with a null": lambda _: {"version": "a\0"},
    "a version that is a number": lambda _: {"version": 1},
}


@pytest.mark.parametrize("name", [*FORGED, "deep", "deep objects", "no text", "nothing"])
def test_a_damaged_or_forged_inventory_is_one_sentence(tmp_path: Path, name: str) -> None:
    whole = json.loads((demo().folder / INVENTORY).read_text())
    raw = {
        "deep": b"[" * 100_000,
        "deep objects": b'{"format":' * 100_000,
        "no text": b"\xff",
        "nothing": b"",
    }
    (tmp_path / INVENTORY).write_bytes(raw[name] if name in raw else json.dumps(FORGED[name](whole)).encode())
    for read in (Archive, lambda folder: [*info(folder)]):
        with pytest.raises(SourceError, match="is damaged; build the archive anew"):
            read(tmp_path)


def test_what_an_archive_says_of_itself_can_do_nothing_to_the_terminal(tmp_path: Path) -> None:
    folder = shutil.copytree(demo().folder, tmp_path / "A")
    whole = json.loads((folder / INVENTORY).read_text())
    speaks = "\x1b[2J\u202e"
    whole |= {"not_used": {speaks: 1}, "not_read": {speaks: {speaks: 1}}, "new_categories": {speaks: 1}}
    whole["files"][0]["force"] = whole["built"] = speaks
    (folder / INVENTORY).write_text(json.dumps(whole))
    result = CliRunner().invoke(main, ["archive", "info", str(folder)], color=True)
    assert result.exit_code == 0
    assert not set(result.output) & set(speaks[:1] + speaks[-1:])


@pytest.mark.parametrize("name", ["street", "counts", "outcomes", "postcodes", "forces"])
@pytest.mark.parametrize("how", ["cut", "no Parquet", "of another kind"])
def test_a_damaged_file_of_an_archive_is_one_line_without_sql(tmp_path: Path, name: str, how: str) -> None:
    folder = shutil.copytree(demo().folder, tmp_path / "A")
    path = folder / f"{name}.parquet"
    whole = path.read_bytes()
    other = (folder / ("street" if name != "street" else "counts")).with_suffix(".parquet").read_bytes()
    path.write_bytes(
        {"cut": whole[: len(whole) // 2], "no Parquet": b"x" * 500, "of another kind": other}[how]
    )
    said = crimenb("report", "ZZ11AA", "--source", f"archive:{folder}", "--out", tmp_path / "out")
    assert f"{name}.parquet' is damaged (" in said
    assert "build the archive anew" in said
    assert "SELECT" not in said
    assert len(said) < 500


# ---------------------------------------------------------------------------- words, and what comes out of place


def test_a_name_that_is_no_text_is_written_as_text(package: Path) -> None:
    assert read_area(package, os.fsdecode(b"caf\xe9")).name == "caf?"


@pytest.mark.parametrize(
    "command",
    ["report --source demo --out {}", "report --area {} --source demo", "diff {0} {0}", "archive build {0} --into {0}",
     "report ZZ11AA --source archive:{}", "batch {}", "verify {}", "archive info {}", "notebook --into {}"],
)  # fmt: skip
def test_a_name_that_is_too_long_is_one_sentence(command: str) -> None:
    crimenb(*command.format("x" * 300).split())


@pytest.mark.parametrize("command", ["guide", "--help", "report --help"])
def test_an_output_that_is_full_is_one_sentence(command: str) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [COMMAND, *command.split()], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (done.returncode, done.stderr) == (1, "Cannot go on: No space left on device.\n")


def test_a_folder_without_room_for_a_lock_is_not_called_busy() -> None:
    with pytest.raises(FileNotFoundError), locked(Path("/proc/.x.lock")):
        pass


def test_a_home_that_is_a_device_gives_no_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/dev/null")
    monkeypatch.setenv("IPYTHONDIR", "")  # so that what is set here is taken back
    give_ipython_a_folder()
    assert Path(os.environ["IPYTHONDIR"]).is_dir()


@pytest.mark.slow_faults
@pytest.mark.parametrize("after", [1, 3, 4, 5, 6, 7, 8, 9])
def test_a_report_that_is_interrupted_says_one_sentence(tmp_path: Path, after: float) -> None:
    command = [COMMAND, "report", "--source", "demo", "--out", str(tmp_path / "out")]
    run = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    time.sleep(after)
    run.send_signal(signal.SIGINT)
    said, _ = run.communicate(timeout=100)
    if not said.endswith("report.html\n"):  # it was not done already, nor at the point of ending
        assert said == "Stopped. Nothing half-written was left; run it again to go on.\n"


@pytest.mark.parametrize(
    "change",
    [
        {"scale": {"domain": [0, 10]}},
        {"scale": {"type": "log"}},
        {"field": "m"},
        {"aggregate": "max"},
        {"stack": False},
    ],
)
def test_the_scales_of_a_chart_are_compared_under_other_versions_too(change: dict[str, object]) -> None:
    def cell(config: str, **more: object) -> dict[str, object]:
        y = {"field": "n", "type": "quantitative", "scale": {"domain": [0, 99]}} | more
        spec = {"config": config, "layer": [{"mark": "bar", "encoding": {"y": y}}]}
        data = {"application/vnd.vegalite.v5+json": spec}
        out = {"output_type": "display_data", "metadata": {}, "data": data}
        return {"cell_type": "code", "source": "x", "outputs": [out], "execution_count": 1}

    others = {"altair": ("5.0.0", "6.3.0")}
    (found,) = other_outputs([cell("a", **change)], [cell("b")], others)
    assert found.grave
    (found,) = other_outputs([cell("a")], [cell("b")], others)
    assert not found.grave


_BOUNDED = """
import sys
from crimenb import files
files.MEMORY = 50 * 1024**2
from crimenb.area_file import read_area
from crimenb.batch.rows import read_orders
from crimenb.errors import QueryError
for read, path in ((read_area, sys.argv[1]), (read_orders, sys.argv[2])):
    try:
        read(path)
    except QueryError as error:
        print(error)
"""


def test_outlines_and_workbooks_are_bounded_in_memory(tmp_path: Path) -> None:
    """With a smaller limit, so that it takes a second."""
    (tmp_path / "w.geojson").write_text("[" + "{}," * 1_500_000 + "{}]")
    junk = "<a/>" * 1_000_000
    book = workbook(tmp_path / "l.xlsx", lambda text: text.replace("</sheetData>", f"{junk}</sheetData>"))
    command = [sys.executable, "-c", _BOUNDED, str(tmp_path / "w.geojson"), str(book)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    outlines_, list_ = done.stdout.splitlines()
    assert "needs more than the limit of 4 GB of memory; export only the outlines that you need." in outlines_
    assert "is no Excel workbook that can be read; save it as CSV." in list_
