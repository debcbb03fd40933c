"""ONS Open Geography on the loopback: dated services, pages, and errors with the status 200."""

from __future__ import annotations

import json
import re
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

import shapely

from crimenb.sources.ons_geography import FOLDER
from tests.service import Loopback


class OpenGeography(Loopback):
    """The server, whose `url` goes into CRIMENB_ONS_URL; `layers` gives the areas of each service as (columns, shape)."""

    def __init__(self, layers: dict[str, list[tuple[dict[str, str], Any]]], page: int = 2000) -> None:
        self.layers, self.page = layers, page
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.error: dict[str, Any] | None = None
        super().__init__(("127.0.0.1", 0), _Handler)

    def answer(self, path: str, query: dict[str, str]) -> Any:
        """Return the answer to a question, as ArcGIS gives it."""
        self.asked.append((path, query))
        if self.error is not None:
            return {"error": self.error}
        rest = path.removeprefix(f"/{FOLDER}").strip("/").split("/")
        if rest == [""]:
            return {"services": [{"name": n, "type": "FeatureServer", "url": ""} for n in self.layers]}
        if rest[0] not in self.layers or rest[1:3] != ["FeatureServer", "0"]:
            return {"error": {"code": 400, "message": "Invalid URL"}}
        rows = self.layers[rest[0]]
        if len(rest) == 3:
            columns = ["OBJECTID", *rows[0][0]]
            return {"fields": [{"name": c, "type": "x"} for c in columns], "maxRecordCount": self.page}
        found = [r for r in rows if _meant(r, query)]
        if query.get("returnCountOnly") == "true":
            return {"count": len(found)}
        if unknown := set(query["outFields"].split(",")) - {*rows[0][0]}:
            return {"error": {"code": 400, "message": f"Invalid field {unknown}"}}
        found = sorted(found, key=lambda r: r[0][query["orderByFields"]])
        first = int(query.get("resultOffset", 0))
        some = found[first : first + min(self.page, int(query["resultRecordCount"]))]
        shapes = query["returnGeometry"] == "true"
        features = [
            {
                "type": "Feature",
                "properties": {k: v for k, v in columns.items() if k in query["outFields"].split(",")},
                "geometry": json.loads(shapely.to_geojson(shape)) if shapes else None,
            }
            for columns, shape in some
        ]
        more = first + len(some) < len(found)
        return {
            "type": "FeatureCollection",
            "properties": {"exceededTransferLimit": more},
            "features": features,
        }


def _meant(row: tuple[dict[str, str], Any], query: dict[str, str]) -> bool:
    columns, shape = row
    if named := re.fullmatch(r"(\w+)='([^']*)'", query["where"]):
        return columns.get(named[1]) == named[2]
    if "geometry" in query:
        numbers = [*map(float, query["geometry"].split(","))]
        return bool(shape.intersects(shapely.box(*numbers) if len(numbers) == 4 else shapely.Point(numbers)))
    return query["where"] == "1=1"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: OpenGeography

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing; the log is kept in the server."""

    def do_GET(self) -> None:
        """Answer a question."""
        split = urlsplit(self.path)
        query = {k: v[0] for k, v in parse_qs(split.query).items()}
        body = json.dumps(self.server.answer(split.path, query)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
