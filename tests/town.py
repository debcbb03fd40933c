"""A small archive for tests, made from street files written here; its records are invented.

Two forces share one town: Leicestershire west of the line -1.10, Warwickshire east of it. LE1 1AA
is busy, LE9 9ZZ is a hamlet with a record in some months only.
"""

from __future__ import annotations

import csv
import random
from pathlib import Path

from crimenb.query import months_between
from crimenb.schema import CATEGORIES
from crimenb.sources.archive import Archive
from crimenb.sources.archive_build import build_archive
from crimenb.sources.official_files import STREET

MONTHS = months_between("2023-01", "2025-12")
BUSY, BORDER, HAMLET = "LE1 1AA", "LE1 1AB", "LE9 9ZZ"
CLOSED, ROUGH, NOWHERE, SCOTTISH = "LE1 1AC", "LE1 1AD", "LE1 1AE", "EH1 1AA"
CENTRE = (-1.13, 52.634)
_PLACES = {
    BUSY: CENTRE, BORDER: (-1.10, 52.634), HAMLET: (-1.40, 52.70), CLOSED: (-1.131, 52.635),
    ROUGH: (-1.129, 52.633),
}  # fmt: skip
_NAMES = list(CATEGORIES.values())


def write_street_files(folder: Path, *, months: list[str] = MONTHS, busy: int = 60) -> Path:
    """Write the street files of two forces and BTP; the same every time."""
    dice = random.Random(7)
    points = [
        (round(CENTRE[0] + dice.uniform(-0.03, 0.03), 6), round(CENTRE[1] + dice.uniform(-0.018, 0.018), 6))
        for _ in range(80)
    ]
    for n, month in enumerate(months):
        rows = [_row(dice, "leicestershire", month, *dice.choice(points)) for _ in range(busy)]
        rows += [_row(dice, "leicestershire", month, None, None) for _ in range(3)]
        if n % 3 == 0:
            rows.append(_row(dice, "leicestershire", month, *_PLACES[HAMLET]))
        _write(folder, month, "leicestershire", rows)
        east = [(x + 0.05, y) for x, y in points[:20]]
        _write(
            folder, month, "warwickshire",
            [_row(dice, "warwickshire", month, *dice.choice(east)) for _ in range(30)],
        )  # fmt: skip
        _write(folder, month, "btp", [_row(dice, "btp", month, -1.1251, 52.6312) for _ in range(2)])
    return folder


def _row(dice: random.Random, force: str, month: str, x: float | None, y: float | None) -> list[str]:
    kind = dice.choice(_NAMES)
    bare = kind == CATEGORIES["anti-social-behaviour"] or force == "btp"
    number = "" if bare else f"{dice.getrandbits(256):064x}"
    outcome = "" if bare else dice.choice(["Under investigation", "Offender given penalty notice"])
    # A point has one name everywhere, and some have none.
    street = "" if x is None else f"Street {round(abs(x) * 1e6) % 97 or ''}".removesuffix("Street ")
    place = "No Location" if x is None else f"On or near {street}"
    where = ["", ""] if x is None or y is None else [f"{x:.6f}", f"{y:.6f}"]
    return [number, month, force, force, *where, place, "", "", kind, outcome, ""]


def _write(folder: Path, month: str, force: str, rows: list[list[str]]) -> None:
    path = folder / month / f"{month}-{force}-street.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as stream:
        out = csv.writer(stream)
        out.writerow(STREET.split(","))
        out.writerows(rows)


def write_postcodes(file: Path) -> Path:
    """Write a directory in the form of the ONS: a grid of postcodes, and some awkward ones."""
    head = "pcds,lat,long,osgrdind,oslaua,osward,lsoa21,pfa,ctry,doterm"
    lines = [head]
    for code, (x, y) in _PLACES.items():
        end, grade = ("202408" if code == CLOSED else ""), ("6" if code == ROUGH else "1")
        lines.append(f"{code},{y},{x},{grade},E06000016,E05010001,E01013600,E23000021,E92000001,{end}")
    lines.append(f"{NOWHERE},99.999999,0,9,E06000016,,,E23000021,E92000001,")
    lines.append(f"{SCOTTISH},55.95,-3.19,1,S12000036,,,S23000009,S92000003,")
    letters = "ABDEFGHJLN"
    for i in range(10):  # the hamlet's neighbours: a gazetteer without a gap
        for j in range(6):
            x, y = _PLACES[HAMLET][0] + (i - 4.5) * 0.01, _PLACES[HAMLET][1] + (j - 2.5) * 0.01
            code = f"LE9 {i}{letters[j]}A"
            lines.append(f"{code},{y:.6f},{x:.6f},1,E06000016,E05010001,E01013601,E23000021,E92000001,")
    for i in range(30):
        for j in range(10):
            x, y = -1.16 + i * 0.005, 52.605 + j * 0.006
            pfa = "E23000021" if x < -1.10 else "E23000017"
            code = f"LE{2 + i // 10} {i % 10}{letters[j]}{letters[i % 10]}"
            lines.append(f"{code},{y:.6f},{x:.6f},1,E06000016,E05010001,E01013601,{pfa},E92000001,")
    file.write_text("\n".join(lines) + "\n", "utf-8")
    return file


def build_town(folder: Path, **shape: object) -> Archive:
    """Build the archive under `folder`."""
    write_street_files(folder / "csv", **shape)  # type: ignore[arg-type]
    write_postcodes(folder / "postcodes.csv")
    build_archive([folder / "csv"], folder / "archive", postcodes=folder / "postcodes.csv")
    return Archive(folder / "archive")
