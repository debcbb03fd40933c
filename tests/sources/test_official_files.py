"""Files as people have them: zips of every maker, copies, links, encodings, Excel's hand."""

import struct
import zipfile

import pytest

from crimenb.errors import QueryError, SourceError
from crimenb.sources.archive_build import build_archive
from crimenb.sources.versions import resolve
from tests.bulkfiles import row, street_file
from tests.real import REAL

CASES = REAL / "cases"
needs_cases = pytest.mark.skipif(not CASES.is_dir(), reason="recorded cases are not here (CRIMENB_REAL_DATA)")
NAME = "2025-01-leicestershire-street.csv"


def built(tmp_path, *sources, into="A"):
    return build_archive(sources or [tmp_path / "src"], tmp_path / into)


def records(tmp_path, into="A"):
    """Return what an archive counts and places, whatever it was read from."""
    version = resolve(tmp_path / into)
    return [(version / f"{name}.parquet").read_bytes() for name in ("street", "counts")]


@pytest.fixture
def clean(tmp_path):
    """Return the bytes of a clean file, and what an archive of it holds."""
    file = street_file(tmp_path / "clean", [row(), row(category="Drugs"), row(where="Café Road")])
    built(tmp_path, tmp_path / "clean", into="clean-archive")
    return file.read_bytes(), records(tmp_path, "clean-archive")


def put(tmp_path, name, raw):
    path = tmp_path / "src" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(raw)
    return path


# ------------------------------------------------------------------------ zips


@needs_cases
@pytest.mark.parametrize(("case", "words"), [("zip-deflate64", "Deflate64"), ("zip-encrypted", "encrypted")])
def test_a_zip_that_cannot_be_read_is_one_sentence(case, words, tmp_path):
    with pytest.raises(SourceError, match=rf"download\.zip!.*{words}.*unzip it and give the folder"):
        build_archive([CASES / case], tmp_path / "A")


@needs_cases
def test_zips_in_zips_are_read(tmp_path):
    assert build_archive([CASES / "zip-in-zip"], tmp_path / "A").records == 399


def zipped(tmp_path, raw, name=NAME, **options):
    path = tmp_path / "src" / "download.zip"
    path.parent.mkdir(exist_ok=True)
    with zipfile.ZipFile(path, "w", **options) as archive:
        archive.writestr(name, raw)
    return path


def test_zips_in_zips_are_not_opened_for_ever(tmp_path, clean):
    raw = clean[0]
    for depth in range(4):
        raw = zipped(tmp_path, raw, NAME if depth == 0 else f"{depth}.zip").read_bytes()
    with pytest.raises(SourceError, match="zip in a zip in a zip; unzip it"):
        built(tmp_path)


def test_an_unknown_compression_and_damage_are_named(tmp_path, clean):
    path = zipped(tmp_path, clean[0] * 40, compression=zipfile.ZIP_DEFLATED)
    whole = path.read_bytes()
    path.write_bytes(whole.replace(struct.pack("<H", 8), struct.pack("<H", 97)))
    with pytest.raises(SourceError, match="method 97, which is not read here; unzip it"):
        built(tmp_path)
    middle = len(whole) // 3
    path.write_bytes(whole[:middle] + b"\xff" * 40 + whole[middle + 40 :])
    with pytest.raises(SourceError, match=r"download\.zip!.* is damaged .*download it again"):
        built(tmp_path)
    path.write_bytes(b"PK not a zip")
    with pytest.raises(SourceError, match="not a whole zip file"):
        built(tmp_path)


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_compressions_that_can_be_read_are(compression, tmp_path, clean):
    zipped(tmp_path, clean[0], compression=compression)
    built(tmp_path)
    assert records(tmp_path) == clean[1]


def test_powershells_backslashes_and_apples_forks(tmp_path, clean):
    path = zipped(tmp_path, clean[0], f"2025-01\\{NAME}")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(f"__MACOSX/2025-01/._{NAME}", b"\x00\x05\x16\x07")
        archive.writestr(f"2025-01/~${NAME}", b"\x05user")  # a lock of a spreadsheet program
    built(tmp_path)
    assert records(tmp_path) == clean[1]


# ------------------------------------------------------------------------ names and links


@needs_cases
@pytest.mark.parametrize(
    "case", ["csv-browser-copy", "csv-upper-suffix", "csv-no-final-newline", "csv-latin1"]
)
def test_cases_of_one_file_are_read_once(case, tmp_path):
    assert build_archive([CASES / case], tmp_path / "A").records == 399


