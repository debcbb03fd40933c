"""Read the pages of many real places and check every sentence against the records.

Texts are made as the report makes them, without drawing. Each sentence must be one that the audit
knows; its numbers, months, names and verdicts must be those of the records, counted by the audit's own
code (audit_facts). One fact has one value there, so two sentences that differ cannot both pass.

Run: python -m benchmarks.audit ARCHIVE --places 300 (see --help).
"""

from __future__ import annotations

import argparse
import collections
import re
import sys
import time
from collections.abc import Iterator
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import shapely
from benchmarks.audit_facts import ASB, BTP, CHARGED, LOW, PARTLY, WHOLE, Facts, figures, join
from benchmarks.audit_rules import (
    RULES,
    Share,
    Span,
    agrees,
    change_in_index,
    heading,
    months_in,
    named,
    number,
    pairs,
    per_when,
    place_names,
    why_not,
)
from benchmarks.audit_texts import Page, page_of

import crimenb as cn
from crimenb.area_file import Area
from crimenb.errors import CrimenbError
from crimenb.geo import to_metres
from crimenb.schema import force_name, label_of
from crimenb.sources.archive import Archive

RANGES = (1, 3, 6, 11, 12, 23, 24, 36)
NUMBERS = re.compile(r"\d[\d,.]*")
GRAMMAR = {
    "singular and plural": re.compile(
        r"(?<![\d,.])(?:1|[Oo]ne) (?:crimes|reports|records|points|months|files|categories)\b|"
        r"\bof 1 (?:months|points)\b|"
        r"\b(?:[2-9]|\d[\d,]*\d) (?:crime|report|record|further crime|more crime|map point|point)\b"
        r"(?! (?:number|of the))|"
        r"\b1 (?:crime|record|report) (?:were|are|lie)\b|"
        r"(?<!of the )\b\d[\d,]*[02-9] (?:crimes|records|reports) (?:was|is|lies)\b"
    ),
    "a word twice": re.compile(r"\b(in|the|of|a|to|and|is|are) \1\b", re.IGNORECASE),
    'a list without "and"': re.compile(r"\), (?:(?! and )[^,();|])+ \([^()|]*\)(?=[.;|]| \||, together|$)"),
    "not a number": re.compile(r"\b(?:nan|None|inf|NaT|<NA>)\b(?! of the)"),
}


class Finding(NamedTuple):
    """A sentence that is not what the records say, or that the audit does not know."""

    kind: str
    part: str
    text: str
    why: str = ""


class Read(NamedTuple):
    """What was read of one page, and what was found."""

    sentences: int
    numbers: int
    findings: list[Finding]


# ------------------------------------------------------------------------ sentences


@cache
def fixed_lines() -> frozenset[str]:
    """Return the lines of the notes that stand there whatever the records are."""
    folder = resources.files("crimenb.report").joinpath("notes")
    lines = [line for f in folder.iterdir() for line in f.read_text("utf-8").split("\n")]
    return frozenset(
        line for line in lines if line and "{" not in line and not any(r.pattern.match(line) for r in RULES)
    )


def read_text(f: Facts, part: str, text: str) -> Read:
    """Read a text sentence by sentence."""
    known, found, sentences, numbers = text, [], 0, len(NUMBERS.findall(text))
    for kind, pattern in GRAMMAR.items():
        if slip := pattern.search(text):
            found.append(Finding(kind, part, text, slip[0]))
    while known:
        best: tuple[int, list[Finding]] | None = None
        for rule in RULES:
            match = rule.pattern.match(known)
            if match and (match.end() == len(known) or known[match.end()] in " |"):
                wrong = _wrong(f, rule, match, part)
                # The longest that is right, else the longest: patterns may overlap.
                if best is None or (not wrong, match.end()) > (not best[1], best[0]):
                    best = match.end(), wrong
        if best is None:
            stop = re.search(r"[.?!](?= |$)", known)
            end = stop.end() if stop else len(known)
            found.append(Finding("not read", part, known[:end]))
        else:
            end = best[0]
            found += best[1]
        sentences += 1
        known = re.sub(r"^[ |]+", "", known[end:])
    return Read(sentences, numbers, found)


