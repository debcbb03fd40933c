"""The ledger of a batch: one line for each report and attempt, appended as the results come.

The last line of a report counts. Only the parent process writes, a whole line at a time, so a
killed process costs at most the line being written; an incomplete last line is ignored.

Each line is sealed with a key that stays in the user's cache: whoever changes a line, or hands over
a folder, cannot seal it, and what it says of a report is then worked out from the report again.
"""

from __future__ import annotations

import csv
import hashlib
import hmac
import io
import json
import os
import re
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from crimenb import snapshot
from crimenb.errors import CrimenbError, ReportError
from crimenb.files import LARGEST_FILE, SUMS, cache_folder, digest, listed_sums, read_regular
from crimenb.snapshot import DATA
from crimenb.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from crimenb.query import Query

NAME = "batch.csv"
_LARGEST, _KEY_BYTES = 10 * LARGEST_FILE, 32
_NEEDED = {"report.html", "report.ipynb", f"{DATA}/{snapshot.MANIFEST}"}
_FOLDERS = re.compile(r"""(?<=['"])/[^'"]*/""")


class Entry(NamedTuple):
    """One result: `status` is "done" or "failed"; `hash` is that of the report's SHA256SUMS."""

    postcode: str
    slug: str
    status: str
    seconds: str = ""
    attempts: str = ""
    error: str = ""
    hash: str = ""
    overview: str = ""
    """What the index page shows of the report, as JSON; read from a line that is not ours it is empty."""
    seal: str = ""

    @property
    def overview_dict(self) -> dict[str, Any]:
        """The overview, parsed; empty where there is none or it cannot be parsed."""
        try:
            return dict(json.loads(self.overview))
        except (ValueError, TypeError):
            return {}


class Ledger:
    """The ledger in a folder of reports; sealed with the key of this user, unless another is given."""

    def __init__(self, out: Path, key: bytes = b"") -> None:
        self.path = out / NAME
        self.entries: dict[str, Entry] = {}
        self._key = key or _key()
        raw = read_regular(self.path, _LARGEST, ReportError) if self.path.is_file() else b""
        whole = raw[: raw.rfind(b"\n") + 1]
        for line in whole.decode("utf-8", "replace").splitlines()[1:]:
            try:
                cells = next(csv.reader([line]), [])
                entry = Entry(*map(_unguarded, cells))
            except (csv.Error, TypeError):  # somebody else's
                continue
            if not hmac.compare_digest(cells[-1].encode(), self._seal(cells[:-1]).encode()):
                entry = entry._replace(overview="", seal="")
            self.entries[entry.slug] = entry
        if whole != raw:
            # The incomplete line goes, in one step: the next one would be appended to it.
            os.truncate(self.path, len(whole))
        if not whole:
            self._append(Entry._fields)

    def add(self, entry: Entry) -> None:
        """Append a result; of an absolute path only the last part, for the ledger is handed on."""
        entry = entry._replace(error=_FOLDERS.sub("", entry.error), seal="")
        self._append(entry)
        self.entries[entry.slug] = entry

    def _append(self, cells: tuple[str, ...]) -> None:
        *said, seal = map(_guarded, cells)
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerow([*said, seal or self._seal(said)])
        with self.path.open("a", encoding="utf-8", newline="") as file:
            file.write(out.getvalue())

    def _seal(self, cells: Sequence[str]) -> str:
        return hmac.new(self._key, json.dumps(cells).encode(), hashlib.sha256).hexdigest()


def _key() -> bytes:
    """Return the key of this user; where none can be kept, one for this run alone."""
    path = cache_folder() / "ledger.key"
    try:
        if path.is_file() and len(kept := read_regular(path, error=ReportError)) == _KEY_BYTES:
            return kept
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        key = secrets.token_bytes(_KEY_BYTES)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(key)
    except OSError:
        return secrets.token_bytes(_KEY_BYTES)
    return key


def _guarded(cell: str) -> str:
    """Return a cell on one line, and with an apostrophe where a spreadsheet would read a formula."""
    text = " ".join(str(cell).splitlines())
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t")) else text


def _unguarded(cell: str) -> str:
    return cell[1:] if cell[:2] in {"'=", "'+", "'-", "'@", "'\t"} else cell


def listed_reports(out: Path) -> set[str]:
    """Return the names of the reports that a folder's ledger has, whatever became of them."""
    path = out / NAME
    text = read_regular(path, _LARGEST, ReportError).decode("utf-8", "replace") if path.is_file() else ""
    return {line.split(",")[1] for line in text.splitlines()[1:] if line.count(",") > 1}


def listed_hash(folder: Path, wanted: Collection[str] = ()) -> str:
    """Return the hash of a report's SHA256SUMS if it lists a whole report, and its manifest as it is, else ""."""
    listed, manifest = listed_sums(folder), f"{DATA}/{snapshot.MANIFEST}"
    whole = {*_NEEDED, *wanted} <= set(listed) and digest(folder / manifest) == listed[manifest]
    return digest(folder / SUMS) if whole else ""


def intact_hash(folder: Path, wanted: Collection[str] = ()) -> str:
    """Return the hash of a report's SHA256SUMS if every file is as listed there, else ""."""
    listed = listed_sums(folder)
    if not {*_NEEDED, *wanted} <= set(listed):
        return ""
    files = {name: folder / name for name in listed}
    if any(".." in Path(n).parts or p.is_symlink() or not p.is_file() for n, p in files.items()):
        return ""  # a list that somebody made: it names a pipe, or a file of another folder
    if any(folder.resolve() not in p.resolve().parents for p in files.values()):
        return ""
    same = all(digest(path) == listed[name] for name, path in files.items())
    return digest(folder / SUMS) if same else ""


def unchanged_hash(
    folder: Path,
    query: Query,
    described: Mapping[str, str],
    *,
    wanted: Collection[str] = (),
    proof: Callable[[Path, Collection[str]], str] = intact_hash,
) -> str:
    """Return the hash of a finished report that need not be made again, or "" where it must.

    It answers the query, from what the source holds today, made by this version, and no file
    of it was changed since.

    Parameters
    ----------
    described
        What the source says of itself (`describe`).
    wanted
        Files that it must have besides those of every report.
    proof
        What returns the hash where the report is whole.
    """
    try:
        manifest = snapshot.read_manifest(folder / DATA)
        if manifest["crimenb"] != __version__ or not snapshot.is_from(manifest, described):
            return ""
        if not snapshot.answers(manifest, query):
            return ""
        return proof(folder, wanted)
    except (CrimenbError, OSError, KeyError, ValueError, TypeError):
        return ""
