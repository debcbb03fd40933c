"""The Archive source: Parquet made from police.uk's bulk files, asked by place and month."""

from __future__ import annotations

import contextlib
import functools
import json
import weakref
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from crimenb.data import Pull, Searched, frame
from crimenb.errors import PlaceNotFound, QueryError, SourceError
from crimenb.files import read_regular, regular
from crimenb.geo import MILE_M, distances, from_wkb, in_metres, to_metres
from crimenb.month_status import (
    EVIDENCE,
    LEAST_SHARE,
    MEASURED,
    Supply,
    ThinForce,
    gap_of,
    supply,
    thin_of_force,
)
from crimenb.query import Area, months_between
from crimenb.schema import ASB, BTP, CATEGORIES, NEW_POINTS, force_name, label_of
from crimenb.sources import candidates, districts, named_areas, residents, searches, streets, versions
from crimenb.sources import gazetteer as gazetteers
from crimenb.sources.archive_build import OUTCOMES, SEARCHES
from crimenb.sources.place_frames import ORDER, nearby, place_row
from crimenb.sources.releases_compared import FILE as REVISED
from crimenb.sources.releases_compared import around
from crimenb.sources.versions import STREETS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from shapely.geometry.base import BaseGeometry

_COLUMNS = {
    "street.parquet": {
        "VARCHAR": "month force category crime_id snapped_to outcome",
        "DOUBLE": "longitude latitude",
    },
    "counts.parquet": {"VARCHAR": "force month category", "BIGINT": "located unlocated"},
    OUTCOMES: {"VARCHAR": "force month outcome", "BIGINT": "located"},
    SEARCHES: {
        "VARCHAR": "month force kind time operation gender age_range self_defined officer_defined power object outcome "
        "linked clothing",
        "DOUBLE": "longitude latitude",
    },
    named_areas.FILE: {
        "VARCHAR": "kind code name district district_name origin",
        "DOUBLE": "west south east north",
        "BLOB": "geometry",
    },
    "postcodes.parquet": {
        "VARCHAR": "postcode district ward lsoa force refused remark closed district_name ward_name country",
        "DOUBLE": "longitude latitude",
    },
    candidates.FILE: {
        "VARCHAR": "postcode name force rural_urban",
        "DOUBLE": "longitude latitude",
        "BIGINT": "residents jobs",
    },
    candidates.COUNTS: {"VARCHAR": "candidate month category", "INTEGER": "records"},
    REVISED: {
        "VARCHAR": "month category",
        "DOUBLE": "longitude latitude",
        "INTEGER": "added removed decided",
    },
    STREETS: {
        "VARCHAR": "kind name other_name number road_class",
        "INTEGER": "x0 y0 x1 y1",
        "BLOB": "geometry",
    },
    residents.FILE: {
        "VARCHAR": "measure unit code district force",
        "DOUBLE": "longitude latitude",
        "BIGINT": "value",
    },
    residents.TOTALS: {"VARCHAR": "kind area measure unit", "BIGINT": "value counted"},
    residents.CLASSES: {"VARCHAR": "code class name", "DOUBLE": "longitude latitude"},
    districts.FILE: {"VARCHAR": "district month category", "BIGINT": "located"},
}
"""The columns of each file by their kind."""

FRAME_M = 350.0
"""How far the map reaches beyond the area; snapped points are counted out to there."""


