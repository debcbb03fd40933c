"""Areas with official names (wards, parishes, LSOAs, police neighbourhoods): read from files, found by words."""

from __future__ import annotations

import re
import unicodedata
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
import shapely

from crimenb.errors import QueryError
from crimenb.files import bounded_memory
from crimenb.plurals import counted
from crimenb.schema import district_names, forces
from crimenb.sources.clean_text import tidy
from crimenb.sources.gazetteer import placed
from crimenb.sources.outlines import ENDINGS, read_outlines

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import geopandas as gpd
    from shapely.geometry.base import BaseGeometry

FILE = "areas.parquet"
"""Name of the outlines in an archive."""

KINDS = {
    "ward": ("ward", "wards"),
    "parish": ("parish", "parishes"),
    "lsoa": ("LSOA", "LSOAs"),
    "neighbourhood": ("neighbourhood", "neighbourhoods"),
}
"""What can be asked for by name, as one and as many."""

LISTED = ["kind", "code", "name", "district", "district_name", "origin"]
"""What is known of an area besides its outline; the district is a code, of a neighbourhood the force."""

_COLUMNS = {"ward": r"wd\d\dcd", "parish": r"par(ncp)?\d\dcd", "lsoa": r"lsoa\d\dcd"}
_PREFIXES = {
    "E05": "ward", "W05": "ward", "N08": "ward", "E04": "parish", "W04": "parish", "E43": "parish",
    "E01": "lsoa", "W01": "lsoa",
}  # fmt: skip
"""How the codes of the Office for National Statistics begin."""

_UNPARISHED = "E43"
_CODE = re.compile(r"[EWN]\d{8}")
_MOST_NAMED = 12


class Outline(NamedTuple):
    """One area as it was found: its kind, code, name and district, its shape (EPSG:4326), and "in wards.geojson"."""

    kind: str
    code: str
    name: str
    district: str
    geometry: BaseGeometry
    origin: str

    @property
    def title(self) -> str:
        """The area in words: "Abbey ward, Bath and North East Somerset"."""
        return title(self.kind, self.code, self.name, self.district)

    @property
    def drawn(self) -> str:
        """Which area of which outlines it is: "ward E05001935, as drawn in wards.geojson of 2025"."""
        return f"{KINDS[self.kind][0]} {self.code}, as drawn {self.origin}"


def title(kind: str, code: str, name: str, district: str) -> str:
    """Return an area in words.

    >>> title("ward", "E05001935", "Abbey", "Bath and North East Somerset")
    'Abbey ward, Bath and North East Somerset'
    """
    word = "community" if code.startswith("W04") else KINDS[kind][0]
    name = name or code
    if code.startswith(_UNPARISHED) or name.lower().endswith(f" {word.lower()}"):
        return ", ".join(filter(None, [name, district]))
    if kind == "lsoa" and district and name.startswith(district):
        return f"{name} {word}"
    return ", ".join(filter(None, [f"{name} {word}", district]))


# ------------------------------------------------------------------------ from files


def read(files: Sequence[Path], postcodes: pd.DataFrame) -> pd.DataFrame:
    """Return the areas of files of outlines, with the columns of `LISTED`, a box, and `geometry`.

    Parameters
    ----------
    files
        Files that `read_outlines` takes, or folders of them. Which kind of area a file holds is seen
        by its column of codes (`WD25CD`, `PARNCP25CD`, `LSOA21CD`, or any with such codes). A file named after
        a police neighbourhood, in a folder named after its force, is that neighbourhood.
    postcodes
        Rows of a gazetteer: whose district an area is in, where the file does not say.

    Raises
    ------
    QueryError
        A file cannot be read, or has no codes.
    """
    tables = []
    try:
        with bounded_memory():
            for path in files:
                inside = [path]
                if path.is_dir():
                    inside = sorted(p for p in path.rglob("*") if p.suffix.lower() in ENDINGS)
                    if not inside:
                        msg = f"{str(path)!r} holds no file of outlines."
                        raise QueryError(msg)
                tables += [_named(one) for one in inside]
    except (MemoryError, shapely.errors.GEOSException) as error:
        msg = "These outlines cannot be mended within 4 GB of memory; give simpler ones (BGC or BSC)."
        raise QueryError(msg) from error
    table = pd.concat(tables, ignore_index=True).drop_duplicates(["kind", "code"], keep="last")
    table = _with_districts(table.sort_values(["kind", "code"], ignore_index=True), postcodes)
    box = pd.DataFrame(shapely.bounds(table["geometry"]), columns=["west", "south", "east", "north"])
    return pd.concat([table, box], axis=1)