def _wrong(f: Facts, rule: Any, match: re.Match[str], part: str) -> list[Finding]:
    try:
        expected = rule.expected(f, match.groupdict())
    except (IndexError, KeyError, ValueError, TypeError, ZeroDivisionError) as error:
        return [Finding("no such fact", part, match[0], repr(error))]
    found = []
    if not expected.pop("", True):
        found.append(Finding("not so", part, match[0]))
    for name, said in match.groupdict().items():
        if name not in expected:
            found.append(Finding("not checked", part, match[0], name))
            continue
        try:
            right = agrees(said, expected[name])
        except ValueError:
            right = False
        if not right:
            found.append(
                Finding("wrong", part, match[0], f"{name}: {said!r}, the records say {expected[name]!r}")
            )
    return found


# ------------------------------------------------------------------------ tables


def read_table(f: Facts, name: str, rows: list[str]) -> Read:
    """Check the cells of a figure's table."""
    head, body = rows[1].split(" | "), [r.split(" | ") for r in rows[2:]]
    checks = [dict(zip(head, r, strict=False)) for r in body]
    found = [
        Finding("table", name, " | ".join(r), why)
        for r, c in zip(body, checks, strict=True)
        for why in TABLES[name](f, c)
    ]
    found += [Finding("table", name, rows[0], why) for why in WHOLES.get(name, lambda *_: [])(f, checks)]
    return Read(len(body), len(NUMBERS.findall(" ".join(rows[2:]))), found)


def _cells(row: dict[str, str], expected: dict[str, Any]) -> Iterator[str]:
    for name, value in expected.items():
        if name in row and row[name] != str(value):
            yield f"{name}: {row[name]}, the records say {value}"
    yield from (f"{name}: not checked" for name in row if name not in expected)


def slug_of(label: str, f: Facts) -> str:
    known = {label_of(c): c for c in [*f.categories, ASB]} | {"All crime": "crime"}
    return known[label]


def _months(f: Facts, row: dict[str, str], series: str) -> Iterator[str]:
    month = next(m for m in f.status if named(m) == row["Month"])
    state = f.status[month]
    counted = state in (WHOLE, LOW, PARTLY)
    v = f.judged(series) if f.months and month == f.latest else None
    ranged = v is not None and v.high >= 0
    every = f.judged(series)
    out = "[x]"
    if every.high >= 0 and every.adjusted and month in f.rest.index:
        before = [m for m in f.steady(series) if m < f.latest][-12:]
        scale = f.table.loc[before, series].sum() / f.rest.loc[before, series].sum()
        out = f"{round(float(f.rest.loc[month, series] * scale), 1):,.0f}"
    btp = BTP not in f.held or month in f.held[BTP]
    yield from _cells(row, {
        "Month": row["Month"], "Status": state,
        "Crimes": f"{f.n('crime', month):,}" if counted else "[x]",
        "Reports": f"{f.n('asb', month):,}" if counted else "[x]",
        "Normal range from": f"{v.low:,}" if v is not None and ranged else "[x]",
        "Normal range to": f"{v.high:,}" if v is not None and ranged else "[x]",
        "Rest of the force, at this scale": out,
        "British Transport Police": f"{f.n('btp', month):,}" if counted and btp else "[x]",
    })  # fmt: skip


def _categories(f: Facts, row: dict[str, str]) -> Iterator[str]:
    slug = slug_of(row["Category"], f)
    n, crime = f.total(slug), f.total("crime")
    yield from _cells(row, {
        "Category": row["Category"], "All months counted": f"{n:,}", named(f.latest): f"{f.n(slug):,}",
        "Share of crime": "[z]" if slug == ASB else f"{n / crime:.1%}" if crime >= 50 else "no share",
        "Mean month": f"{n / len(f.months):,.1f}" if crime >= 50 else "no mean",
    })  # fmt: skip


def _points(f: Facts, row: dict[str, str]) -> Iterator[str]:
    key = row["On or near"], number(row["Crimes"]), number(row["Reports of anti-social behaviour"])
    tops = f.point_kinds.get(key)
    if tops is None:
        yield "no such point"
    elif row["Most common category of crime"] not in ({label_of(c) for c in tops} if key[1] >= 5 else {"–"}):
        yield f"Most common category: {row['Most common category of crime']}, the records say {tops}"


