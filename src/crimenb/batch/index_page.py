"""The index page of a batch: every report in one table that is searched and sorted in place.

It is sorted by name. A ranking would say what the figures cannot carry, so there is none, and
the page says why.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from crimenb.files import write_whole
from crimenb.measures.place import place_of
from crimenb.plurals import counted
from crimenb.report.page import asset, script_hash, template
from crimenb.wording import format as write
from crimenb.wording.verdicts import describe

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from crimenb.batch.ledger import Entry
    from crimenb.batch.rows import Notice
    from crimenb.data import Data
    from crimenb.measures.place import Place

NAME = "index.html"
CHUNK = 100
"""Rows a body of the table has: the browser lays out only the bodies that are seen."""

SPARK_WIDTH, SPARK_HEIGHT = 96, 24


def write_index(out: Path, done: Iterable[Entry], failed: Sequence[Entry], notices: Sequence[Notice]) -> Path:
    """Write the index page of a folder of reports and return its path.

    Parameters
    ----------
    done
        Entries of reports that are there.
    failed
        Entries of reports that could not be made.
    notices
        Notices about lines of the list.
    """
    rows = sorted((row(entry) for entry in done), key=lambda r: (r["name"].casefold(), r["slug"]))
    text = render(rows, failed, notices)
    write_whole(out / NAME, text)
    return out / NAME


def render(rows: list[dict[str, Any]], failed: Sequence[Entry], notices: Sequence[Notice]) -> str:
    """Return the page. The same rows give the same bytes."""
    style, script = asset("batch", "index.css"), asset("batch", "index.js")
    return template("batch", "index.html.j2").render(
        bodies=[rows[i : i + CHUNK] for i in range(0, len(rows), CHUNK)],
        reports=counted(len(rows), "report"),
        spark_width=SPARK_WIDTH,
        spark_height=SPARK_HEIGHT,
        failed=sorted(failed),
        left_out=[n for n in notices if n.left_out],
        demo=any(r["demo"] for r in rows),
        # Only this style and this script, and no request.
        policy=f"default-src 'none'; base-uri 'none'; form-action 'none'; "
        f"style-src {script_hash(style)}; script-src {script_hash(script)}",
        style=Markup(style),
        script=Markup(script),
    )


def row(entry: Entry) -> dict[str, Any]:
    """Return the cells of a report's row in the table, all as text."""
    known = entry.overview_dict
    start, end = str(known.get("start", "")), str(known.get("end", ""))
    months = known.get("months") or []
    left_out = int(known.get("asked", 0)) - int(known.get("counted", 0))
    return {
        "slug": entry.slug,
        "postcode": entry.postcode,
        "name": str(known.get("name") or entry.postcode),
        "period": write.period(start, end) if start and end else "",
        "months": f"{start} {end}",
        "crime": _whole(known.get("crime")),
        "asb": _whole(known.get("asb")),
        "verdict": str(known.get("verdict") or "Not judged"),
        "demo": bool(known.get("demo")),
        "part": "" if str(known.get("where", "")).startswith("the mile") else str(known.get("where", "")),
        "spark": spark(months),
        "spark_text": _spark_text(months),
        "gaps": str(known.get("gaps", "")) or "None",
        "missing": left_out,
        "coverage": str(known.get("coverage", "")),
    }


def _whole(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else "[x]"


def _spark_text(months: Sequence[int | None]) -> str:
    """Return what the small line shows, for readers who do not see it."""
    counts = [m for m in months if m is not None]
    return f"{min(counts):,} to {max(counts):,} a month" if counts else "No month can be counted"


def spark(months: Sequence[int | None]) -> Markup:
    """Return the months as the path of a small line from zero, broken where a month is missing."""
    top = max([1, *[m for m in months if m is not None]])
    step = (SPARK_WIDTH - 4) / max(1, len(months) - 1)
    parts, pen = [], "M"
    for i, count in enumerate(months):
        if count is None:
            pen = "M"
            continue
        parts.append(f"{pen}{2 + i * step:.0f} {SPARK_HEIGHT - 2 - (SPARK_HEIGHT - 4) * count / top:.0f}")
        # A month alone between two gaps is a dot.
        alone = pen == "M" and (i + 1 == len(months) or months[i + 1] is None)
        parts += ["h1"] if alone else []
        pen = "L"
    return Markup("".join(parts))


def overview(data: Data) -> dict[str, Any]:
    """Return a report in a row: where, when, two totals, the months, what is missing.

    Returns
    -------
    dict[str, Any]
        `where`, `start`, `end`; `crime` and `asb` (totals of the summed months, None where
        none may be summed); `months` (crimes a month, None for a gap); `gaps` (words, "" if none);
        `counted` and `asked` (numbers of months); `coverage` (words); `verdict` (words, "" if none);
        `demo` (whether the place is invented).
    """
    place = place_of(data)
    counted = place.scope.months
    crime = place.counts["crime"]
    return {
        "where": write.where(place) if counted else write.place_name(place),
        "start": data.query.start,
        "end": data.query.end,
        "crime": place.total("crime") if counted else None,
        "asb": place.asb_total if counted else None,
        "months": [int(crime[m]) if m in counted else None for m in place.status],
        "counted": len(counted),
        "asked": len(place.status),
        "gaps": _gaps(place),
        "coverage": _coverage(place),
        "verdict": _verdict(place),
        "demo": place.is_demo,
    }


def _verdict(place: Place) -> str:
    """Write the newest month's crimes with their verdict; "" where only a part or nothing is counted."""
    if place.scope.kind != "whole":
        return ""
    return f"{write.month(place.crime.month)}: {place.crime.records:,}, {describe(place.crime)}"


def _gaps(place: Place) -> str:
    missing = [(m, s) for m, s in place.status.items() if m not in place.scope.months]
    by_status: dict[str, list[str]] = {}
    for month, status in missing:
        by_status.setdefault(str(status), []).append(month)
    return "; ".join(f"{write.months(by_status[s])}: {s}" for s in sorted(by_status))


def _coverage(place: Place) -> str:
    """Say which forces police the area, with their shares where there are several."""
    if len(place.coverage) == 1:
        return place.coverage[0][0]
    return write.listing([f"{name} {write.percent(share)}" for name, share in place.coverage])
