"""Data for tests of the measures: from an archive, or written by hand."""

from __future__ import annotations

import pandas as pd
import shapely

from crimenb.data import FRAMES, Data, frame
from crimenb.geo import circle
from crimenb.month_status import judge
from crimenb.query import Query
from crimenb.schema import CATEGORIES


def make_data(archive, postcode, start, end, compare_with=()):
    """Ask an archive as `collect` does, without the snapshot format in between."""
    query = Query(postcode, start, end, tuple(compare_with))
    parts = {name: [] for name in FRAMES}
    for key in query.postcodes:
        place = archive.place(key).assign(role="main" if key == postcode else "compared")
        pulled = archive.pull(place, query.months)
        months = judge(key, query.months, pulled.coverage, pulled.evidence, pulled.crimes)
        for name, table in (pulled._asdict() | {"places": place, "months": months}).items():
            if name in parts:
                parts[name].append(table)
    rows = [("source", k, v) for k, v in archive.describe().items()]
    frames = {
        name: frame(name, pd.concat(tables, ignore_index=True) if tables else None)
        for name, tables in parts.items()
    }
    frames["provenance"] = frame("provenance", pd.DataFrame(rows, columns=["kind", "name", "value"]))
    return Data(query=query, **frames)


CENTRE = (-1.13, 52.63)


def written(
    rows,
    months,
    *,
    status=None,
    forces=(("leicestershire", 1.0),),
    rest=None,
    unlocated=0,
    postcode="ZZ5 5AA",
    release="2025-12",
    nearby=None,
    left_out=None,
):
    """Write the data of one place by hand.

    `rows`: dicts with `month` and whatever differs from a shoplifting at the centre; `n` repeats a
    row. `status`: month to status, "published" unless named. `rest`: (month, category) to the
    rest of the first force's records; a plain number for every month and category.
    """
    status = status or {}
    table = []
    for row in rows:
        full = {
            "postcode": postcode, "category": "shoplifting", "outcome": "", "crime_id": "",
            "reported_by": forces[0][0], "snapped_to": "High Street", "x": CENTRE[0], "y": CENTRE[1],
        } | row  # fmt: skip
        copies = full.pop("n", 1)
        full["geometry"] = shapely.Point(full.pop("x"), full.pop("y"))
        table += [full] * copies
    one = {
        "postcode": postcode, "role": "main", "kind": "circle", "longitude": CENTRE[0],
        "latitude": CENTRE[1], "district": "", "ward": "", "parish": "", "lsoa": "", "force": forces[0][0],
        "remark": "", "geometry": circle(*CENTRE),
    }  # fmt: skip
    supplied = [m for m in months if status.get(m, "published") != "not in this archive"]
    coverage = [
        {"postcode": postcode, "force": f, "force_name": f, "share": s, "method": "by area",
         "months": " ".join(supplied) if i == 0 or "partly supplied" not in status.values() else "",
         "geometry": shapely.Polygon()}
        for i, (f, s) in enumerate(forces)
    ]  # fmt: skip
    around = [
        {"postcode": postcode, "force": forces[0][0], "month": m, "category": c, "unlocated": unlocated,
         "rest": rest[m, c] if isinstance(rest, dict) else rest}
        for m in months for c in CATEGORIES if rest is not None
    ]  # fmt: skip
    judged = [
        {"month": m, "status": status.get(m, "published"), "why": "", "postcode": postcode,
         "left_out": (left_out or {}).get(m, "")} for m in months
    ]  # fmt: skip
    frames = {name: frame(name) for name in FRAMES} | {
        "places": frame("places", pd.DataFrame([one])),
        "months": frame("months", pd.DataFrame(judged)),
        "coverage": frame("coverage", pd.DataFrame(coverage)),
        "provenance": frame(
            "provenance", pd.DataFrame([{"kind": "source", "name": "release", "value": release}])
        ),
    }
    if table:
        frames["crimes"] = frame("crimes", pd.DataFrame(table))
    if around:
        frames["surroundings"] = frame("surroundings", pd.DataFrame(around))
    if nearby is not None:
        frames["nearby"] = frame("nearby", pd.DataFrame(nearby))
    return Data(query=Query(postcode, months[0], months[-1]), **frames)


YEAR = [f"2025-{month:02}" for month in range(1, 13)]


def monthly(n, months=YEAR, **more):
    """Return data of so many crimes a month: one number for all, or one each."""
    y = [n] * len(months) if isinstance(n, int) else n
    return written([{"month": m, "n": k} for m, k in zip(months, y, strict=True) if k], months, **more)
