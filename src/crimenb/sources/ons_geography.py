"""ONS Open Geography: the outlines of wards, parishes and LSOAs, asked for by code, name or district.

Its services are dated and come and go ("WD_MAY_2026_UK_BGC"), so the newest is looked for by its name, which is
kept with the outline. It answers 2,000 rows at most, and tells of its errors in answers with the status 200.
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd
import shapely

from crimenb.errors import QueryError, SourceUnavailable
from crimenb.schema import district_names
from crimenb.sources import named_areas
from crimenb.sources.api_models import Feature, Features, Layer, Services
from crimenb.sources.clean_text import tidy
from crimenb.sources.named_areas import Outline

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

    from crimenb.sources.http import Web

SERVICE = "ONS Open Geography"
FOLDER = "ESMARspQHYMw9BZ9/arcgis/rest/services"
"""Where its services are, on a host that it shares."""

_DAY, _MONTH = 86_400.0, 30 * 86_400.0
_PAGE = 2_000
"""The most rows in one answer."""

_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
_DATED = (
    r"_(?:(?P<month>[A-Za-z]{3,9})_)?(?P<year>20\d\d)(?:_Boundaries)?_(?:UK|EW)_BGC(?:_V(?P<version>\d+))?"
)
_NAMES = {
    "ward": "WD|Wards",
    "parish": "PARNCP|Parishes_and_Non_Civil_Parished_Areas",
    "lsoa": "LSOA|Lower_layer_Super_Output_Areas",
    "district": "LAD|Local_Authority_Districts",
}
"""How the services of each kind of area begin."""

POINTS = {"oa": r"OA_December_2021_EW_PWC_V(\d+)", "lsoa": r"LSOA_PopCentroids_EW_2021_V(\d+)"}
"""What the services of the points are called in whose middle the residents of an area of 2021 live."""

_FIELDS = {"ward": r"WD\d\d", "parish": r"PAR(NCP)?\d\d", "lsoa": r"LSOA\d\d", "district": r"LAD\d\d"}


class Service(NamedTuple):
    """A service of outlines: its name, and its columns, "" for one that it has not."""

    kind: str
    name: str
    code: str
    called: str
    district: str
    district_name: str

    @property
    def fields(self) -> str:
        """The columns to ask for."""
        return ",".join(dict.fromkeys(filter(None, self[2:])))


class Geography:
    """The service, asked through one client.

    Parameters
    ----------
    web
        The client.
    url
        Address of the folder of services.
    """

    def __init__(self, web: Web, url: str) -> None:
        self.web, self.url = web, url
        self._services: dict[str, Service] = {}

    def named(self, kind: str, words: str) -> Outline:
        """Return the area of a kind that has a code or name (see `named_areas.choose`)."""
        service = self._service(kind)
        code = tidy(words).upper()
        if not re.fullmatch(r"[EWN]\d{8}", code):
            listed = self._listed(service, words)
            code = str(named_areas.choose(listed, kind, words, SERVICE)["code"])
        found = self._all(service, f"{service.code}='{code}'", shapes=True)
        if not found:
            one = named_areas.KINDS[kind][0]
            msg = f"{SERVICE} has no {one} {code!r} in {service.name}; codes change with each review."
            raise QueryError(msg)
        return self._outlines(service, found)[0]

    def named_in(self, kind: str, district: str) -> list[Outline]:
        """Return every area of a kind in a district."""
        service, districts = self._service(kind), self._service("district")
        known = self._table(districts, self._all(districts, "1=1"))
        asked = named_areas.folded(district)
        same = (known["code"].str.casefold() == tidy(district).casefold()) | (
            known["name"].map(named_areas.folded) == asked
        )
        if not same.any():
            asked = tidy(district)
            msg = f"{SERVICE} has no district {asked!r} in {districts.name}; check the spelling, or give its code."
            raise QueryError(msg)
        row = known[same].iloc[0]
        if service.district:
            found = self._all(service, f"{service.district}='{row['code']}'", shapes=True)
        else:
            (whole,) = self._all(districts, f"{districts.code}='{row['code']}'", shapes=True)[:1]
            shape = _shape(whole)
            west, south, east, north = shape.bounds
            box = {"geometry": f"{west},{south},{east},{north}", "geometryType": "esriGeometryEnvelope"}
            found = self._all(service, "1=1", shapes=True, where_at=box)
            found = [f for f in found if shape.covers(_shape(f).representative_point())]
        named = {"code": row["code"], "name": row["name"]}
        outlines = self._outlines(service, found, district=named)
        table = pd.DataFrame(
            {"code": [o.code for o in outlines], "name": [o.name for o in outlines], "outline": outlines}
        ).assign(district=row["code"], district_name=row["name"])
        return list(named_areas.in_district(table, kind, row["code"], SERVICE)["outline"])

    def points(self, unit: str, bounds: tuple[float, float, float, float]) -> tuple[str, pd.DataFrame]:
        """Return the areas of a unit ("oa", "lsoa") whose point lies in a box, and the service's name.

        Parameters
        ----------
        unit
            Output areas or LSOAs of 2021.
        bounds
            West, south, east, north, in degrees.

        Returns
        -------
        str, DataFrame
            The name; `code`, `longitude`, `latitude`.

        Raises
        ------
        SourceUnavailable
            The service did not answer, or offers no such points.
        """
        named = [
            (int(m[1]), m[0]) for n in self._offered if (m := re.fullmatch(POINTS[unit], n, re.IGNORECASE))
        ]
        if not named:
            msg = f"{SERVICE} offers no points of {'output areas' if unit == 'oa' else 'LSOAs'} of 2021 now."
            raise SourceUnavailable(msg, self.url, 200, 1)
        service = Service(unit, max(named)[1], f"{unit.upper()}21CD", "", "", "")
        box = {"geometry": ",".join(f"{v:.6f}" for v in bounds), "geometryType": "esriGeometryEnvelope"}
        found = self._all(service, "1=1", shapes=True, where_at=box)
        at = [shapely.get_coordinates(_shape(f)) for f in found]
        if any(len(xy) != 1 for xy in at):
            msg = f"{SERVICE} gave a point of {service.name} without a place; try again later."
            raise SourceUnavailable(msg, self.url, 200, 1)
        rows = [(_known(service, f)["code"], *xy[0].round(6)) for f, xy in zip(found, at, strict=True)]
        return service.name, pd.DataFrame(rows, columns=["code", "longitude", "latitude"])

    # ---------------------------------------------------------------- which service

    def _service(self, kind: str) -> Service:
        if kind not in self._services:
            self._services[kind] = self._newest(kind)
        return self._services[kind]

    @functools.cached_property
    def _offered(self) -> list[str]:
        answer = self.web.ask(
            self.url, Services, what="the services on offer", service=SERVICE, params={"f": "json"}, ttl=_DAY,
            check=_refuse_error,
        )  # fmt: skip
        return [s.name.rpartition("/")[2] for s in answer.value.services if s.type == "FeatureServer"]

    def _newest(self, kind: str) -> Service:
        """Return the newest service of a kind, with its columns."""
        dated = []
        for name in self._offered:
            if found := re.fullmatch(f"(?:{_NAMES[kind]}){_DATED}", name, re.IGNORECASE):
                month = (found["month"] or "")[:3].lower()
                if not month or month in _MONTHS:
                    at = _MONTHS.index(month) if month else -1
                    dated.append((found["year"], at, int(found["version"] or 1), name))
        if not dated:
            many = named_areas.KINDS.get(kind, ("", "districts"))[1]
            msg = f"{SERVICE} offers no outlines of {many} now; give a file with --area."
            raise SourceUnavailable(msg, self.url, 200, 1)
        name = max(dated)[-1]
        layer = self.web.ask(
            f"{self.url}/{name}/FeatureServer/0", Layer, what=f"the columns of {name}", service=SERVICE,
            params={"f": "json"}, ttl=_MONTH, check=_refuse_error,
        ).value  # fmt: skip
        columns = [f.name for f in layer.fields]

        def column(pattern: str) -> str:
            return next((c for c in columns if re.fullmatch(pattern, c, re.IGNORECASE)), "")

        own = _FIELDS[kind]
        code, called = column(f"{own}CD"), column(f"{own}NM")
        if not code:
            msg = f"{SERVICE} gives {name} without a column of codes; give a file with --area."
            raise SourceUnavailable(msg, self.url, 200, 1)
        return Service(kind, name, code, called, column(r"LAD\d\dCD"), column(r"LAD\d\dNM"))

    # ---------------------------------------------------------------- what it holds

    def _listed(self, service: Service, words: str) -> pd.DataFrame:
        """Return every area of a service; of those that may be meant, the district too."""
        table = self._table(service, self._all(service, "1=1"))
        asked = named_areas.folded(words)
        meant = [
            bool(n) and (asked == n or asked.startswith(f"{n} "))
            for n in map(named_areas.folded, table["name"])
        ]
        for i in [i for i, m in enumerate(meant) if m and not table["district"].iloc[i]]:
            code = table["code"].iloc[i]
            shape = _shape(self._all(service, f"{service.code}='{code}'", shapes=True)[0])
            at = self._district_at(shape)
            table.loc[table.index[i], ["district", "district_name"]] = at["code"], at["name"]
        return table

    def _table(self, service: Service, features: list[Feature]) -> pd.DataFrame:
        rows = [_known(service, f) | {"kind": service.kind, "origin": service.name} for f in features]
        return pd.DataFrame(rows, columns=named_areas.LISTED)

    def _outlines(
        self, service: Service, features: list[Feature], district: dict[str, str] | None = None
    ) -> list[Outline]:
        outlines = []
        for feature in features:
            known, shape = _known(service, feature), _shape(feature)
            named = known["district_name"] or (district or self._district_at(shape))["name"]
            origin = f"in {service.name} of {SERVICE}"
            outlines.append(Outline(service.kind, known["code"], known["name"], named, shape, origin))
        return outlines

    def _district_at(self, shape: BaseGeometry) -> dict[str, str]:
        """Return the district that an area is in, which its own service does not say."""
        districts, point = self._service("district"), shape.representative_point()
        at = {"geometry": f"{point.x:.6f},{point.y:.6f}", "geometryType": "esriGeometryPoint"}
        found = self._all(districts, "1=1", where_at=at)
        return _known(districts, found[0]) if found else {"code": "", "name": ""}

    def _all(
        self, service: Service, where: str, *, shapes: bool = False, where_at: dict[str, str] | None = None
    ) -> list[Feature]:
        """Return every row that is meant, page by page; how many they are is asked first."""
        more = where_at or {}
        if more:
            more = more | {"inSR": "4326", "spatialRel": "esriSpatialRelIntersects"}
        url = f"{self.url}/{service.name}/FeatureServer/0/query"
        asked = functools.partial(
            self.web.ask, url, Features, what=f"the areas of {service.name}", service=SERVICE, ttl=_MONTH,
            check=_refuse_error,
        )  # fmt: skip
        count = asked(params={"where": where, "returnCountOnly": "true", "f": "json", **more}).value.count
        query = {
            "where": where, "outFields": service.fields, "returnGeometry": str(shapes).lower(), "outSR": "4326",
            "orderByFields": service.code, "resultRecordCount": str(_PAGE), "f": "geojson", **more,
        }  # fmt: skip
        found: list[Feature] = []
        while len(found) < count:
            page = asked(params=query | {"resultOffset": str(len(found))}).value.features
            if not page:
                msg = f"{SERVICE} gave {len(found):,} of the {count:,} areas of {service.name}; try again later."
                raise SourceUnavailable(msg, url, 200, 1)
            found += page
        return found


def _known(service: Service, feature: Feature) -> dict[str, str]:
    """Return the code and name of an area, and of its district where the service says it."""

    def text(column: str) -> str:
        value: Any = feature.properties.get(column) if column else ""
        return tidy(value) if isinstance(value, str) else ""

    district = text(service.district)
    return {
        "code": text(service.code), "name": text(service.called), "district": district,
        "district_name": text(service.district_name) or district_names().get(district, ""),
    }  # fmt: skip


def _shape(feature: Feature) -> BaseGeometry:
    shape: BaseGeometry | None = shapely.from_geojson(bytes(feature.geometry), on_invalid="ignore")
    return shape if shape is not None else shapely.Polygon()


def _refuse_error(answer: Services | Layer | Features) -> None:
    """Refuse an answer that holds an error, whatever its status says."""
    if answer.error is not None:
        msg = f"error {answer.error.code}: {tidy(answer.error.message)}"
        raise ValueError(msg)
