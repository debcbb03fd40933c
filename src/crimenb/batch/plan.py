"""What a batch will do, worked out before it starts: every bad line is named here."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from crimenb import snapshot
from crimenb.area_file import official
from crimenb.batch.rows import Notice, Order, Orders, read_orders, settle
from crimenb.batch.shelf import Shelf, shelf
from crimenb.buckets import is_address
from crimenb.errors import PlaceNotFound, QueryError
from crimenb.plurals import counted
from crimenb.query import Query, parse_month
from crimenb.report.build import word
from crimenb.report.handed_on import DOCUMENT, WORKBOOK
from crimenb.sources.archive import Archive
from crimenb.sources.archive_fetch import pinned
from crimenb.sources.releases_compared import new_months
from crimenb.warm import slower

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path


class AreasOf(NamedTuple):
    """Every ward or parish of a district, in place of a list."""

    kind: str
    district: str


@dataclass(frozen=True)
class Plan:
    """What a list asks for: reports to make, reports that need not be made again, notices about lines."""

    source: str
    shelf: Shelf
    orders: list[Order]
    notices: list[Notice]
    described: dict[str, str]
    """What the source says of itself (`describe`)."""
    todo: list[Order]
    unchanged: dict[str, str]
    """Reports that need not be made again: slug to the hash of SHA256SUMS."""
    opened: snapshot.Source = field(repr=False)
    force: bool = False
    closed_ok: bool = False
    extra: tuple[str, ...] = ()
    """Files that each report has besides those of every report."""

    def lines(self) -> list[str]:
        """Return the plan in words: a line a notice, then the numbers."""
        left_out = sum(n.left_out for n in self.notices)
        total = (
            f"{counted(len(self.orders), 'report')} asked for, {len(self.unchanged):,} there already, "
            f"{len(self.todo):,} to make; {counted(left_out, 'line')} left out."
        )
        return [*map(str, self.notices), total, *([slower()] if self.todo and slower() else [])]


def plan_batch(
    path: Path | str | AreasOf,
    source: str = "",
    out: Path | str = "reports",
    *,
    start: str = "",
    end: str = "",
    compare: Iterable[str] = (),
    like: bool = False,
    stops: bool = False,
    force: bool = False,
    closed_ok: bool = False,
    xlsx: bool = False,
    docx: bool = False,
    since: str = "",
) -> Plan:
    """Read a list of postcodes, or the areas of a district, and work out what is to be done, before anything is.

    Parameters
    ----------
    path
        CSV (`postcode`, and `from`, `to`, `compare`, `name` where wanted) or one a line; or `AreasOf`.
    source
        As for `build_report`; for all rows.
    out
        Folder for the reports' folders, the ledger and the index page; in a bucket "s3://bucket/path" (az://,
        gs:// likewise).
    start, end, compare
        What holds for rows that say nothing of their own.
    like
        Compare each place with places like it too, which needs an archive.
    stops
        Show searches by the police in each report too.
    force
        Make reports again that are there.
    closed_ok
        Use the last position of postcodes that were closed.
    xlsx
        Write the tables of each report to `tables.xlsx` too; reports without it are made again.
    docx
        Write each page to `report.docx` too, likewise; needs the extra `docx`.
    since
        Month of the release before (`YYYY-MM`): reports of it stay where the archive's release changed no record
        of their places and months.

    Raises
    ------
    QueryError
        The list or the source cannot be read, or the source does not know what changed since that release.
    SourceError
        A bucket is not there, lets nobody in or does not answer.
    ReportError
        A Word file is wanted, and python-docx is not installed.
    """
    if docx:
        word()
    place = shelf(out)
    if isinstance(path, AreasOf):
        spec, opened = _source(source or "live", Query("", like=like, stops=stops), closed_ok=closed_ok)
        listed = _areas(path, opened, start, end, compare, like=like, stops=stops)
    else:
        listed = read_orders(path, start, end, compare, like=like, stops=stops)
    if listed.orders:
        if not isinstance(path, AreasOf):
            demo = all(o.query.postcode.startswith("ZZ") for o in listed.orders)
            usual = "demo" if demo else "live"
            spec, opened = _source(source or usual, listed.orders[0].query, closed_ok=closed_ok)
        _refuse_mixed(place, demo=opened.name == "demo")
        listed = settle(listed, opened.months())
    else:
        msg = f"The list {str(path)!r} holds no postcode that could be asked for."
        raise QueryError("\n".join([*map(str, listed.notices), msg]))
    described = opened.describe()
    extra = tuple(name for name, wanted in ((WORKBOOK, xlsx), (DOCUMENT, docx)) if wanted)
    unchanged = {} if force else place.unchanged([o.query for o in listed.orders], described, extra)
    if since and not force:
        unchanged |= _left_alone(listed.orders, place, opened, parse_month(since), extra)
    orders, notices = _placed(listed, opened, unchanged)
    todo = [o for o in orders if o.query.slug not in unchanged]
    return Plan(spec, place, orders, notices, described, todo, unchanged, opened, force, closed_ok, extra)


def _areas(
    asked: AreasOf,
    opened: snapshot.Source,
    start: str,
    end: str,
    compare: Iterable[str],
    *,
    like: bool,
    stops: bool,
) -> Orders:
    """Return an order for each area; one of which no report can be made is left out with its reason."""
    orders: list[Order] = []
    notices: list[Notice] = []
    for line, outline in enumerate(opened.named_in(asked.kind, asked.district), 1):
        try:
            query = Query.parse("", start, end, compare, area=official(outline), like=like, stops=stops)
            orders.append(Order(line, query))
        except QueryError as error:
            notices.append(Notice(line, outline.title, str(error), "Left out.", left_out=True))
    return Orders(orders, notices)


def _source(spec: str, query: Query, *, closed_ok: bool) -> tuple[str, snapshot.Source]:
    opened = snapshot.open_source(spec, query, closed_ok=closed_ok)
    if isinstance(opened, Archive) and spec.startswith("archive:"):
        # The version, so that a batch is of one, whatever is built meanwhile.
        where = spec.removeprefix("archive:")
        spec = f"archive:{pinned(where, opened.folder) if is_address(where) else opened.folder.resolve()}"
    return spec, opened


def _refuse_mixed(out: Shelf, *, demo: bool) -> None:
    """Refuse a folder whose index would call real places invented, or invented ones real.

    A report's manifest tells: an invented ward has no name that does. One is enough, since no folder has both.
    """
    for manifest in out.manifests():
        if (snapshot.source_of(manifest).get("name") == "demo") == demo:
            return
        what = "real places" if demo else "the demonstration, which are invented"
        msg = (
            f"{str(out)!r} has reports of {what}, and an index page must not mix the two; give another --out."
        )
        raise QueryError(msg)


def _left_alone(
    orders: Sequence[Order], place: Shelf, opened: snapshot.Source, since: str, extra: tuple[str, ...]
) -> dict[str, str]:
    """Return the reports of the release before that the new release left alone, with their hashes."""
    known = opened.inventory.get("since") if isinstance(opened, Archive) else None
    if known is None or known["release"] != since:
        what = (
            f"what changed since {known['release']}, not since {since}"
            if known
            else "no release before its own"
        )
        msg = (
            f"This source knows {what}, so it cannot say which reports stay; add the new release with "
            "'crimenb archive update', or leave --since away."
        )
        raise QueryError(msg)
    assert isinstance(opened, Archive)
    new = new_months(known)
    queries = {o.query.slug: o.query for o in orders if not {*o.query.months} & new}
    before = {"name": opened.name, "release": since}
    there = place.unchanged([*queries.values()], before, extra)
    return {slug: sums for slug, sums in there.items() if not _touched(queries[slug], opened)}


def _touched(query: Query, opened: Archive) -> bool:
    """Whether the newest release changed a record of a report's places and months."""
    try:
        places = [opened.place(p) for p in query.postcodes]
    except PlaceNotFound:
        return True
    places += [opened.custom_place(query.area)] if query.area is not None else []
    return not all(opened.revised(p, query.months).empty for p in places)


def _placed(
    listed: Orders, opened: snapshot.Source, unchanged: dict[str, str]
) -> tuple[list[Order], list[Notice]]:
    """Leave out what the source cannot place, in one look-up for all."""
    to_place = {p: None for o in listed.orders if o.query.slug not in unchanged for p in o.query.postcodes}
    places = opened.positions(list(to_place)) if to_place else {}
    orders, notices = [], list(listed.notices)
    for order in listed.orders:
        query, problem = order.query, ""
        if query.slug not in unchanged:
            problem = next((str(e) for p in query.postcodes if isinstance(e := places[p], PlaceNotFound)), "")
        if problem:
            notices.append(Notice(order.line, query.postcode, problem, "Left out.", left_out=True))
            continue
        orders.append(order)
        place = places.get(query.postcode)
        if isinstance(opened, Archive) and place is not None and not isinstance(place, PlaceNotFound):
            force = str(place["force"])
            if opened.lacks(force, query.months):
                problem = f"The archive holds no month of {force!r}, which polices {query.postcode!r}."
                done = "Made all the same; its page says what that means."
                notices.append(Notice(order.line, query.postcode, problem, done))
    return orders, sorted(notices)


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
