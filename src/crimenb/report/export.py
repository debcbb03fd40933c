"""Frames and charts as files that other programs open: CSV, Excel, GeoPackage, SVG and PNG."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import altair as alt
import geopandas as gpd
import pandas as pd

from crimenb.charts.display import descriptions, static_svg
from crimenb.charts.theme import BLUE, specified
from crimenb.data import kind_of
from crimenb.errors import QueryError, ReportError
from crimenb.warm.painter import VEGALITE
from crimenb.wording.format import capital

if TYPE_CHECKING:
    from collections.abc import Callable

_STYLE = """<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>
<qgis version="3.22"><renderer-v2 type="singleSymbol" symbollevels="0"><symbols>
<symbol type="marker" name="0" alpha="0.6"><layer class="SimpleMarker" enabled="1"><Option type="Map">
<Option type="QString" name="name" value="circle"/><Option type="QString" name="color" value="{colour}"/>
<Option type="QString" name="outline_color" value="255,255,255,255"/><Option type="QString" name="size" value="2"/>
<Option type="QString" name="scale_method" value="diameter"/></Option><data_defined_properties><Option type="Map">
<Option type="QString" name="name" value=""/><Option type="Map" name="properties"><Option type="Map" name="size">
<Option type="bool" name="active" value="true"/><Option type="int" name="type" value="3"/>
<Option type="QString" name="expression" value="12 * sqrt(&quot;{field}&quot; / {most})"/></Option></Option>
<Option type="QString" name="type" value="collection"/></Option></data_defined_properties></layer></symbol>
</symbols></renderer-v2></qgis>
"""
"""A QGIS style: circles whose area goes by a column, as on our map."""


def export(what: Any, path: Path | str) -> Path:
    """Write a frame or a chart to a file; its ending says as what.

    Parameters
    ----------
    what
        A frame (.csv, .xlsx; with points or outlines .gpkg too), a dict of frames by the name of
        their sheet (.xlsx), or a chart (.svg, .png).
    path
        The file. Its folder is made; a file that is there is replaced. Points go into a CSV or a
        workbook as `longitude` and `latitude`; a GeoPackage of points that has a column `n` carries
        a style for QGIS, circles by their area. A PNG has 192 dots an inch, for a slide.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    QueryError
        The ending is another, or this cannot be written so; the message says how it can.
    ReportError
        The file cannot be written.

    Examples
    --------
    >>> import crimenb as cn
    >>> data = cn.collect("ZZ9 9ZZ", "2025-11", "2025-12")
    >>> file = cn.export(cn.count_by_month(data), "exports/months.csv")  # doctest: +SKIP
    >>> file = cn.export(cn.trend_chart(data), "exports/months.png")  # doctest: +SKIP
    """
    target = Path(path)
    kind, ways = _ways(what)
    if target.suffix.lower() not in ways:
        msg = f"{kind} cannot be written as {target.name!r}; end the name with {' or '.join(ways)}."
        raise QueryError(msg)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        ways[target.suffix.lower()](what, target)
    except OSError as error:
        msg = f"Cannot write {str(path)!r}: {error.strerror or error}; choose another file."
        raise ReportError(msg) from error
    return target


def _ways(what: Any) -> tuple[str, dict[str, Callable[[Any, Path], Any]]]:
    """Return what this is, and how it can be written, by the ending."""
    if isinstance(what, alt.TopLevelMixin):
        return "A chart", {".svg": _svg, ".png": _png}
    if isinstance(what, Mapping) and what and all(isinstance(f, pd.DataFrame) for f in what.values()):
        return "Several frames", {".xlsx": _xlsx}
    if not isinstance(what, pd.DataFrame):
        msg = f"{capital(kind_of(what))} cannot be exported; give a frame, a dict of frames or a chart."
        raise QueryError(msg)
    ways: dict[str, Callable[[Any, Path], Any]] = {".csv": _csv, ".xlsx": _xlsx}
    return "A frame", ways | ({".gpkg": _gpkg} if isinstance(what, gpd.GeoDataFrame) else {})


def _svg(chart: Any, target: Path) -> None:
    spec = specified(chart, alt.theme.active)
    target.write_text(static_svg(spec, "", " ".join(descriptions(spec))), "utf-8")


def _png(chart: Any, target: Path) -> None:
    import vl_convert

    spec = specified(chart, alt.theme.active)
    target.write_bytes(vl_convert.vegalite_to_png(spec, vl_version=VEGALITE, scale=2, ppi=96))


def _csv(frame: pd.DataFrame, target: Path) -> None:
    _flat(frame).to_csv(target, index=False, lineterminator="\n")


def _flat(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame without shapes: points as their coordinates, outlines not at all."""
    if not isinstance(frame, gpd.GeoDataFrame):
        return frame
    plain = pd.DataFrame(frame.drop(columns=frame.geometry.name))
    if {"longitude", "latitude"} <= set(plain) or not (frame.geom_type == "Point").all():
        return plain
    at = frame.to_crs("EPSG:4326").geometry
    return plain.assign(longitude=at.x, latitude=at.y)


def _xlsx(frames: Any, target: Path) -> None:
    sheets = frames if isinstance(frames, Mapping) else {target.stem: frames}
    with pd.ExcelWriter(target, engine="openpyxl") as book:
        for name, frame in sheets.items():
            _flat(frame).to_excel(book, sheet_name=str(name)[:31], index=False, freeze_panes=(1, 0))
            for row in book.sheets[str(name)[:31]].iter_rows():
                for cell in row:
                    if cell.data_type == "f":  # a street may be called "=1+1", and is no formula
                        cell.data_type = "s"


def _gpkg(frame: gpd.GeoDataFrame, target: Path) -> None:
    target.unlink(missing_ok=True)
    frame.to_file(target, driver="GPKG", layer=target.stem)
    if "n" not in frame or not (frame.geom_type == "Point").all():
        return
    rgb = ",".join(str(int(BLUE[i : i + 2], 16)) for i in (1, 3, 5))
    style = _STYLE.format(colour=f"{rgb},255", field="n", most=max(int(frame["n"].max()), 1))
    with contextlib.closing(sqlite3.connect(target)) as file, file:
        file.execute(
            "CREATE TABLE layer_styles (id INTEGER PRIMARY KEY AUTOINCREMENT, f_table_catalog TEXT(256), "
            "f_table_schema TEXT(256), f_table_name TEXT(256), f_geometry_column TEXT(256), styleName TEXT(30), "
            "styleQML TEXT, styleSLD TEXT, useAsDefault BOOLEAN, description TEXT, owner TEXT(30), ui TEXT(30), "
            "update_time DATETIME DEFAULT CURRENT_TIMESTAMP)"
        )
        file.execute(
            "INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, f_geometry_column, styleName, "
            "styleQML, styleSLD, useAsDefault, description, owner) VALUES ('', '', ?, 'geom', 'n', ?, '', 1, '', '')",
            (target.stem, style),
        )
        file.execute(
            "INSERT INTO gpkg_contents (table_name, data_type, identifier) "
            "VALUES ('layer_styles', 'attributes', 'layer_styles')"
        )