def _outcomes(f: Facts, row: dict[str, str]) -> Iterator[str]:
    n, every = number(row["Crimes"]), int(f.outcomes.sum())
    own = int(f.outcomes[f.outcomes.index.isin(GROUPED.get(row["Outcome"], {row["Outcome"]}))].sum())
    yield from _cells(row, {
        "Outcome": row["Outcome"], "Crimes": f"{own:,}", "Share": f"{n / every:.1%}" if every >= 50 else "[u]",
        "Rest of the force": f"{_rest(f, row['Outcome']):.1%}" if f.rest_outcomes is not None else None,
    })  # fmt: skip


def _waits(f: Facts, row: dict[str, str]) -> Iterator[str]:
    rows = (
        f.waits
        if row["Category"] == "All crime"
        else f.waits[f.waits["category"] == slug_of(row["Category"], f)]
    )
    n, later = len(rows), rows["later"]
    half = f.half_after(later)
    yield from _cells(row, {
        "Category": row["Category"], "Crimes": f"{n:,}", "With an outcome": f"{int((later >= 0).sum()):,}",
        "In the month recorded": f"{(later == 0).mean():.1%}" if n >= 50 else "[u]",
        "Within three months": f"{later.between(0, 3).mean():.1%}" if n >= 50 else "[u]",
        "Months until half had one": "[u]" if half is None else f"{half:,}",
    })  # fmt: skip


GROUPED = {
    "Charged or sent to court (result not published)": CHARGED,
    "Dealt with out of court": {
        "Local resolution", "Offender given a caution", "Offender given a drugs possession warning",
        "Offender given a penalty notice", "Action to be taken by another organisation",
    },
    "Action not in the public interest": {
        f"{act} is not in the public interest" for act in ("Formal action", "Further action", "Further investigation")
    },
    "No outcome given": {""},
}  # fmt: skip
"""What each line of the outcomes sums, beside those that stand under the source's own words."""


def _rest(f: Facts, outcome: str) -> float:
    rest = f.rest_outcomes
    return float(rest[rest.index.isin(GROUPED.get(outcome, {outcome}))].sum() / rest.sum())


def _changes(f: Facts, row: dict[str, str]) -> Iterator[str]:
    slug = slug_of(row["Category"], f)
    m = f.year("asb" if slug == ASB else slug)
    words = {
        "rise": "clear rise", "fall": "clear fall", "few": "too few to judge a change", "none": "no clear change",
        "as located": "no clear change", "map changed": row["Verdict"],
    }  # fmt: skip
    few = min(m.a, m.b) < 20
    yield from _cells(row, {
        "Category": row["Category"], "Before": f"{m.b:,}", "Latest": f"{m.a:,}",
        "Change": "[u]" if few else f"{m.ratio - 1:+.0%}", "Verdict": why_not(m) if m.kind == "none" else words[m.kind],
        "Month by month": "too few" if m.kind == "few" else pairs(m),
    })  # fmt: skip


def _shares(f: Facts, row: dict[str, str]) -> Iterator[str]:
    fit = [c for _, c in f.compared() if not c["why"]]
    every = dict(f.compared())
    found = every[row["Compared with"]] if "Compared with" in row else fit[0]
    r = found["rows"][slug_of(row["Category"], f)]
    ratio = lambda v: "[u]" if v is None else f"{v:.2f}"  # noqa: E731
    yield from _cells(row, {
        "Category": row["Category"], "Compared with": row.get("Compared with"), "Here": f"{r['here']:.1%}",
        "There": f"{r['there']:.1%}", "Ratio": ratio(r["q"]), "Lowest likely": ratio(r["low"]),
        "Highest likely": ratio(r["high"]), "Large and beyond chance": r["named"] or "no",
    })  # fmt: skip


POSITIONS = {
    "more": "more than in nine of ten", "fewer": "fewer than in nine of ten", "few": "too few to place",
    "within": "among the middle eight of ten", "chance": "chance could explain it",
    "unnamed": "never named as few",
}  # fmt: skip
"""What a position is called in a table."""


def _alike(f: Facts, row: dict[str, str]) -> Iterator[str]:
    p = f.positions()[slug_of(row["Category"], f)]
    yield from _cells(row, {
        "Category": row["Category"], "Here": f"{p.records:,}", "Level here, at least": f"{p.low:,.0f}",
        "Level here, at most": f"{p.high:,.0f}", "Places like this one": f"{p.places:,}",
        "Their median": f"{p.median:,g}", "Places with fewer": f"{p.fewer:,}", "Position here": POSITIONS[p.kind],
    })  # fmt: skip