class Archive:
    """An archive folder, made by `crimenb archive build`, as a source.

    Only the row groups that touch an area are read, so a query costs the same for one force or
    for all of them.
    """

    def __init__(self, folder: Path | str, *, closed_ok: bool = False) -> None:
        self.folder, release = versions.hold(Path(folder))
        # What was opened stays until it is let go, whatever is built meanwhile.
        self._release = weakref.finalize(self, release)
        self.closed_ok = closed_ok
        self.inventory: dict[str, Any] = versions.read_inventory(self.folder)
        if (found := self.inventory["format"]) != versions.FORMAT:
            msg = (
                f"The archive {str(folder)!r} has format {repr(found)[:40]}, this version reads {versions.FORMAT}; "
                "build it anew with 'crimenb archive build'."
            )
            raise SourceError(msg)
        self.name = str(self.inventory.get("name", "archive"))
        self.release = str(self.inventory["release"])
        self._thin_held: dict[str, ThinForce] = {}

    @functools.cached_property
    def _files(self) -> pd.DataFrame:
        files = pd.DataFrame(self.inventory["files"])
        reasons: dict[str, dict[str, int]] = self.inventory["not_read"]
        lost = [reasons.get(name, {}) for name in files["name"]]
        return files.assign(
            lost=[sum(r.values()) for r in lost],
            detail=[", ".join(f"{why}: {n:,}" for why, n in r.items()) for r in lost],
        )

    @functools.cached_property
    def _evidence_held(self) -> pd.DataFrame:
        """What every file holds, so that no verdict hangs on the months asked."""
        counts = self._read(
            "counts.parquet",
            "SELECT force, month, sum(located + unlocated) FILTER (category <> ?)::BIGINT AS crime, "
            "sum(located + unlocated) FILTER (category = ?)::BIGINT AS asb GROUP BY ALL",
            [ASB, ASB],
        )
        rows = self._files.merge(counts, how="left", on=["force", "month"])
        rows[["crime", "asb"]] = rows[["crime", "asb"]].fillna(0).astype("int64")
        held = rows.assign(state="file")[[*EVIDENCE, *MEASURED]]
        absent = [self._lacking(name) for name in self.inventory.get("lacks", [])]
        lacking = pd.DataFrame([row for row in absent if row], columns=held.columns)
        return pd.concat([held, lacking.astype(held.dtypes)], ignore_index=True) if len(lacking) else held

    def _lacking(self, name: str) -> dict[str, Any]:
        """Return the evidence that the release holds no file of a force and month; none where a gap is known."""
        month, force = name[:7], name[8:].removesuffix("-street.csv")
        if gap_of(force, month) is not None:
            return {}
        detail = f"{force_name(force)}'s file ({name}) is not in release {self.release} of police.uk."
        unknown = dict.fromkeys(["crime", "asb", *MEASURED], -1)
        return {"force": force, "month": month, "state": "absent", "detail": detail} | unknown

    @functools.cached_property
    def supplied(self) -> dict[tuple[str, str], Supply]:
        """What the archive holds of each force and month, by the rule of month_status."""
        return supply(self._evidence_held)

    @functools.cached_property
    def _db(self) -> duckdb.DuckDBPyConnection:
        # Kept: opening one costs more than most questions.
        db = duckdb.connect(config={"threads": 2})
        for name, columns in _COLUMNS.items():
            path = regular(self.folder / name, SourceError)
            if path.exists():
                with self._reading(name):
                    found = db.execute("DESCRIBE SELECT * FROM read_parquet(?)", [str(path)]).fetchall()
                    kinds = {column: kind for column, kind, *_ in found}
                    if any(kinds.get(c) != k for k, names in columns.items() for c in names.split()):
                        msg = "its columns are of another kind"
                        raise ValueError(msg)
        return db

    @contextlib.contextmanager
    def _reading(self, name: str) -> Iterator[None]:
        """Say in one sentence that a file of the archive is damaged, whatever a library makes of it."""
        try:
            yield
        except Exception as error:
            why = " ".join(str(error).partition("\n")[0].split())[:200] or type(error).__name__
            msg = f"{str(self.folder / name)!r} is damaged ({why}); build the archive anew."
            raise SourceError(msg) from error

    @functools.cached_property
    def _areas(self) -> gpd.GeoDataFrame | None:
        file = self.folder / "forces.parquet"
        if not regular(file, SourceError).is_file():
            return None
        with self._reading(file.name):
            areas = gpd.read_parquet(file)[["force", "geometry"]].astype({"force": "str"})
            if not areas.is_valid.all():
                msg = "a boundary is broken"
                raise ValueError(msg)
            return areas

    def months(self) -> list[str]:
        """Return the months of which the archive holds any territorial force, oldest first."""
        files = self._files
        territorial = files[files["force"] != BTP]
        return sorted((files if territorial.empty else territorial)["month"].unique().tolist())

    def place(self, postcode: str) -> gpd.GeoDataFrame:
        """Return the row of `places` for a postcode: its mile's circle, district and force.

        Raises
        ------
        PlaceNotFound
            Unknown, without position, or outside the data.
        QueryError
            The archive was built without postcodes.
        """
        found = self.positions([postcode])[postcode]
        if isinstance(found, PlaceNotFound):
            raise found
        return place_row(found)

    def cells(self) -> pd.DataFrame:
        """Return where records lie, in cells of a hundredth of a degree (x, y), without the strays."""
        return self._read(
            "street.parquet",
            "SELECT round(longitude, 2) AS x, round(latitude, 2) AS y GROUP BY ALL HAVING count(*) >= 20",
        )

    def positions(self, postcodes: Sequence[str]) -> dict[str, dict[str, Any] | PlaceNotFound]:
        """Return for each postcode its row of `places` without the shape, or why it has none."""
        known = self._gazetteer("postcode IN (SELECT unnest(?))", [list(postcodes)])
        rows = {str(r["postcode"]): {str(k): v for k, v in r.items()} for r in known.to_dict("records")}
        found: dict[str, dict[str, Any] | PlaceNotFound] = {}
        for postcode in postcodes:
            row = rows.get(postcode)
            held = self._letters if row is None else ()
            try:
                gazetteers.check_row(row, postcode, held, closed_ok=self.closed_ok)
            except PlaceNotFound as error:
                found[postcode] = error
            if row is not None and postcode not in found:
                # Names where the postcode file has them, as the live service gives them, else codes.
                found[postcode] = row | {
                    "district": residents.district_name(row["district"], row["district_name"]),
                    "ward": row["ward_name"] or row["ward"],
                    "parish": str(row.get("parish_name") or ""),
                }
        self._name_by_outlines([row for row in found.values() if not isinstance(row, PlaceNotFound)])
        return found

    def _name_by_outlines(self, rows: list[dict[str, Any]]) -> None:
        """Fill in the wards and parishes that the postcode file does not name from the outlines they lie in."""
        listed = self._listed[self._listed["kind"].isin(["ward", "parish"])].reset_index(drop=True)
        x, y = (np.array([row[c] for row in rows], float) for c in ("longitude", "latitude"))
        point, area = named_areas.near(x, y, listed)
        shapes = dict(zip(np.unique(area), self._outlines(listed.iloc[np.unique(area)]), strict=True))
        for n, i in zip(point, area, strict=True):
            known, row = listed.iloc[i], rows[n]
            unnamed = not row.get(f"{known['kind']}_name")
            if (
                unnamed
                and named_areas.is_called_after(known)
                and shapely.intersects_xy(shapes[i], x[n], y[n])
            ):
                row[known["kind"]] = known["name"]

    @functools.cached_property
    def _listed(self) -> pd.DataFrame:
        """What is known of the areas with official names, besides their outlines."""
        file = self.folder / named_areas.FILE
        if not regular(file, SourceError).is_file():
            return pd.DataFrame(columns=[*named_areas.LISTED, "west", "south", "east", "north"])
        return self._read(file.name, "SELECT * EXCLUDE geometry")

    def _outlines(self, rows: pd.DataFrame) -> list[BaseGeometry]:
        """Return the outlines of some of the listed areas."""
        if rows.empty:
            return []
        found = self._read(
            named_areas.FILE,
            "SELECT kind, code, geometry WHERE code IN (SELECT unnest(?))",
            [rows["code"].tolist()],
        )
        with self._reading(named_areas.FILE):
            shapes = dict(
                zip(
                    zip(found["kind"], found["code"], strict=True),
                    from_wkb(map(bytes, found["geometry"])),
                    strict=True,
                )
            )
            return [shapes[key] for key in zip(rows["kind"], rows["code"], strict=True)]

    def named(self, kind: str, words: str) -> named_areas.Outline:
        """Return the area of a kind (ward, parish, lsoa, neighbourhood) that has a name or code.

        Raises
        ------
        QueryError
            None or several are called so, or the archive holds no outlines of the kind.
        """
        listed = self._of_kind(kind)
        row = named_areas.choose(listed, kind, words, "The archive")
        return self._outlined(listed.loc[[row.name]])[0]

    def named_in(self, kind: str, district: str) -> list[named_areas.Outline]:
        """Return every area of a kind in a district, by its name or code.

        Raises
        ------
        QueryError
            There is none, or the archive holds no outlines of the kind.
        """
        return self._outlined(named_areas.in_district(self._of_kind(kind), kind, district, "The archive"))

    def _of_kind(self, kind: str) -> pd.DataFrame:
        listed = self._listed[self._listed["kind"] == kind].reset_index(drop=True)
        if listed.empty:
            msg = (
                f"The archive {str(self.folder)!r} holds no outlines of {named_areas.KINDS[kind][1]}; add them with "
                "'crimenb archive areas FILE --into DIR'."
            )
            raise QueryError(msg)
        return listed

    def _outlined(self, rows: pd.DataFrame) -> list[named_areas.Outline]:
        return [
            named_areas.Outline(
                str(r["kind"]),
                str(r["code"]),
                str(r["name"]),
                str(r["district_name"]),
                shape,
                f"in {r['origin']}",
            )
            for (_, r), shape in zip(rows.iterrows(), self._outlines(rows), strict=True)
        ]

    @functools.cached_property
    def _letters(self) -> list[str]:
        """The letters that the postcodes begin with."""
        rows = self._gazetteer("true", [], "DISTINCT regexp_extract(postcode, '^[A-Z]+') AS letters")
        return [str(letters) for letters in rows["letters"]]

    def lacks(self, force: str, months: Sequence[str]) -> bool:
        """Whether the archive holds nothing that a force supplied of any of the months."""
        return bool(force) and not any(self._supplied(force, m) for m in months)

    def _supplied(self, force: str, month: str) -> bool:
        found = self.supplied.get((force, month))
        return found is not None and found.state in {"supplied", "lost"}

    def custom_place(self, area: Area) -> gpd.GeoDataFrame:
        """Return the row of `places` for a custom area, in the district of the postcode nearest to its middle."""
        centre = area.geometry.representative_point()
        row = {"postcode": area.name, "longitude": centre.x, "latitude": centre.y}
        if regular(self.folder / "postcodes.parquet", SourceError).is_file():
            west, south, east, north = _box(centre, gazetteers.VOID_M)
            nearest = self._gazetteer(
                "latitude BETWEEN ? AND ? AND longitude BETWEEN ? AND ? AND refused = '' "
                "ORDER BY (latitude - ?) ** 2 + ((longitude - ?) * cos(radians(latitude))) ** 2, postcode LIMIT 1",
                [south, north, west, east, centre.y, centre.x],
            )
            for _, known in nearest.iterrows():
                row |= {
                    "district": residents.district_name(known["district"], known["district_name"]),
                    "force": known["force"],
                }
        return place_row(row, area)

    def pull(self, place: gpd.GeoDataFrame, months: Sequence[str]) -> Pull:
        """Return the frames of one place over the months, with the evidence to judge them."""
        row = place.iloc[0]
        postcode, shape = str(row["postcode"]), place.geometry.iloc[0]
        found = self._records(shape)
        lon, lat = found["longitude"].to_numpy(), found["latitude"].to_numpy()
        distance, inside = distances(place, lon, lat)
        edge = FRAME_M + (MILE_M if row["kind"] == "circle" else 0.0)
        found = found.assign(distance_m=distance, postcode=postcode)
        asked = found["month"].isin(list(months))
        crimes = self._crimes(found[inside & asked])
        near = self._near(shape)
        coverage = self._coverage(postcode, shape, months, near)
        return Pull(
            crimes=crimes,
            coverage=coverage,
            evidence=self._evidence([*coverage["force"]]),
            nearby=nearby(found[distance <= edge], found[asked & (distance <= edge)]),
            surroundings=self._surroundings(postcode, coverage, months, crimes),
            force_outcomes=self._force_outcomes(postcode, coverage, months, crimes),
            requests=self._used(coverage, crimes, months),
            context=self.ground(place, found[found["month"] >= NEW_POINTS])
            | self._decided(postcode, found[inside & asked])
            | self._revised(place, months)
            | self.people(place, coverage, months, crimes, near),
        )

    def ground(self, place: gpd.GeoDataFrame, known: pd.DataFrame) -> dict[str, pd.DataFrame]:
        """Return the streets of a place's map, where the archive has streets."""
        if not regular(self.folder / STREETS, SourceError).is_file():
            return {}
        west, south, east, north = streets.square(place)
        rows = self._read(
            STREETS, "SELECT * WHERE x1 >= ? AND x0 <= ? AND y1 >= ? AND y0 <= ?", [west, east, south, north]
        )
        with self._reading(STREETS):
            cut, stretches = streets.cut(rows, place, known)
        return {"streets": cut, "stretches": stretches}

    def check_searches(self) -> None:
        """Raise QueryError unless the archive holds stop-and-search files."""
        if not self.inventory.get("search_files"):
            msg = (
                f"The archive {str(self.folder)!r} holds no stop-and-search files (--stops); get them with "
                "'crimenb setup --stops', or build it from files that have some, or leave out --stops."
            )
            raise QueryError(msg)

    def searches(self, place: gpd.GeoDataFrame, months: Sequence[str], coverage: pd.DataFrame) -> Searched:
        """Return the searches by the police in a place, and what its forces supplied of them.

        Raises
        ------
        QueryError
            The archive holds no stop-and-search files.
        """
        self.check_searches()
        files, forces = self.inventory["search_files"], searches.deciding(coverage)
        west, south, east, north = _box(place.geometry.iloc[0], 0.0)
        found = self._read(
            SEARCHES,
            "SELECT * WHERE latitude BETWEEN ? AND ? AND longitude BETWEEN ? AND ? AND list_contains(?, month)",
            [south, north, west, east, list(months)],
        )
        lacks = self.inventory.get("lacks_searches", [])
        supply = searches.file_supply(files, self.inventory["not_read"], lacks, self.release, forces, months)
        among = {*forces, *found["force"]}
        used = [(f["name"], f["sha256"]) for f in files if f["force"] in among and f["month"] in {*months}]
        return searches.searched(place, found.rename(columns={"force": "reported_by"}), supply, used)

    @property
    def has_candidates(self) -> bool:
        """Whether it holds places to compare one with."""
        return regular(self.folder / candidates.FILE, SourceError).is_file()

    def like(self, place: gpd.GeoDataFrame, months: Sequence[str], pulled: Pull) -> pd.DataFrame:
        """Return the frame `like_places` of a place: the candidates like it, of the months asked for.

        Those are left out that overlap the place, and those that lack a month which the place has whole.

        Parameters
        ----------
        pulled
            What `pull` returned of the same place and months.
        """
        cover = pulled.coverage[pulled.coverage["force"] != BTP]
        whole = self._whole(cover.loc[cover["share"] >= LEAST_SHARE, "force"], months)
        table = self._read(candidates.FILE, "SELECT * ORDER BY postcode")
        months_of = {f: self._whole(f.split(), months) for f in table["force"].unique()}
        fit = np.array([bool(whole) and whole <= months_of[f] for f in table["force"]], bool)
        table = table[fit & ~_overlaps(place, table)].reset_index(drop=True)
        crime = self._read(
            candidates.COUNTS,
            "SELECT candidate, sum(records)::BIGINT AS crime WHERE category <> ? AND list_contains(?, month) "
            "GROUP BY ALL",
            [ASB, sorted(whole)],
        ).set_index("candidate")["crime"]
        table = table.assign(crime=table["postcode"].map(crime).fillna(0))
        found = candidates.alike(table, self._size(place, pulled, whole))
        counts = self._read(
            candidates.COUNTS,
            "SELECT * WHERE list_contains(?, candidate) AND list_contains(?, month)",
            [found["postcode"].tolist(), sorted(whole)],
        )
        thin = {(f, m) for f in found["force"].unique() for one in f.split() for m in self._thin(one).asb}
        return candidates.counted(found, counts, sorted(whole), thin, str(place["postcode"].iloc[0]))

    def _size(self, place: gpd.GeoDataFrame, pulled: Pull, months: set[str]) -> candidates.Size:
        """Return what a place is like, for those that are to be like it."""
        crimes, people = pulled.crimes, pulled.context.get("residents", frame("residents"))
        counted = (crimes["reported_by"] != BTP) & (crimes["category"] != ASB) & crimes["month"].isin(months)
        here = people[people["where"] == "here"].set_index("measure")["value"]
        rural_urban = ""
        if len(self._classes):
            inside = residents.within(place, self._classes)
            at, of = to_metres(place[["longitude"]], place[["latitude"]]), self._classes
            nearest = np.hypot(of["x"] - at[0][0, 0], of["y"] - at[1][0, 0]).argmin()
            rural_urban = candidates.commonest(inside["name"] if len(inside) else of["name"].iloc[[nearest]])
        return candidates.Size(
            int(here.get("residents", 0)), int(here.get("jobs", 0)), rural_urban, int(counted.sum())
        )

    @functools.cached_property
    def _classes(self) -> pd.DataFrame:
        """The rural-urban class of each LSOA, with its centre in degrees and metres."""
        if not regular(self.folder / residents.CLASSES, SourceError).is_file():
            return pd.DataFrame(columns=["name", "longitude", "latitude"])
        table = self._read(residents.CLASSES, "SELECT name, longitude, latitude")
        x, y = to_metres(table["longitude"].to_numpy(), table["latitude"].to_numpy())
        return table.assign(x=x, y=y)

    def _whole(self, forces: Iterable[str], months: Sequence[str]) -> set[str]:
        """Return the months that each of some forces supplied whole, in their usual number."""
        found = set(months)
        for force in forces:
            thin = self._thin(force).crime
            found &= {m for m in months if m not in thin and self.supplied_whole(force, m)}
        return found

    @functools.cached_property
    def _judged(self) -> pd.DataFrame:
        """The evidence with the state of each file as it was judged."""
        keys = zip(self._evidence_held["force"], self._evidence_held["month"], strict=True)
        return self._evidence_held.assign(state=[self.supplied[key].state for key in keys])

    def _thin(self, force: str) -> ThinForce:
        if force not in self._thin_held:
            self._thin_held[force] = thin_of_force(self._judged, force)
        return self._thin_held[force]

    def people(
        self,
        place: gpd.GeoDataFrame,
        coverage: pd.DataFrame,
        months: Sequence[str],
        crimes: gpd.GeoDataFrame,
        near: pd.DataFrame,
    ) -> dict[str, pd.DataFrame]:
        """Return who lives and works in a place, and the records of its district, where the archive has residents."""
        series = self.inventory.get("residents", [])
        if not series or near.empty or not regular(self.folder / residents.FILE, SourceError).is_file():
            return {}
        shape = place.geometry.iloc[0]
        complete = bool(self.inventory["gazetteer"].get("complete"))
        if not complete and gazetteers.gap_share(shape, near) >= LEAST_SHARE:
            return {}
        decides = (coverage["share"] >= LEAST_SHARE) & (coverage["force"] != "")
        forces = coverage.loc[decides, "force"].tolist()
        row = self._own_row(place, near)
        district = str(row["district"]), residents.district_name(row["district"], row["district_name"])
        west, south, east, north = shape.bounds
        areas = self._read(
            residents.FILE,
            "SELECT * WHERE latitude BETWEEN ? AND ? AND longitude BETWEEN ? AND ?",
            [south, north, west, east],
        )
        found = residents.residents(place, areas, near, self._sums, series, forces, district)
        return {"residents": found} | self._of_district(place, months, crimes, near, row, district)

    def _own_row(self, place: gpd.GeoDataFrame, near: pd.DataFrame) -> pd.Series:
        """Return the row of a place's own postcode, or of the one nearest to its middle."""
        own = np.flatnonzero(near["postcode"].to_numpy() == place["postcode"].iloc[0])
        if not len(own):
            x, y = (place[c].to_numpy(dtype=float) for c in ("longitude", "latitude"))
            own = districts.nearest(near, x, y)
        row: pd.Series = near.iloc[own[0]]
        return row

    def _of_district(
        self,
        place: gpd.GeoDataFrame,
        months: Sequence[str],
        crimes: gpd.GeoDataFrame,
        near: pd.DataFrame,
        row: pd.Series,
        district: tuple[str, str],
    ) -> dict[str, pd.DataFrame]:
        """Return the records of the rest of a place's district, where that is whole."""
        if (
            not any(area == district[0] for _, area in self._sums.whole)
            or not regular(self.folder / districts.FILE, SourceError).is_file()
        ):
            return {}
        counts = self._read(
            districts.FILE,
            "SELECT * WHERE district = ? AND list_contains(?, month)",
            [district[0], list(months)],
        )
        own = crimes.loc[crimes["reported_by"] != BTP, ["month", "category", "geometry"]]
        # Some hundred map points have all the records.
        at, spots = pd.factorize(shapely.get_coordinates(own.pop("geometry").to_numpy()) @ [1, 1j])
        nearest = districts.nearest(near, spots.real, spots.imag)
        there = np.append(near["district"].to_numpy(dtype=object), "")[nearest] == district[0]
        supplied = [m for m in months if self.supplied_whole(str(row["force"]), m)]
        table = residents.district_counts(place, counts, own[there[at]], supplied, district)
        return {"district_counts": table}

    @functools.cached_property
    def _sums(self) -> residents.Sums:
        return residents.Sums(self._read(residents.TOTALS, "SELECT *"))

    def revised(self, place: gpd.GeoDataFrame, months: Sequence[str]) -> pd.DataFrame:
        """Return what the newest release changed in a place's months: the rows of the frame `revised`."""
        postcode, shape = str(place["postcode"].iloc[0]), place.geometry.iloc[0]
        west, south, east, north = _box(shape, 0.0)
        rows = self._read(
            REVISED,
            "SELECT * WHERE latitude BETWEEN ? AND ? AND longitude BETWEEN ? AND ? AND list_contains(?, month)",
            [south, north, west, east, list(months)],
        )
        inside = distances(place, rows["longitude"].to_numpy(), rows["latitude"].to_numpy())[1]
        return around(rows[inside], postcode)

    def _revised(self, place: gpd.GeoDataFrame, months: Sequence[str]) -> dict[str, pd.DataFrame]:
        return {"revised": self.revised(place, months)} if "since" in self.inventory else {}

    def _decided(self, postcode: str, found: pd.DataFrame) -> dict[str, pd.DataFrame]:
        """Return how long the crimes waited for their first outcome, where the archive holds outcomes files."""
        files = self.inventory.get("outcome_files", [])
        if not files:
            return {}
        held = {(f["force"], f["month"]) for f in files}
        newest = {force: max(m for f, m in held if f == force) for force, _ in held}

        def followed(force: str, month: str) -> int:
            """Count the months after one whose outcomes files are held; -1 where one is missing."""
            after = months_between(month, newest[force]) if month <= newest.get(force, "") else []
            return len(after) - 1 if all((force, m) in held for m in after) else -1

        # Only records with an id can be found in an outcomes file.
        crimes = found[(found["category"] != ASB) & (found["crime_id"] != "")].fillna({"decided": ""})
        pairs = crimes[["force", "month"]].drop_duplicates()
        pairs = pairs.assign(followed=[followed(*pair) for pair in pairs.itertuples(index=False)])
        crimes = crimes.merge(pairs[pairs["followed"] >= 0], on=["force", "month"])
        begun, ended = (
            pd.to_datetime(crimes[c], format="%Y-%m", errors="coerce") for c in ("month", "decided")
        )
        later = (ended.dt.year - begun.dt.year) * 12 + ended.dt.month - begun.dt.month
        crimes = crimes.assign(later=later.clip(lower=0).fillna(-1))
        rows = (
            crimes.groupby(["month", "category", "later", "followed"]).size().rename("crimes").reset_index()
        )
        return {"decided": frame("decided", rows.assign(postcode=postcode))}

    def neighbourhood(self, place: gpd.GeoDataFrame) -> dict[str, pd.DataFrame]:
        """Return the frames of the neighbourhood team: empty, unless the archive holds some."""
        file = self.folder / "neighbourhoods.json"
        if not file.is_file():
            return {}
        centre = shapely.Point(place["longitude"].iloc[0], place["latitude"].iloc[0])
        for team in json.loads(read_regular(file, error=SourceError)):
            shape = shapely.from_geojson(json.dumps(team["neighbourhoods"]["geometry"]))
            if shape.covers(centre):
                key = {"postcode": place["postcode"].iloc[0]}
                one = team["neighbourhoods"] | key | {"geometry": shape}
                return {"neighbourhoods": frame("neighbourhoods", pd.DataFrame([one]))} | {
                    name: frame(name, pd.DataFrame([r | key for r in team[name]]))
                    for name in ("people", "priorities", "events")
                    if team[name]
                }
        return {}

    def close(self) -> None:
        """Let go of the connection and of the version."""
        if "_db" in self.__dict__:
            self.__dict__.pop("_db").close()
        self._release()

    def describe(self) -> dict[str, str]:
        """Return what the source says of itself, for the manifest."""
        gazetteer = self.inventory.get("gazetteer") or {}
        described = {
            "name": self.name,
            **({"release": self.release} if self.release else {}),
            "read": str(self.inventory["built"]),
            "first month": self.months()[0],
            "newest month": self.months()[-1],
            "postcodes": f"{gazetteer.get('postcodes', 0):,}",
        }
        if releases := {f["release"] for f in self.inventory["files"] if "release" in f}:
            described["releases"] = "; ".join(
                f"{r}: {' '.join(sorted({f['month'] for f in self.inventory['files'] if f['release'] == r}))}"
                for r in sorted(releases)
            )
        if since := self.inventory.get("since"):
            described["compared with release"] = since["release"]
            of_force = (f"{force}: {' '.join(months)}" for force, months in since["months"].items())
            described["new months"] = "; ".join(of_force)
        if held := self.inventory.get("streets"):
            described["streets"] = str(held["attribution"])
        if held := residents.credit(self.inventory.get("residents", [])):
            described["residents and jobs"] = held
        if version := self.inventory.get("version_id"):
            described["version"] = str(version)
        if new := self.inventory["new_categories"]:
            described["categories new to this version"] = ", ".join(map(label_of, new))
        if lost := int(self._files["lost"].sum()):
            files = int((self._files["lost"] > 0).sum())
            described["rows not read"] = f"{lost:,} in {files:,} of {len(self._files):,} files"
        return described

    # ---------------------------------------------------------------- reading

    def _read(self, file: str, select: str, parameters: Sequence[object] = ()) -> pd.DataFrame:
        db = self._db
        with self._reading(file):
            return db.execute(f"FROM read_parquet(?) {select}", [str(self.folder / file), *parameters]).df()

    def _gazetteer(self, where: str, parameters: Sequence[object], columns: str = "*") -> pd.DataFrame:
        file = self.folder / "postcodes.parquet"
        if not regular(file, SourceError).is_file():
            msg = (
                f"The archive {str(self.folder)!r} holds no postcodes; "
                "build it with --postcodes (OS Code-Point Open, ONSPD or NSPL)."
            )
            raise QueryError(msg)
        return self._read(file.name, f"SELECT {columns} WHERE {where}", parameters)

    def _records(self, shape: BaseGeometry) -> pd.DataFrame:
        """Read every record of any month in the box of the map's frame."""
        west, south, east, north = _box(shape, max(FRAME_M, streets.BEYOND_M))
        return self._read(
            "street.parquet",
            "SELECT * WHERE latitude BETWEEN ? AND ? AND longitude BETWEEN ? AND ?",
            [south, north, west, east],
        )

    def _crimes(self, found: pd.DataFrame) -> gpd.GeoDataFrame:
        found = found.sort_values([*ORDER, "force"], kind="stable", ignore_index=True)
        points = gpd.points_from_xy(found["longitude"], found["latitude"])
        return frame("crimes", found.assign(reported_by=found["force"], geometry=points))

    def _near(self, shape: BaseGeometry) -> pd.DataFrame:
        """Read the postcodes around an area, in their order; none where boundaries alone are held."""
        held = regular(self.folder / "postcodes.parquet", SourceError).is_file()
        if not held and self._areas is not None:
            return pd.DataFrame({"longitude": [], "latitude": [], "force": []})
        west, south, east, north = _box(shape, 2 * gazetteers.VOID_M)
        return self._gazetteer(
            "latitude BETWEEN ? AND ? AND longitude BETWEEN ? AND ? AND refused = '' ORDER BY postcode",
            [south, north, west, east],
        )

    def _coverage(
        self, postcode: str, shape: BaseGeometry, months: Sequence[str], near: pd.DataFrame
    ) -> gpd.GeoDataFrame:
        held = (self.folder / "postcodes.parquet").is_file()
        complete = bool(self.inventory["gazetteer"].get("complete")) or not held
        method = "by area, from the boundaries of the police force areas"
        if self._areas is None:
            method = "estimated: each spot counts to the force of its nearest postcode"
        parts = gazetteers.parts_of(shape, self._areas, near, complete=complete)
        if not any(parts):
            msg = f"No police force area is known around {postcode!r}; build with --force-areas."
            raise SourceError(msg)
        supplied = {f: " ".join(m for m in sorted(months) if self._supplied(f, m)) for f in {*parts, BTP}}
        whole = in_metres(shape).area
        shares = {f: round(in_metres(part).area / whole, 4) for f, part in parts.items()}
        rows = [
            {
                "postcode": postcode, "force": f, "force_name": force_name(f) if f else "unknown",
                "share": shares[f],
                "method": method, "months": supplied.get(f, ""), "geometry": parts[f],
            }
            for f in sorted(shares, key=lambda f: (-shares[f], f))
        ]  # fmt: skip
        own = {"force": BTP, "force_name": force_name(BTP), "share": 0.0, "months": supplied.get(BTP, "")}
        rows.append(rows[0] | own | {"geometry": shapely.Polygon()})
        return frame("coverage", pd.DataFrame(rows))

    def _evidence(self, among: list[str]) -> pd.DataFrame:
        held = self._evidence_held
        return held[held["force"].isin(among)].reset_index(drop=True)

    def _surroundings(
        self, postcode: str, coverage: pd.DataFrame, months: Sequence[str], crimes: pd.DataFrame
    ) -> pd.DataFrame:
        counts = self._counted("counts.parquet", coverage, months)
        # Every category of a supplied month has a row, so that none is a zero by accident.
        categories = [*CATEGORIES, *sorted(set(counts["category"]) - set(CATEGORIES))]
        every = (
            counts[["force", "month"]]
            .drop_duplicates()
            .merge(pd.DataFrame({"category": categories}), how="cross")
        )
        here = crimes.groupby(["reported_by", "month", "category"]).size().rename("here")
        table = every.merge(counts, how="left", on=["force", "month", "category"]).merge(
            here, how="left", left_on=["force", "month", "category"], right_index=True
        )
        table = table.fillna({"located": 0, "unlocated": 0, "here": 0})
        table = table.assign(postcode=postcode, rest=table["located"] - table["here"])
        table = table.sort_values(["force", "month", "category"], ignore_index=True)
        return frame("surroundings", table)

    def _force_outcomes(
        self, postcode: str, coverage: pd.DataFrame, months: Sequence[str], crimes: pd.DataFrame
    ) -> pd.DataFrame:
        if not regular(self.folder / OUTCOMES, SourceError).is_file():  # built by an earlier version
            return frame("force_outcomes")
        table = self._counted(OUTCOMES, coverage, months)
        here = crimes[crimes["category"] != ASB].groupby(["reported_by", "month", "outcome"]).size()
        key = ["force", "month", "outcome"]
        table = table.merge(here.rename("here"), how="left", left_on=key, right_index=True)
        table = table.assign(postcode=postcode, rest=table["located"] - table["here"].fillna(0))
        return frame("force_outcomes", table.sort_values(key, ignore_index=True))

    def _counted(self, file: str, coverage: pd.DataFrame, months: Sequence[str]) -> pd.DataFrame:
        """Read the forces' own counts of the months that each of them supplied whole."""
        among = coverage.loc[coverage["force"] != BTP, "force"].tolist()
        counts = self._read(
            file, "SELECT * WHERE list_contains(?, force) AND list_contains(?, month)", [among, list(months)]
        )
        # A month that was not supplied whole says nothing of the rest of the force.
        keys = zip(counts["force"], counts["month"], strict=True)
        return counts[np.array([self.supplied_whole(*key) for key in keys], bool)]

    def supplied_whole(self, force: str, month: str) -> bool:
        """Whether the archive holds a month of a force as a whole."""
        found = self.supplied.get((force, month))
        return found is not None and found.state == "supplied"

    def _used(
        self, coverage: pd.DataFrame, crimes: pd.DataFrame, months: Sequence[str]
    ) -> list[tuple[str, str]]:
        """Name the files the frames were made of, with their SHA-256."""
        among = {*coverage["force"], *crimes["reported_by"]}
        files = self._files[self._files["force"].isin(among) & self._files["month"].isin(list(months))]
        decided = [f for f in self.inventory.get("outcome_files", []) if f["force"] in among]
        after = [(f["name"], f["sha256"]) for f in decided if f["month"] >= min(months, default="")]
        return [*zip(files["name"], files["sha256"], strict=True), *after]