def _named(path: Path) -> pd.DataFrame:
    """Return the areas of one file; parts of one code are one area."""
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for layer in read_outlines(path).values():
        table = layer[layer.geom_type.isin(["Polygon", "MultiPolygon"])].reset_index(drop=True)
        kind, codes, names = _codes(table, path)
        if not kind:
            continue
        origin = _dated(tidy(path.name), _find(table, _COLUMNS.get(kind, "(?!)")))
        districts, called = (_column(table, rf"lad\d\d{end}") for end in ("cd", "nm"))
        for i, part in enumerate(placed(table, path)):
            if not codes[i]:
                continue
            key = (kind, codes[i])
            shape = shapely.union(rows[key]["geometry"], part) if key in rows else part
            rows[key] = {
                "kind": kind, "code": codes[i], "name": names[i], "district": districts[i],
                "district_name": called[i], "origin": origin, "geometry": shape,
            }  # fmt: skip
    if not rows:
        msg = (
            f"{str(path)!r} has no codes of wards, parishes or LSOAs (a column such as WD25CD, PARNCP25CD or "
            "LSOA21CD), and is not named after a neighbourhood in a folder of its force's id."
        )
        raise QueryError(msg)
    return pd.DataFrame([*rows.values()])


def _dated(name: str, column: str) -> str:
    """Return a file's name with the year that its column of codes says, unless the name has one.

    >>> _dated("wards.geojson", "WD25CD"), _dated("WD_MAY_2026.geojson", "WD26CD"), _dated("parishes.kml", "")
    ('wards.geojson of 2025', 'WD_MAY_2026.geojson', 'parishes.kml')
    """
    year = re.search(r"\d\d", column)
    return f"{name} of 20{year[0]}" if year and not re.search(r"20\d\d", name) else name


def _codes(table: gpd.GeoDataFrame, path: Path) -> tuple[str, list[str], list[str]]:
    """Return the kind of the areas of a layer, and the code and name of each."""
    force = path.parent.name.lower()
    if force in forces() and len(table):
        name = next(filter(None, _column(table, "name")), "") or path.stem
        return "neighbourhood", [f"{force}/{path.stem}"] * len(table), [name] * len(table)
    for kind, pattern in _COLUMNS.items():
        if column := _find(table, pattern):
            return kind, _texts(table, column), _names(table, column)
    for column in table.columns.drop(table.geometry.name):
        texts = _texts(table, column)
        kinds = {_PREFIXES.get(t[:3], "") for t in texts if _CODE.fullmatch(t)}
        if len(kinds) == 1 and (kind := kinds.pop()):
            return kind, [t if _CODE.fullmatch(t) else "" for t in texts], _names(table, column)
    return "", [], []


def _names(table: gpd.GeoDataFrame, code: str) -> list[str]:
    own = _find(table, re.escape(code[:-2]) + "nm") or _find(table, "name|nm")
    # Ordnance Survey marks the kind ("Saltford CP"); nobody calls a parish so.
    return [re.sub(" CP$", "", name) for name in _texts(table, own)] if own else [""] * len(table)


def _find(table: gpd.GeoDataFrame, pattern: str) -> str:
    return next((str(c) for c in table.columns if re.fullmatch(pattern, str(c), re.IGNORECASE)), "")


def _column(table: gpd.GeoDataFrame, pattern: str) -> list[str]:
    column = _find(table, pattern)
    return _texts(table, column) if column else [""] * len(table)


def _texts(table: gpd.GeoDataFrame, column: str) -> list[str]:
    return [tidy(v) if isinstance(v, str) else "" for v in table[column]]


def _with_districts(table: pd.DataFrame, postcodes: pd.DataFrame) -> pd.DataFrame:
    """Fill in the districts that the files do not say: that of most postcodes inside, else of the nearest."""
    districts: list[str] = [
        code.partition("/")[0] if kind == "neighbourhood" else district
        for kind, code, district in zip(table["kind"], table["code"], table["district"], strict=True)
    ]
    unknown = [i for i, district in enumerate(districts) if not district]
    names = dict(forces()) | district_names()
    if len(postcodes):
        shapes = table["geometry"].iloc[unknown].to_numpy()
        points = shapely.points(postcodes["longitude"], postcodes["latitude"])
        codes = postcodes["district"].to_numpy()
        point, inside = shapely.STRtree(shapes).query(points, predicate="intersects")
        most = pd.Series(codes[point]).groupby(inside).agg(lambda d: d.mode()[0])
        nearest = codes[shapely.STRtree(points).nearest([s.representative_point() for s in shapes])]
        for n, i in enumerate(unknown):
            districts[i] = str(most.get(n, nearest[n]))
        named = postcodes[postcodes["district_name"] != ""]
        names |= dict(zip(named["district"], named["district_name"], strict=True))
    called = [said or names.get(d, d) for said, d in zip(table["district_name"], districts, strict=True)]
    return table.assign(district=districts, district_name=called)


