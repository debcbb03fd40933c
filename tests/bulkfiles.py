"""Small official-looking files, written by tests that need to say exactly what is in them."""

from pathlib import Path

from crimenb.sources.official_files import STREET

FULL = {
    "leicestershire": "Leicestershire Police",
    "warwickshire": "Warwickshire Police",
    "btp": "British Transport Police",
}
CENTRE = (-1.1300, 52.6300)  # of ZZ5 5AA in `postcode_file`


def row(
    month="2025-01",
    lon="-1.130000",
    lat="52.630000",
    category="Shoplifting",
    crime_id="a",
    where="High Street",
    outcome="Under investigation",
    force="leicestershire",
):
    name = FULL[force]
    return f"{crime_id},{month},{name},{name},{lon},{lat},On or near {where},,,{category},{outcome},"


def street_file(folder: Path, rows, month="2025-01", force="leicestershire", end="\n") -> Path:
    path = folder / month / f"{month}-{force}-street.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes((end.join([STREET, *rows]) + end).encode())
    return path


def postcode_file(folder: Path, *, west_only: bool = False) -> Path:
    """Write an ONSPD-like file: ZZ5 5AA in Leicestershire, ZZ5 5AB 2 km east in Warwickshire.

    Around them a grid of further postcodes, of Leicestershire west of -1.1025 and of Warwickshire
    east of it (or without the latter).
    """
    path = folder / "ONSPD_TEST_UK.csv"
    lines = [
        "pcd,pcds,doterm,osgrdind,ctry,laua,ward,lsoa21,pfa,lat,long",
        "ZZ55AA,ZZ5 5AA,,1,E92000001,E06000016,E05000001,E01000001,E23000021,52.6300,-1.1300",
        "ZZ55AB,ZZ5 5AB,,1,E92000001,E07000220,E05000002,E01000002,E23000017,52.6300,-1.1000",
        "ZZ55AF,ZZ5 5AF,200108,1,E92000001,E06000016,E05000001,E01000001,E23000021,52.6310,-1.1310",
        "ZZ55AD,ZZ5 5AD,,9,E92000001,E06000016,E05000001,E01000001,E23000021,99.999999,0.000000",
        "ZZ55AE,ZZ5 5AE,,1,S92000003,S12000033,S13000001,S01000001,S23000009,57.1,-2.1",
    ]
    letters = "ABDEFGHJLN"
    for i in range(20):
        for j in range(10):
            x, y = -1.195 + i * 0.0075, 52.595 + j * 0.0075
            east = x > -1.1025
            pfa, laua = ("E23000017", "E07000220") if east else ("E23000021", "E06000016")
            code = f"ZZ{6 + i // 10} {i % 10}{letters[j]}A"
            if not (east and west_only):
                lines.append(f"{code},{code},,1,E92000001,{laua},E05000001,E01000001,{pfa},{y:.4f},{x:.4f}")
    path.write_text("\n".join(lines) + "\n")
    return path