_PER = {"residents": "residents", "residents and jobs": "both", "households": "households"}


def _rate_of(f: Facts, what: str, where: str) -> dict[str, float]:
    """Return the rate that words name: what it counts, and of which area."""
    head = re.fullmatch(r"(?:Crimes|Burglaries) (a year|in \d+ months?) for every 1,000 (.+)", what)
    areas = {"Here": "here", f"Rest of {join(map(force_name, f.shares))} (police area)": "force"}
    areas |= {f"Rest of {' and '.join(sorted({*f.district['name']}))} (district)": "district"}
    if head is None or head[1] != per_when(f) or what.startswith("B") != (head[2] == "households"):
        return {}
    return f.rates.get((_PER.get(head[2], ""), areas.get(where, "")), {})


def _rates(f: Facts, row: dict[str, str]) -> Iterator[str]:
    r = _rate_of(f, row["What"], row["Where"])
    if not r:
        yield "no such rate"
        return
    yield from _cells(row, {
        "What": row["What"], "Where": row["Where"], "Records": f"{r['n']:,.0f}", "Of about": figures(r["people"]),
        "Rate": figures(r["rate"]).removesuffix(".0"), "Lowest likely": figures(r["low"], np.floor).removesuffix(".0"),
        "Highest likely": figures(r["high"], np.ceil).removesuffix(".0"),
    })  # fmt: skip


def _every_rate(f: Facts, rows: list[dict[str, str]]) -> Iterator[str]:
    if len({(r["What"], r["Where"]) for r in rows}) != len(f.rates):
        yield "a rate is missing, or is there twice"


def _drawn_rate(f: Facts, what: str, cells: list[str]) -> Iterator[str]:
    """Check a row of the drawn rates, `what` the heading above it; of a heading, what it is based on."""
    if len(cells) == 1:
        found = re.fullmatch(r"(.+), about ([\d,]+) here \((.+)\)", cells[0])
        r = _rate_of(f, found[1], "Here") if found else {}
        of = {"both": ["residents", "jobs"]}
        rows = (
            [f.living[m] for m in of.get(p, [p])]
            if found and (p := _PER.get(found[1].rpartition("1,000 ")[2]))
            else []
        )
        years = dict.fromkeys(f"Census {r['year']}" if "Census" in r["source"] else r["year"] for r in rows)
        if not found or not r or (found[2], found[3]) != (figures(r["people"]), " and ".join(years)):
            yield f"the records say {r}"
        return
    r = _rate_of(f, what, cells[0])
    right = (
        [figures(r["rate"]), f"{figures(r['low'], np.floor)} to {figures(r['high'], np.ceil)}", ""]
        if r
        else []
    )
    if cells[1:] != right:
        yield f"the records say {right}"


def _searches(f: Facts, row: dict[str, str]) -> Iterator[str]:
    month = next(m for m in f.status if named(m) == row["Month"])
    n = int((f.searches["month"] == month).sum())
    why = " ".join(w for states in f.searches_state.values() if (w := states[month][1]))
    yield from _cells(row, {
        "Month": row["Month"], "Status": f.search_status(month), "Why": why or "–",
        "Searches": f"{n:,}" if month in f.search_months else "[x]",
    })  # fmt: skip


def _searches_by(column: str) -> Any:
    def check(f: Facts, row: dict[str, str]) -> Iterator[str]:
        (what,) = {"Object", "Outcome", "Law", "Time (in the United Kingdom)", "Ethnicity"} & {*row}
        counts = f.searches_by(column)
        n, of, linked = counts.get(row[what], 0), sum(counts.values()), {}
        if column == "outcome":
            word = row[what] if row[what] != "Not recorded" else ""
            own = f.searches[f.searches["outcome"] == word]["linked"].tolist()
            heads = {"Linked to the object": "yes", "Not linked": "no", "Link not recorded": ""}
            linked = {head: f"{own.count(says):,}" for head, says in heads.items()}
        yield from _cells(row, {
            what: row[what], "Searches": f"{n:,}", "Share": f"{n / of:.1%}" if of >= 50 else "[u]", **linked,
        })  # fmt: skip

    return check


