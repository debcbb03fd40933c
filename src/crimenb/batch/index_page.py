"""The index page of a batch: every report in one table that is searched and sorted in place.

It is sorted by name. A ranking would say what the figures cannot carry, so there is none, and
the page says why.
"""

from __future__ import annotations

import base64
import functools
import hashlib
from importlib import resources
from typing import TYPE_CHECKING, Any

import jinja2
from markupsafe import Markup

from crimenb.measures.place import place_of
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
        What was said of lines of the list.
    """
    rows = sorted((row(entry) for entry in done), key=lambda r: (r["name"].casefold(), r["slug"]))
    text = render(rows, failed, notices)
    part = out / f".{NAME}.part"
    part.write_text(text, "utf-8", newline="\n")
    part.replace(out / NAME)
    return out / NAME


def render(rows: list[dict[str, Any]], failed: Sequence[Entry], notices: Sequence[Notice]) -> str:
    """Return the page. The same rows give the same bytes."""
    style, script = _asset("index.css"), _asset("index.js")
    return _template().render(
        bodies=[rows[i : i + CHUNK] for i in range(0, len(rows), CHUNK)],
        count=len(rows),
        failed=sorted(failed),
        left_out=[n for n in notices if n.left_out],
        demo=any(r["demo"] for r in rows),
        # Only this style and this script, and no request.
        policy=f"default-src 'none'; base-uri 'none'; form-action 'none'; "
        f"style-src {_hash(style)}; script-src {_hash(script)}",
        style=Markup(style),
        script=Markup(script),
    )


def _asset(name: str) -> str:
    return resources.files("crimenb.batch").joinpath("templates", name).read_text("utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@functools.cache
def _template() -> jinja2.Template:
    env = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    return env.from_string(_asset("index.html.j2"))


def row(entry: Entry) -> dict[str, Any]:
    """Return what the table shows of a report, all in words."""
    shown = entry.shown
    start, end = str(shown.get("start", "")), str(shown.get("end", ""))
    months = shown.get("months") or []
    asked, counted = int(shown.get("asked", 0)), int(shown.get("counted", 0))
    return {
        "slug": entry.slug,
        "postcode": entry.postcode,
        "name": str(shown.get("name") or entry.postcode),
        "period": write.period(start, end) if start and end else "",
        "months": f"{start} {end}",
        "crime": _whole(shown.get("crime")),
        "asb": _whole(shown.get("asb")),
        "verdict": str(shown.get("verdict") or "Not judged"),
        "demo": bool(shown.get("demo")),
        "part": "" if str(shown.get("where", "")).startswith("the mile") else str(shown.get("where", "")),
        "spark": spark(months),
        "said": _said(months),
        "gaps": str(shown.get("gaps", "")) or "None",
        "missing": asked - counted,
        "coverage": str(shown.get("coverage", "")),
    }


def _whole(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else "[x]"


def _said(months: Sequence[int | None]) -> str:
    """Say what the small line shows, for readers who do not see it."""
    held = [m for m in months if m is not None]
    if not held:
        return "No month can be counted"
    return f"{min(held):,} to {max(held):,} a month"


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
