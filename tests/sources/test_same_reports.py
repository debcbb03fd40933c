"""The same records from clean folders and from files of every hand: the same reports, but for provenance."""

import json
import re
import zipfile
from urllib.parse import quote

import pytest

from crimenb.files import digest
from crimenb.query import Query
from crimenb.report.build import build_report
from crimenb.snapshot import MANIFEST
from crimenb.sources.archive_build import build_archive
from tests.town import BORDER, write_postcodes, write_street_files

MONTHS = [f"2025-{m:02d}" for m in range(1, 13)]


def excel(raw):
    """Write as a German Excel does: semicolons, decimal commas, its own first line."""
    numbers = re.sub(rb"(?<=,)(-?\d+)\.(\d+)(?=,)", rb"\1#\2", raw)
    return b"sep=;\r\n" + numbers.replace(b",", b";").replace(b"#", b",")


HANDS = [
    lambda raw: raw.rstrip(b"\r\n"),
    lambda raw: raw.decode().encode("cp1252"),
    lambda raw: raw.decode().encode("utf-16"),
    lambda raw: b"\xef\xbb\xbf" + raw.replace(b"\r\n", b"\n"),
    lambda raw: raw.replace(b",", b"\t"),
    lambda raw: b"\r\n".join(b"%d," % n + ln for n, ln in enumerate(raw.splitlines())) + b"\r\n",
    excel,
]


def mess(clean, folder):
    """Keep the clean files as people do; return the sources to name."""
    downloads, elsewhere = folder / "Downloads", folder / "elsewhere"
    for path in (downloads, elsewhere / "2025-02"):
        path.mkdir(parents=True)
    with (
        zipfile.ZipFile(folder / "inner.zip", "w", zipfile.ZIP_BZIP2) as inner,
        zipfile.ZipFile(downloads / "powershell.zip", "w", zipfile.ZIP_DEFLATED) as outer,
        zipfile.ZipFile(folder / "2025-03.zip", "w") as older,
    ):
        for n, file in enumerate(sorted(clean.rglob("*.csv"))):
            raw, name = file.read_bytes(), file.name
            worse = HANDS[n % len(HANDS)](raw)
            if name.startswith("2025-01"):  # an older release, which held less
                older.writestr(f"2025-01/{name}", b"\r\n".join(raw.splitlines()[:-1]) + b"\r\n")
            if name.startswith("2025-02"):
                (elsewhere / "2025-02" / name).write_bytes(worse)
            elif n % 3 == 0:
                inner.writestr(f"2025/{name}", worse)
            elif n % 3 == 1:
                outer.writestr(f"{name[:7]}\\{name}", worse)
                outer.writestr(f"__MACOSX/._{name}", b"\0")
            else:
                (downloads / name.replace(".csv", " (1).CSV")).write_bytes(worse)
                (downloads / name).write_bytes(worse)
    (folder / "inner.zip").rename(downloads / "all of it.ZIP")
    (downloads / "2025-02").symlink_to(elsewhere / "2025-02")
    (downloads / "again").symlink_to(downloads)
    (downloads / "Thumbs.db").write_bytes(b"x")
    return [folder / "2025-03.zip", downloads]


def postcodes(clean, folder):
    """Split the postcode file in two: one zipped in a folder, one with other line ends."""
    head, *rows = clean.read_text().splitlines()
    with zipfile.ZipFile(folder / "codes.zip", "w") as archive:
        archive.writestr("Data\\NSPL_UK.csv", "\n".join([head, *rows[::2]]))
    (folder / "more.CSV").write_bytes(("\ufeff" + "\r\n".join([head, *rows[1::2], ""])).encode())
    return [folder / "codes.zip", folder / "more.CSV"]


@pytest.mark.slow
def test_files_of_every_hand_give_the_reports_of_clean_folders(tmp_path):
    write_street_files(tmp_path / "csv", months=MONTHS)
    write_postcodes(tmp_path / "postcodes.csv")
    build_archive([tmp_path / "csv"], tmp_path / "A", postcodes=tmp_path / "postcodes.csv")
    built = build_archive(
        mess(tmp_path / "csv", tmp_path / "mess"), tmp_path / "B", postcodes=postcodes(tmp_path / "postcodes.csv", tmp_path)
    )  # fmt: skip
    assert built.superseded
    assert not built.rejected
    one, two = (_report(tmp_path, name) for name in ("A", "B"))
    assert one.keys() == two.keys()
    assert [file for file in one if one[file] != two[file]] == []


def _report(tmp_path, name):
    """Return the files of a report, with what stands in the provenance by its place there."""
    query = Query.parse(BORDER, MONTHS[0], MONTHS[-1])
    folder = build_report(query, f"archive:{tmp_path / name}", tmp_path / f"report-{name}").parent
    manifest = folder / "data" / MANIFEST
    known = {value: f"{kind} {name}" for kind, name, value in json.loads(manifest.read_text())["provenance"]
             if kind == "file" or name in ("read", "version")}  # fmt: skip
    known[digest(manifest)] = "manifest"
    known |= {quote(value): f"{what}, quoted" for value, what in known.items() if quote(value) != value}
    files = {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_file()}
    files.pop("SHA256SUMS")  # of the other files
    changes = re.compile("|".join(map(re.escape, known)).encode())
    return {
        file: changes.sub(lambda found: known[found[0].decode()].encode(), path.read_bytes())
        for file, path in files.items()
    }
