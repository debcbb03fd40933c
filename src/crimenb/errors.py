"""Every error a user can meet, one tree.

CrimenbError                     exit code 1
├─ QueryError                    2  what was asked for cannot be asked
│   ├─ MonthNotPublished            the months are fine, the source holds none of them
│   └─ NoSuchName                   the package, or its data, have nothing of that name
├─ SourceError                   3  the source could not answer
│   ├─ PlaceNotFound                unknown or closed postcode, or outside the data
│   ├─ TooManyCrimes                police.uk refuses areas above its limit
│   └─ SourceUnavailable            no answer after the retries
├─ SnapshotError                 4  a data folder is of another query, incomplete or changed
├─ ReportError                   5  the notebook or its page could not be made
│   ├─ NotReproducible              an output holds something that changes from run to run
│   └─ Busy                         another run is writing the same folder now
└─ VerifyError                   6  a report is not what its data give

A message says what happened, the value, and what to do, in one or two sentences. Every
error pickles, because a Dask worker has to send it home.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable


class CrimenbError(Exception):
    """Base of every error this package raises on purpose."""

    exit_code = 1

    def _render_traceback_(self) -> list[str]:
        """Show the sentence alone in a notebook: where in our code it arose helps nobody."""
        return [f"{type(self).__name__}: {self}"]


class QueryError(CrimenbError, ValueError):
    """A postcode, month, area or file of postcodes that cannot be asked for."""

    exit_code = 2


class MonthNotPublished(QueryError):
    """The source holds none of the months asked for; the message names those it holds."""


class NoSuchName(QueryError, AttributeError):
    """Neither the package nor its data have anything of that name; the message names the nearest."""


def no_such_name(name: str, where: str, names: Iterable[str]) -> AttributeError:
    """Return the error of a name that is not there."""
    if name.startswith("_"):  # asked for by Python and by notebooks, not by people
        return AttributeError(name)
    from difflib import get_close_matches

    known = list(names)
    near = get_close_matches(name, known, cutoff=0.7) or sorted(known)
    return NoSuchName(f"{where} have no {name!r}; choose one of {', '.join(near)}.")


class SourceError(CrimenbError):
    """The source could not answer."""

    exit_code = 3


class PlaceNotFound(SourceError, LookupError):
    """The postcode is unknown, closed, without position, or outside the data."""


class TooManyCrimes(SourceError):
    """The service refuses an area holding more crimes than its limit."""


class SourceUnavailable(SourceError):
    """The service gave no usable answer after the retries."""

    def __init__(self, message: str, url: str = "", status: int | None = None, attempts: int = 0) -> None:
        super().__init__(message)
        self.url, self.status, self.attempts = url, status, attempts

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle all four values, not the message alone."""
        return type(self), (self.args[0], self.url, self.status, self.attempts)


class SnapshotError(CrimenbError):
    """A data folder answers another query, lacks a file, or has been changed."""

    exit_code = 4


class ReportError(CrimenbError):
    """The notebook failed or its page could not be made."""

    exit_code = 5


class NotReproducible(ReportError):
    """An output holds an address, a clock, a random id or a bitmap; the cell is named."""


class Busy(ReportError):
    """Another run is writing the same report or batch now."""


class VerifyError(CrimenbError):
    """A report's files, notebook, outputs or page do not agree with each other."""

    exit_code = 6
