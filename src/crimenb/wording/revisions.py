"""What a later release revised, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from crimenb.measures.place import place_of
from crimenb.measures.revisions import COUNTS, diff
from crimenb.schema import ASB, SUMMED
from crimenb.wording import format as write

if TYPE_CHECKING:
    from crimenb.data import Data


def diff_text(a: Data, b: Data) -> str:
    """Say in words what was revised between two snapshots, the earlier release first."""
    table = diff(a, b)
    one, two = place_of(a), place_of(b)
    months = sorted(set(one.status) & set(two.status))
    sentences = [
        f"{write.capital(write.place_name(one))}, {write.period(months[0], months[-1])}: the earlier data "
        f"({_release(one.source)}) hold {write.counted(int(table['before'].sum()), 'record')}, the later "
        f"({_release(two.source)}) {int(table['after'].sum()):,}.",
        _changes(table),
    ]
    by_month = table.assign(n=table[COUNTS[2:]].sum(axis=1)).groupby("month")["n"].sum()
    changed = by_month[by_month > 0]
    if len(changed):
        most = str(changed.idxmax())
        sentences.append(
            f"{write.opening(len(changed))} of {write.counted(len(months), 'month')} changed, most of all "
            f"{write.month(most)} ({int(changed[most]):,})."
        )
    new = [m for m in months if one.status[m] not in SUMMED and two.status[m] in SUMMED]
    lost = [m for m in months if one.status[m] in SUMMED and two.status[m] not in SUMMED]
    sentences += [f"New in the later data: {write.months(new)}."] if new else []
    sentences += [f"Not in the later data: {write.months(lost)}."] if lost else []
    if (table["category"] == ASB).any():
        sentences.append("Rows without an ID, such as anti-social behaviour, are matched by count only.")
    return " ".join(sentences)


def _release(source: object) -> str:
    """Write which data these are, as far as that is known (R22)."""
    known = dict(source) if isinstance(source, dict) else {}
    if known.get("release"):
        return f"release {known['release']}"
    return f"read into an archive on {write.day(known['read'])}" if known.get("read") else "release not known"


def _changes(table: pd.DataFrame) -> str:
    total = table[COUNTS].sum()
    if not total[COUNTS[2:]].sum():
        return "No record differs."
    counts = {
        "added": total["added"],
        "gone": total["gone"],
        "moved to another map point": total["moved"] + total["changed"],
        "with another outcome": total["outcome_changed"] + total["changed"],
    }
    return f"Records: {write.listing([f'{int(n):,} {what}' for what, n in counts.items() if n])}."
