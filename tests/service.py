"""police.uk and postcodes.io on the loopback, answering from an archive as the real ones do.

By hand: `python -m tests.service ARCHIVE --port 8765 [--latency 0.3] [--faults 0.3] [--hostile]`,
then `CRIMENB_POLICE_URL=http://127.0.0.1:8765/api CRIMENB_POSTCODES_URL=http://127.0.0.1:8765
CRIMENB_CACHE_DIR=$(mktemp -d) crimenb report "LE1 6RN"`.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import re
import socket
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple, Self
from urllib.parse import parse_qs, unquote, urlsplit

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.spatial import cKDTree

from crimenb.geo import MILE_M, to_metres
from crimenb.schema import BTP, CATEGORIES, district_names, forces
from crimenb.sources.archive import Archive
from crimenb.sources.gazetteer import force_of_area_code

KINDS = ("503", "429", "404", "truncated", "garbled", "dropped", "html")
HOSTILE = [
    "<script>document.title='owned'</script>",
    "</script><script>document.title='owned'</script>",
    "<img src=x onerror=\"document.title='owned'\">",
    "javascript:document.title='owned'",
    "\"'`);document.title='owned'//",
    "{{constructor.constructor('document.title=1')()}} ${1+1} <!--",
    "a\x00b\x1b[31mc\u202ed\u2028e]]>",
    '=HYPERLINK("http://x.example","x")',
]
# What a client has to read as data; everything else may hold any text at all.
_MEANT = {
    "month", "date", "category", "latitude", "longitude", "force", "neighbourhood", "id", "status",
    "postcode", "query", "quality", "country", "pfa", "issue-date", "action-date", "start_date",
    "location_type", "stop-and-search", "persistent_id", "datetime",
}  # fmt: skip


class Asked(NamedTuple):
    """One line of the request log."""

    at: float
    method: str
    path: str
    query: str
    status: int
    fault: str
    in_flight: int


@dataclass
class Behaviour:
    """How the service behaves beside answering; `faults` gives each kind's share of requests."""

    latency: float = 0.0
    faults: dict[str, float] = field(default_factory=dict)
    seed: int = 1
    hostile: bool = False
    leaky: bool = True
    compress: bool = True
    most: int = 10_000
    """Records beyond which an area is refused with a 503."""


