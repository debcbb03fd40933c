"""What the index page of a batch shows of one report: plain values, ready for JSON. No geometry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crimenb import cautions, measures, phrases, words
from crimenb.sums import only, scope
from crimenb.trends import range_of

if TYPE_CHECKING:
    from crimenb.tables import Data


def overview(data: Data) -> dict[str, Any]:
    """Return a report in a row: where, when, two totals, the months, what is missing.

    Returns: `where`, `start`, `end`; `crime` and `asb` (totals of the summed months, None where
    none may be summed); `months` (crimes a month, None for a gap); `gaps` (words, "" if none);
    `counted` and `asked` (numbers of months); `coverage` (words); `verdict` (words, "" if none);
    `demo` (whether the place is invented).
    """
    counts = measures.count_by_month(data)
    held = measures.summed_months(data)
    summed = counts[counts["month"].isin(held)]
    missing = counts[~counts["month"].isin(held)]
    shown = counts["crime"].where(counts["month"].isin(held)).astype("object")
    shown = shown.where(shown.notna(), None)
    return {
        "where": words.where(data) if held else words.place_name(data),
        "start": data.query.start,
        "end": data.query.end,
        "crime": int(summed["crime"].sum()) if held else None,
        "asb": int(summed["asb"].sum()) if held else None,
        "months": [None if n is None else int(n) for n in shown],
        "counted": len(held),
        "asked": len(counts),
        "gaps": _gaps(missing),
        "coverage": _coverage(data),
        "verdict": _verdict(data),
        "demo": words.is_demo(data),
    }


def _verdict(data: Data) -> str:
    """Say where the newest month's crimes lie among the earlier months; "" where none is judged."""
    data = only(data)
    if scope(data).kind != "whole" or not cautions.comparable(data):
        return ""
    found = range_of(data)
    if found.own is None:
        return ""
    where = {"inside": "within"}.get(found.own.place(found.records), found.own.place(found.records))
    text = f"{words.month(found.month)}: {found.records:,}, {where} the range of earlier months"
    also = ", as in the rest of the force" if found.kind == "with the force" else ""
    return f"{text} ({found.own.low:,} to {found.own.high:,}){also}"


def _gaps(missing: Any) -> str:
    parts = [
        f"{phrases.months(list(group['month']))}: {status}"
        for status, group in missing.groupby("status", sort=True)
    ]
    return "; ".join(parts)


def _coverage(data: Data) -> str:
    """Say which forces police the area, with their shares where there are several."""
    rows = data.of().coverage
    rows = rows[rows["share"] > 0]
    if len(rows) == 1:
        return str(rows["force_name"].iloc[0])
    return words.listing(
        [
            f"{name} {words.percent(share)}"
            for name, share in zip(rows["force_name"], rows["share"], strict=True)
        ]
    )