@pytest.mark.parametrize(
    "name",
    [
        "2025-01-leicestershire-street (1).csv", "2025-01-leicestershire-street(2).csv",
        "2025-01-leicestershire-street - Copy.csv", "2025-01-leicestershire-street - Copy (3).csv",
        "Copy of 2025-01-leicestershire-street.csv", "2025-01-leicestershire-street copy.csv",
        "2025-01-Leicestershire-Street.CSV",
    ],
)  # fmt: skip
def test_copies_by_browsers_and_file_managers(name, tmp_path, clean):
    put(tmp_path, name, clean[0])
    put(tmp_path, NAME, clean[0])
    assert built(tmp_path).unused["second copies of a file"] == (0 if name == NAME else 1)
    assert records(tmp_path) == clean[1]


def test_links_are_followed_once_and_loops_are_refused(tmp_path, clean):
    put(tmp_path, f"elsewhere/2025-01/{NAME}", clean[0])
    home = tmp_path / "home"
    home.mkdir()
    for name in ("2025-01", "again"):
        (home / name).symlink_to(tmp_path / "src" / "elsewhere" / "2025-01")
    (home / "loop").symlink_to(home)
    (home / "nowhere.csv").symlink_to(tmp_path / "gone.csv")
    told = built(tmp_path, home)
    assert records(tmp_path) == clean[1]
    assert told.unused["folders met before (links)"] == 2
    assert told.unused["broken links"] == 1


# ------------------------------------------------------------------------ how a CSV is written


@pytest.mark.parametrize(
    ("rewrite", "words"),
    [
        (lambda raw: raw.rstrip(b"\n"), ""),
        (lambda raw: raw + b"\n\n", ""),
        (lambda raw: raw.replace(b"\n", b"\r\n"), ""),
        (lambda raw: b"\xef\xbb\xbf" + raw, ""),
        (lambda raw: raw.decode().encode("cp1252"), "read as cp1252"),
        (lambda raw: raw.decode().encode("utf-16"), "read as utf-16"),
        (lambda raw: raw.replace(b",", b";"), ""),
        (lambda raw: b"sep=;\r\n" + raw.replace(b",", b";").replace(b"-1.13", b"-1,13"), ""),
        (lambda raw: raw.replace(b",", b"\t"), ""),
        (lambda raw: b"\n".join(b"%d," % n + ln for n, ln in enumerate(raw.splitlines())), "a further column"),
        (lambda raw: b"\n".join(b'"' + ln.replace(b",", b'","') + b'"' for ln in raw.splitlines()), ""),
    ],
    ids=["no newline", "blank lines", "crlf", "bom", "latin1", "utf-16", "semicolons", "excel's semicolons", "tabs",
         "pandas index", "all quoted"],
)  # fmt: skip
def test_a_csv_of_any_hand_gives_the_same_records(rewrite, words, tmp_path, clean):
    put(tmp_path, NAME, rewrite(clean[0]))
    told = built(tmp_path)
    assert records(tmp_path) == clean[1]
    assert words in "\n".join(told.notes)


def test_months_that_excel_changed_are_said_to_be_so(tmp_path, clean):
    put(tmp_path, NAME, clean[0].replace(b",2025-01,", b",Jan-25,"))
    with pytest.raises(SourceError, match="Month reads 'Jan-25'; Excel changed it"):
        built(tmp_path)


def test_a_header_in_another_order_is_read_by_name(tmp_path, clean):
    lines = [ln.split(",") for ln in clean[0].decode().splitlines()]
    order = [9, 1, 0, 2, 3, 5, 4, 6, 7, 8, 10, 11]
    put(tmp_path, NAME, "\n".join(",".join(ln[i] for i in order) for ln in lines).encode())
    built(tmp_path)
    assert records(tmp_path) == clean[1]


def test_only_a_row_with_too_few_fields_is_a_cut(tmp_path, clean):
    for cut in (1, 2, 30):
        put(tmp_path, NAME, clean[0].rstrip(b"\n")[:-cut])
        with pytest.raises(SourceError, match="its last line is cut off"):
            built(tmp_path)


def test_where_no_street_file_is_it_says_what_there_is(tmp_path):
    put(tmp_path, "2025-01.rar", b"Rar!")
    with pytest.raises(
        QueryError, match=r"No street file .* was found; not used: other files \(\.rar\): 1; name"
    ):
        built(tmp_path)


def test_a_foreign_header_is_told_what_it_lacks(tmp_path):
    put(tmp_path, NAME, b"name,score\nx,1\n")
    with pytest.raises(SourceError, match="lacks 'crime id', 'crime type'"):
        built(tmp_path)


def test_a_name_with_a_quote_is_no_sql(tmp_path, clean):
    put(tmp_path, f"it's; DROP TABLE street; --/{NAME}", clean[0])
    built(tmp_path, into="it's an archive")
    assert records(tmp_path, "it's an archive") == clean[1]