class Records:
    """The archive's records, and the answers made of them."""

    def __init__(self, archive: Archive) -> None:
        self.archive = archive
        self.months = archive.months()
        street = pd.read_parquet(archive.folder / "street.parquet")
        x, y = to_metres(street["longitude"].to_numpy(), street["latitude"].to_numpy())
        street = street.assign(id=np.arange(100_000_000, 100_000_000 + len(street)), x=x, y=y)
        # A projection is made anew in each thread, which would cost more than an answer does.
        self._one = ThreadPoolExecutor(1)
        self.street = dict(tuple(street.groupby("month")))
        self.counts = pd.read_parquet(archive.folder / "counts.parquet")
        searches = archive.folder / "searches.parquet"
        self.searches = pd.read_parquet(searches) if searches.is_file() else pd.DataFrame()
        gazetteer = archive.folder / "postcodes.parquet"
        self.postcodes = pd.read_parquet(gazetteer) if gazetteer.is_file() else pd.DataFrame()
        if len(self.postcodes):
            known = self.postcodes.query("force != '' and refused == ''")
            self._force_of = known["force"].to_numpy()
            self._near = cKDTree(np.column_stack(to_metres(known["longitude"], known["latitude"])))
        areas = archive.folder / "forces.parquet"
        self.areas = gpd.read_parquet(areas) if areas.is_file() else None
        teams = archive.folder / "neighbourhoods.json"
        self.teams = json.loads(teams.read_text("utf-8")) if teams.is_file() else []

    def around(self, month: str, lat: float, lng: float) -> pd.DataFrame:
        """Return the month's records in the mile around a point."""
        rows = self.street[month]
        cx, cy = self.metres(lng, lat)
        return rows[np.hypot(rows["x"] - cx, rows["y"] - cy) <= MILE_M]

    def metres(self, lng: Any, lat: Any) -> Any:
        """Return degrees as metres."""
        return self._one.submit(to_metres, lng, lat).result()

    def within(self, month: str, poly: str) -> pd.DataFrame:
        """Return the month's records in a polygon "lat,lng:lat,lng"."""
        rows = self.street[month]
        return rows[self.inside(rows, poly)]

    def inside(self, rows: pd.DataFrame, poly: str) -> np.ndarray:
        """Return which rows lie in a polygon "lat,lng:lat,lng"."""
        ring = [tuple(map(float, reversed(pair.split(",")))) for pair in poly.split(":")]
        return shapely.intersects_xy(
            shapely.Polygon(ring), rows["longitude"].to_numpy(), rows["latitude"].to_numpy()
        )

    def searches_supplied(self, month: str) -> list[str]:
        """Return the forces whose searches of a month the archive holds."""
        files = self.archive.inventory.get("search_files", [])
        return [f["force"] for f in files if f["month"] == month and f["records"]]

    def force_at(self, lat: float, lng: float) -> str:
        """Return the force of a point: by area, else by the nearest postcode within 5 km."""
        if self.areas is not None:
            found = self.areas[self.areas.covers(shapely.Point(lng, lat))]
            return str(found["force"].iloc[0]) if len(found) else ""
        away, nearest = self._near.query(self.metres(lng, lat))
        return str(self._force_of[nearest]) if away < 5000 else ""

    def team_at(self, lat: float, lng: float) -> dict[str, Any] | None:
        """Return the archive's neighbourhood team of a point, if it has one."""
        for team in self.teams:
            shape = shapely.from_geojson(json.dumps(team["neighbourhoods"]["geometry"]))
            if shape.covers(shapely.Point(lng, lat)):
                return team
        return None

    def neighbourhoods(self, force: str) -> list[dict[str, str]]:
        """Return the list of a force's neighbourhoods."""
        about = [t["neighbourhoods"] for t in self.teams if t["neighbourhoods"]["force"] == force]
        return [{"id": a["neighbourhood"], "name": a["name"]} for a in about]

    def team(self, force: str, number: str) -> dict[str, Any] | None:
        """Return a team by its ids; an invented one for a force the archive has no team of."""
        for team in self.teams:
            about = team["neighbourhoods"]
            if (about["force"], about["neighbourhood"]) == (force, number):
                return team
        return _invented(force) if number == "N1" and force in forces() else None


def crime(row: Any) -> dict[str, Any]:
    """Return a record as police.uk writes it."""
    outcome = {"category": row.outcome, "date": row.month} if row.outcome else None
    street = {"id": int(abs(row.longitude * 1e6)), "name": f"On or near {row.snapped_to}"}
    place = {
        "latitude": f"{row.latitude:.6f}", "street": street, "longitude": f"{row.longitude:.6f}",
    }  # fmt: skip
    btp = row.force == BTP
    return {
        "category": row.category, "location_type": "BTP" if btp else "Force", "location": place,
        "context": "", "outcome_status": outcome, "persistent_id": row.crime_id, "id": int(row.id),
        "location_subtype": "STATION" if btp else "", "month": row.month,
    }  # fmt: skip


def search(row: Any) -> dict[str, Any]:
    """Return a search as police.uk writes it."""
    place = None
    if not np.isnan(row.latitude):
        street = {"id": int(abs(row.longitude * 1e6)), "name": "On or near Parking Area"}
        place = {"latitude": f"{row.latitude:.6f}", "street": street, "longitude": f"{row.longitude:.6f}"}
    says = {"yes": True, "no": False, "": None}
    return {
        "age_range": row.age_range or None, "outcome": row.outcome, "involved_person": row.kind != "Vehicle search",
        "self_defined_ethnicity": row.self_defined or None, "gender": row.gender or None,
        "legislation": row.power or None, "outcome_linked_to_object_of_search": says[row.linked], "datetime": row.time,
        "removal_of_more_than_outer_clothing": says[row.clothing],
        "outcome_object": {"id": "", "name": row.outcome}, "location": place, "operation": says[row.operation],
        "officer_defined_ethnicity": row.officer_defined or None, "type": row.kind, "operation_name": None,
        "object_of_search": row.object or None,
    }  # fmt: skip