def _overlaps(place: gpd.GeoDataFrame, table: pd.DataFrame) -> np.ndarray:
    """Return whether the mile of each candidate overlaps a place."""
    x, y = to_metres(table["longitude"].to_numpy(), table["latitude"].to_numpy())
    if place["kind"].iloc[0] == "circle":
        centre = to_metres(*place[["longitude", "latitude"]].iloc[0].astype(float))
        return np.asarray(np.hypot(x - centre[0], y - centre[1]) < 2 * MILE_M)
    return np.asarray(shapely.dwithin(in_metres(place.geometry.iloc[0]), shapely.points(x, y), MILE_M))


def demo(*, closed_ok: bool = False) -> Archive:
    """Return the archive of an invented town that is shipped with the package."""
    folder = Path(str(resources.files("crimenb").joinpath("reference", "demo")))
    return Archive(folder, closed_ok=closed_ok)


def _box(shape: BaseGeometry, beyond_m: float) -> tuple[float, float, float, float]:
    """Return west, south, east, north (degrees) around a shape and so many metres beyond it."""
    west, south, east, north = shape.bounds
    # A little over a metre of slack a kilometre: the two projections' circles differ.
    north_by = (beyond_m * 1.05) / 111_000
    east_by = north_by / np.cos(np.radians((south + north) / 2))
    return west - east_by, south - north_by, east + east_by, north + north_by