# ------------------------------------------------------------------------ by words


def folded(text: str) -> str:
    """Return a name as it is compared: without case, accents, apostrophes and stops.

    >>> folded("Peasedown St. John"), folded("King's Lynn & West Norfolk"), folded("Bristol, City of")
    ('peasedown st john', 'kings lynn and west norfolk', 'bristol')
    """
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().casefold()
    words = re.sub(r"[^a-z0-9]+", " ", re.sub(r"['`.]", "", plain.replace("&", " and "))).strip()
    return re.sub(" (city|county) of$", "", words)


def choose(listed: pd.DataFrame, kind: str, words: str, holder: str) -> pd.Series:
    """Return the row of the one area that is meant.

    Parameters
    ----------
    listed
        Areas of one kind, with the columns of `LISTED`.
    words
        Its code; or its name, with its district where several have it.
    holder
        Who knows these areas, in the words of a message.

    Raises
    ------
    QueryError
        None is called so, or several; the message lists code and district of each.
    """
    one, many = KINDS[kind]
    asked = tidy(words)
    found = listed[listed["code"].str.casefold() == asked.casefold()]
    if found.empty:
        found = listed[[folded(asked) in names for names in map(_calls, listed.itertuples())]]
    if len(found) == 1:
        return found.iloc[0]
    if len(found):
        rows = found.sort_values(["district_name", "code"]).head(_MOST_NAMED)
        named = [
            f"{c} ({d or 'district not known'})"
            for c, d in zip(rows["code"], rows["district_name"], strict=True)
        ]
        more = f" and {len(found) - len(rows)} more" if len(found) > len(rows) else ""
        msg = (
            f"{len(found)} {many} are called {asked!r}: {', '.join(named)}{more}; give the code, or the "
            f"{'force' if kind == 'neighbourhood' else 'district'} behind the name."
        )
        raise QueryError(msg)
    near = get_close_matches(folded(asked.partition(",")[0]), [*map(folded, listed["name"])], 3, 0.75)
    rows = listed[[folded(n) in near for n in listed["name"]]].head(3)
    meant = [
        f"{n}, {d} ({c})" for n, d, c in zip(rows["name"], rows["district_name"], rows["code"], strict=True)
    ]
    advice = (
        f"did you mean {'; or '.join(meant)}?"
        if meant
        else "check the spelling; codes change with each review."
    )
    msg = f"{holder} has no {one} {asked!r} among {counted(len(listed), one, many)}; {advice}"
    raise QueryError(msg)


def _calls(row: Any) -> set[str]:
    """Return what an area may be called, folded."""
    name = folded(row.name) if isinstance(row.name, str) else ""
    names = {name, folded(title(row.kind, row.code, row.name, row.district_name))} - {""}
    districts = {folded(row.district), folded(row.district_name)}
    return names | {f"{name} {d}" for d in districts} | {f"{d} {name}" for d in districts}


def in_district(listed: pd.DataFrame, kind: str, words: str, holder: str) -> pd.DataFrame:
    """Return the areas of one kind in a district, by its name or code; without what is no parish.

    Raises
    ------
    QueryError
        There is none.
    """
    asked = tidy(words)
    same = (listed["district"].str.casefold() == asked.casefold()) | (
        listed["district_name"].map(folded) == folded(asked)
    )
    found = listed[same & ~listed["code"].str.startswith(_UNPARISHED)]
    if len(found):
        return found.sort_values(["name", "code"])
    held = sorted({n for n in listed["district_name"] if n})
    some = f"has those of {', '.join(held[:_MOST_NAMED])}{' …' if len(held) > _MOST_NAMED else ''}"
    msg = f"{holder} has no {KINDS[kind][1]} of {asked!r}; it {some if held else 'has none'}."
    raise QueryError(msg)


def near(x: np.ndarray, y: np.ndarray, boxes: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return pairs (point, row of `boxes`) of which the point lies in the area's box, perhaps in the area."""
    west, south, east, north = (boxes[c].to_numpy() for c in ("west", "south", "east", "north"))
    rows = [
        np.flatnonzero((west <= a) & (a <= east) & (south <= b) & (b <= north))
        for a, b in zip(x, y, strict=True)
    ]
    point = np.repeat(np.arange(len(x)), [len(r) for r in rows])
    return point, np.concatenate([*rows, np.array([], int)])


def is_called_after(row: Any) -> bool:
    """Whether a place in an area is called after it: not after what is only no parish."""
    return bool(row.name) and not row.code.startswith(_UNPARISHED)