def _all_searches(column: str) -> Any:
    def check(f: Facts, rows: list[dict[str, str]]) -> Iterator[str]:
        if (n := sum(number(r["Searches"]) for r in rows)) != (of := sum(f.searches_by(column).values())):
            yield f"its rows sum to {n:,}, the records to {of:,}"
        if column == "hour" and (f.midnights >= 0.05 * len(f.searches) or len(f.searches) < 50):
            yield "times are shown, though many are midnight or there are few"
        if column.endswith("defined") and any("Share" in r for r in rows):
            yield "shares of ethnicity are shown"

    return check


_SEARCHES_BY = ("object", "outcome", "power", "hour", "self_defined", "officer_defined")


def _groups(f: Facts, row: dict[str, str]) -> Iterator[str]:
    made_of, months = row["Categories in it"], f.months
    if found := re.fullmatch(r"Part of (.+), (published by the Home Office|not published)", made_of):
        ireland = "northern-ireland" in f.shares
        right = {"Residential burglary": "burglary"}.get(row["Group"], "violence and sexual offences")
        n, k = "[x]", "[x]"
        if (found[1], found[2].startswith("not")) != (right, ireland):
            yield f"{made_of}: not so"
    else:
        slugs = [slug_of(name, f) for name in made_of.split(", ")]
        if slugs != GROUPS.get(row["Group"]):
            yield f"{row['Group']} is {GROUPS.get(row['Group'])}"
        n, k = (f"{int(f.table.loc[ms, slugs].to_numpy().sum()):,}" for ms in (months, [f.latest]))
    yield from _cells(row, {
        "Group": row["Group"], "Categories in it": made_of, "All months counted": n, named(f.latest): k,
    })  # fmt: skip


GROUPS = {
    "Retail crime": ["shoplifting"], "Vehicle crime": ["vehicle-crime"], "Violence": ["violent-crime"],
    "Damage": ["criminal-damage-arson"],
    "Acquisitive crime": [
        "burglary", "robbery", "vehicle-crime", "theft-from-the-person", "bicycle-theft", "shoplifting", "other-theft",
    ],
}  # fmt: skip


def _across(f: Facts, row: dict[str, str]) -> Iterator[str]:
    month = next(m for m in f.status if named(m) == row["Month"])
    counts = {label_of(c): f"{f.n(c, month):,}" if month in f.months else "[x]" for c in [*f.categories, ASB]}
    yield from _cells(row, {"Month": row["Month"], **counts})


def _drawn(f: Facts, name: str, cells: list[str]) -> Iterator[str]:
    """Check a row of a table that is drawn: its counts and shares are those of the records."""
    label, *said = (c.strip() for c in cells)
    label = label.removesuffix(" (reports)")
    if label in ("Category", "Latest outcome") or not said:
        return
    if name == "outcomes":
        n = int(f.outcomes.sum())
        own = f.outcomes[f.outcomes.index.isin(GROUPED.get(label, {label}))].sum()
        expected: list[Any] = [Share(own / n, n), ""]
        expected += [Share(_rest(f, label), n)] if f.rest_outcomes is not None else []
    elif name == "change":
        m = f.year("asb" if label == label_of(ASB) else slug_of(label, f))
        words = {
            "rise": "clear rise",
            "fall": "clear fall",
            "few": "too few to judge",
            "map changed": "not compared",
        }
        expected = [f"{m.b:,}", f"{m.a:,}", "", words.get(m.kind, "no clear change")]
    elif name == "like":
        p = f.positions()[slug_of(label, f)]
        said_of = "" if p.kind == "within" else POSITIONS[p.kind]
        expected = [f"{p.records:,}", f"{p.median:,g}", "", said_of]
    elif name == "compared":
        slug = slug_of(label, f)
        found = [(c, c["rows"][slug]) for _, c in f.compared() if not c["why"]]
        if not any(
            agrees(said[0], Share(r["here"], c["here"])) and agrees(said[1], Share(r["there"], c["there"]))
            for c, r in found
        ):
            yield "no comparison has these shares"
        return
    else:
        slug, newest = ASB if label == label_of(ASB) else slug_of(label, f), [*f.status][-1]
        expected = [f"{f.total(slug):,}", "", "", f"{f.n(slug, newest):,}" if newest in f.months else "[x]"]
    for cell, right in zip(said, expected, strict=True):
        if not (cell == right if isinstance(right, str) else agrees(cell, right)):
            yield f"{cell}: the records say {right!r}"