def _unlocated(force: str, month: str, n: int) -> list[dict[str, Any]]:
    start = abs(hash((force, month))) % 10**8
    return [
        {
            "category": "violent-crime", "location_type": None, "location": None, "context": "",
            "outcome_status": None, "persistent_id": "", "id": start + i, "location_subtype": "",
            "month": month,
        }
        for i in range(n)
    ]  # fmt: skip


def _invented(force: str) -> dict[str, Any]:
    about = {
        "force": force, "neighbourhood": "N1", "name": "Market &amp; Castle", "url": "http://example.org/n1",
        "description": "<p>Invented.</p><p>Come &amp; see us.</p>", "email": "team@example.org",
        "telephone": "101", "address": "1 High Street", "links": "Council\thttps://example.org/council",
        "geometry": None, "force_url": "https://example.org/",
    }  # fmt: skip
    return {
        "neighbourhoods": about,
        "people": [{"name": "A. Example", "rank": "Sgt", "bio": "", "contact": "a@example.org"}],
        "priorities": [
            {
                "issue": "<p>Noise at night</p>", "issue_date": "2025-10-01", "action": None,
                "action_date": None,
            }
        ],
        "events": [],
    }  # fmt: skip


def _contact(line: str | None) -> dict[str, str]:
    parts = [p.strip() for p in (line or "").split(",") if p.strip()]
    return {("email" if "@" in p else "telephone"): p for p in parts}


