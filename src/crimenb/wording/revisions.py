"""What a later release revised, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from crimenb.measures.counts import only
from crimenb.measures.revisions import COUNTS, diff
from crimenb.schema import SUMMED
from crimenb.wording import format as write

if TYPE_CHECKING:
    from crimenb.data import Data


def diff_text(a: Data, b: Data) -> str:
    """Say in words what was revised between two snapshots, the earlier release first."""
    table = diff(a, b)
    one, two = only(a), only(b)
    releases = [d.source.get("release", "unknown") for d in (one, two)]
    months = sorted(set(one.months["month"]) & set(two.months["month"]))
    lead = (
        f"{write.capital(write.place_name(one))}, {write.period(months[0], months[-1])}: release "
        f"{releases[0]} held {write.counted(int(table['before'].sum()), 'record')}, release "
        f"{releases[1]} holds {write.count(int(table['after'].sum()))}."
    )
    said = [lead, _changes(table)]
    busiest = table.assign(n=table[COUNTS[2:]].sum(axis=1)).groupby("month")["n"].sum()
    touched = busiest[busiest > 0]
    if len(touched):
        most = str(touched.idxmax())
        said.append(
            f"{write.counted(len(touched), 'month')} of {len(months)} changed, most of all "
            f"{write.month(most)} ({int(touched[most]):,})."
        )
        said[-1] = write.capital(said[-1])
    said += _statuses(one, two, months)
    if (table["category"] == "anti-social-behaviour").any():
        said.append("Rows without an ID, such as anti-social behaviour, are matched by count only.")
    return " ".join(said)


def _changes(table: pd.DataFrame) -> str:
    total = table[COUNTS].sum()
    if not total[COUNTS[2:]].sum():
        return "No record differs."
    found = {
        "added": total["added"],
        "gone": total["gone"],
        "moved to another map point": total["moved"] + total["changed"],
        "with another outcome": total["outcome_changed"] + total["changed"],
    }
    parts = [f"{write.count(int(n))} {what}" for what, n in found.items() if n]
    return f"{write.capital(write.listing(parts))}."


def _statuses(one: Data, two: Data, months: list[str]) -> list[str]:
    before, after = (d.months.set_index("month")["status"] for d in (one, two))
    new = [m for m in months if before[m] not in SUMMED and after[m] in SUMMED]
    lost = [m for m in months if before[m] in SUMMED and after[m] not in SUMMED]
    said = []
    if new:
        said.append(f"New in the later release: {write.months(new)}.")
    if lost:
        said.append(f"No longer there: {write.months(lost)}.")
    return said
