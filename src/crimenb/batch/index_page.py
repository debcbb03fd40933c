"""The index page of a batch: every report in one table that is searched and sorted in place.

It is sorted by name. A ranking would say what the figures cannot carry, so there is none, and
the page says why.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from crimenb.batch.feed import NAME as FEED
from crimenb.batch.feed import feed
from crimenb.files import write_whole
from crimenb.measures.place import place_of
from crimenb.plurals import counted
from crimenb.report.page import asset, house_style, script_hash, template
from crimenb.wording import format as write
from crimenb.wording.first_screen import clear_change, place_in_words, three_numbers, what_matters
from crimenb.wording.how_to_read import WHAT_THESE_ARE
from crimenb.wording.whats_new import whats_new

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

_HIGH, _WIDE, _WIDEST_BAR = 24, 144, 6
"""The small bars of a row, in pixels: their height, and what all of them and one may be wide at most."""


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
    newest = max((r["release"] for r in rows), default="")
    for r in rows:  # a report that a release left alone has old news
        r["news"] = r["news"] if r["release"] == newest else ""
    text = render(rows, failed, notices)
    write_whole(out / NAME, text)
    if news := feed(rows):
        write_whole(out / FEED, news)
    else:
        (out / FEED).unlink(missing_ok=True)
    return out / NAME


def render(rows: list[dict[str, Any]], failed: Sequence[Entry], notices: Sequence[Notice]) -> str:
    """Return the page. The same rows give the same bytes."""
    style, script = house_style() + asset("batch", "index.css"), asset("batch", "index.js")
    periods = {r["period"] for r in rows}
    return template("batch", "index.html.j2").render(
        bodies=[rows[i : i + CHUNK] for i in range(0, len(rows), CHUNK)],
        reports=counted(len(rows), "report"),
        period=periods.pop() if len(periods) == 1 else "",  # said once, not in every row
        changed=sum(bool(r["changed"]) for r in rows),
        missing=sum(bool(r["missing"]) for r in rows),
        news=sum(bool(r["news"]) for r in rows),
        failed=sorted(failed),
        left_out=[n for n in notices if n.left_out],
        demo=any(r["demo"] for r in rows),
        what=WHAT_THESE_ARE,
        # Only this style and this script, and no request.
        policy=f"default-src 'none'; base-uri 'none'; form-action 'none'; font-src data:; "
        f"style-src {script_hash(style)}; script-src {script_hash(script)}",
        style=Markup(style),
        script=Markup(script),
    )


def row(entry: Entry) -> dict[str, Any]:
    """Return the cells of a report's row in the table, all as text."""
    known = entry.overview_dict
    start, end = str(known.get("start", "")), str(known.get("end", ""))
    months = known.get("months") or []
    name = str(known.get("name") or known.get("place") or entry.postcode)
    below = [entry.postcode, str(known.get("place") or ""), str(known.get("part") or "")]
    numbers = [[f"{n:,}", *more] for n, *more in known.get("numbers") or []]
    if len(numbers) > 1:  # both are of the same month
        numbers[1][1] = str(numbers[1][1]).partition(" in ")[0]
    return {
        "slug": entry.slug,
        "name": name,
        "below": [text for text in below if text and text != name],
        "period": write.period(start, end) if start and end else "",
        "numbers": [*numbers, *[["[x]", "", "", "", False]] * 3][:3],
        "matters": str(known.get("matters", "")),
        "changed": str(known.get("changed", "")),
        "demo": bool(known.get("demo")),
        **{key: str(known.get(key, "")) for key in ("news", "release", "read")},
        "bars": bars(months),
        "bars_text": _bars_text(months),
        "gaps": str(known.get("gaps", "")),
        "missing": int(known.get("asked", 0)) - int(known.get("counted", 0)),
        "coverage": str(known.get("coverage", "")),
    }


def _bars_text(months: Sequence[int | None]) -> str:
    """Return what the small bars show, for readers who do not see them."""
    counts = [m for m in months if m is not None]
    return f"{min(counts):,} to {max(counts):,} a month" if counts else "No month can be counted"


def bars(months: Sequence[int | None]) -> Markup:
    """Return the months as small bars in a drawing: the newest counted dark, the missing as a dotted line.

    It is short, because a page has ten thousand of them: one outline, which the style cuts into bars.
    """
    top = max([1, *[n for n in months if n is not None]])
    step = min(_WIDEST_BAR, max(1, _WIDE // max(1, len(months))))
    tops = [_HIGH - round((_HIGH - 1) * (n or 0) / top) for n in months]
    newest = max((i for i, n in enumerate(months) if n is not None), default=-1)
    outline = "".join(f"V{y}h{step}" for y in [*tops[:newest], *[_HIGH] * (newest >= 0)])
    parts = {
        "gap": "".join(f"M{i * step} {_HIGH - 1}h{step}" for i, n in enumerate(months) if n is None),
        "mid": f"M0 {_HIGH}{outline}" if newest > 0 else "",
        "new": f"M{newest * step} {_HIGH}V{tops[newest]}h{step}V{_HIGH}" if newest >= 0 else "",
    }
    paths = "".join(f'<path class={kind} d="{d}"/>' for kind, d in parts.items() if d)
    return Markup(f"<svg{f' class=s{step}' * (step < _WIDEST_BAR)} aria-hidden=true>{paths}</svg>")


def overview(data: Data) -> dict[str, Any]:
    """Return a report in a row: where, when, the three numbers of its first screen, the months, what is missing.

    Returns
    -------
    dict[str, Any]
        `place` (its name in words, "" if not known); `part` (the part or area that is counted, "" for the
        mile around a postcode); `start`, `end`; `numbers` (for each of the first screen its value, what it
        counts, its verdict, the detail of that, and whether that is a range); `months` (crimes a month, None
        for a gap); `gaps` (words, "" if none); `counted` and `asked` (numbers of months); `coverage` (words);
        `matters` (the first words of what matters most, "" if nothing is counted); `changed` (those of a
        clear change, "" if there is none); `demo` (whether the place is invented).
    """
    place = place_of(data)
    counted = place.scope.months
    crime = place.counts["crime"]
    where = write.where(place) if counted else write.place_name(place)
    return {
        "place": place_in_words(place),
        "part": "" if where.startswith("the mile") else where,
        "start": data.query.start,
        "end": data.query.end,
        "numbers": [
            [n.value, n.what, n.verdict, n.detail, n.range is not None] for n in three_numbers(place)
        ],
        "months": [int(crime[m]) if m in counted else None for m in place.status],
        "counted": len(counted),
        "asked": len(place.status),
        "gaps": _gaps(place),
        "coverage": _coverage(place),
        "matters": what_matters(place)[0] if counted else "",
        "changed": "".join(clear_change(place)[:1]) if counted else "",
        "demo": place.is_demo,
        "news": " ".join(whats_new(place)),
        "release": str(place.source.get("release", "")),
        "read": str(place.source.get("read", "")),
    }


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