class Loopback(ThreadingHTTPServer):
    """A server on the loopback; a context manager that runs it in a thread."""

    daemon_threads = True

    @property
    def url(self) -> str:
        """Base address."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()


class Service(Loopback):
    """The server; police.uk lies under /api of its address, postcodes.io beside it."""

    request_queue_size = 64

    def __init__(
        self, archive: Archive | Path | str, behaviour: Behaviour | None = None, port: int = 0
    ) -> None:
        opened = archive if isinstance(archive, Archive) else Archive(archive)
        self.records = Records(opened)
        self.behaviour = behaviour or Behaviour()
        self.log: list[Asked] = []
        self._lock = threading.Lock()
        self._random = random.Random(self.behaviour.seed)
        self._level, self._leaked = 0.0, time.monotonic()
        self._flying = 0
        self._absent: Counter[tuple[str, bytes]] = Counter()
        super().__init__(("127.0.0.1", port), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that is killed drops its connections."""

    def arrive(self, question: tuple[str, bytes]) -> tuple[str, int]:
        """Count a request in; return the fault it meets, if any."""
        with self._lock:
            self._flying += 1
            now = time.monotonic()
            self._level = max(0.0, self._level - 15 * (now - self._leaked))
            self._leaked = now
            if self.behaviour.leaky and self._level + 1 > 30:
                return "429", self._flying
            self._level += 1
            draw, share = self._random.random(), 0.0
            for kind, rate in self.behaviour.faults.items():
                share += rate
                if draw < share:
                    self._absent[question] += kind == "404"
                    if kind == "404" and rate < 1 and self._absent[question] > 4:
                        break  # one that stays is no fault: it says that there is nothing
                    return kind, self._flying
            return "", self._flying

    def leave(self, asked: Asked) -> None:
        """Count a request out and write it down."""
        with self._lock:
            self._flying -= 1
            self.log.append(asked)

    def figures(self) -> dict[str, Any]:
        """Return what the log says: requests by status and by fault, most at once, seconds."""
        status, fault = (pd.Series([getattr(a, k) for a in self.log]) for k in ("status", "fault"))
        times = [a.at for a in self.log]
        return {
            "requests": len(self.log),
            "by status": {int(k): int(v) for k, v in status.value_counts().sort_index().items()},
            "by fault": {k: int(v) for k, v in fault[fault != ""].value_counts().items()},
            "most in flight": max((a.in_flight for a in self.log), default=0),
            "seconds": round(max(times) - min(times), 2) if times else 0.0,
        }


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Service

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing; the log is kept in the server."""

    def do_POST(self) -> None:
        """Answer a form or a JSON question."""
        self._answer(self.rfile.read(int(self.headers.get("Content-Length", 0))))

    def do_GET(self) -> None:
        """Answer a question."""
        self._answer(b"")

    def _answer(self, sent: bytes) -> None:
        fault, flying = self.server.arrive((self.path, sent))
        began = time.monotonic()
        split = urlsplit(self.path)
        status = 0
        try:
            time.sleep(self.server.behaviour.latency)
            status, body = (int(fault), b"") if fault in ("503", "429", "404") else self._find(split, sent)
            if fault == "dropped":
                self.connection.shutdown(socket.SHUT_RDWR)
                self.close_connection = True
                return
            self._send(status, body, fault)
        finally:
            self.server.leave(Asked(began, self.command, split.path, split.query, status, fault, flying))

    def _send(self, status: int, body: bytes, fault: str) -> None:
        kind = "application/json" if body else "text/plain"
        if fault == "html":
            status, body, kind = 200, b"<!DOCTYPE html><html><body>Maintenance</body></html>", "text/html"
        if fault == "garbled" and body:
            middle = len(body) // 2
            body = body[:middle] + b"\xff\x00\xfe{" + body[middle + 4 :]
        if fault == "truncated":
            body = body[: max(1, len(body) * 2 // 3)]
        self.send_response(status)
        if self.server.behaviour.compress and "gzip" in self.headers.get("Accept-Encoding", "") and body:
            body = gzip.compress(body, 1)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _find(self, split: Any, sent: bytes) -> tuple[int, bytes]:
        if len(self.path) > 4094:
            return 400, b"<html>Request Line is too large</html>"
        form = sent.decode() if "urlencoded" in self.headers.get("Content-Type", "") else ""
        query = {k: v[0] for k, v in parse_qs(form or split.query).items()}
        parts = [unquote(p) for p in split.path.strip("/").split("/")]
        if parts[0] == "api":
            status, found = _police(self.server, parts[1:], query)
        else:
            status, found = _postcodes(self.server.records, parts, sent)
        if found is None:
            return status, b"Not Found" if status == 404 else b""
        if self.server.behaviour.hostile:
            found = hostile(found, random.Random(len(self.path)))
        return status, json.dumps(found).encode()


def _police(  # noqa: C901, PLR0912
    server: Service, parts: list[str], query: dict[str, str]
) -> tuple[int, Any]:
    records = server.records
    match parts:
        case ["crime-last-updated"]:
            return 200, {"date": f"{records.months[-1]}-01"}
        case ["crimes-street-dates"]:
            months = reversed(records.months)
            return 200, [{"date": m, "stop-and-search": records.searches_supplied(m)} for m in months]
        case ["stops-street"]:
            return _stops_street(records, query)
        case ["stops-no-location"]:
            rows = records.searches
            own = (
                rows["latitude"].isna() & (rows["force"] == query["force"]) & (rows["month"] == query["date"])
            )
            return 200, [search(row) for row in rows[own].itertuples()]
        case ["crime-categories"]:
            names = {"all-crime": "All crime", **CATEGORIES}
            return 200, [{"url": slug, "name": name} for slug, name in names.items()]
        case ["forces"]:
            return 200, [{"id": f, "name": n} for f, n in forces().items() if f != BTP]
        case [force, "neighbourhoods"]:
            return 200, records.neighbourhoods(force)
        case ["forces", force] if force in forces() and force != BTP:
            about = next((t["neighbourhoods"] for t in records.teams), _invented(force)["neighbourhoods"])
            return 200, {"id": force, "name": forces()[force], "url": about["force_url"], "telephone": "101"}
        case ["crimes-street", category]:
            return _street(server, category, query)
        case ["crimes-no-location"]:
            return _no_location(records, query)
        case ["locate-neighbourhood"]:
            lat, lng = map(float, query["q"].split(","))
            force, team = records.force_at(lat, lng), records.team_at(lat, lng)
            number = team["neighbourhoods"]["neighbourhood"] if team else "N1"
            return (200, {"force": force, "neighbourhood": number}) if force else (404, None)
        case [force, number, *rest]:
            team = records.team(force, number)
            return (404, None) if team is None else (200, _team(team, rest))
        case _:
            return 404, None


def _street(server: Service, category: str, query: dict[str, str]) -> tuple[int, Any]:
    records, month = server.records, query.get("date", server.records.months[-1])
    if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", month) or month < records.months[0]:
        return 404, None
    if "poly" not in query and not {"lat", "lng"} <= set(query):
        return 400, None
    if month not in records.street or month not in records.months:
        return 200, []
    if "poly" in query:
        found = records.within(month, query["poly"])
    else:
        found = records.around(month, float(query["lat"]), float(query["lng"]))
    if len(found) > server.behaviour.most:
        return 503, None
    if category in CATEGORIES:  # an unknown one is all crime, silently
        found = found[found["category"] == category]
    return 200, [crime(row) for row in found.itertuples()]


def _stops_street(records: Records, query: dict[str, str]) -> tuple[int, Any]:
    month, rows = query.get("date", records.months[-1]), records.searches
    if "poly" not in query and not {"lat", "lng"} <= set(query):
        return 400, None
    if rows.empty or month not in records.months:
        return 200, []
    rows = rows[(rows["month"] == month) & rows["latitude"].notna()]
    if "poly" in query:
        found = rows[records.inside(rows, query["poly"])]
    else:
        cx, cy = records.metres(float(query["lng"]), float(query["lat"]))
        x, y = records.metres(rows["longitude"].to_numpy(), rows["latitude"].to_numpy())
        found = rows[np.hypot(x - cx, y - cy) <= MILE_M]
    return 200, [search(row) for row in found.itertuples()]


def _no_location(records: Records, query: dict[str, str]) -> tuple[int, Any]:
    force, month = query.get("force", ""), query.get("date", "")
    if force not in forces():
        return 502, None
    counts = records.counts
    held = counts[(counts["force"] == force) & (counts["month"] == month)]
    return 200, _unlocated(force, month, int(held["unlocated"].sum()))


def _team(team: dict[str, Any], rest: list[str]) -> Any:
    about = team["neighbourhoods"]
    if rest == ["boundary"]:
        ring = about["geometry"]["coordinates"][0] if about["geometry"] else []
        return [{"latitude": str(y), "longitude": str(x)} for x, y in ring]
    if rest == ["people"]:
        return [p | {"contact_details": _contact(p["contact"])} for p in team["people"]]
    if rest == ["priorities"]:
        return [
            {
                k.replace("_", "-"): v if not k.endswith("date") or not v else f"{v}T00:00:00"
                for k, v in p.items()
            }
            for p in team["priorities"]
        ]
    if rest == ["events"]:
        return [
            {
                "title": e["title"], "type": e["kind"], "start_date": e["start"], "address": e["address"],
                "description": e["description"], "contact_details": _contact(e["contact"]),
            }
            for e in team["events"]
        ]  # fmt: skip
    links = [line.split("\t") for line in about["links"].splitlines()]
    return {
        "url_force": about["url"], "name": about["name"], "id": about["neighbourhood"],
        "description": about["description"], "population": "0", "locations": [],
        "contact_details": {k: about[k] for k in ("email", "telephone", "address") if about[k]},
        "links": [{"title": t, "url": u, "description": None} for t, u in links],
    }  # fmt: skip


def _postcodes(records: Records, parts: list[str], sent: bytes) -> tuple[int, Any]:
    if parts == ["postcodes"]:
        asked = json.loads(sent)["postcodes"]
        answers = [_look_up(records, p)[1].get("result") for p in asked]
        found = [{"query": p, "result": r} for p, r in zip(asked, answers, strict=True)]
        return 200, {"status": 200, "result": found}
    if len(parts) == 2 and parts[0] == "postcodes":
        return _look_up(records, parts[1])
    if len(parts) == 2 and parts[0] == "terminated_postcodes":
        closed = _look_up(records, parts[1])[1].get("terminated")
        if closed:
            return 200, {"status": 200, "result": closed}
        return 404, {"status": 404, "error": "Terminated postcode not found"}
    return 404, {"status": 404, "error": "Resource not found"}


def _look_up(records: Records, postcode: str) -> tuple[int, dict[str, Any]]:
    rows = records.postcodes
    rows = rows[rows["postcode"] == postcode] if len(rows) else rows
    if rows.empty:
        return 404, {"status": 404, "error": "Postcode not found"}
    row = rows.iloc[0]
    closed = re.search(r"closed in (\d{4})-(\d\d)", row["remark"])
    x, y = (None, None) if row["refused"] else (row["longitude"], row["latitude"])
    if closed:
        last = {
            "postcode": postcode, "year_terminated": int(closed[1]), "month_terminated": int(closed[2]),
            "longitude": x, "latitude": y,
        }  # fmt: skip
        return 404, {"status": 404, "error": "Postcode not found", "terminated": last}
    pfa = {f: code for code, f in force_of_area_code().items()}.get(row["force"])
    rough = "rough" in row["remark"]
    district = row["district_name"] or district_names().get(row["district"], row["district"])
    result = {
        "postcode": postcode, "quality": 9 if row["refused"] else 6 if rough else 1,
        "country": "Scotland" if row["refused"] == "in Scotland" else "England",
        "longitude": x, "latitude": y, "admin_district": district, "admin_ward": row["ward"],
        "parish": f"{district}, unparished area",
        "lsoa": "a name", "codes": {"lsoa21": row["lsoa"], "pfa": pfa},
    }  # fmt: skip
    return 200, {"status": 200, "result": result}


def hostile(value: Any, dice: random.Random, key: str = "", *, long: bool = True) -> Any:
    """Return an answer with every free text replaced by one that means harm."""
    if isinstance(value, dict):
        return {k: hostile(v, dice, k, long=long) for k, v in value.items()}
    if isinstance(value, list):
        return [hostile(v, dice, key, long=n == 0) for n, v in enumerate(value)]
    if not isinstance(value, str) or key in _MEANT:
        return value
    if key in ("url", "url_force"):
        return dice.choice(["javascript:alert(1)", "data:text/html,<script>1</script>", "//x.example"])
    text = dice.choice(HOSTILE)
    return text + "A" * 1_000_000 if long and key == "name" else text


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("archive", type=Path)
    parser.add_argument("--port", type=int, default=8765)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds a request")
    parser.add_argument("--faults", type=float, default=0.0, help="share of requests that fail")
    parser.add_argument("--hostile", action="store_true", help="harmful text in every text field")
    parser.add_argument("--most", type=int, default=10_000, help="records beyond which an area is refused")
    args = parser.parse_args()
    kinds = dict.fromkeys(KINDS, args.faults / len(KINDS))
    behaviour = Behaviour(latency=args.latency, faults=kinds, hostile=args.hostile, most=args.most)
    service = Service(args.archive, behaviour, args.port)
    print(f"police.uk at {service.url}/api, postcodes.io at {service.url}", flush=True)
    try:
        service.serve_forever()
    except KeyboardInterrupt:
        print(json.dumps(service.figures()))


if __name__ == "__main__":
    main()