TABLES = {
    "categories": _categories,
    "trend": lambda f, r: _months(f, r, "crime"), "trend.asb": lambda f, r: _months(f, r, "asb"),
    "rates": _rates, "groups": _groups, "searches": _searches,
    **{f"searches {column}": _searches_by(column) for column in _SEARCHES_BY},
    "snapped-points": _points, "outcomes": _outcomes, "outcome-times": _waits,
    "change": _changes, "compared": _shares, "like": _alike, "explore": _across,
}  # fmt: skip


def _sum(column: str, total: Any) -> Any:
    def check(f: Facts, rows: list[dict[str, str]]) -> Iterator[str]:
        listed = [r for r in rows if r.get("Category") != label_of(ASB)]
        if (n := sum(number(r[column]) for r in listed)) != total(f):
            yield f"{column} sums to {n:,}, the records to {total(f):,}"

    return check


def _every_month(f: Facts, rows: list[dict[str, str]]) -> Iterator[str]:
    if [r["Month"] for r in rows] != [named(m) for m in f.status]:
        yield "not every month asked for has a row"


WHOLES = {
    "categories": _sum("All months counted", lambda f: f.total("crime")),
    "snapped-points": _sum("Crimes", lambda f: f.half()[2]),
    "outcomes": _sum("Crimes", lambda f: int(f.outcomes.sum())),
    **{f"searches {column}": _all_searches(column) for column in _SEARCHES_BY},
    "searches": _every_month, "rates": _every_rate,
    "trend": _every_month, "trend.asb": _every_month, "explore": _every_month,
}  # fmt: skip


def read_rows(f: Facts, part: str, texts: list[str]) -> Read:
    """Check the tables of months, of coverage and to paste, and the row in an index."""
    found, rows = [], [t.strip("| ").split(" | ") for t in texts]
    for cells in rows:
        found += [Finding("table", part, " | ".join(cells), why) for why in ROWS[part](f, cells)]
    return Read(len(rows), sum(len(NUMBERS.findall(t)) for t in texts), found)


def _row_of_month(f: Facts, cells: list[str]) -> Iterator[str]:
    month = next((m for m in f.status if named(m) == cells[0]), None)
    if month and (cells[1], cells[2]) != (f.status[month], f.why[month] or "Supplied."):
        yield f"the records say {f.status[month]}, {f.why[month]}"


def _row_of_force(f: Facts, cells: list[str]) -> Iterator[str]:
    for _, r in f.cover.iterrows():
        if cells[0] == r["force_name"]:
            held = sorted(f.held[r["force"]])
            if cells[1] != f"{r['share']:.1%}" or not (
                agrees(cells[-1], Span(held)) if held else cells[-1] == "none of these months"
            ):
                yield f"the records say {r['share']:.1%}, {held}"
            return
    if cells[0] != "Force" and len(cells) > 1:
        yield "no such force"


def _row_to_paste(f: Facts, cells: list[str]) -> Iterator[str]:
    names = {label_of(c): c for c in f.categories} | {
        "All crime": "crime",
        f"{label_of(ASB)} (reports)": "asb",
    }
    if cells[0] == "Category":
        if cells[1] != named(f.latest) or not agrees(cells[2], Span(f.months)):
            yield f"months {cells[1:]}"
    elif cells[0] in names:
        s = names[cells[0]]
        if cells[1:] != [f"{f.n(s):,}", f"{f.total(s):,}"]:
            yield f"the records say {f.n(s):,}, {f.total(s):,}"
    elif not cells[0].startswith("-"):
        yield "no such category"


def _cell_of_index(f: Facts, cells: list[str]) -> Iterator[str]:
    key, said = cells[0], " | ".join(cells[1:])
    y = f.table.loc[f.months, "crime"]
    covered = [(force_name(x), s) for x, s in zip(f.cover["force"], f.cover["share"], strict=True) if s > 0]
    small = lambda s: "less than 1%" if s < 0.005 else f"{s:.0%}"  # noqa: E731
    shares = covered[0][0] if len(covered) == 1 else join(f"{n} {small(s)}" for n, s in covered)
    left = [m for m in f.status if m not in f.months]
    expected = {
        "name": place_names(f) or f.key, "missing": str(len(left)),
        "coverage": shares, "changed": change_in_index(f) if f.months else "",
        "bars_text": f"{y.min():,} to {y.max():,} a month" if f.months else "No month can be counted",
    }  # fmt: skip
    if key == "period":
        right = agrees(said, Span(list(f.data.query.months)))
    elif key == "gaps":
        words = [re.fullmatch(r"(.*): (.*)", g) for g in said.split("; ")] if said else []
        told = {m: w[2] for w in words if w for m in _named_months(w[1])}
        right = told == {m: f.status[m] for m in left}
    else:
        right = said == expected[key]
    if not right:
        yield f"{key}: the records say {expected.get(key, left)}"


