"""Reports in a bucket are verified on this machine, some at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crimenb.buckets import Bucket
from crimenb.errors import QueryError
from crimenb.files import LARGEST_FILE, SUMS, scratch
from crimenb.report.build import NOTEBOOK, PAGE
from crimenb.report.compare import Finding
from crimenb.report.verify import Verdict, verify_all

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_AT_ONCE = 50
_MOST_FILES = 200


def reports_at(address: Path | str) -> list[Bucket]:
    """Return the reports in a folder of a bucket, or the one that it is.

    Raises
    ------
    QueryError
        There is none.
    SourceError
        The bucket is not there, lets nobody in or does not answer.
    """
    bucket = Bucket(address)
    marks = (NOTEBOOK, PAGE, SUMS)
    names = bucket.sizes()
    if any(mark in names for mark in marks):
        return [bucket]
    slugs = {slug for slug, _, name in (name.partition("/") for name in names) if name in marks}
    if not slugs:
        msg = f"{str(bucket)!r} holds no report; name a report's folder, or the folder of several."
        raise QueryError(msg)
    return [bucket / slug for slug in sorted(slugs)]


def verify_there(reports: Sequence[Bucket], *, trust: bool = False) -> Iterator[Verdict]:
    """Fetch reports, verify them, and yield the verdicts, as `verify_all` does of folders."""
    for start in range(0, len(reports), _AT_ONCE):
        with scratch() as folder:
            chosen, refused = {}, {}
            for number, report in enumerate(reports[start : start + _AT_ONCE]):
                sizes = report.sizes()
                if len(sizes) > _MOST_FILES or max(sizes.values()) > LARGEST_FILE:
                    finding = Finding(
                        "files", "it has more or larger files than any report, and was not fetched"
                    )
                    refused[report] = Verdict(str(report), (finding,), 0.0)
                    continue
                report.fetch(folder / str(number), sizes)
                chosen[report] = folder / str(number)
            verdicts = verify_all(list(chosen.values()), trust=trust)
            for report in reports[start : start + _AT_ONCE]:
                yield refused.get(report) or next(verdicts)._replace(folder=str(report))
