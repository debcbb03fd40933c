"""Forty invented villages four kilometres apart, policed by two forces: places to compare one with.

The first village has many more burglaries than the others. The boundary of the forces runs through the
fifth column, so that its villages are of both.
"""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np

from crimenb.geo import to_lonlat
from crimenb.query import months_between
from crimenb.schema import CATEGORIES
from crimenb.sources.archive import Archive
from crimenb.sources.archive_build import build_archive
from crimenb.sources.official_files import STREET

MONTHS = months_between("2025-01", "2025-12")
UP, APART_M, WEST, SOUTH = 5, 4000.0, 450_000.0, 300_000.0
BOUNDARY = WEST + 4 * APART_M
AREA_CODES = {"leicestershire": "E23000021", "warwickshire": "E23000017"}
SHARES = {
    "violent-crime": 3.0,
    "public-order": 2.5,
    "anti-social-behaviour": 2.5,
    "burglary": 2.0,
    "drugs": 0.2,
}
"""Records of a month of each village."""

MANYS = SHARES | {"violent-crime": 1.5, "burglary": 6.0}


VILLAGES = {
    f"LE1 {j}{letter}A": (WEST + i * APART_M, SOUTH + j * APART_M)
    for i, letter in enumerate("ABDEFGHJ") for j in range(UP)
}  # fmt: skip
"""Eastings and northings by postcode; these come before all others in their order."""

MANY, OF_BOTH, ALONE = "LE1 0AA", "LE1 0FA", "LE1 4JA"


def write_postcodes(file: Path, *, only_villages: bool = False) -> Path:
    """Write a directory in the form of the ONS: the villages first in order, then a postcode every 1.4 km."""
    lines = ["pcds,lat,long,osgrdind,oslaua,osward,lsoa21,pfa,ctry,doterm"]
    spots = [(code, *spot) for code, spot in VILLAGES.items()]
    letters = "ABDEFGHJLNPQRSTUWXYZ"
    grid = [
        (WEST - 7000 + i * 1400, SOUTH - 7000 + j * 1400)
        for i in range(31) for j in range(22)
    ]  # fmt: skip
    spots += [
        (f"LE{20 + n // 400} {n // 40 % 10}{letters[n // 2 % 20]}{letters[n % 2]}", *spot)
        for n, spot in enumerate([] if only_villages else grid)
    ]
    for code, x, y in spots:
        lon, lat = to_lonlat(x, y)
        pfa = AREA_CODES["leicestershire" if x < BOUNDARY else "warwickshire"]
        district = "E06000016" if x < BOUNDARY else "E07000220"
        lines.append(f"{code},{lat:.6f},{lon:.6f},1,{district},E05010001,,{pfa},E92000001,")
    file.write_text("\n".join(lines) + "\n", "utf-8")
    return file


def write_street_files(folder: Path, *, without: tuple[str, str] = ("", "")) -> Path:
    """Write the files of both forces and of British Transport Police, but for one of a force and month."""
    dice = random.Random(5)
    rng = np.random.default_rng(5)
    for month in MONTHS:
        rows: dict[str, list[str]] = {"leicestershire": [], "warwickshire": [], "btp": []}
        for code, (x, y) in VILLAGES.items():
            lon, lat = to_lonlat(x, y)
            force = "leicestershire" if x < BOUNDARY else "warwickshire"
            for slug, mean in (MANYS if code == MANY else SHARES).items():
                for _ in range(rng.poisson(mean)):
                    spot = f"{lon + dice.choice([-0.01, 0, 0.01]):.6f},{lat + dice.choice([-0.006, 0, 0.006]):.6f}"
                    rows[force].append(
                        f"{dice.getrandbits(64):x},{month},,,{spot},On or near Lane,,,{CATEGORIES[slug]},,"
                    )
            rows["btp"].append(f",{month},,,{lon:.6f},{lat:.6f},On or near Station,,,Drugs,,")
        for force, lines in rows.items():
            if (force, month) != without:
                path = folder / month / f"{month}-{force}-street.csv"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text("\n".join([STREET, *lines]) + "\n", "utf-8")
    return folder


def build_villages(folder: Path, *, without: tuple[str, str] = ("", "")) -> Archive:
    """Build the archive under `folder`."""
    write_street_files(folder / "csv", without=without)
    write_postcodes(folder / "postcodes.csv")
    build_archive([folder / "csv"], folder / "archive", postcodes=folder / "postcodes.csv")
    return Archive(folder / "archive")


def write_people(folder: Path) -> list[Path]:
    """Write residents by postcode, jobs and points by output area, and rural-urban classes by LSOA.

    Each village has some 1,000 residents and 200 jobs; those of the last column are further from a town.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rows: dict[str, list[str]] = {
        "pcd_p001.csv": ["Postcode,Sex (2 categories) Code,Sex (2 categories),Count"],
        "WP001_oa.csv": ["Output Areas Code,Count"],
        "OA_points.csv": ["OA21CD,x,y"],
        "LSOA_points.csv": ["LSOA21CD,x,y"],
        "LSOA21_RUC21_EW_LU.csv": ["LSOA21CD,RUC21CD,RUC21NM"],
    }
    for n, (code, (x, y)) in enumerate(VILLAGES.items()):
        rows["pcd_p001.csv"] += [f"{code},1,Female,{500 + 5 * (n % 10)}", f"{code},2,Male,500"]
        for k in range(5):
            oa = f"E00{n:04}{k:02}"
            rows["WP001_oa.csv"].append(f"{oa},{40 + n % 3}")
            rows["OA_points.csv"].append(f"{oa},{x + 200 * k},{y}")
        far = code[5] == "J"
        rows["LSOA_points.csv"].append(f"E0100{n:04},{x + 1900},{y}")  # in no village: the nearest counts
        rows["LSOA21_RUC21_EW_LU.csv"].append(
            f"E0100{n:04},R{1 + far},Smaller rural: {'Further' if far else 'Nearer'}"
        )
    files = [folder / name for name in rows]
    for file in files:
        file.write_text("\n".join(rows[file.name]) + "\n", "utf-8")
    return files