def _named_months(text: str) -> list[str]:
    found = months_in(text)
    return found if isinstance(found, list) else []


def _row_of_map_key(f: Facts, cells: list[str]) -> Iterator[str]:
    mark, name, where = cells
    metres, _, towards = where.partition(" m ")
    (cx, cy), near = to_metres(f.place["longitude"], f.place["latitude"]), False
    for at, called in zip(f.points.index, f.called, strict=True):
        x, y = to_metres(*at)
        turn = np.degrees(np.arctan2(x - cx, y - cy)) % 360
        way = WAYS[int((turn + 22.5) // 45) % 8]
        away = np.hypot(x - cx, y - cy)
        is_street = f.streets.get(at, ("",))[0] == "name"
        right = where == "at the centre" if away < 5 else abs(number(metres) - away) <= 5 and towards == way
        near |= called == name and right and is_street == mark.isdigit()
    if not near:
        yield "no such point there"


_RATES_CAPTION = "Crimes for every 1,000 residents, and for every 1,000 residents and jobs"
WAYS = "north north-east east south-east south south-west west north-west".split()

ROWS = {
    "map key": _row_of_map_key,
    "months": _row_of_month,
    "coverage": _row_of_force,
    "summary": _row_to_paste,
    "index": _cell_of_index,
}


def _figure(f: Facts, name: str, rows: list[str]) -> Iterator[tuple[str, str]]:
    """Check the rows of a table that is drawn; a rate's row is of what the heading above it says."""
    above = ""
    for row in rows:
        cells = [c.strip() for c in row.split("|")]
        if name == "rates" and cells[0] not in ("Where", _RATES_CAPTION):
            yield from ((row, why) for why in _drawn_rate(f, above, cells))
            above = row.partition(", about ")[0] if len(cells) == 1 else above
        elif name != "rates":
            yield from ((row, why) for why in _drawn(f, name, cells))


# ------------------------------------------------------------------------ pages


def read_page(f: Facts, page: Page) -> Read:
    """Read a page, or some parts of one, beside the facts of its place."""
    reads = [Read(0, 0, list(_supply(f)))]
    for part, texts in page.items():
        name = part.partition(" ")[2]
        if part.startswith("table "):
            reads.append(read_table(f, name, texts))
            continue
        if part.startswith("figure "):
            found = [Finding("table", part, row, why) for row, why in _figure(f, name, texts)]
            reads.append(Read(len(texts), sum(len(NUMBERS.findall(t)) for t in texts), found))
            continue
        rows = [t for t in texts if " | " in t or t.startswith("|")] if part in ROWS else []
        if rows:
            reads.append(read_rows(f, part, rows))
        for text in texts:
            if text in rows or (text.startswith("# ") and part.startswith("note")):
                continue
            title = part == "title" and text == heading(f)
            as_it_is = title or text == f.place["remark"] or (part, text.partition(",")[0]) in CAPTIONS
            if as_it_is or text in fixed_lines():
                reads.append(Read(1, 0, []))
            else:
                reads.append(read_text(f, part, text))
    return Read(
        sum(r.sentences for r in reads), sum(r.numbers for r in reads), [x for r in reads for x in r.findings]
    )


CAPTIONS = {
    ("months", "Months of this report"), ("coverage", "Police forces and their share of the area"),
}  # fmt: skip


def _supply(f: Facts) -> Iterator[Finding]:
    """Find months called whole that one of the deciding forces did not supply."""
    for month, state in f.status.items():
        lacking = [x for x in f.shares if month not in f.held[x]]
        if state in (WHOLE, LOW) and lacking:
            yield Finding(
                "a part called whole", "months", f"{named(month)} {state}", f"not supplied: {lacking}"
            )
        if state in (WHOLE, LOW) and sum(f.shares.values()) < 0.9:
            yield Finding(
                "a part called whole",
                "months",
                f"{named(month)} {state}",
                "part of the area has no known force",
            )


# ------------------------------------------------------------------------ many places


def questions(archive: Archive, places: int, seed: int) -> Iterator[tuple[str, Any]]:
    """Yield places: postcodes near records, every eighth compared with others, every tenth as a custom area."""
    codes = pd.read_parquet(archive.folder / "postcodes.parquet")
    codes = codes[(codes["refused"] == "") & codes["latitude"].notna()]
    street = pd.read_parquet(archive.folder / "street.parquet", columns=["longitude", "latitude"]).dropna()

    def cells(t: pd.DataFrame) -> pd.Series:
        return (t["longitude"] * 25).round() * 10_000 + (t["latitude"] * 40).round()

    codes = codes[cells(codes).isin(set(cells(street)))]
    rng = np.random.default_rng(seed)
    # One a cell first: villages as often as towns.
    codes = codes.iloc[rng.permutation(len(codes))].assign(cell=cells)
    codes = (
        codes.assign(again=codes.groupby("cell").cumcount()).sort_values("again", kind="stable").head(places)
    )
    listed = codes["postcode"].tolist()
    for i, row in enumerate(codes.itertuples()):
        if i % 10 == 9:
            box = shapely.Point(row.longitude, row.latitude).buffer(0.004 + 0.01 * rng.random(), quad_segs=2)
            yield row.postcode, Area(f"Area {i}", box)
        else:
            yield row.postcode, tuple(listed[(i + k) % len(listed)] for k in (1, 2)) if i % 8 == 7 else ()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("archive", type=Path)
    parser.add_argument("--places", type=int, default=300)
    parser.add_argument("--ranges", type=int, nargs="*", default=list(RANGES))
    parser.add_argument("--first", default="", help="leave out the archive's months before this one")
    parser.add_argument("--seed", type=int, default=20261126)
    parser.add_argument("--minutes", type=float, default=1e9, help="stop after so many and say what was read")
    parser.add_argument("--stops", action="store_true", help="read the section on searches by the police too")
    parser.add_argument("--show", type=int, default=3, help="examples of each kind of finding")
    asked = parser.parse_args()
    archive = Archive(asked.archive)
    months = [m for m in archive.months() if m >= asked.first]
    kinds: dict[tuple[str, str, str], list[str]] = collections.defaultdict(list)
    total, pages, began = collections.Counter[str](), 0, time.monotonic()
    for code, what in questions(archive, asked.places, asked.seed):
        if time.monotonic() - began > asked.minutes * 60:
            break
        total["places"] += 1
        for length in asked.ranges:
            if length > len(months):
                continue
            # Every second place ends a few months earlier, so that ranges have many ends.
            end = len(months) - (pages // len(asked.ranges)) % 2 * min(len(months) - length, 4)
            start, last = months[end - length], months[end - 1]
            area = what if isinstance(what, Area) else None
            try:
                like = archive.has_candidates and total["places"] % 3 == 0
                others = () if area else what
                query = cn.Query.parse(
                    "" if area else code, start, last, others, area=area, like=like, stops=asked.stops
                )
                data = cn.collect(query, archive)
            except CrimenbError as error:
                total[f"refused: {type(error).__name__}"] += 1
                continue
            pages += 1
            try:
                read = read_page(Facts(data), page_of(data))
            except (ArithmeticError, LookupError, TypeError, ValueError) as error:
                read = Read(0, 0, [Finding("fails", "page", query.slug, repr(error))])
            total["sentences"] += read.sentences
            total["numbers"] += read.numbers
            for x in read.findings:
                shape = (
                    re.sub(r"\d[\d,.]*", "9", x.text)[:60]
                    if x.kind == "not read"
                    else x.why.partition(":")[0]
                )
                kinds[x.kind, x.part, shape].append(f"{query.slug}: {x.text[:300]} <{x.why[:300]}>")
    for (kind, part, shape), texts in sorted(kinds.items(), key=lambda k: -len(k[1])):
        print(f"{len(texts):6,} {kind} in {part}: {shape}")
        for text in texts[: asked.show]:
            print(f"         {text}")
    print(f"{pages:,} pages, {dict(total)}, {sum(map(len, kinds.values())):,} findings, "
          f"{time.monotonic() - began:.0f} s")  # fmt: skip
    return 1 if kinds else 0


if __name__ == "__main__":
    sys.exit(main())
