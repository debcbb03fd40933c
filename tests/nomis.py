"""Nomis on the loopback: it cuts answers, and answers what it does not understand with the status 200."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import random
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import shapely

from crimenb.geo import to_lonlat, to_metres
from tests.ons import OpenGeography
from tests.service import Loopback

if TYPE_CHECKING:
    from tests.downloads import Site

OA_POINTS, LSOA_POINTS = "OA_December_2021_EW_PWC_V4", "LSOA_PopCentroids_EW_2021_V4"


@dataclass
class Dataset:
    """A table: its name, the columns that divide it, and rows of date, code, ids, value and status."""

    name: str
    dimensions: tuple[str, ...] = ()
    rows: list[tuple[str, ...]] = field(default_factory=list)

    def columns(self) -> list[str]:
        return ["date", "geography_code", *self.dimensions, "obs_value", "obs_status"]


class Nomis(Loopback):
    """The server, whose `url` goes into CRIMENB_NOMIS_URL."""

    def __init__(self, tables: dict[str, Dataset], cut: int = 25_000) -> None:
        self.tables, self.cut = tables, cut
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.down = False
        self.files: dict[str, bytes] = {}
        """By their address; given in parts (Range)."""
        self.changes: list[Any] = []
        """Functions of the text of an answer, one after another."""
        super().__init__(("127.0.0.1", 0), _Handler)

    def answer(self, path: str, query: dict[str, str]) -> tuple[int, str]:
        """Return the status and the text of an answer."""
        self.asked.append((path, query))
        if self.down:
            return 503, ""
        if found := re.fullmatch(r"/api/v01/dataset/(\w+)/def\.sdmx\.json", path):
            family = {"id": found[1], "name": {"value": self.tables[found[1]].name}}
            return 200, json.dumps({"structure": {"keyfamilies": {"keyfamily": [family]}}})
        if found := re.fullmatch(r"/api/v01/dataset/(\w+)\.data\.csv", path):
            text = self.csv(self.tables[found[1]], query)
            for change in self.changes:
                text = change(text)
            return 200, text
        return 404, ""

    def csv(self, table: Dataset, query: dict[str, str]) -> str:
        """Return a table's rows that are asked for; a parameter of another name is passed over."""
        years = sorted({r[0] for r in table.rows}, reverse=True)
        named = {"latest": years[0], "latestMINUS1": years[min(1, len(years) - 1)]}
        dates = {named.get(d, d) for d in query["date"].split(",")}
        kinds = {"TYPE150": "[EW]00", "TYPE151": "[EW]01"}
        wanted = query["geography"]
        rows = [
            dict(zip(table.columns(), r, strict=True))
            for r in table.rows
            if r[0] in dates
            and (r[1] in wanted.split(",") if wanted not in kinds else re.match(kinds[wanted], r[1]))
        ]
        rows = [r for r in rows if all(r[d] == query.get(d, r[d]) for d in table.dimensions)]
        if not rows:
            return ""
        start = int(query.get("RecordOffset", 0))
        some = rows[start : start + min(self.cut, int(query.get("RecordLimit", self.cut)))]
        if not some:
            return ""
        known = [c for c in query["select"].split(",") if c in {*table.columns(), "record_count"}]
        out = io.StringIO()
        lines = csv.writer(out, lineterminator="\n")
        lines.writerow([c.upper() for c in known])
        lines.writerows([r.get(c, str(len(rows))) for c in known] for r in some)
        return out.getvalue()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Nomis

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing; the log is kept in the server."""

    def do_GET(self) -> None:
        """Answer a question."""
        split = urlsplit(self.path)
        query = {k: v[0] for k, v in parse_qs(split.query, keep_blank_values=True).items()}
        if (raw := self.server.files.get(split.path)) is not None:
            self._part(raw)
            return
        status, text = self.server.answer(split.path, query)
        self.send_response(status)
        self.send_header("Content-Type", "text/csv")
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def _part(self, raw: bytes) -> None:
        """Answer with the bytes of a file that are asked for."""
        self.server.asked.append((urlsplit(self.path).path, {}))
        first, last = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers["Range"]).groups()  # type: ignore[union-attr]
        start = int(first) if first else max(0, len(raw) - int(last))
        body = raw[start : int(last) + 1 if first and last else len(raw)]
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {start}-{start + len(body) - 1}/{len(raw)}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextlib.contextmanager
def nobody() -> Iterator[None]:
    """Let the services of the ONS know no area, so that no live report asks who lives in it."""
    far = shapely.Point(-8, 60)
    layers = {OA_POINTS: [({"OA21CD": "E00000001"}, far)], LSOA_POINTS: [({"LSOA21CD": "E01000001"}, far)]}
    names = ("CRIMENB_ONS_URL", "CRIMENB_NOMIS_URL")
    before = {name: os.environ.get(name) for name in names}
    with OpenGeography(layers) as ons:
        os.environ.update(dict.fromkeys(names, ons.url))
        try:
            yield
        finally:
            for name, value in before.items():
                os.environ.pop(name, None)
                if value is not None:
                    os.environ[name] = value


# ------------------------------------------------------------------------ an invented population


@dataclass
class Area:
    """An output area or LSOA: its code, its place and its numbers."""

    code: str
    longitude: float
    latitude: float
    residents: int
    households: int = 0
    jobs: int = 0


@dataclass
class People:
    """A population in output areas and LSOAs around a middle, as files and as services."""

    oas: list[Area]
    lsoas: list[Area]

    @classmethod
    def around(cls, middle: tuple[float, float], lsoas: int, residents: int, reach_m: float) -> People:
        """Return a population that sums to a number of residents, the same every time."""
        dice = random.Random(5)
        east, north = to_metres(*middle)
        shares = [dice.uniform(0.5, 1.5) for _ in range(5 * lsoas)]
        counts = [int(residents * s / sum(shares)) for s in shares]
        counts[0] += residents - sum(counts)
        small, large = [], []
        for n in range(lsoas):
            cx, cy = (float(c) + dice.uniform(-reach_m, reach_m) for c in (east, north))
            parts = counts[5 * n : 5 * n + 5]
            for i, count in enumerate(parts):
                x, y = to_lonlat(cx + dice.uniform(-200, 200), cy + dice.uniform(-200, 200))
                homes = max(1, round(count / 2.4))
                small.append(
                    Area(f"E00{5 * n + i:06d}", round(float(x), 6), round(float(y), 6), count, homes)
                )
            x, y = to_lonlat(cx, cy)
            jobs = 5 * dice.randrange(0, 400)
            large.append(Area(f"E01{n:06d}", round(float(x), 6), round(float(y), 6), sum(parts), 0, jobs))
        return cls(small, large)

    def tables(self) -> dict[str, Dataset]:
        """Return what Nomis has of them: totals and their parts, several years."""
        one = [("2021", a.code, i, str(int(a.residents * s)), "A") for a in self.oas for i, s in
               (("0", 1), ("1", 0.9), ("2", 0.1))]  # fmt: skip
        jobs, estimates = [], []
        for a in self.lsoas:
            for year, more in (("2023", 0.9), ("2024", 1.0)):
                jobs.append((year, a.code, "37748736", "1", "1", str(int(a.jobs * more)), "A"))
                jobs.append((year, a.code, "37748736", "4", "1", str(int(a.jobs * more) + 20), "A"))
                jobs.append((year, a.code, "150994945", "1", "1", "5", "A"))
                estimates.append((year, a.code, "0", "200", str(int(a.residents * (1 + more / 50))), "A"))
                estimates.append((year, a.code, "1", "200", str(a.residents // 2), "A"))
        return {
            "NM_2021_1": Dataset(
                "TS001 - Number of usual residents in households and communal establishments",
                ("c2021_restype_3",), one,
            ),
            "NM_2059_1": Dataset(
                "TS041 - Number of Households", (), [("2021", a.code, str(a.households), "A") for a in self.oas]
            ),
            "NM_189_1": Dataset(
                "Business Register and Employment Survey : open access",
                ("industry", "employment_status", "measure"), jobs,
            ),
            "NM_2014_1": Dataset(
                "Population estimates - small area (2021 based) by single year of age - England and Wales",
                ("gender", "c_age"), estimates,
            ),
        }  # fmt: skip

    def layers(self) -> dict[str, list[tuple[dict[str, str], Any]]]:
        """Return the points of ONS Open Geography, with an older service that is not the newest."""
        points = {
            OA_POINTS: [({"OA21CD": a.code}, shapely.Point(a.longitude, a.latitude)) for a in self.oas],
            LSOA_POINTS: [({"LSOA21CD": a.code}, shapely.Point(a.longitude, a.latitude)) for a in self.lsoas],
        }  # fmt: skip
        return points | {"LSOA_PopCentroids_EW_2021_V3": [({"LSOA21CD": "E01999999"}, shapely.Point(0, 0))]}

    def files(self, folder: Path) -> list[Path]:
        """Write what the archive takes: tables of the census by output area, answers of Nomis, points."""
        folder.mkdir(parents=True, exist_ok=True)
        tables = self.tables()
        ts001 = [("date", "geography", "geography code", "Residence type: Total; measures: Value",
                  "Residence type: Lives in a household; measures: Value",
                  "Residence type: Lives in a communal establishment; measures: Value")]  # fmt: skip
        ts001 += [("2021", a.code, a.code, str(a.residents), str(a.residents), "0") for a in self.oas]
        ts041 = [("date", "geography", "geography code", "Number of households")]
        ts041 += [("2021", a.code, a.code, str(a.households)) for a in self.oas]
        paths = [
            write(folder / "census2021-ts001-oa.csv", ts001),
            write(folder / "census2021-ts041-oa.csv", ts041),
        ]
        for key, name in (("NM_189_1", "jobs.csv"), ("NM_2014_1", "estimates.csv")):
            table = tables[key]
            head = tuple(c.upper() for c in (*table.columns(), "record_count"))
            paths.append(write(folder / name, [head, *((*r, str(len(table.rows))) for r in table.rows)]))
        for name, code, areas in (("oa", "OA21CD", self.oas), ("lsoa", "LSOA21CD", self.lsoas)):
            features = _features(code, areas)
            paths.append(folder / f"{name}-points.geojson")
            paths[-1].write_text(json.dumps({"type": "FeatureCollection", "features": features}), "utf-8")
        return paths

    def offer(self, site: Site, nomis: Nomis) -> None:
        """Offer what `crimenb fetch people` brings: files by postcode of LE1 6RN to LE8 6RN, points and classes."""
        own = [f"LE{i} 6RN" for i in range(1, 9)]
        # So many that the file comes in several parts.
        far = [f"ZZ{n // 676} {n % 9}{chr(65 + n // 26 % 26)}{chr(65 + n % 26)}" for n in range(60_000)]
        p001 = "Postcode,Sex (2 categories) Code,Sex (2 categories),Count\n"
        p001 += "".join(f"{p},{c},{s},50\n" for p in [*own, *far] for c, s in ((1, "Female"), (2, "Male")))
        workplaces = io.BytesIO()
        with zipfile.ZipFile(workplaces, "w") as out:
            rows = "".join(f"{a.code},7\n" for a in self.oas)
            out.writestr("WP001_oa.csv", f"Output Areas Code,Count\n{rows}")
        files = {
            "pcd_p001.csv": p001.encode(), "wp001.zip": workplaces.getvalue(),
            "pcd_p002.csv": "".join(["Postcode,Count\n", *(f"{p},40\n" for p in own)]).encode(),
        }  # fmt: skip
        nomis.files = {f"/output/census/2021/{name}": raw for name, raw in files.items()}
        rural = {"RUC21CD": "UN1", "RUC21NM": "Urban: Nearer to a major town or city"}
        services: dict[str, list[dict[str, Any]]] = {
            "LSOA_PopCentroids_EW_2021_V3": [], "OA_December_2011_EW_PWC": [],
            LSOA_POINTS: _features("LSOA21CD", self.lsoas), OA_POINTS: _features("OA21CD", self.oas),
            "LSOA21_RUC21_EW_LU": _features("LSOA21CD", self.lsoas, **rural),
        }  # fmt: skip
        site.add_areas(services, most=100)

    def inside(self, areas: list[Area], middle: tuple[float, float], reach_m: float) -> list[Area]:
        """Return the areas within so many metres of a point."""
        east, north = to_metres(*middle)
        x, y = to_metres([a.longitude for a in areas], [a.latitude for a in areas])
        near = np.hypot(x - east, y - north) <= reach_m
        return [a for a, yes in zip(areas, near, strict=True) if yes]


def _features(code: str, areas: list[Area], **more: str) -> list[dict[str, Any]]:
    """Return areas as the ONS gives their points."""
    return [
        {
            "type": "Feature", "id": n, "properties": {"FID": n, code: a.code} | more,
            "geometry": {"type": "Point", "coordinates": [a.longitude, a.latitude]},
        }
        for n, a in enumerate(areas, 1)
    ]  # fmt: skip


def write(path: Path, rows: list[tuple[str, ...]]) -> Path:
    """Write a CSV."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream, lineterminator="\n").writerows(rows)
    return path
