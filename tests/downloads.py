"""The publishers' downloads on the loopback: police.uk's archive, Ordnance Survey and the ONS, with their files.

By hand: `python -m tests.downloads FOLDER [--data DATA] [--faults 0.3]`. FOLDER gets the zips; DATA is the real
data (see CONTRIBUTING.md). It prints the variables that point crimenb at it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import re
import threading
import time
import zipfile
from collections import Counter
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qs, quote_plus, urlsplit

import geopandas as gpd
import shapely

from crimenb.geo import METRES
from tests import bulkfiles

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

KINDS = ("503", "drop", "cut", "short", "other", "html", "flip", "403")
ONS = "/ESMARspQHYMw9BZ9/arcgis/rest/services"


def make_zip(path: Path, members: Mapping[str, Path | bytes]) -> Path:
    """Write a zip of files and texts, in the order of their names as the publisher's."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as out:
        for name, what in sorted(members.items()):
            out.writestr(name, what if isinstance(what, bytes) else what.read_bytes())
    return path


@dataclass
class Site:
    """What is on offer. Paths are of the first host; a zip is kept on the second one, behind a redirect."""

    zips: dict[str, Path] = field(default_factory=dict)
    texts: dict[str, Any] = field(default_factory=dict)
    """JSON answers, texts, or functions of the question's parameters."""
    faults: float = 0.0
    kinds: tuple[str, ...] = KINDS
    seed: int = 1
    uses: int = 1000
    """How often a link of the second host may be used."""
    a_second: float = 0.0
    """Bytes that the second host gives a second; 0: no bound."""
    fault_of: Callable[[str, int], str] = lambda _path, _n: ""
    """Names the fault of the nth request of the second host."""

    def __post_init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.sent = 0
        self._lock, self._random = threading.Lock(), random.Random(self.seed)
        self._links: Counter[str] = Counter()

    def __enter__(self) -> Self:
        self.servers = [_Server(self, first=True), _Server(self, first=False)]
        self.url, self.store = (f"http://127.0.0.1:{s.server_port}" for s in self.servers)
        for server in self.servers:
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for server in self.servers:
            server.shutdown()
            server.server_close()

    @property
    def variables(self) -> dict[str, str]:
        """What points crimenb here."""
        return {
            "CRIMENB_DOWNLOADS_URL": f"{self.url}/data/archive {self.store}",
            "CRIMENB_OS_URL": f"{self.url}/downloads/v1 {self.store}",
            "CRIMENB_ONS_URL": f"{self.url} {self.store}",
        }

    def add_releases(self, zips: Mapping[str, Path]) -> None:
        """Offer releases on the archive's page."""
        self.zips |= {f"/data/archive/{release}.zip": path for release, path in zips.items()}
        blocks = "".join(
            f'<div class="download"><a href="/data/archive/{r}.zip">{r}</a> (1.6 GB)<p class="md5sum">'
            f"{hashlib.md5(zips[r].read_bytes()).hexdigest()}</p></div>" for r in sorted(zips, reverse=True)
        )  # fmt: skip
        self.texts["/data/archive/"] = f"<!doctype html><html><body>{blocks}</body></html>"

    def add_os(self, product: str, version: str, form: str, path: Path) -> None:
        """Offer a product of Ordnance Survey."""
        place, here = f"/downloads/v1/products/{product}", f"/downloads/v1/products/{product}/downloads"
        file = f"{here}?area=GB&format={quote_plus(form)}&redirect"
        self.zips[file] = path
        self.texts[place] = {"id": product, "name": product, "version": version, "url": f"{self.url}{place}"}
        listed = {"md5": "0" * 32, "size": path.stat().st_size, "format": form, "area": "GB",
                  "url": f"{self.url}{file}", "fileName": path.name}  # fmt: skip
        other = listed | {"format": "GeoPackage", "size": 1, "url": f"{self.url}/none"}
        self.texts[here] = [other, listed]

    def add_areas(self, services: Mapping[str, list[dict[str, Any]]], most: int = 2000) -> None:
        """Offer services of outlines, that give so many rows at once."""
        offered = {s["name"] for s in self.texts.get(ONS, {}).get("services", [])} | {*services}
        listed = [{"name": name, "type": "FeatureServer"} for name in sorted(offered)]
        self.texts[ONS] = {"currentVersion": 11.2, "services": listed}
        for name, rows in services.items():

            def answer(asked: dict[str, str], rows: list[dict[str, Any]] = rows) -> Any:
                if asked.get("returnCountOnly") == "true":
                    return {"count": len(rows)}
                start = int(asked.get("resultOffset", 0))
                some = rows[start : start + min(most, int(asked.get("resultRecordCount", most)))]
                if asked.get("returnGeometry") == "false":
                    some = [r | {"geometry": None} for r in some]
                return {"type": "FeatureCollection", "features": some,
                        "properties": {"exceededTransferLimit": start + len(some) < len(rows)}}  # fmt: skip

            self.texts[f"{ONS}/{name}/FeatureServer/0/query"] = answer

    def fault(self, path: str) -> str:
        """Return the fault that the next request of the second host meets, "" for none."""
        with self._lock:
            n = sum(host == "store" for host, _ in self.asked)
            named = self.fault_of(path, n)
            return named or (self._random.choice(self.kinds) if self._random.random() < self.faults else "")

    def link(self, path: str) -> str:
        """Return a new link to a file of the second host."""
        with self._lock:
            self._links[path] += 1
            return f"{self.store}/kept?key={len(self._links)}-{self._links[path]}&file={path}"

    def used(self, url: str) -> int:
        """Count a use of a link."""
        with self._lock:
            self._links[url] += 1
            return self._links[url]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, site: Site, *, first: bool) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.site, self.first = site, first


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        site = self.server.site
        site.asked.append(("first" if self.server.first else "store", self.path))
        if not self.server.first:
            self._kept()
        elif self.path in site.zips:
            self._say(302, b"", Location=site.link(self.path))
        elif (plain := urlsplit(self.path).path) in site.texts:
            asked = {k: v[0] for k, v in parse_qs(urlsplit(self.path).query).items()}
            what = site.texts[plain]
            answer = what(asked) if callable(what) else what
            self._say(200, answer.encode() if isinstance(answer, str) else json.dumps(answer).encode())
        else:
            self._say(404, b"not here")

    def _kept(self) -> None:
        site = self.server.site
        file = self.path.partition("&file=")[2]
        path = site.zips.get(file)
        told = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range", ""))
        if site.used(self.path) > site.uses:
            self._say(403, b"<Error><Code>AccessDenied</Code></Error>")
        elif path is None or not path.is_file():
            self._say(404, b"no such key")
        elif told is None:
            self._say(200, b"the whole", Length=str(path.stat().st_size))
        else:
            self._part(path, told[1], told[2], site.fault(file))

    def _part(self, path: Path, first: str, last: str, fault: str) -> None:
        """Answer with some bytes of a file, or with what the fault makes of them."""
        size = path.stat().st_size
        start = int(first) if first else max(0, size - int(last))
        end = min(int(last), size - 1) if first and last else size - 1
        with path.open("rb") as stream:
            stream.seek(start)
            body = stream.read(end - start + 1)
        if fault in {"503", "403", "html"}:
            self._say(200 if fault == "html" else int(fault), b"<html>wait</html>")
            return
        self.close_connection = fault in {"drop", "cut"}
        if fault == "drop":
            return
        if fault == "flip" and body:
            at = len(body) // 2
            body = body[:at] + bytes([body[at] ^ 0xFF]) + body[at + 1 :]
        length = len(body) // 2 if fault == "short" else len(body)
        body = body[: len(body) // 2] if fault in {"short", "cut"} else body
        beside = int(fault == "other")
        self.server.site.sent += len(body)
        tag = f'"{path.stat().st_mtime_ns:x}-{size}"'
        self._say(
            206, body, Length=str(length), Range=f"bytes {start + beside}-{end + beside}/{size}", ETag=tag
        )

    def _say(self, status: int, body: bytes, Length: str = "", Range: str = "", **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", Length or str(len(body)))
        if Range:
            self.send_header("Content-Range", Range)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        bound = self.server.site.a_second
        step = int(bound / 20) if bound else len(body) or 1
        try:
            for at in range(0, len(body), step):
                self.wfile.write(body[at : at + step])
                if bound:
                    time.sleep(0.05)
        except OSError:  # the other side has gone
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


# ------------------------------------------------------------------------ what is offered


def real_releases(data: Path, folder: Path, forces: Iterable[str] = ("leicestershire", "city-of-london", "btp",
                  "avon-and-somerset")) -> dict[str, Path]:  # fmt: skip
    """Write two releases of the real files of 2025: the older one lacks December and differs in two files."""
    files = {
        f"{p.parent.name}/{p.name}": p
        for f in forces
        for p in (data / "police-uk-archive").glob(f"2025-*/*-{f}-street.csv")
    }
    older: dict[str, Path | bytes] = {n: p for n, p in files.items() if not n.startswith("2025-12")}
    for name in ("2025-10/2025-10-city-of-london-street.csv", "2025-11/2025-11-city-of-london-street.csv"):
        older[name] = b"".join(files[name].read_bytes().splitlines(keepends=True)[:-1])
    return {
        "2025-11": make_zip(folder / "2025-11.zip", older),
        "2025-12": make_zip(folder / "2025-12.zip", files),
    }


def outlines(code: str, name: str, rows: int, **more: str) -> list[dict[str, Any]]:
    """Return so many invented outlines, in the shape of the ONS's services."""
    return [
        {"type": "Feature", "id": i + 1, "geometry": {"type": "Polygon", "coordinates": [_box(i)]},
         "properties": {"FID": i + 1, code: f"E05{i:06d}", name: f"Ward {i}", **more}}
        for i in range(rows)
    ]  # fmt: skip


def _box(i: int) -> list[list[float]]:
    x, y = -1.5 + i % 100 * 0.01, 52.0 + i // 100 * 0.01
    return [[x, y], [x + 0.01, y], [x + 0.01, y + 0.01], [x, y + 0.01], [x, y]]


def real_catalogues(site: Site, data: Path, folder: Path) -> None:
    """Offer the real postcodes of some areas, the real force areas, and names of wards and districts."""
    postcodes = {
        f"Data/CSV/{p.name}": p
        for p in [*(data / "code-point-open").glob("??.csv"), *(data / "code-point-open-more").glob("*.csv")]
    }
    more = {"Doc/licence.txt": b"OGL", "Doc/Code-Point_Open_Column_Headers.csv": b"PC,PQ,EA,NO"}
    site.add_os("CodePointOpen", "2025-11", "CSV", make_zip(folder / "codepo_gb.zip", postcodes | more))
    shapes = json.loads((data / "geography" / "police-force-areas-simplified.geojson").read_text("utf-8"))
    rows = [f | {"id": i} for i, f in enumerate(shapes["features"], 1)]
    site.add_areas(
        {
            "Police_Force_Areas_December_2023_EW_BGC": rows[:1],
            "Police_Force_Areas_Dec_2024_EW_BGC": rows,
            "WD_MAY_2026_UK_BGC": outlines("WD26CD", "WD26NM", 30),
            "Local_Authority_Districts_May_2026_Boundaries_UK_BGC": [
                {"type": "Feature", "id": 1, "geometry": None,
                 "properties": {"FID": 1, "LAD26CD": "E06000016", "LAD26NM": "Leicester"}}
            ],
        }
    )  # fmt: skip


MONTHS = [f"2025-{m:02d}" for m in range(1, 7)]
WHERE = {"leicestershire": "-1.130000", "warwickshire": "-1.090000"}
POSTCODE = '"LE1 6RN",10,458800,304600,"E92000001","E19000002","E18000002","","E06000016","E05000001"\n'
AREA = [[-1.3, 52.5], [-1.0, 52.5], [-1.0, 52.8], [-1.3, 52.8], [-1.3, 52.5]]


def small_files(folder: Path) -> dict[str, Path]:
    """Write files of two forces, by their names in the zip; Warwickshire supplies nothing for 2025-03."""
    return {
        f"{m}/{m}-{f}-street.csv": bulkfiles.street_file(
            folder, [bulkfiles.row(m, WHERE[f], crime_id=f"{f}{m}{i}", force=f) for i in range(400)], m, f
        )
        for m in MONTHS
        for f in WHERE
        if (m, f) != ("2025-03", "warwickshire")
    }


def small_releases(files: Mapping[str, Path], folder: Path) -> dict[str, Path]:
    """Write two zips: the older release lacks the last month, and differs in one file."""
    older: dict[str, Path | bytes] = {n: p for n, p in files.items() if n < "2025-06"}
    name = "2025-05/2025-05-leicestershire-street.csv"
    older[name] = b"\n".join(files[name].read_bytes().splitlines()[:-1]) + b"\n"
    return {
        "2025-05": make_zip(folder / "2025-05.zip", older),
        "2025-06": make_zip(folder / "2025-06.zip", dict(files)),
    }


def small_catalogues(site: Site, folder: Path) -> None:
    """Offer what a set-up needs beside a release, for a few postcodes."""
    rows = "".join(POSTCODE.replace("1 6", f"{i} 6") for i in range(1, 9)).encode()
    site.add_os("CodePointOpen", "2025-11", "CSV", make_zip(folder / "cp.zip", {"Data/CSV/le.csv": rows}))
    line = shapely.LineString([(458700, 304600), (458900, 304600)])
    road = {
        "identifier": ["1"],
        "name1": ["Charles Street"],
        "class": ["Unclassified Road"],
        "geometry": [line],
    }
    folder.mkdir(parents=True, exist_ok=True)
    gpd.GeoDataFrame(road, crs=METRES).to_file(folder / "road.shp")
    roads = {
        f"data/{s}_RoadLink.{end}": (folder / f"road.{end}").read_bytes()
        for s in ("SK", "TQ") for end in ("shp", "shx", "dbf", "prj")
    }  # fmt: skip
    site.add_os("OpenRoads", "2026-04", "ESRI® Shapefile", make_zip(folder / "roads.zip", roads))
    areas = outlines("PFA24CD", "PFA24NM", 1, PFA24CD="E23000021")
    areas[0] |= {"geometry": {"type": "Polygon", "coordinates": [AREA]}}
    districts = outlines("LAD26CD", "LAD26NM", 1, LAD26CD="E06000016", LAD26NM="Leicester")
    site.add_areas({
        "Police_Force_Areas_Dec_2024_EW_BGC": areas, "WD_MAY_2026_UK_BGC": outlines("WD26CD", "WD26NM", 3),
        "Local_Authority_Districts_May_2026_Boundaries_UK_BGC": districts,
    })  # fmt: skip


def main() -> None:
    """Serve by hand."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--data", type=Path, help="Folder of real data; invented ones without it.")
    parser.add_argument("--faults", type=float, default=0.0)
    asked = parser.parse_args()
    with Site(faults=asked.faults) as site:
        if asked.data is None:
            site.add_releases(small_releases(small_files(asked.folder / "files"), asked.folder))
            small_catalogues(site, asked.folder)
        else:
            site.add_releases(real_releases(asked.data, asked.folder))
            real_catalogues(site, asked.data, asked.folder)
        for name, value in site.variables.items():
            print(f'export {name}="{value}"', flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
