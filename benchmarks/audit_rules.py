"""The sentences of a page: a pattern for each, and what its words and numbers must be by the facts.

In a pattern `{name:I}` is a whole number, `{name:C}` one that may be a word, `{name:P}` a percentage,
`{name:M}` a month, `{name:S}` words without a stop, `{name:T}` any text. A rule answers with what each name should be; a name that it
leaves out, or a sentence that no pattern takes whole, is reported as not read.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from benchmarks.audit_facts import (
    BTP,
    INCIDENTS,
    LOW,
    NEW_POINTS,
    PARTLY,
    VIOLENCE,
    WHOLE,
    Facts,
    Judged,
    Moved,
    across,
    days,
    figures,
    join,
    shift,
)

from crimenb.schema import ASB, force_name, label_of

NAMES = "January February March April May June July August September October November December".split()
_ONE_MONTH = rf"(?:{'|'.join(NAMES)})"
_KINDS = {
    "I": r"[\d,]+", "C": r"(?:[A-Z][a-z]+|[\d,]+)", "P": r"(?:less than 1|\d+(?:\.\d)?)%",
    "M": rf"{_ONE_MONTH} \d{{4}}", "T": r".+?", "S": r"[^.;:()|]+?",
}  # fmt: skip
WORDS = "None One Two Three Four Five Six Seven Eight Nine".split()
THEFTS = ("shoplifting", "other-theft", "theft-from-the-person", "bicycle-theft")
DRAWS = {
    "shops": ("Shopping Area", "Supermarket"), "a hospital": ("Hospital",), "nightclubs": ("Nightclub",),
    "colleges": ("Further/Higher Educational Building",), "theatres": ("Theatre/Concert Hall",),
    "a bus station": ("Bus/Coach Station",),
}  # fmt: skip


class Share(NamedTuple):
    """A share that a percentage must be, of `of` records, and the fewest that allow one (R21)."""

    value: float
    of: int
    least: int = 50


class Span(NamedTuple):
    """Months that words must name."""

    months: list[str]


class OneOf(NamedTuple):
    """Answers of which any one is right."""

    answers: list[Any]


Expected = dict[str, Any]


class Rule(NamedTuple):
    """A sentence that a page may have, and what it must say."""

    pattern: re.Pattern[str]
    expected: Callable[[Facts, dict[str, str]], Expected]


def compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(
        re.sub(r"\{(\w+):([ICPMTS])\}", lambda m: f"(?P<{m[1]}>{_KINDS[m[2]]})", pattern) + r"(?= |$)"
    )


# ------------------------------------------------------------------------ words and numbers


def number(text: str) -> int:
    return WORDS.index(text) if text in WORDS else 0 if text == "no" else int(text.replace(",", ""))


def month_of(text: str) -> str:
    name, year = text.split()
    return f"{year}-{NAMES.index(name) + 1:02d}"


def named(month: str) -> str:
    return f"{NAMES[int(month[5:]) - 1]} {month[:4]}"


def between(first: str, last: str) -> list[str]:
    return [
        shift(first, k)
        for k in range((int(last[:4]) - int(first[:4])) * 12 + int(last[5:]) - int(first[5:]) + 1)
    ]


def months_in(text: str, year: str = "") -> list[str] | int:
    """Return the months that words name ("May to July and October 2025"), or how many of which they count."""
    if found := re.fullmatch(r"(\d+) of the months (.*)", text):
        return int(found[1])
    if found := re.fullmatch(r"(?:the )?(\d+) months counted", text):
        return int(found[1])
    if re.fullmatch(r"\d{4}", text):
        return between(f"{text}-01", f"{text}-12")
    if found := re.fullmatch(rf"the (\d+) months to ({_KINDS['M']})", text):
        return between(shift(month_of(found[2]), 1 - int(found[1])), month_of(found[2]))
    pieces, months = re.split(r", and |, | and ", text), []
    for piece in reversed(pieces):
        ends = piece.split(" to ")
        if not all(re.fullmatch(rf"{_ONE_MONTH}(?: \d{{4}})?", e) for e in ends):
            return -1
        for end in reversed(ends):
            year = end.split()[1] if " " in end else year
            ends[ends.index(end)] = f"{end.split()[0]} {year}"
        if not year:
            return -1
        months = between(month_of(ends[0]), month_of(ends[-1])) + months
    return months


def agrees(said: str | None, expected: Any) -> bool:
    """Whether what a sentence says is what the facts are."""
    match expected:
        case OneOf():
            return any(agrees(said, a) for a in expected.answers)
        case bool():
            return bool(said) == expected
        case None:
            return said is None
        case _ if said is None:
            return False
        case Share():
            digits = 1 if "." in said else 0
            low = said.startswith("less than")
            if expected.of < expected.least or (low and not 0 < expected.value < 0.005):
                return False
            return (
                low or abs(float(said.rstrip("%")) / 100 - expected.value) <= 0.5 / 10 ** (2 + digits) + 1e-9
            )
        case Span():
            found = months_in(said)
            return found == (len(expected.months) if isinstance(found, int) else sorted(expected.months))
        case int():
            return number(said) == expected
        case _:
            return said[:1].lower() + said[1:] == str(expected)[:1].lower() + str(expected)[1:]


# ------------------------------------------------------------------------ the place and its verdicts


def category(slug: str) -> str:
    return label_of(slug).lower()


def forces(f: Facts) -> str:
    return join(map(force_name, f.shares))


def place(f: Facts) -> str:
    return f"the mile around {f.key}" if f.circle else f.key


def _part(f: Facts) -> tuple[str, str]:
    share = f"{'' if f.exact else 'about '}{sum(f.shares[x] for x in f.forces):.0%}"
    return f"the {join(map(force_name, f.forces))} part", share


def where(f: Facts) -> str:
    if f.kind != "part":
        return place(f)
    part, share = _part(f)
    return f"{part} ({share}) of {place(f)}" if f.absent else f"{place(f)} (part of the records)"


def where_in_full(f: Facts) -> str:
    if f.kind != "part" or not f.absent:
        return where(f)
    part, share = _part(f)
    return f"{part} of {place(f)} ({share} of its area; the rest cannot be estimated from it)"


def part_only(f: Facts) -> str | None:
    if f.kind != "part":
        return None
    return f" in {_part(f)[0] if f.absent else 'the rows that could be read'}"


_WITHOUT = {
    "few": "too few to judge", "not judged": "not judged",
    "few months": "not judged, because a normal range needs 6 earlier months",
    "no control": "not judged, because this source cannot show what is normal for the time of year",
}  # fmt: skip


def short(v: Judged) -> str:
    outside = "outside the normal range on the counts as located"
    return outside if v.kind == "as located" else f"{v.kind} the normal range"


def verdict(v: Judged) -> str:
    if v.high < 0:
        return _WITHOUT[v.kind]
    text = f"{short(v)} for this area ({v.low:,} to {v.high:,})"
    if v.kind == "as located":
        text += ", but not once the records without a location are allowed for"
    return text if v.adjusted else f"{text}, which is not adjusted for the time of year"


def called(f: Facts) -> list[tuple[str, Judged]]:
    found = [(c, f.judged(c)) for c in f.categories] if f.kind == "whole" else []
    return [(c, v) for c, v in found if v.kind in ("below", "above")]


def way(ratio: float) -> str:
    size = f"{abs(ratio - 1):.0%}"
    return "unchanged" if size == "0%" else f"{size} {'lower' if ratio < 1 else 'higher'}"


def pairs(m: Moved) -> str:
    return f"{'lower' if m.ratio < 1 else 'higher'} in {m.same} of {len(m.later)} months"


def why_not(m: Moved) -> str:
    """Say which of the three conditions of R8 is not met, the first of them."""
    if abs(m.ratio - 1) < 0.1:
        return f"no clear change ({way(m.ratio)}, under the 10% that counts as clear)"
    why = "chance could explain it" if m.low <= 1 <= m.high else pairs(m).replace(" in ", " in only ")
    return f"no clear change ({why})"


def year_verdict(m: Moved) -> str:
    return {
        "rise": f"a clear rise of {abs(m.ratio - 1):.0%}, {pairs(m)}", "few": "too few to judge a change",
        "fall": f"a clear fall of {abs(m.ratio - 1):.0%}, {pairs(m)}", "none": why_not(m),
        "as located": f"{pairs(m)}, but no clear change once the records without a location are allowed for",
    }.get(m.kind, m.kind)  # fmt: skip


def top(counts: dict[str, int]) -> list[tuple[str, int]]:
    """Return the three largest; a tie at the last place names all or none (R18)."""
    rows = sorted(((c, n) for c, n in counts.items() if n), key=lambda r: -r[1])
    if len(rows) <= 3:
        return rows
    least = rows[2][1]
    above, tied = [r for r in rows if r[1] > least], [r for r in rows if r[1] == least]
    return above + tied if len(above + tied) <= 4 else above


def with_counts(rows: list[tuple[str, int]]) -> OneOf:
    """Return every right order of a list of categories with counts: equal counts may change places."""
    groups = [list(g) for _, g in itertools.groupby(rows, key=lambda r: r[1])]
    orders = itertools.product(*(itertools.permutations(g) for g in groups))
    return OneOf(
        [
            join(f"{category(c)} ({n:,})" for c, n in itertools.chain(*o))
            for o in itertools.islice(orders, 200)
        ]
    )


def _of_month(f: Facts) -> dict[str, int]:
    return {c: f.n(c) for c in f.categories}


def _of_all(f: Facts) -> dict[str, int]:
    return {c: f.total(c) for c in f.categories}


def gaps(f: Facts) -> list[str]:
    return [m for m in f.status if m not in f.months]


def less_than_two_years(f: Facts) -> bool:
    return f.year().kind == "few months"


# ------------------------------------------------------------------------ the rules

# A rule is read as one piece: its sentence, then its facts.
# fmt: off

RULES: list[Rule] = []

def rule(pattern: str) -> Callable[..., Any]:
    def added(expected: Callable[[Facts, dict[str, str]], Expected]) -> Callable[..., Any]:
        RULES.append(Rule(compiled(pattern), expected))
        return expected

    return added

def simple(pattern: str, expected: Callable[[Facts], Expected]) -> None:
    RULES.append(Rule(compiled(pattern), lambda f, _: expected(f)))

def truth(condition: bool) -> Expected:  # noqa: FBT001  a sentence that may stand or not
    """Return what a sentence without any number of its own must be: allowed."""
    return {"": condition}

def _half_decided(months: int | None) -> str | None:
    return f"within {months} month{'s' * (months > 1)}" if months else None if months is None else "in the month they were recorded"

_JUDGED = r"(?: That is {verdict:T}\.)?(?P<incomplete> The month looks incomplete, so it is not judged\.)?"

def _verdict_of(f: Facts, v: Judged) -> Expected:
    judged = f.kind == "whole" and v.kind != "not judged"
    return {"verdict": verdict(v) if judged else None, "incomplete": f.kind == "whole" and not judged}

@rule(
    r"Police recorded {n:I} crimes? in {where:T} in {month:M}(?P<newest> \(the newest month counted\))?, {daily:T} a day\." + _JUDGED
)
def _(f: Facts, g: dict[str, str]) -> Expected:
    rate = f.n("crime") / days(f.latest)
    daily = "less than 1" if rate < 0.95 else f"about {rate:,.0f}" if rate >= 9.5 else f"about {rate:.1f}"
    return {
        "n": f.n("crime"), "where": where_in_full(f), "month": named(f.latest), "daily": daily,
        "newest": f.latest != f.data.query.end, **_verdict_of(f, f.judged("crime")),
    }

@rule(
    r"There (?P<was>was|were) (?P<n>no|[\d,]+) reports? of anti-social behaviour\." + _JUDGED
    + r"(?: The range allows for the rest of {forces:T}, where reports a day were {change:P} (?P<way>lower|higher) "
    r"than in the earlier months\.)?"
)
def _(f: Facts, g: dict[str, str]) -> Expected:
    v = f.judged("asb")
    said = f.kind == "whole" and v.adjusted and v.high >= 0 and abs(v.rest_change) >= 0.1
    rest = int(f.rest.at[f.latest, "asb"]) if said else 0
    return {
        "n": f.n("asb"), "was": "was" if f.n("asb") == 1 else "were", **_verdict_of(f, v),
        "forces": forces(f) if said else None,
        "change": Share(abs(v.rest_change), rest, 20) if said else None,
        "way": ("lower" if v.rest_change < 0 else "higher") if said else None,
    }

@rule(r"{items:T} was (?P<first>below|above) the normal range for this area \({rest:T}\)\.")
def _(f: Facts, g: dict[str, str]) -> Expected:
    all_of_it = join(
        f"{category(c)} was {short(v)} for this area ({v.records:,}; {v.low:,} to {v.high:,})" for c, v in called(f)
    )
    head, _, rest = all_of_it.partition(" was ")
    first, _, tail = rest.partition(" the normal range for this area (")
    return {"items": head, "first": first, "rest": tail.removesuffix(")")}

@rule(r"Daily crime was {moved:T} in {later:T} (?P<than>compared with|than in) {earlier:T}\.(?: It was {rest:T} in the rest of {forces:T}\.)? (?P<said>This is a local (?:rise|fall): (?:more|less) crime than the rest of .+? and chance explain|The numbers are too small to call a local change|This source cannot show how much of that is the time of year|There is no sign of a local change|Most of that (?:fall|rise) was across the whole force|The difference is too small to call a local change)\.")
def _(f: Facts, g: dict[str, str]) -> Expected:
    m, known = f.recent(), f.recent().rest == f.recent().rest
    text = lambda ms: f"{NAMES[int(ms[0][5:]) - 1]} to {NAMES[int(ms[-1][5:]) - 1]}"  # noqa: E731
    one_year = bool(m.later) and m.earlier[0][:4] == m.later[-1][:4]
    rest = f"the rest of {forces(f)}"
    if m.kind in ("rise", "fall"):
        said = f"This is a local {m.kind}: {'more' if m.kind == 'rise' else 'less'} crime than {rest} and chance explain"
    elif m.kind in ("few", "no control"):
        said = {
            "few": "The numbers are too small to call a local change",
            "no control": "This source cannot show how much of that is the time of year",
        }[m.kind]
    elif way(m.ratio) == "unchanged":
        said = "There is no sign of a local change"
    else:
        here, there = math.log(m.ratio), math.log(m.rest)
        explains = here * there > 0 and abs(there) >= abs(here) / 2
        said = f"Most of that {'fall' if m.ratio < 1 else 'rise'} was across the whole force" if explains else "The difference is too small to call a local change"
    spans = [text(m.later), text(m.earlier)] if one_year else [Span(m.later), Span(m.earlier)]
    return truth(less_than_two_years(f) and min(m.a, m.b) >= 20) | {
        "moved": way(m.ratio), "than": "compared with" if way(m.ratio) == "unchanged" else "than in",
        "later": spans[0], "earlier": spans[1], "rest": way(m.rest) if known else None,
        "forces": forces(f) if known else None, "said": said,
    }

@rule(r"In (?:{k:I} of )?the 12 months to {last:M} police recorded {a:I} crimes?, after {b:I} in the (?P<before>12 months before|same months a year before): {verdict:T}\.(?: In the rest of {forces:T} daily crime of all kinds was {rest:T} over the same time\.)?(?: {missing:S} (?P<are>is|are) left out, because only months counted in both years are compared\.)?")
def _(f: Facts, g: dict[str, str]) -> Expected:
    m = f.year()
    missing, known = _not_in_both(f), m.rest == m.rest
    return _two_years(f) | {
        "a": m.a, "b": m.b, "verdict": year_verdict(m), "missing": Span(missing) if missing else None,
        "are": ("is" if len(missing) == 1 else "are") if missing else None,
        "forces": forces(f) if known else None, "rest": way(m.rest) if known else None,
    }

def _not_in_both(f: Facts) -> list[str]:
    last = f.steady()[-1]
    return [x for x in between(shift(last, -11), last) if x not in f.year().later]

def _two_years(f: Facts) -> Expected:
    missing = _not_in_both(f)
    return {
        "k": len(f.year().later) if missing else None, "last": named(f.steady()[-1]),
        "before": "same months a year before" if missing else "12 months before",
    }

@rule(r"In the rest of {forces:T} daily crime of all kinds was {rest:T} over the same time\.")
def _(f: Facts, g: dict[str, str]) -> Expected:
    return {"forces": forces(f), "rest": way(f.year().rest)}

def _years_clear(f: Facts) -> list[tuple[str, Moved]]:
    found = [(c, f.year(c)) for c in f.categories]
    return sorted(
        ((c, m) for c, m in found if m.kind in ("rise", "fall")), key=lambda r: -(r[1].a + r[1].b)
    )

@rule(r"{how_many:C} categor(?:y|ies) changed clearly: {which:T}\.")
def _(f: Facts, g: dict[str, str]) -> Expected:
    found = _years_clear(f)
    items = [f"{category(c)} ({m.a:,} after {m.b:,}, {way(m.ratio)}, {pairs(m)})" for c, m in found]
    return {"how_many": len(found), "which": join(items)}

simple(r"None of the {n:I} categories compared changed clearly\.",
    lambda f: {"n": len([c for c in f.categories if f.year(c).kind not in ("few", "map changed")])}
    | truth(not less_than_two_years(f) and not _years_clear(f)))
simple(r"A filled dot means a clear change\. The line shows what chance allows\.",
    lambda f: truth(not less_than_two_years(f) and f.year().kind != "map changed"))
simple(r"Years are not compared across July 2022, when police\.uk replaced its map points: the counts are too small for it\.",
    lambda f: truth(f.year().kind == "map changed"))
simple(r"The other police areas? here, {names:T}, (?P<verb>is|are) not in these data\. No figure covers the whole area, no month is called normal or unusual, and nothing is compared with other places\.",
    lambda f: {"names": join(map(force_name, f.absent)), "verb": "is" if len(f.absent) == 1 else "are"})
simple(r"Rows of the files of these months could not be read, so some records are missing\. No month is called normal or unusual, and nothing is compared with other places\.",
    lambda f: truth(f.kind == "part" and not f.absent))
simple(r"The most common crimes in (?P<month>[A-Z]\w+) were {which:T}, together {sum:I} of {all:I}\.",
    lambda f: {
        "month": named(f.latest).split()[0], "which": with_counts(top(_of_month(f))),
        "sum": sum(n for _, n in top(_of_month(f))), "all": f.n("crime"),
    } | truth(f.n("crime") >= 20),
)

@rule(r"The crimes of (?P<month>[A-Z]\w+) were {which:T}\.")
def _(f: Facts, g: dict[str, str]) -> Expected:
    return {"month": named(f.latest).split()[0], "which": _items(g["which"], _of_month(f))} | truth(f.n("crime") < 20)

def _items(said: str, counts: dict[str, int]) -> str:
    """Return `said` where it lists each category with its count, largest first; else what it should list."""
    rows = sorted(((c, n) for c, n in counts.items() if n), key=lambda r: -r[1])
    right = join(f"{n:,} {category(c)}" for c, n in rows)
    found = [(number(n), c) for n, c in re.findall(r"([\d,]+) ([a-z][a-z -]*?)(?=, \d| and \d|$)", said)]
    same = sorted(found) == sorted((n, category(c)) for c, n in rows)
    return said if same and [n for n, _ in found] == [n for _, n in rows] and said == join(f"{n:,} {c}" for n, c in found) else right

@rule(r"Violence and sexual offences, the most common category almost everywhere, came (?P<nth>second|third|number \d+) here \({n:I}\)\.")
def _(f: Facts, g: dict[str, str]) -> Expected:
    before = sum(n > f.n(VIOLENCE) for n in _of_month(f).values())
    nth = {0: "first", 1: "second", 2: "third"}.get(before, f"number {before + 1}")
    return {"nth": nth, "n": f.n(VIOLENCE)}

def _larger(f: Facts, side: str = "more", at: int = 0) -> list[str]:
    rows = f.compared()[at][1]["rows"]
    found = [(c, r) for c, r in rows.items() if r["named"] == side]
    return [c for c, _ in sorted(found, key=lambda r: r[1]["q"] * (-1 if side == "more" else 1))]

@rule(r"(?:{how_many:C} categories make up|(?P<which>[A-Z].*?) makes? up) a clearly larger share of crime here than in {other:T}(?:, among them {among:T})?(?:\.|(?=$))")
def _(f: Facts, g: dict[str, str]) -> Expected:
    found = [category(c) for c in _larger(f)]
    many = len(found) > 3
    return {
        "how_many": len(found) if many else None, "which": None if many else join(found),
        "among": join(found[:3]) if many else None, "other": f"the rest of {forces(f)}",
    } | truth(bool(found))

simple(r"In {period:T} police recorded {crime:I} crimes? and {asb:I} reports? of anti-social behaviour(?P<part> in .+?)?\.",
    lambda f: {"period": Span(f.months), "crime": f.total("crime"), "asb": f.total("asb"), "part": part_only(f)})

def _since(f: Facts) -> bool:
    return f.point_months != f.months

simple(r"Half of the crimes(?P<since> since July 2022)? were mapped to (?:(?P<one>one)|just {half:I}) of the {all:I} points in the area\.",
    lambda f: {"since": _since(f), "one": f.half()[0] == 1, "half": None if f.half()[0] == 1 else f.half()[0], "all": f.half()[1]})
simple(r"All of the crimes(?P<since> since July 2022)? were mapped to one point\.",
    lambda f: {"since": _since(f)} | truth(f.half()[1] == 1))

@rule(r"British Transport Police recorded {n:I} further crimes?(?: in (?:{months:T}, the only months? its files covers?|the {k:I} months its files cover))?\. (?P<they>It is|They are) not counted here\.")
def _(f: Facts, g: dict[str, str]) -> Expected:
    held = sorted(f.held.get(BTP, set()) & set(f.months))
    n = f.total("btp")
    some = bool(held) and len(held) < len(f.months)
    run = some and between(held[0], held[-1]) == held
    return {
        "n": n, "months": Span(held) if run else None, "k": len(held) if some and not run else None,
        "they": "It is" if n == 1 else "They are",
    } | truth(n > 0)

@rule(r"{shares:T} have no location\. They are not counted anywhere in this report\.")
def _(f: Facts, g: dict[str, str]) -> Expected:
    found = {x: s for x, s in f.unlocated().items() if s >= 0.01}
    parts = [f"{s:.1%} of {force_name(x)}'s records" if s < 0.1 else f"{s:.0%} of {force_name(x)}'s records" for x, s in found.items()]
    return {"shares": join(parts)}

# ------------------------------------------------------------------------ what is held of the months

simple(r"All {n:I} months were (?:published|(?P<part>supplied for that part))\.",
    lambda f: {"n": len(f.status), "part": f.kind == "part"} | truth(f.months == list(f.status)))
simple(r"The month was (?:published|(?P<part>supplied for that part))\.",
    lambda f: {"part": f.kind == "part"} | truth(len(f.status) == 1 == len(f.months)))
simple(r"{n:C} of the {all:I} months (?P<verb>is|are) counted\.",
    lambda f: {"n": len(f.months), "all": len(f.status), "verb": "is" if len(f.months) == 1 else "are"} | truth(bool(gaps(f))))

def _with(f: Facts, *states: str) -> list[str]:
    return [m for m in gaps(f) if f.status[m] in states]

@rule(r"The {names:T} (?P<files>files?) for {months:T} (?P<verb>is|are) not in this archive, so (?P<those>that month is|those months are) missing, not zero\.")
def _(f: Facts, g: dict[str, str]) -> Expected:
    found = _with(f, "not in this archive")
    one = len(found) == 1
    return {
        "names": forces(f), "files": "file" if one else "files", "months": Span(found), "verb": "is" if one else "are",
        "those": "that month is" if one else "those months are",
    }

@rule(r"{months:S} (?P<verb>is|are) only partly supplied and left out\.")
def _(f: Facts, g: dict[str, str]) -> Expected:
    found = _with(f, PARTLY)
    return {"months": Span(found), "verb": "is" if len(found) == 1 else "are"}

@rule(r"{months:S} (?P<state>(?P<verb>is|are) (?:not supplied|probably not supplied|not yet published|no longer published)|could not be "
    r"fetched and (?P<again>is|are)) (?:and )?missing, not zero\.")
def _(f: Facts, g: dict[str, str]) -> Expected:
    state = "failed" if g["again"] else g["state"].partition(" ")[2]
    found = _with(f, state)
    verb = "is" if len(found) == 1 else "are"
    return {"months": Span(found), "state": g["state"], "verb": None if g["again"] else verb, "again": verb if g["again"] else None}

@rule(r"{months:S} (?P<verb>is|are) suspiciously low and may be incomplete\.")
def _(f: Facts, g: dict[str, str]) -> Expected:
    return {"months": Span(f.low), "verb": "is" if len(f.low) == 1 else "are"}

@rule(r"{months:S} (?P<verb>is|are) counted but not used as a baseline for {what:T}: see the table of months\.")
def _(f: Facts, g: dict[str, str]) -> Expected:
    series = "asb" if g["what"].startswith("reports") else "all"
    found = [m for m in f.months if f.left_out[m] == series and m not in f.low]
    what = "reports of anti-social behaviour" if series == "asb" else "every record"
    return {"months": Span(found), "verb": "is" if len(found) == 1 else "are", "what": what}

simple(r"With less than two full years, the time of year and a trend cannot be told apart\.",
    lambda f: truth(f.kind == "whole" and less_than_two_years(f) and len(f.steady()) > 6))
simple(r"This archive does not hold {names:T} for {months:T}, so the crime of {place:T} is unknown\. It is not zero\.",
    lambda f: {"names": forces(f), "months": Span(list(f.status)), "place": place(f)}
    | truth(set(f.status.values()) == {"not in this archive"}),
)
simple(r"Nothing can be counted for {place:T}\.", lambda f: {"place": place(f)} | truth(not f.months))
simple(r"That does not mean there was no crime\.", lambda f: truth(not f.months))
simple(r"The {n:I} records? found there came from other forces, not from {names:T}\. (?P<they>It is|They are) not counted as the crime of this (?P<what>mile|area)\.",
    lambda f: {
        "n": len(f.crimes), "names": forces(f), "they": "It is" if len(f.crimes) == 1 else "They are",
        "what": "mile" if f.circle else "area",
    } | truth(not f.months),
)

# ------------------------------------------------------------------------ small places

@rule(r"Police recorded {n:I} crimes? and {asb:I} reports? of anti-social behaviour in {where:T} in {period:T}(?:: (?:{least:I} to )?{most:I} crimes? a month)?\.")
def _(f: Facts, g: dict[str, str]) -> Expected:
    y = f.table.loc[f.months, "crime"]
    many = len(y) > 1 and y.sum() > 0
    return {
        "n": f.total("crime"), "asb": f.total("asb"), "where": where_in_full(f), "period": Span(f.months),
        "least": int(y.min()) if many and y.min() < y.max() else None, "most": int(y.max()) if many else None,
    } | truth(f.small)

def _without(f: Facts) -> list[str]:
    return [m for m in f.months if f.n("crime", m) == 0]

simple(r"No crime was recorded in {months:T}\.", lambda f: {"months": Span(_without(f))})
simple(
    r"{n:C} of the {all:I} months had no crime\.", lambda f: {"n": len(_without(f)), "all": len(f.months)}
)

@rule(r"{month:M} had the most \({n:I}\), but with under 10 crimes a month that is too few to call a change\.")
def _(f: Facts, g: dict[str, str]) -> Expected:
    most = max((f.n("crime", m) for m in f.months[:-1]), default=0)
    return {"month": named(f.latest), "n": f.n("crime")} | truth(f.small and f.n("crime") > most)

simple(r"{month:M} had {n:I} crimes?\. With under 10 a month, no month can be called high or low\.",
    lambda f: {"month": named(f.latest), "n": f.n("crime")} | truth(f.small))

@rule(r"(?P<they>It was|They were) (?P<which>\d.*?)\.")
def _(f: Facts, g: dict[str, str]) -> Expected:
    n = f.total("crime")
    return {"they": "It was" if n == 1 else "They were", "which": _items(g["which"], _of_all(f))} | truth(f.small and n < 20)

simple(r"The most common were {which:T}\.",
    lambda f: {"which": with_counts(top(_of_all(f)))} | truth(f.small and f.total("crime") >= 20))
simple(r"Chance alone could make the crimes of (?P<span>a year|\d+ months) here anything from {low:I} to {high:I}\.",
    lambda f: {
        "span": "a year" if len(f.months) == 12 else f"{len(f.months)} months",
        "low": f.level()[0], "high": f.level()[1],
    } | truth(f.small))
simple(r"Map points here are typically {m:I} m apart, so a point can stand for places far from it\.",
    lambda f: {"m": round(f.apart() / 100) * 100} | truth(f.apart() >= 300))

# ------------------------------------------------------------------------ how to read, careful

@rule(r"Recorded crime is not all crime\.(?: This (?P<what>mile|area) has {draws:T} that people from elsewhere use\.)?")
def _(f: Facts, g: dict[str, str]) -> Expected:
    big = set(f.points.loc[f.points["crime"] >= 20, "name"]) if f.months else set()
    said = re.split(r", | and ", g["draws"]) if g["draws"] else []
    right = all(d in DRAWS and big & set(DRAWS[d]) for d in said)
    return {"what": ("mile" if f.circle else "area") if said else None, "draws": g["draws"] if right else "..."}

simple(r"police\.uk changed its categories in {months:T}, so a category from before is not the one of that name after\.",
    lambda f: {"months": " and ".join(
        named(m) for m in ("2011-09", "2013-05") if f.months and f.months[0] < m <= f.latest) or None})
simple(r"One month in {n:I} is always the highest\. That alone is not news\.",
    lambda f: {"n": len(f.months)} | truth(f.small))
def _busiest(f: Facts) -> OneOf:
    most = f.points[f.points["crime"] == f.points["crime"].max()]
    return OneOf([n or "an unnamed place" for n in most["name"]])

simple(r"Map points are stand-ins: {n:I} crimes? share {k:I} points?\.(?: The busiest, {name:T}, stands for {most:I}\.)?",
    lambda f: {
        "n": f.half()[2], "k": f.half()[1], "name": _busiest(f) if f.half()[2] >= 100 else None,
        "most": int(f.points["crime"].max()) if f.half()[2] >= 100 else None,
    },
)
simple(r"Violence and sexual offences covers everything from harassment to rape\.(?: It is the most common category almost everywhere \({share:P} of crime here\)\.)?",
    lambda f: {
        "share": OneOf([Share(f.total(VIOLENCE) / max(f.total("crime"), 1), f.total("crime")), None])
        if f.total(VIOLENCE) == max(_of_all(f).values()) else None
    },
)
simple(r"Anti-social behaviour means reports, not crimes\.(?: {n:C} of the {all:I} reports (?P<verb>is|are) identical to another record\. (?P<may>It may be a separate call|They may be separate calls), so all are counted\.)?",
    lambda f: {
        "n": f.copies() or None, "all": f.total("asb") if f.copies() else None,
        "verb": ("is" if f.copies() == 1 else "are") if f.copies() else None,
        "may": ("It may be a separate call" if f.copies() == 1 else "They may be separate calls") if f.copies() else None,
    },
)

def _charged(f: Facts) -> Share:
    return Share(f.charged / max(1, int(f.outcomes.sum())), int(f.outcomes.sum()))

simple(r"{share:P} of the crimes of {months:T} led to a charge or a court case so far\. Court results are not published\.",
    lambda f: {"share": _charged(f), "months": Span(f.settled["settled"])})
simple(r"The source gives no outcomes for (?:this place|the crimes counted here)\.", lambda f: truth(f.no_outcomes))
simple(r"No figure is given here, so none needs care\.", lambda f: truth(not f.months))
simple(r"(?P<edge>The edge of the area is arbitrary|The boundary runs between map points)\. 100 m more on every side would add {n:I} crimes?\.",
    lambda f: {
        "edge": "The edge of the area is arbitrary" if f.circle else "The boundary runs between map points",
        "n": f.within(100) - f.within(0),
    } | truth(f.kind == "whole"),
)

def _edge_points(f: Facts) -> list[dict[str, Any]]:
    least = max(10, 0.02 * f.within(0))
    rows = f.edge[(f.edge["out"].abs() <= 100) & (f.edge["crimes"] >= least)]
    return rows.to_dict("records") if f.kind == "whole" else []

@rule(r"One (?:map point \({name:T}\)|unnamed map point) {m:I} m (?P<side>inside|outside) the edge stands for {n:I} crimes? and (?P<counts>counts in full|is not counted)\.")
def _(f: Facts, g: dict[str, str]) -> Expected:
    for row in _edge_points(f):
        if (row["snapped_to"] or None) != g["name"] or row["crimes"] != number(g["n"]):
            continue
        side = "inside" if row["out"] <= 0 else "outside"
        found = {
            "name": row["snapped_to"] or None, "m": round(abs(row["out"])), "side": side, "n": int(row["crimes"]),
            "counts": "counts in full" if side == "inside" else "is not counted",
        }
        if number(g["m"]) == found["m"]:
            return found
    return {"name": "a point of the edge"}

@rule(r"(?P<name>This is .+|.+? is an area drawn for this report)\. Crimes are mapped to points, so one near the edge may be counted on the other side: {inside:I} crimes? (?P<verb>lies|lie) within 100 m inside the edge and {outside:I} within 100 m outside\.")
def _(f: Facts, g: dict[str, str]) -> Expected:
    inside = f.within(0) - f.within(-100)
    drawn = f.data.query.area.drawn
    name = f"This is {drawn}" if drawn else f"{f.key} is an area drawn for this report"
    return {"name": name, "inside": inside, "verb": "lies" if inside == 1 else "lie", "outside": f.within(100) - f.within(0)}

def _institutions(f: Facts) -> list[str]:
    rows = f.points[f.points["name"].isin(["Hospital", "Police Station", "Prison"]) & (f.points["crime"] > 0)]
    sums = rows.groupby("name")["crime"].agg(["size", "sum"]).reset_index()
    rows = sums.sort_values(["sum", "name"], ascending=[False, True])
    noun = lambda n, one: f"{n:,} {one}{'' if n == 1 else 's'}"  # noqa: E731
    return [f"{noun(r.size_, 'map point')} named {r.name_} ({noun(r.sum_, 'crime')})" for r in
            rows.set_axis(["name_", "size_", "sum_"], axis=1).itertuples()]

simple(r"The area has {which:T}\. Police often log crimes there that happened somewhere else\.",
    lambda f: {"which": join(_institutions(f))})

def _mixed(f: Facts) -> list[tuple[str, int]]:
    rows = f.points[f.points["crime"] >= 100]
    rows = rows[(rows[INCIDENTS].sum(axis=1) >= 0.95 * rows["crime"]) & ~rows["name"].isin(["Hospital", "Police Station", "Prison"])]
    return [(r["name"], int(r["crime"])) for _, r in rows.iterrows()]

@rule(r"(?P<name>.+?) has {n:I} crimes? in a mix that often marks a place where incidents are logged\. The data do not say whether it is one\.")
def _(f: Facts, g: dict[str, str]) -> Expected:
    found = [(n or "An unnamed point", k) for n, k in _mixed(f)]
    return {"name": g["name"] if (g["name"], number(g["n"])) in found else "a point of such a mix", "n": number(g["n"])}

@rule(r"In {month:M}, {n:I} of the {of:I} records of {category:T} were mapped to one point \({name:T}\), which has {other:I} in all other months combined\. (?P<why>They may be one batch of reports|The data do not say why)\.")
def _(f: Facts, g: dict[str, str]) -> Expected:
    for month, slug, n, of, other, name in f.bursts():
        if (named(month), category(slug), n, name or "an unnamed place") == (
            g["month"], g["category"], number(g["n"]), g["name"],
        ):
            why = "They may be one batch of reports" if slug in THEFTS else "The data do not say why"
            found = {"month": g["month"], "n": n, "of": of, "category": category(slug), "name": g["name"]}
            if other == number(g["other"]):
                return found | {"other": other, "why": why}
    return {"month": "a burst"}

# ------------------------------------------------------------------------ what to write instead

simple(r"There (?P<was>was|were) {n:I} crimes? in {place:T} in {month:M}\.",
    lambda f: {
        "was": "was" if f.n("crime") == 1 else "were", "n": f.n("crime"), "month": named(f.latest),
        "place": OneOf([where(f), place(f)]),
    } | truth(f.kind == "part"),
)
simple(r"The {names:T} part is not in these data\.",
    lambda f: {"names": join(map(force_name, f.absent))} | truth(f.kind == "part"))

@rule(r"There was no crime in {place:T} in {months:T}\.(?= \| )")
def _(f: Facts, g: dict[str, str]) -> Expected:
    found = months_in(g["months"])
    right = isinstance(found, int) or not set(found) & set(f.months)
    return {"place": place(f), "months": g["months"]} | truth(right)

@rule(r"The figures of {names:T} for {months:T} are not available in this report\.")
def _(f: Facts, g: dict[str, str]) -> Expected:
    found = months_in(g["months"])
    right = isinstance(found, int) or not set(found) & set(f.months)
    return {"names": forces(f), "months": g["months"]} | truth(right)

simple(r"There were only {n:I} crimes? in {place:T}\.(?= \| )",
    lambda f: {"n": len(f.crimes), "place": place(f)} | truth(not f.months))
simple(r"The {n:I} records? found there came from other forces\. The figures of {names:T}, which polices the area, are not available in this report\.",
    lambda f: {"n": len(f.crimes), "names": forces(f)} | truth(not f.months))

@rule(r"{month:M} was the worst month\. \| {again:M} had {n:I} crimes?, which is too few to judge\.")
def _(f: Facts, g: dict[str, str]) -> Expected:
    counts = {m: f.n("crime", m) for m in f.months}
    month = max(counts, key=lambda m: counts[m])
    return {"month": named(month), "again": named(month), "n": counts[month]} | truth(f.small)

@rule(r"Crime (?P<move>rose|fell)(?: {size:P})? in (?P<month>[A-Z]\w+)\. \| (?:{again:T} was {verdict:T}\.|Police recorded {n:I} crimes?(?: in {part:T})? in (?P<now>[A-Z]\w+)\. Two months cannot show a trend\.)")
def _(f: Facts, g: dict[str, str]) -> Expected:
    n, k, v = f.n("crime"), f.n("crime", shift(f.latest, -1)), f.judged("crime")
    name = named(f.latest).split()[0]
    ranged = v.high >= 0 and f.kind == "whole"
    return {
        "move": "rose" if n > k else "fell", "month": name, "again": name if ranged else None,
        "size": Share(abs(n / max(k, 1) - 1), min(n, k), 20) if g["size"] else None,
        "verdict": verdict(v) if ranged else None, "n": None if ranged else n,
        "now": None if ranged else name,
        "part": where(f) if f.kind == "part" and not ranged else None,
    } | truth(not f.small)

@rule(r"Anti-social behaviour is {size:P} (?P<move>below|above) its earlier average here\. \| Reports of anti-social behaviour in (?P<month>[A-Z]\w+) were {verdict:T}\.")
def _(f: Facts, g: dict[str, str]) -> Expected:
    v = f.judged("asb")
    return {
        "move": "below" if v.change < 0 else "above", "month": named(f.latest).split()[0], "verdict": verdict(v),
        "size": Share(abs(v.change), int(min(v.records, v.expected)), 20),
    }

simple(r"Crime here is (?P<move>down|up) {size:P}\.(?= \| )",
    lambda f: {"move": "down" if f.recent().ratio < 1 else "up", "size": Share(abs(f.recent().ratio - 1), min(f.recent().a, f.recent().b), 20)})

@rule(r"You are (?P<times>far more|more than twice as|more than \d+ times as) likely to be a victim of {name:T} here\. \| {again:T} is {here:P} of crime here and {there:P} in {other:T}\.")
def _(f: Facts, g: dict[str, str]) -> Expected:
    other, found = f.compared()[0]
    first = _larger(f)[0]
    row = found["rows"][first]
    times = int(row["q"])
    words = "far more" if times < 2 else "more than twice as" if times == 2 else f"more than {times} times as"
    return {
        "times": words, "name": category(first), "again": category(first), "other": other,
        "here": Share(row["here"], found["here"]), "there": Share(row["there"], found["there"]),
    }

@rule(r"{name:T} is the worst spot here\. \| {n:I} crimes? (?P<were>was|were) mapped to one point \({again:T}\)\. It stands for the streets and buildings around it\.")
def _(f: Facts, g: dict[str, str]) -> Expected:
    n = int(f.points["crime"].max())
    names = OneOf([a.replace("an unnamed place", "the busiest point") for a in _busiest(f).answers])
    return {"name": names, "again": names, "n": n, "were": "was" if n == 1 else "were"}

simple(r"Only {share:P} of crimes are solved\.(?= \| )", lambda f: {"share": _charged(f)})
simple(r"This is a safe place\. \| Police recorded {n:I} crimes? in {where:T} in {period:T}\. The figures do not measure safety\.",
    lambda f: {"n": f.total("crime"), "where": where(f), "period": Span(f.months)})

# ------------------------------------------------------------------------ title

simple(r"Demonstration data: an invented town, not a real place\.", lambda f: truth(f.data.source.get("name") == "demo"))
simple(r"This is an invented place with invented records\.", lambda f: truth(f.data.source.get("name") == "demo"))
simple(r"Crime recorded by the police(?P<near> within one mile)?, {months:T}\. {forces:T}\.(?= Source: police\.uk\.$| Demonstration data)",
    lambda f: {"near": f.circle, "months": Span(list(f.data.query.months)), "forces": join(map(force_name, f.forces)) if f.kind == "part" and f.absent else forces(f)})
simple(r"Source: police\.uk\.(?=$)", lambda f: truth(f.data.source.get("name") != "demo"))

# ------------------------------------------------------------------------ the first screen

def heading(f: Facts) -> str:
    """Return the heading of the page: names that people use, never a code, and the place."""
    names = place_names(f)
    said = where(f) if f.months else place(f)
    return f"{names}: {said}" if names else said[:1].upper() + said[1:]

def place_names(f: Facts) -> str:
    """Return ward, parish and district; of a custom area only those that are not in its own name."""
    names = [f.place[c] for c in ("ward", "parish", "district")]
    return join_names([n for n in names if f.circle or n not in f.key])

def join_names(names: list[str]) -> str:
    return ", ".join(dict.fromkeys(n for n in names if n and not re.fullmatch(r"[A-Z]\d{8}", n)))

def _card(f: Facts, series: str) -> str:
    v = f.judged(series)
    if f.kind == "part":
        return "not judged, only a part of the area is counted"
    if v.high < 0:
        return _WITHOUT[v.kind]
    return f"{short(v)}, {v.low:,} to {v.high:,}" + ("" if v.adjusted else ", not adjusted for the time of year")

simple(r"{n:I} (?P<crimes>crimes?) in {month:M}: {verdict:T}\.(?=$)",
    lambda f: {"n": f.n("crime"), "crimes": "crime" if f.n("crime") == 1 else "crimes", "month": named(f.latest), "verdict": _card(f, "crime")})
simple(r"{n:I} (?P<reports>reports?) of anti-social behaviour in {month:M}: {verdict:T}\.(?=$)",
    lambda f: {"n": f.n("asb"), "reports": "report" if f.n("asb") == 1 else "reports", "month": named(f.latest), "verdict": _card(f, "asb")})

simple(r"{n:I} (?P<reports>reports?) of anti-social behaviour: {verdict:T}\.(?=$)",  # in an index, beside the crimes
    lambda f: {"n": f.n("asb"), "reports": "report" if f.n("asb") == 1 else "reports", "verdict": _card(f, "asb")})

_IN_SHORT = {"rise": "clear rise", "fall": "clear fall", "few": "too few to judge a change"}

@rule(r"{n:I} crimes? in (?:{k:I} of )?the 12 months to {last:M}: {verdict:S}, {b:I} in the (?P<before>12 months before|same months a year before)(?:, both without {out:T})?\.(?=$)")
def _(f: Facts, g: dict[str, str]) -> Expected:
    m = f.year()
    out = join(named(x).split()[0] for x in _not_in_both(f)) or None
    return _two_years(f) | {"n": m.a, "b": m.b, "out": out, "verdict": _IN_SHORT.get(m.kind, "no clear change")}

@rule(r"Records by category, (?:{k:I} of )?the 12 months to {last:M} and the (?P<before>12 months before|same months a year before)\.(?=$)")
def _(f: Facts, g: dict[str, str]) -> Expected:
    return _two_years(f)

_WHY_NO_YEAR = (
    r"this report covers less than two years|fewer than 10 months are counted in both years|"
    r"the counts are too small to compare across July 2022, when police\.uk replaced its map points"
)

def _why_no_year(f: Facts) -> str | None:
    kind = f.year().kind
    if kind not in ("few months", "map changed"):
        return None
    if kind == "map changed":
        return "the counts are too small to compare across July 2022, when police.uk replaced its map points"
    return "this report covers less than two years" if len(f.status) < 24 else "fewer than 10 months are counted in both years"

@rule(r"{n:I} crimes? in {months:T}: not compared with the year before, (?P<why>" + _WHY_NO_YEAR + r")\.(?=$)")
def _(f: Facts, g: dict[str, str]) -> Expected:
    return {"n": f.total("crime"), "months": Span(f.months), "why": _why_no_year(f)}

def _lacking(f: Facts) -> bool:
    return f.kind == "part" or bool(gaps(f)) or LOW in f.status.values()

def _clear(f: Facts, series: str) -> bool:
    return f.year(series).kind in ("rise", "fall")

def _changed(f: Facts) -> bool:
    if less_than_two_years(f):
        return f.recent().kind in ("rise", "fall")
    return any(_clear(f, s) for s in ("crime", "asb", *f.categories))

def change_in_index(f: Facts) -> str:
    """Return what an index says of a clear change, which it says beside what is missing too."""
    if not _changed(f):
        return ""
    if less_than_two_years(f):
        return "Crime here has changed."
    return f"{'Crime' if _clear(f, 'crime') else 'Part of what was recorded'} has clearly changed on the year."

def _unusual(f: Facts) -> bool:
    return bool(called(f)) or any(f.judged(s).kind in ("below", "above") for s in ("crime", "asb"))

simple(r"Only a part of the area is counted\.", lambda f: truth(f.kind == "part"))
simple(r"Crime here has changed\.", lambda f: truth(not _lacking(f) and less_than_two_years(f) and _changed(f)))
simple(r"(?P<what>Crime|Part of what was recorded) has clearly changed on the year\.",
    lambda f: {"what": "Crime" if _clear(f, "crime") else "Part of what was recorded"} | truth(not _lacking(f) and _changed(f)))
simple(r"Reports of anti-social behaviour: {verdict:T}\.", lambda f: {"verdict": year_verdict(f.year("asb"))} | truth(_clear(f, "asb")))
simple(r"{month:M} was unusual\.", lambda f: {"month": named(f.latest)} | truth(not _lacking(f) and not _changed(f) and _unusual(f)))
simple(r"Crime was {verdict:T}\.", lambda f: {"verdict": verdict(f.judged("crime"))})
simple(r"Reports of anti-social behaviour were {verdict:T}\.(?= |$)", lambda f: {"verdict": verdict(f.judged("asb"))})
simple(r"Nothing unusual stands out\.",
    lambda f: truth(not _lacking(f) and not _changed(f) and not _unusual(f) and any(f.judged(s).high >= 0 for s in ("crime", "asb"))))
simple(r"Of the months, only the newest is judged\.", lambda f: truth(len(f.months) > 1))
simple(r"Both {month:T} numbers are {verdict:T}\.",
    lambda f: {"month": named(f.latest).split()[0], "verdict": short(f.judged("crime"))} | truth(f.judged("crime").kind == f.judged("asb").kind))
@rule(r"The {month:T} number of (?P<what>crimes|reports) is {verdict:T}\.")
def _(f: Facts, g: dict[str, str]) -> Expected:
    this, other = ("crime", "asb") if g["what"] == "crimes" else ("asb", "crime")
    return {"month": named(f.latest).split()[0], "what": g["what"], "verdict": short(f.judged(this))} | truth(f.judged(other).high < 0)
simple(r"The numbers are too small to say what is usual\.", lambda f: truth(f.small))
simple(r"The newest month is not judged\.(?=$)",  # in an index
    lambda f: truth(not f.small and all(f.judged(s).high < 0 for s in ("crime", "asb"))))
simple(r"The newest month is not judged\. {verdict:T}\.(?=$)", lambda f: {"verdict": _WITHOUT[f.judged("crime").kind]})
simple(r"These are crimes recorded by the police and mapped to nearby points\. They do not measure how safe an area is\.", lambda f: truth(bool(f.months)))
simple(r"Police recorded crime is official statistics, but not accredited\. The monthly figures on police\.uk are management information\. The Crime Survey for England and Wales also covers crimes that nobody reports\.",
    lambda f: truth(condition=True))

# ------------------------------------------------------------------------ comparisons, figures' sentences

@rule(r"There are no figures for this area\. (?P<why>.*? )?That does not mean there was no crime\.(?=$)")
def _(f: Facts, g: dict[str, str]) -> Expected:
    known = " ".join(f.why.values())
    words = re.split(r"(?<=\.) ", (g["why"] or "").strip())
    return {"why": g["why"] if all(re.sub(r"\W+$", "", w) in known for w in words) else known} | truth(not f.months)

@rule(r"Source: (?:(?P<demo>the invented records of the demonstration)|police\.uk(?:, release of {release:M}|, files for {months:T})?(?:, read into an archive on {read:T}|, retrieved on {retrieved:T})?)\.")
def _(f: Facts, g: dict[str, str]) -> Expected:
    known = f.data.source
    day = lambda t: f"{int(t[8:10])} {named(t[:7])}"  # noqa: E731
    if known.get("name") == "demo":
        return {"demo": True, "release": None, "months": None, "read": None, "retrieved": None}
    read, got = known.get("read"), known.get("retrieved")
    return {
        "demo": False, "release": named(known["release"]) if known.get("release") else None,
        "months": None if known.get("release") or not f.months else Span(f.months),
        "read": day(read) if read else None, "retrieved": day(got) if got and not read else None,
    }

# ------------------------------------------------------------------------ searches by the police

simple(r"Searches by the police cannot be counted here(?=$)", lambda f: truth(not f.search_months))
simple(r"No search was recorded in {when:T}(?=$)",
    lambda f: {"when": Span(f.search_months)} | truth(bool(f.search_months) and not len(f.searches)))
simple(r"{n:I} (?P<what>search|searches) in {when:T}(?=$)",
    lambda f: {"n": len(f.searches), "what": "search" if len(f.searches) == 1 else "searches", "when": Span(f.search_months)}
    | truth(len(f.searches) > 0))
simple(r"Searches by the police by month, {when:T}\.(?=$)",
    lambda f: {"when": Span(f.search_months) if f.search_months else "no month that can be counted"})
simple(r"These are events, not people: one person may be searched more than once\.", lambda f: truth(len(f.searches) > 0))

@rule(r"{n:C} (?P<were>was of a vehicle|were of vehicles) alone\.")
def _(f: Facts, g: dict[str, str]) -> Expected:
    n = int((f.searches["kind"] == "Vehicle search").sum())
    return {"n": n, "were": "was of a vehicle" if n == 1 else "were of vehicles"} | truth(n > 0)

@rule(r"{n:C} (?P<are>is identical to another and is|are identical to others and are) counted: several people stopped together, or one search entered twice\.")
def _(f: Facts, g: dict[str, str]) -> Expected:
    n = len(f.searches) - len(f.searches.drop_duplicates())
    return {"n": n, "are": "is identical to another and is" if n == 1 else "are identical to others and are"} | truth(n > 0)

@rule(r"{n:C} (?P<were>was|were) by other forces\.")
def _(f: Facts, g: dict[str, str]) -> Expected:
    n = int((~f.searches["reported_by"].isin(["", *f.searches_state])).sum())
    return {"n": n, "were": "was" if n == 1 else "were"} | truth(n > 0)

simple(r"All searches by {name:S} in these months have a place\.",
    lambda f: {"name": OneOf([force_name(x) for x in f.searching if f.searches_without_place(x)[0] == 0])})

@rule(r"Across the whole of {name:S}, {n:I}(?: of {of:I})? search(?:es)?(?: \({share:P}\))? in these months (?:have|has) no place and cannot be counted here\.")
def _(f: Facts, g: dict[str, str]) -> Expected:
    n, of = f.searches_without_place(next(x for x in f.searching if force_name(x) == g["name"]))
    return {"name": g["name"], "n": n, "of": of if of >= n else None, "share": Share(n / of, of) if of >= 50 else None} | truth(n > 0)

simple(r"No searches by {names:T} are held here, so those are missing\.",
    lambda f: {"names": join(force_name(x) for x in f.searches_state if x not in f.searching)})

@rule(r"Not counted, which does not mean none: {gaps:T}\.(?= |$)")
def _(f: Facts, g: dict[str, str]) -> Expected:
    said = [re.fullmatch(r"(.+) \((.+)\)", part) for part in g["gaps"].split("; ")]
    told = {m: s[2] for s in said if s for m in _listed(s[1])}
    return {"gaps": g["gaps"]} | truth(told == {m: f.search_status(m) for m in f.status if m not in f.search_months} != {})

def _listed(text: str) -> list[str]:
    found = months_in(text)
    return found if isinstance(found, list) else []

simple(r"Suspiciously low: {months:T}\.(?= |$)",
    lambda f: {"months": Span([m for m in f.search_months if f.search_status(m) == LOW])})
simple(r"Map points changed in July 2022, so counts before and after may differ by 1 to 4% for that alone\.",
    lambda f: truth(across(f.search_months)))

@rule(r"(?:{n:C} (?P<were>was|were)|(?P<none>No search was)) under section 60, which needs no suspicion of the person\. Where no outcome is recorded, it is not known\.")
def _(f: Facts, g: dict[str, str]) -> Expected:
    n = sum("section 60)" in power for power in f.searches["power"])
    return {"n": n or None, "were": ("was" if n == 1 else "were") if n else None, "none": not n}

@rule(r"The time of day is not shown: {n:I} of {of:I} search(?:es)? (?P<have>has|have) midnight, which may mean no time\.")
def _(f: Facts, g: dict[str, str]) -> Expected:
    n, of = f.midnights, len(f.searches)
    return {"n": n, "of": of, "have": "has" if n == 1 else "have"} | truth(n >= 0.05 * of > 2)

simple(r"Fewer than 50 searches are too few for percentages, times of day or a pattern\.", lambda f: truth(0 < len(f.searches) < 50))

def _people_searched(f: Facts) -> int:
    return sum(f.searches_by("officer_defined").values())

simple(r"Ethnicity is not shown for fewer than 50 searches of people, which show no pattern\.", lambda f: truth(0 < _people_searched(f) < 50))
simple(r"These tables count searches, not people or offenders\.", lambda f: truth(_people_searched(f) >= 50))
simple(r"They cannot show that a group offends more, or that searching here is fair or unfair\.", lambda f: truth(_people_searched(f) >= 50))
simple(r"What the person said and what the officer recorded have different categories, and neither replaces the other\.",
    lambda f: truth(_people_searched(f) >= 50))

@rule(r"No rate per resident and no ratio between groups is given\. That is a limit of the records of one mile, not a finding: the people on the street need not be those who live there \(MVA and Miller, 2000\)\. The Equality and Human Rights Commission \(2010\), which compared whole forces by residents, doubts that this explains the differences\. Ask the scrutiny panel of {forces:T}, which may see more than these records, through (?P<site>.+)\.")
def _(f: Facts, g: dict[str, str]) -> Expected:
    teams = f.data.neighbourhoods
    teams = teams[(teams["postcode"] == f.key) & (teams["force_url"] != "")]
    site = f"{teams['force_name'].iloc[0]}'s own site" if len(teams) else "police.uk's neighbourhood search"
    return {"forces": forces(f), "site": site}

simple(r"The {n:I} searches are those whose map point lies in the area\.", lambda f: {"n": len(f.searches)} | truth(len(f.searches) > 0))
simple(r"A search is counted where its map point lies in the area\.", lambda f: truth(not len(f.searches)))

# ------------------------------------------------------------------------ who lives and works here

@rule(r"People here are (?P<times>far more|more than twice as|more than \d+ times as) likely to be victims of crime\. \| For every 1,000 residents police recorded about (?P<one>[\d,.]+) crimes (?P<when>a year|in \d+ months?) \((?P<rest>[\d,.]+) in the rest of {forces:T}\), and for every 1,000 residents and jobs about (?P<both>[\d,.]+) \((?P<rest_both>[\d,.]+)\)\. Neither counts visitors\.")
def _(f: Facts, g: dict[str, str]) -> Expected:
    one, rest, both, rest_both = (f.rates[per, where]["rate"] for per in ("residents", "both") for where in ("here", "force"))
    n = int(one / rest)
    return {
        "times": "far more" if n < 2 else "more than twice as" if n == 2 else f"more than {n} times as", "one": figures(one),
        "when": per_when(f), "rest": figures(rest), "forces": forces(f), "both": figures(both), "rest_both": figures(rest_both),
    } | truth(f.side("residents") == "above" and one / rest >= 1.5)

def _year_of(row: dict[str, Any]) -> str:
    return f"Census {row['year']}" if "Census" in row["source"] else row["year"]

@rule(r"About (?:{residents:I} residents \({census:S}\))?(?P<and> and )?(?:{jobs:I} jobs \({year:S}\))?(?=$)")
def _(f: Facts, g: dict[str, str]) -> Expected:
    homes, work = f.living.get("residents"), f.living.get("jobs")
    return {
        "residents": figures(homes["value"]) if homes else None, "census": _year_of(homes) if homes else None,
        "and": bool(homes and work), "jobs": figures(work["value"]) if work else None,
        "year": _year_of(work) if work else None,
    } | truth(bool(homes or work))

simple(r"How many people live and work here is not known(?=$)", lambda f: truth(not {"residents", "jobs"} & {*f.living}))

def per_when(f: Facts) -> str:
    n = len(f.rate_months)
    return "a year" if n == 12 else f"in {n} month{'' if n == 1 else 's'}"

simple(r"Crime rates, {months:T}\.(?=$)",
    lambda f: {"months": Span(f.rate_months)} | truth(not f.no_rate))

_SIDE = r"above|below|not clearly above or below"

@rule(rf"(?:Both crime rates are (?P<same>above|below) the rest of {{a:T}}\. |(?P<neither>Neither) rate is clearly above or below the rest of {{b:T}}\. |By residents the rate is (?P<first>{_SIDE}) the rest of {{c:T}}, by residents and jobs (?P<second>{_SIDE})(?P<it> it)?\. (?P<answer>That disagreement is the answer: it depends on who is counted)\. )?Residents fit crimes at home; jobs add people at work\. Neither counts visitors or measures safety\.")
def _(f: Facts, g: dict[str, str]) -> Expected:
    one, two, rest = f.side("residents"), f.side("both"), forces(f)
    known = bool(one and two)
    same, words = known and one == two, {"unclear": "not clearly above or below"}
    apart = known and one != two
    return {
        "same": one if same and one != "unclear" else None, "a": rest if same and one != "unclear" else None,
        "neither": same and one == "unclear", "b": rest if same and one == "unclear" else None,
        "first": words.get(one, one) if apart else None, "c": rest if apart else None,
        "second": words.get(two, two) if apart else None, "it": apart and two != "unclear", "answer": apart,
    } | truth(not f.no_rate)

@rule(r"(?P<what>Residents|Households|Jobs): {source:T}, summed over {n:I} (?P<unit>postcodes?|output areas?|LSOAs?) whose centre lies in the area\.(?= |$)")
def _(f: Facts, g: dict[str, str]) -> Expected:
    row = f.living[g["what"].lower()]
    year = "" if row["year"] in row["source"] else f", {row['year']}"
    unit = row["unit"] if row["counted"] != 1 else row["unit"].removesuffix("s")
    return {"what": g["what"], "n": int(row["counted"]), "unit": unit, "source": f"{row['source']}{year}"}

@rule(r"By a later estimate there were about {n:I} residents in {year:S} \({source:T}\)\.(?= |$)")
def _(f: Facts, g: dict[str, str]) -> Expected:
    row = f.living["estimate"]
    return {"year": row["year"], "n": figures(row["value"]), "source": row["source"]}

simple(r"The census counted places of work during a lockdown, when many people worked at home\.",
    lambda f: truth("Census" in f.living["jobs"]["source"]))
simple(r"Only a part of the area is counted, so no rate is given\.", lambda f: truth(f.no_rate == "part"))
simple(r"No month can be counted, so no rate is given\.", lambda f: truth(f.no_rate == "no months"))
simple(r"No rate is given for fewer than 500 residents: one crime more would add (?P<one>[\d.]+) to it\.",
    lambda f: {"one": figures(1000 / f.living["residents"]["value"])} | truth(f.no_rate == "few residents"))
simple(r"No crime was counted, so no rate is given\.",
    lambda f: truth(f.no_rate == "few crimes" and not f.table.loc[f.rate_months, "crime"].sum()))
simple(r"{n:C} (?:crime is|crimes are) too few for a rate\.",
    lambda f: {"n": int(f.table.loc[f.rate_months, "crime"].sum())} | truth(f.no_rate == "few crimes"))
simple(r"The jobs here are not known, and a rate by residents alone would mislead, so none is given\.",
    lambda f: truth(f.no_rate == "no jobs"))

def _ireland(f: Facts) -> bool:
    return "northern-ireland" in f.shares

simple(r"No rate is given\. The census used here is that of England and Wales, and Northern Ireland has its own\.",
    lambda f: truth(f.no_rate in ("no residents", "no jobs") and _ireland(f)))
simple(r"This archive has no census figures here, so no rate is given \(crimenb archive people adds them\)\.",
    lambda f: truth(f.no_rate == "no residents" and not _ireland(f) and f.data.source.get("name") == "archive"))
simple(r"The services gave no census figures here, so no rate is given\. Try again later \(--refresh\)\.",
    lambda f: truth(f.no_rate == "no residents" and not _ireland(f) and f.data.source.get("name") == "live"))
simple(r"This source has no census figures here, so no rate is given\.",
    lambda f: truth(f.no_rate == "no residents" and not _ireland(f) and f.data.source.get("name") not in ("archive", "live")))
simple(r"About {n:I} people live in the area\. Others come to it, and some of the residents are elsewhere by day\.",
    lambda f: {"n": figures(f.living["residents"]["value"])})
def _part_in_caption(f: Facts) -> str:
    return f"{_part(f)[0]} ({_part(f)[1]})" if f.absent else "part of the records"

simple(r"Groups that councils use(?:, {part:T})?(?=$)",
    lambda f: {"part": _part_in_caption(f) if f.kind == "part" else None})
simple(r"Councils often report by groups of categories\. A category can be in two, so groups do not add up\. Police\.uk publishes violence with and without injury as one category, and burglary of homes and of other buildings as one\.",
    lambda f: truth(bool(f.months)))
simple(r"The Home Office publishes them apart for each community safety partnership, in its police recorded crime open data tables \(www\.gov\.uk/government/statistics/police-recorded-crime-open-data-tables\)\.",
    lambda f: truth(not _ireland(f)))

_REASONS = {
    "partly": "only part of the area is counted", "nothing": "none of its months can be counted",
    "few months": "fewer than 6 months can be compared", "no rest": "this source does not hold the rest of the force",
    "overlap": "the two areas share more than a quarter of the records of the smaller",
    "few here": "there are fewer than 100 crimes here, too few for shares",
    "few there": "there are fewer than 100 crimes there, too few for shares",
}

def _beside(f: Facts, other: str) -> dict[str, Any]:
    return dict(f.compared()).get(other, {"why": "?", "shared": -1, "rows": {}, "here": 0, "there": 0, "km": -1.0})

@rule(r"Not compared with {other:T}, because {why:T}(?:\.|(?=$))")
def _(f: Facts, g: dict[str, str]) -> Expected:
    found = _beside(f, g["other"])
    return {"other": g["other"], "why": _REASONS.get(found["why"], "it is compared")}

# ------------------------------------------------------------------------ places like this one

@rule(r"Not compared with places like this one: this archive has (?P<held>none|only {n:I}), and 30 are needed(?=$)")
def _(f: Facts, g: dict[str, str]) -> Expected:
    n = len(f.alike)
    return truth(f.why_not_alike() == "few places") | {"held": f"only {n}" if n else "none", "n": n or None}

simple(r"Not compared with places like this one, because {why:T}(?=$)", lambda f: {"why": _REASONS.get(f.why_not_alike(), "it is compared")})

def in_order(series: list[str]) -> list[str]:
    """Return the names of series in an order that ranks nothing."""
    names = [category(c) if c != "crime" else "all crime" for c in series]
    return sorted(names, key=lambda n: (n != "all crime", n == category(ASB), n))

def _far_out(f: Facts) -> str:
    """Say what is named, those among most places first, what is more before what is fewer."""
    found = f.positions()
    kinds = sorted({(-p.places, p.kind == "fewer") for p in found.values() if p.kind in ("more", "fewer")})
    parts = []
    for places, less in kinds:
        kind = "fewer" if less else "more"
        names = in_order([c for c, p in found.items() if (-p.places, p.kind) == (places, kind)])
        said = join(names) if len(names) < 4 else f"{WORDS[len(names)].lower()} categories, among them {join(names[:3])}"
        whose = f"{-places} places like this one"
        if parts:
            whose = "them" if -places == len(f.alike) else f"the {-places} in {forces(f)}"
        parts.append(f"{said}: {kind} than in nine of ten of {whose}")
    return "; ".join(parts)

@rule(r"(?P<said>.+ than in nine of ten of .+)(?=$)")
def _(f: Facts, g: dict[str, str]) -> Expected:
    return {"said": _far_out(f) or "nothing is named"}

simple(r"Nothing stands out among {n:I} places like this one(?=$)",
    lambda f: truth(not _far_out(f) and any(p.kind != "few" for p in f.positions().values())) | {"n": len(f.alike)})
simple(r"Too few records here to compare with {n:I} places like this one(?=$)",
    lambda f: truth(bool(f.positions()) and all(p.kind == "few" for p in f.positions().values())) | {"n": len(f.alike)})
simple(r"Records by category, here and in places like this one, {months:T}\.", lambda f: {"months": Span(f.steady())})

def _two(number: float) -> str:
    return f"{float(f'{number:.2g}'):,.0f}"

@rule(r"Places like this one are miles in this archive that overlap neither this area nor each other, (?P<crime>with two thirds to one and a half times as many crimes as here\. This archive has no residents to go by)?(?P<rule>.+?)??\.(?= Each dot| A position|$)")
def _(f: Facts, g: dict[str, str]) -> Expected:
    people = bool((f.alike["residents"] > 0).any()) if len(f.alike) else bool(len(f.people))
    n, jobs = (f.own_people.get(k, 0) for k in ("residents", "jobs"))
    kinds = {*f.alike["rural_urban"]}
    named = f" ({kinds.pop()})" if kinds and kinds != {""} else ""
    parts = ["of the same rural-urban class" + named] if named or not len(f.alike) else []
    parts.append(f"with about {_two(0.75 * n)} to {_two(1.25 * n)} residents" if n else "with residents within 25% of those here")
    if n and jobs and (not len(f.alike) or f.alike["jobs"].any()):
        parts.append(f"with {0.75 * jobs / n:.2g} to {1.25 * jobs / n:.2g} jobs for each resident")
    return {"crime": not people, "rule": join(parts) if people else None}

simple(r"Each dot is one of them, the large dot is this area, and the line is their median\.",
    lambda f: truth(any(p.kind != "few" for p in f.positions().values())))
simple(r"A position is named only beyond nine of ten of them, and only if chance is an unlikely cause\. It does not show that this area is safe or unsafe, or why\.",
    lambda f: truth(bool(f.positions())))
_DIFFERENT = "because forces record them in different ways"
simple(r"Public order and anti-social behaviour are compared with the {n:I} of these places that are in {forces:T} only, " + _DIFFERENT + r"\.",
    lambda f: truth(ASB in f.positions()) | {"n": len(f.alike_here), "forces": forces(f)})
simple(r"Public order and anti-social behaviour are not compared, " + _DIFFERENT + r": {n:I} of these places (?P<are>is|are) in {forces:T}, and 30 are needed\.",
    lambda f: truth(ASB not in f.positions()) | {"n": len(f.alike_here), "forces": forces(f), "are": "is" if len(f.alike_here) == 1 else "are"})
simple(r"The {n:I} places, in order of name: {names:T}\.(?=$)", lambda f: {
    "n": len(f.alike), "names": "; ".join(f"{n} ({c})" if n else c for n, c in zip(f.alike["name"], f.alike["candidate"], strict=True)),
})
simple(r"Miles of this archive that are like {where:T} are set beside it\.", lambda f: {"where": where(f)})

@rule(r"{n:I} records? (?P<verb>lies|lie) in both areas, whose centres are {km:T} km apart\.(?P<out> They are left out on both sides\.)?")
def _(f: Facts, g: dict[str, str]) -> Expected:
    for _, found in f.compared()[1:]:
        if found["shared"] == number(g["n"]):
            return {"n": found["shared"], "verb": "lies" if found["shared"] == 1 else "lie", "km": f"{found['km']:.1f}", "out": not found["why"]}
    return {"n": -1}

simple(r"A filled dot means a clear difference\.(?P<line> The line shows what chance allows\.)?",
    lambda f: {"line": f.year().kind in ("few months", "map changed")} | truth(any(not found["why"] for _, found in f.compared())))

@rule(r"Violence and sexual offences: {here:P} here, {there:P} in {other:T}\. A smaller share only shows that other categories are larger\. It does not make a place safer\.")
def _(f: Facts, g: dict[str, str]) -> Expected:
    found = [
        (other, Share(r["here"], c["here"]), Share(r["there"], c["there"]))
        for other, c in f.compared() for r in [c["rows"].get(VIOLENCE)] if r and r["high"] and r["high"] < 1
    ]
    for other, here, there in found:
        if g["other"] == other:
            return {"other": other, "here": here, "there": there}
    return {"here": "a smaller share"}

@rule(r"{n:C} of the {of:I} months (?P<are>is|are) left out, because (?P<why>many crimes were still under investigation|too many updates are missing|their outcomes are not complete)\.")
def _(f: Facts, g: dict[str, str]) -> Expected:
    still, faulty = f.settled["open"], f.settled["faulty"]
    n = len(still) + len(faulty)
    why = "their outcomes are not complete" if still and faulty else "too many updates are missing"
    return {
        "n": n, "of": len(f.months), "are": "is" if n == 1 else "are",
        "why": why if faulty else "many crimes were still under investigation",
    } | truth(int(f.outcomes.sum()) > 0)

simple(r"No month can be counted, so (?:years are not compared|no outcome is shown)\.", lambda f: truth(not f.months))
simple(r"The cross is (?P<what>.+?)\. Crimes are moved to the nearest map point, so a circle is not an address\. A large one often marks a busy place, or a place where police log incidents\. Grey dots have no crime or lie outside the area\.",
    lambda f: {"what": f.key if f.circle else "the middle of the area"} | truth(not f.has_streets))
simple(r"A coloured street shows crimes nearer to its map point than to any other: usually on this street, sometimes on a side street\. Circles are other map points\. The cross is (?P<what>.+?)\.",
    lambda f: {"what": f.key if f.circle else "the middle of the area"} | truth(f.has_streets))
simple(r"The map draws (?:(?P<none>no crime)|(?:{streets:I} crimes? as streets)?(?: and )?(?:{circles:I}(?: crimes?)? as circles)?)\.(?: {off:I} crimes? from before July 2022 (?:is|are) not on it\.)?",
    lambda f: {k: n or None for k, n in zip(("streets", "circles", "off"), f.on_map, strict=True)}
    | {"none": not sum(f.on_map[:2])} | truth(f.has_streets))
simple(r"Streets are not drawn: (?:this source has none|(?P<live>none were fetched before this report)\. “crimenb fetch streets” gets them)\.",
    lambda f: {"live": "none were fetched before this report" if f.data.source.get("name") == "live" else None}
    | truth(not f.has_streets and f.forces[:1] != ["northern-ireland"]))
simple(r"Streets are not drawn: the street data used here do not cover Northern Ireland\.",
    lambda f: truth(not f.has_streets and f.forces[:1] == ["northern-ireland"]))
def _classes(f: Facts) -> str:
    """Write the classes of streets, of which the highest has 8 % of them at most where any ladder gives that."""
    n = np.array([c for c, at in zip(f.points["crime"], f.points.index, strict=True)
                  if c > 0 and f.streets.get(at, ("",))[0] == "name"])  # fmt: skip
    ladders = ([1, 2, 5, 10, 25], [1, 5, 10, 25, 50], [1, 10, 25, 50, 100], [1, 25, 50, 100, 250], [1, 50, 100, 250, 500])
    chosen = next((ladder for ladder in ladders if not len(n) or (n >= ladder[4]).mean() <= 0.08), ladders[4])
    lows = [low for low in chosen if low <= max([1, *n])]
    ends = [f"{a:,}" if b == a + 1 else f"{a:,} to {b - 1:,}" for a, b in itertools.pairwise(lows)]
    return "; ".join([*ends, f"{lows[-1]:,} or more"])

simple(r"(?:Crimes|Records) at a map point: (?P<lows>.+ or more); a circle is a place, larger with more (?:crimes|records)",
    lambda f: {"lows": _classes(f)} | truth(f.has_streets))
simple(r"Enlarged: the square on the first map, {wide:I} metres across, where map points are closest together\.",
    lambda f: {"wide": 600} | truth(f.has_streets and (not f.circle or f.closest_points >= 20)))
simple(r"Streets: invented, like the town\.", lambda f: truth(f.has_streets and f.data.source["name"] == "demo"))
simple(r"Streets: (?P<whose>Contains OS data © Crown copyright and database right 20\d\d)\.",
    lambda f: {"whose": f.data.source.get("streets")} | truth(f.has_streets))
simple(r"The vertical line is {rest:T}\.",
    lambda f: {"rest": f"the rest of {forces(f)}"} | truth(f.rest_outcomes is not None))
simple(r"The rest of {rest:T} is not shown, because its outcomes are incomplete in these months\.",
    lambda f: {"rest": forces(f)} | truth(f.rest_outcomes is None and len(f.elsewhere) > 0))
simple(r"Court results are not published, so no share here is a conviction rate\.",
    lambda f: truth(int(f.outcomes.sum()) >= 50))
simple(r"Map points were replaced in July 2022, so the map shows the months from then on\. Counts before and after may differ by 1 to 4% for that reason alone\.",
    lambda f: truth(across(f.months)))
simple(r"The dash-dotted line is where police force areas meet(?P<how>, as estimated from the nearest postcodes)?\. A record counts for the force that supplied it, so a few lie across the line\.",
    lambda f: {"how": not f.exact} | truth(len(f.cover) > 1))
simple(r"Records of the shaded part, policed by {names:T}, are not held\. It is not free of crime\.",
    lambda f: {"names": join(map(force_name, f.absent))} | truth(bool(f.absent)))
simple(r"Choose from the lists, or click or drag; Escape shows everything\.",
    lambda f: truth(bool(f.months)))
simple(r"Left out, because many crimes were still under investigation in these files: {months:T}\.",
    lambda f: {"months": Span(f.settled["open"])})
simple(
    r"Left out, because too many updates are missing: {months:T}\.", lambda f: {"months": Span(f.settled["faulty"])}
)
simple(r"At least half of the crimes had an outcome, such as no suspect identified, (?P<when>in the month they were recorded|within \d+ months?)\.",
    lambda f: {"when": _half_decided(f.half_after(f.waits["later"]))})

def _revised(f: Facts) -> Any:
    """Return what was revised of the months counted that the release before had."""
    return f.revised[f.revised["month"].isin([m for m in f.months if m not in f.new_months])]

simple(r"New this month\.", lambda f: truth(bool(f.since)))
simple(r"There is no earlier month here\.", lambda f: truth(not {*f.months} - {*f.new_months}))
_SINCE = r"the release of {since:M}"
simple(rf"No month here is new since {_SINCE}\.",
    lambda f: {"since": named(f.since)} | truth(f.latest not in f.new_months))
@rule(r"{month:M} is new: {n:I} crimes?(?: in (?P<part>the .+? part \(.+?\)|part of the records))?, {verdict:T}\.")
def _(f: Facts, g: dict[str, str]) -> Expected:
    v = f.judged("crime")
    told = verdict(v) if f.kind == "whole" and v.kind != "not judged" else g["verdict"]
    return {
        "month": named(f.latest), "n": f.n("crime"), "verdict": told,
        "part": g["part"] if f.kind == "part" else None,
    } | truth(f.latest in f.new_months)
def _earlier(f: Facts) -> int:
    return len({*f.months} - {*f.new_months})
simple(rf"(?:The count of the earlier month was not|No count of the {{n:I}} earlier months was) revised since {_SINCE}\.",
    lambda f: {"n": _earlier(f) if _earlier(f) != 1 else None, "since": named(f.since)}
    | truth(int(_revised(f)[["added", "removed"]].to_numpy().sum()) == 0))
@rule(rf"(?:The earlier month|{{k:C}} of the {{n:I}} earlier months) (?:was|were) revised since {_SINCE}: {{how:T}},(?: most)? in {{most:M}}\.")
def _(f: Facts, g: dict[str, str]) -> Expected:
    rows = _revised(f)
    rows = rows[rows["added"] + rows["removed"] > 0]
    parts = []
    for one, part in (("crime", rows[rows["category"] != ASB]), ("report", rows[rows["category"] == ASB])):
        added, removed = int(part["added"].sum()), int(part["removed"].sum())
        what = f"{one}{'s' * (added != 1)}{' of anti-social behaviour' * (one == 'report')}"
        parts += [f"{added:,} {what} added and {removed:,} removed"] if len(part) else []
    sums = (rows["added"] + rows["removed"]).groupby(rows["month"]).sum()
    several = _earlier(f) != 1
    return {
        "k": len(sums) if several else None, "n": _earlier(f) if several else None, "since": named(f.since),
        "how": " and ".join(parts), "most": named(max(sums.index, key=lambda m: (sums[m], m))),
    }
simple(r"No outcome of an earlier month changed\.", lambda f: truth(int(_revised(f)["decided"].sum()) == 0))
simple(r"{n:I} crimes? (?:has|have) another outcome than in that release\.",
    lambda f: {"n": int(_revised(f)["decided"].sum())})

simple(r"No crime of these months has an outcome yet\.",
    lambda f: truth(int(f.outcomes.sum()) == 0 and not f.settled["open"] and not f.settled["faulty"]))
simple(r"{names:T} supplied every month\.",
    lambda f: {"names": forces(f)} | truth(set(f.status.values()) == {WHOLE}))

@rule(r"{place:T} is in the (?:{one:T} police area|police areas of {names:T})\.(?: The postcode itself is in {own:T}\.)?(?= Use https| The neighbourhood)")
def _(f: Facts, g: dict[str, str]) -> Expected:
    rows = [(force_name(x), s) for x, s in zip(f.cover["force"], f.cover["share"], strict=True) if s > 0]
    share = lambda s: "less than 1%" if s < 0.005 else f"{s:.0%}"  # noqa: E731
    one = rows[0][0] if len(rows) == 1 else None
    names = None if one else join(f"{n} ({share(s)} of the area)" for n, s in rows)
    own = str(f.place["force"])
    return {"place": place(f), "one": one, "names": names, "own": force_name(own) if own and f.circle and len(rows) > 1 else None}

simple(r"Use https://www\.police\.uk/pu/your-area/ to find the local team, its priorities and its meetings\.",
    lambda f: truth(f.data.neighbourhoods.empty))
simple(r"{team:T}: {n:I} named, {k:I} priorities\.",
    lambda f: {"team": ", ".join(f.data.neighbourhoods.iloc[0][["name", "force_name"]]), "n": len(f.data.people), "k": len(f.data.priorities)})

# ------------------------------------------------------------------------ notes

def _gap_words(f: Facts) -> list[str]:
    return [f.status[m] for m in gaps(f)]

simple(r"Crimes: {crime:I}\. Reports of anti-social behaviour: {asb:I}\.",
    lambda f: {"crime": f.total("crime"), "asb": f.total("asb")})
simple(
    r"Records of British Transport Police, in neither number: {n:I}\.", lambda f: {"n": f.total("btp")}
)
simple(r"The crimes of {where:T} are mapped to {n:I} points, and a few points can sway a figure\.",
    lambda f: {"where": where(f), "n": f.half()[1]})
simple(r"The categories of crime cover {n:I} crimes? here\. Reports of anti-social behaviour \({asb:I}\) are counted separately from them\.",
    lambda f: {"n": f.total("crime"), "asb": f.total("asb")})
simple(r"Months counted here(?P<part> \(that part only\))?: {n:I} of {all:I}(?:, {months:T})?\.",
    lambda f: {"part": OneOf([f.kind == "part", None]), "n": len(f.months), "all": len(f.status), "months": OneOf([Span(f.months), None])})
simple(
    r"The mix of crime in {where:T} is compared with the mix elsewhere\.", lambda f: {"where": where(f)}
)
simple(r"The figure holds {crime:I} crimes? and, apart from them, {asb:I} reports? of anti-social behaviour, of {n:I} months? in {where:T}\. British Transport Police records and months that were not counted are not in it\.",
    lambda f: {"crime": f.total("crime"), "asb": f.total("asb"), "n": len(f.months), "where": where(f)})
@rule(r"It counts crimes \({crime:I}\) and reports of anti-social behaviour \({asb:I}\) that police recorded in {where:T}\.")
def _(f: Facts, g: dict[str, str]) -> Expected:
    return {"crime": f.total("crime"), "asb": f.total("asb"), "where": _where_and_months(f, g["where"], f.months)}

def _where_and_months(f: Facts, said: str, months: list[str]) -> str:
    """Return `said` where it is the place and, after a comma, these months; else what it should be."""
    start = f"{where(f) if f.months else place(f)}, "
    when = Span(months) if months else "no month that can be counted"
    same = said[:1].lower() + said[1:]
    right = said.startswith(start) or same.startswith(start[:1].lower() + start[1:])
    return said if right and agrees(said[len(start) :], when) else f"{start}{months}"

@rule(r"(?:Left out, because a missing month is not a zero|Not counted): {gaps:T}\.(?=$)")
def _(f: Facts, g: dict[str, str]) -> Expected:
    """Read "October 2024 (not in this archive); ..." as months by their status."""
    said: list[tuple[str, int]] = []
    for part in g["gaps"].split("; "):
        words = re.fullmatch(r"(.*) \((.*)\)", part)
        found = months_in(words[1]) if words else -1
        if words is None or (isinstance(found, list) and any(f.status.get(m) != words[2] for m in found)):
            return {"gaps": "months by their status"}
        said.append((words[2], found if isinstance(found, int) else len(found)))
    every = sorted(s for s, n in said for _ in range(n))
    return {"gaps": g["gaps"] if every == sorted(_gap_words(f)) else "every month that is not counted"}

simple(r"The team named here is the one for {key:T} itself; other parts of the area may have another\.",
    lambda f: {"key": f.key})
simple(r"Each crime is shown with the latest outcome known in the release of {release:M}\. A later release may hold another\.",
    lambda f: {"release": named(f.data.source["release"])})
simple(r"Each crime is shown with the latest outcome in these files\. Later files may hold another\.",
    lambda f: truth(not f.data.source.get("release")))
simple(r"Months with many crimes still under investigation are left out\. Do not compare their outcomes with older ones\.", lambda f: truth(not f.months))
simple(r"Police recorded the crimes counted here \({n:I}\)\. Nobody can say how many others there were in {where:T}\.",
    lambda f: {"n": f.total("crime"), "where": where(f)})
simple(r"Here {n:I} crimes? share {k:I} map points(?:, and half of them are mapped to {half:I})?\. The busiest, {name:T}, stands for {most:I}\.",
    lambda f: {"n": f.half()[2], "k": f.half()[1], "half": f.half()[0], "name": _busiest(f), "most": int(f.points["crime"].max())})
simple(r"Newest month counted: {month:M}\.", lambda f: {"month": named(f.latest)})
simple(
    r"Reports of anti-social behaviour here: {n:I}\.", lambda f: {"n": f.total("asb")}
)
simple(r"Of these, {n:I} (?P<verb>is|are) identical to another record\. (?P<may>It may be a separate call|They may be separate calls), so all are counted\.",
    lambda f: {
        "n": f.copies(), "verb": "is" if f.copies() == 1 else "are",
        "may": "It may be a separate call" if f.copies() == 1 else "They may be separate calls",
    },
)
simple(r"The normal range comes from the months before {month:M}, allowing for the rest of the force, which follows the same seasons\.",
    lambda f: {"month": named(f.latest)} | truth(f.judged("asb").high >= 0 and f.judged("asb").adjusted))
def _baseline(f: Facts) -> Expected:
    before = [m for m in f.steady("crime") if m < f.latest][-12:]
    if across([*before, f.latest]) and f.table["crime"][before].mean() < 60:
        before = [m for m in before if m >= NEW_POINTS]
    run = [m for m in f.status if before[0] <= m <= before[-1]] if before else []
    return {"n": len(before), "span": Span(run)}

simple(r"The normal range comes from {n:I} earlier months, allowing for (?:{rest:T} and )?the length of each month\.",
    lambda f: {
        "n": _baseline(f)["n"],
        "rest": f"the rest of {forces(f)}" if f.judged("crime").adjusted else None,
    } | truth(f.judged("crime").high >= 0))
simple(r"The normal range was made from {span:T}\. Compare the newest month with it\.",
    lambda f: {"span": _baseline(f)["span"]} | truth(f.judged("crime").high >= 0))
simple(r'If crime rises everywhere in the force, the range rises with it: "within the normal range" says nothing of the force as a whole\.',
    lambda f: truth(f.judged("crime").adjusted))
simple(r'A category marked "not compared" is too small to compare across July 2022, when police\.uk replaced its map points\.',
    lambda f: truth(any(f.year(c).kind == "map changed" for c in ["asb", *f.categories])))
simple(r"A bracket stands where months are missing\. A missing month is not a zero\.",
    lambda f: truth(not f.months or bool(gaps(f))))
simple(r"A pale bar counts only part of the area\.", lambda f: truth(not f.months or f.kind == "part"))
simple(
    r"A bar with a broken outline is so low that the month may be incomplete\.", lambda f: truth(not f.months or bool(f.low))
)
simple(r"The records on this page are invented and belong to no real place; what follows holds for real reports\.",
    lambda f: truth(f.data.source.get("name") == "demo"))

# ------------------------------------------------------------------------ headlines, subtitles, the summary's own lines

_TAIL = r"(?P<gaps>(?:; \d+ months? missing)?)(?:; {low:T} suspiciously low)?(?=$)"

def _tail(f: Facts) -> Expected:
    n = len(gaps(f))
    text = f"; {n:,} month{'' if n == 1 else 's'} missing" if n else ""
    return {"gaps": text, "low": Span(f.low) if f.low else None}

def _series(g: dict[str, str]) -> str:
    return "crime" if g["noun"].startswith("crime") else "asb"

@rule(
    r"{month:M}: {n:I} (?P<noun>crimes?|reports?), (?P<verdict>within|below|above|outside) the normal range(?P<located> on the counts as located)? \({low_end:I} to {high_end:I}\)" + _TAIL
)
def _(f: Facts, g: dict[str, str]) -> Expected:
    v = f.judged(_series(g))
    kind = "outside" if v.kind == "as located" else v.kind
    return {
        "month": named(f.latest), "n": v.records, "noun": g["noun"], "verdict": kind, "low_end": v.low, "high_end": v.high,
        "located": v.kind == "as located", **_tail(f),
    }

@rule(
    r"(?:{least:I} to )?{most:I} (?P<noun>crimes?|reports?) (?:a month|in each month|in {month:M})" + _TAIL
)
def _(f: Facts, g: dict[str, str]) -> Expected:
    v, y = f.judged(_series(g)), f.table.loc[[m for m in f.months if m not in f.low] or f.months, _series(g)]
    one = len(y) == 1
    return {
        "least": int(y.min()) if y.min() < y.max() else None, "most": int(y.max()), "noun": g["noun"],
        "month": named(f.latest) if one else None, **_tail(f),
    } | truth(v.high < 0)

simple(
    r"None of the {n:I} months is held here, which is not zero(?=$)", lambda f: {"n": len(f.status)} | truth(not f.months)
)
simple(r"The month is not held here, which is not zero(?=$)", lambda f: truth(not f.months and len(f.status) == 1))
simple(r"(?:No category|No map point) can be counted(?=$)", lambda f: truth(not f.months))
simple(r"No crime was recorded in {months:T}(?=$)",
    lambda f: {"months": Span(f.months)} | truth(bool(f.months) and f.total("crime") == 0))
simple(r"The most common crimes in {months:T}: {which:T}(?=$)",
    lambda f: {"months": Span(f.months), "which": with_counts(top(_of_all(f)))} | truth(f.total("crime") >= 20))
simple(
    r"{n:I} crimes? in {months:T}(?=$)", lambda f: {"n": f.total("crime"), "months": Span(f.months)}
)
simple(r"Half of the {n:I} crimes are mapped to {half:I} of {all:I} points(?=$)",
    lambda f: {"n": f.half()[2], "half": f.half()[0], "all": f.half()[1]})
simple(r"{n:I} crimes? at one map point(?=$)", lambda f: {"n": f.half()[2]} | truth(f.half()[1] == 1))
simple(r"No crime here is mapped to a point(?=$)", lambda f: truth(f.half()[2] == 0))
simple(r"No outcomes are given here(?=$)", lambda f: truth(f.no_outcomes or not f.months or not f.total("crime")))
simple(r"No month's outcomes have settled yet(?=$)",
    lambda f: truth(bool(f.total("crime")) and not f.no_outcomes and int(f.outcomes.sum()) == 0))
simple(r"Too few crimes \({n:I}\) to show outcomes as percentages(?=$)",
    lambda f: {"n": int(f.outcomes.sum())} | truth(int(f.outcomes.sum()) < 50))
def _settled(f: Facts) -> Expected:
    kept = f.settled["settled"]
    if kept == f.months:
        return {"months": None, "k": None, "of": None}
    run = [m for m in f.status if kept[0] <= m <= kept[-1]] == kept
    parts = {"k": None, "of": None} if run else {"k": len(kept), "of": len(f.months)}
    return {"months": Span(kept) if run else None, **parts}

simple(r"(?:{share:P} of the|(?P<none>None of the)) crimes(?: of {months:T}| in {k:I} of the {of:I} months)? led to a charge or a court case(?=$)",
    lambda f: {
        "share": _charged(f) if f.charged else None, "none": not f.charged,
        **_settled(f),
    } | truth(int(f.outcomes.sum()) >= 50),
)
simple(rf"Not compared with the year before: (?P<why>{_WHY_NO_YEAR})(?=$)", lambda f: {"why": _why_no_year(f)})

@rule(r"All crime: {verdict:T}(?:; {which:T})?(?=$)")
def _(f: Facts, g: dict[str, str]) -> Expected:
    reports = [("anti-social behaviour", f.year("asb"))] if f.year("asb").kind in ("rise", "fall") else []
    found = reports + [(category(c), m) for c, m in _years_clear(f)]
    which = join(f"{name} a clear {m.kind}" for name, m in found)
    return {"verdict": year_verdict(f.year()), "which": which or None} | truth(not less_than_two_years(f))

simple(r"No category makes up a clearly larger share of crime here than in {other:T}(?=$)",
    lambda f: {"other": f.compared()[0][0]} | truth(not _larger(f) and not f.compared()[0][1]["why"]))
simple(r"Shares of crime here and in the places compared with(?=$)",
    lambda f: truth(bool(f.compared()[0][1]["why"]) and len(f.compared()) > 1))
simple(r"Explore {n:I} crimes? and, counted separately, {asb:I} reports? of anti-social behaviour(?=$)",
    lambda f: {"n": f.total("crime"), "asb": f.total("asb")})
simple(r"Nothing to explore: no record can be counted(?=$)", lambda f: truth(not f.months))

@rule(r"(?P<what>Records by category, month and map point|Records by category, the latest 12 months and the same months a year before|Records by category|Crimes by month|Reports of anti-social behaviour by month|Crimes by map point|Latest published outcome of {n:I} crimes?|Share of crime by category), {where:T}\.(?P<since> The map starts in July 2022\.)?(?=$)")
def _(f: Facts, g: dict[str, str]) -> Expected:
    months = f.months
    if g["what"] == "Crimes by map point":
        months = f.point_months
    elif g["what"].startswith("Latest published"):
        months = f.settled["settled"] or f.months
    n = int(f.outcomes.sum()) if g["n"] else None
    since = g["what"].startswith("Records by category, month") and across(f.months)
    return {"what": g["what"], "since": since, "n": n, "where": _part_and_months(f, g["where"], months)}

def _part_and_months(f: Facts, said: str, months: list[str]) -> str:
    """Return `said` where it is these months, after the part where only one is counted."""
    when = said
    if f.kind == "part":
        part = _part_in_caption(f)
        if not said.startswith(f"{part}, "):
            return f"{part}, {months}"
        when = said.removeprefix(f"{part}, ")
    return said if agrees(when, Span(months) if months else "no month that can be counted") else str(months)

simple(r"# Recorded crime: {where:T}(?=$)", lambda f: {"where": heading(f)})

@rule(r"Recorded crime in {where:T}, (?P<months>(?:[A-Z]\w+(?: \d{4})? to )?[A-Z]\w+ \d{4})\.(?= Source)")
def _(f: Facts, g: dict[str, str]) -> Expected:
    return {"where": where(f), "months": Span(list(f.data.query.months))}

simple(
    r"Contains public sector information licensed under the Open Government Licence v3\.0\.", lambda f: truth(condition=True)
)
simple(
    r"Outline: Office for National Statistics, licensed under the Open Government Licence v3\.0\. Contains OS data © Crown copyright and database right(?: (?P<year>20\d\d))?\.",
    lambda f: {"year": next(reversed(re.findall(r"(?<!\d)20\d\d(?!\d)", f.data.query.area.drawn)), None)}
    | truth("as drawn in" in f.data.query.area.drawn),
)
simple(
    r"police\.uk may revise any month with each release\.", lambda f: truth(f.data.source.get("name") != "demo")
)
