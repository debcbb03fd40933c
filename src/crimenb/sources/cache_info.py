"""What is kept between runs: the live services' answers and streets, archives from buckets, the chart script."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING

from crimenb.errors import SourceError
from crimenb.files import cache_folder
from crimenb.sources import archive_fetch

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_OURS = ("answers-*.db*", "vega-*.js", "vega-*.part", "streets/*/*", f"{archive_fetch.FOLDER}/**/*")


def info() -> Iterator[str]:
    """Yield in words where things are kept, how many, and how large they are."""
    folder, files = cache_folder(), _files()
    yield f"Cache folder: {folder}"
    answers = [f for f in files if f.name.startswith("answers-")]
    archives = [f for f in files if folder / archive_fetch.FOLDER in f.parents]
    streets = [f for f in files if f.parent != folder and f not in {*archives}]
    others = [f for f in files if f not in {*answers, *streets, *archives}]
    count = sum(_entries(f) for f in answers if f.suffix == ".db")
    if answers:
        yield f"Answers of the live services: {count:,} ({_size(answers)})."
    if squares := sorted({f.stem for f in streets if f.suffix == ".parquet"}):
        yield f"Streets for live reports, squares {', '.join(squares)}: {_size(streets)}."
    if archives:
        yield f"Archives from buckets: {_size(archives)}."
    if others:
        yield f"Scripts of charts: {_size(others)}."
    if not files:
        yield "Nothing is kept there."


def clear() -> str:
    """Remove what is kept, and nothing else that lies in the folder; return what was done in words.

    Archives that somebody reads now stay.

    Raises
    ------
    SourceError
        A file cannot be removed.
    """
    files = _files()
    size, folder = sum(map(_bytes, files)), cache_folder() / archive_fetch.FOLDER
    archive_fetch.drop()
    for file in [f for f in files if folder not in f.parents]:
        try:
            file.unlink(missing_ok=True)
        except OSError as error:
            msg = f"{str(file)!r} cannot be removed: {error.strerror}; remove it yourself."
            raise SourceError(msg) from error
    where = str(cache_folder())
    gone = _written(size - sum(map(_bytes, _files())))
    return f"Removed {gone} from {where!r}." if files else f"Nothing is kept in {where!r}."


def _files() -> list[Path]:
    return sorted(f for pattern in _OURS for f in cache_folder().glob(pattern) if f.is_file())


def _entries(database: Path) -> int:
    """Return the number of answers; 0 of a database that cannot be read, which holds none for anybody."""
    with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(database)) as db:
        return int(db.execute("SELECT count(*) FROM entries").fetchone()[0])
    return 0


def _bytes(file: Path) -> int:
    with contextlib.suppress(OSError):  # gone meanwhile
        return file.stat().st_size
    return 0


def _size(files: list[Path]) -> str:
    return _written(sum(map(_bytes, files)))


def _written(number: int) -> str:
    size = number / 1024**2
    return f"{size:,.1f} MB" if size >= 0.05 else f"{size * 1024:,.0f} kB"
