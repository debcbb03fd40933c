"""What a batch comes to, worked out before anything is made: every bad line is named here."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from crimenb import snapshot
from crimenb.batch.ledger import standing
from crimenb.batch.rows import Notice, Order, Orders, read_orders, settle
from crimenb.errors import PlaceNotFound, QueryError
from crimenb.sources.archive import Archive
from crimenb.warm import slower

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@dataclass(frozen=True)
class Plan:
    """What a list comes to: reports to make, reports that stand, and what was said of lines."""

    source: str
    out: Path
    orders: list[Order]
    notices: list[Notice]
    said: dict[str, str]
    todo: list[Order]
    standing: dict[str, str]
    opened: snapshot.Source = field(repr=False)
    force: bool = False

    def lines(self) -> list[str]:
        """Say it in a few lines: what is left out and why, what stands, what is to be made."""
        left = sum(n.left_out for n in self.notices)
        counted = f"{len(self.orders):,} reports asked for, {len(self.standing):,} there already"
        total = f"{counted}, {len(self.todo):,} to make; {left:,} lines left out."
        return [*map(str, self.notices), total, *([slower()] if self.todo and slower() else [])]


def plan_batch(
    path: Path | str,
    source: str = "",
    out: Path | str = "reports",
    *,
    start: str = "",
    end: str = "",
    compare: Iterable[str] = (),
    force: bool = False,
) -> Plan:
    """Read a list of postcodes and work out what is to be done, before anything is.

    Parameters
    ----------
    path
        CSV (`postcode`, and `from`, `to`, `compare`, `name` where wanted) or one a line.
    source
        As for `build_report`; for all rows.
    out
        Folder for the reports' folders, the ledger and the index page.
    start, end, compare
        What holds for rows that say nothing of their own.
    force
        Make reports again that are there.

    Raises
    ------
    QueryError
        The list or the source cannot be read.
    """
    asked = read_orders(path, start, end, compare)
    if asked.orders:
        spec, opened = _source(source, asked.orders)
        asked = settle(asked, opened.months())
    else:
        msg = f"The list {str(path)!r} holds no postcode that could be asked for."
        raise QueryError("\n".join([*map(str, asked.notices), msg]))
    folder, said = Path(out).resolve(), opened.describe()
    there = {} if force else _standing(asked.orders, folder, said)
    orders, notices = _placed(asked, opened, there)
    todo = [o for o in orders if o.query.slug not in there]
    return Plan(spec, folder, orders, notices, said, todo, there, opened, force)


def _source(source: str, orders: Sequence[Order]) -> tuple[str, snapshot.Source]:
    demo = all(o.query.postcode.startswith("ZZ") for o in orders)
    spec = source or ("demo" if demo else "live")
    opened = snapshot.open_source(spec, orders[0].query)
    if spec.startswith("archive:"):
        spec = f"archive:{Path(spec.removeprefix('archive:')).resolve()}"
    return spec, opened


def _standing(orders: Sequence[Order], out: Path, said: dict[str, str]) -> dict[str, str]:
    """Return the reports that need not be made, with their hashes."""
    found = [o.query for o in orders if (out / o.query.slug).is_dir()]
    with ThreadPoolExecutor(max(2, cores())) as pool:  # hashing lets go of the interpreter
        hashes = pool.map(lambda q: standing(out / q.slug, q, said), found)
        return {q.slug: h for q, h in zip(found, hashes, strict=True) if h}


def _placed(
    asked: Orders, opened: snapshot.Source, there: dict[str, str]
) -> tuple[list[Order], list[Notice]]:
    """Leave out what the source cannot place, in one look-up for all."""
    wanted = {p: None for o in asked.orders if o.query.slug not in there for p in o.query.postcodes}
    found = opened.places(list(wanted)) if wanted else {}
    kept, notices = [], list(asked.notices)
    for order in asked.orders:
        query, said = order.query, ""
        if query.slug not in there:
            said = next((str(e) for p in query.postcodes if isinstance(e := found[p], PlaceNotFound)), "")
        if said:
            notices.append(Notice(order.line, query.postcode, said, "Left out.", left_out=True))
            continue
        kept.append(order)
        place = found.get(query.postcode)
        if isinstance(opened, Archive) and place is not None and not isinstance(place, PlaceNotFound):
            force = str(place["force"].iloc[0])
            if opened.lacks(force, query.months):
                said = f"The archive holds no file of {force!r}, which polices {query.postcode!r}."
                done = "Made all the same; its page says what that means."
                notices.append(Notice(order.line, query.postcode, said, done))
    return kept, sorted(notices)


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
