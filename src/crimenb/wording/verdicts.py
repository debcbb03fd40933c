"""What is said of a month and of a change: verdicts in words. No geometry."""

from __future__ import annotations

from math import isnan
from typing import TYPE_CHECKING

from crimenb.measures import points as map_points
from crimenb.measures.changes import Change, changes, clear_change, recent_against_earlier
from crimenb.measures.counts import deciding, monthly_counts, scope
from crimenb.measures.months import YEAR, held, range_of
from crimenb.query import days_in, month_before
from crimenb.wording import format as write

if TYPE_CHECKING:
    from crimenb.data import Data
    from crimenb.measures.months import Verdict
    from crimenb.usual_range import Range

NOTICEABLE = 0.10
"""A change of the rest of the force is mentioned from a tenth."""

_SEASON = {
    **dict.fromkeys(("12", "01", "02"), (True, "winter has fewer almost everywhere")),
    **dict.fromkeys(("06", "07", "08"), (False, "summer has more almost everywhere")),
}
"""Months in which reports of anti-social behaviour are few (True) or many everywhere."""


def crime_sentence(data: Data) -> str:
    """Say how many crimes the newest month has, a day, and where they lie in the range."""
    within = scope(data)
    month = within.latest
    crime = int(monthly_counts(data).loc[month, "crime"])
    newest = "" if month == max(data.months["month"]) else " (the newest month counted)"
    text = (
        f"Police recorded {write.counted(crime, 'crime')} in {write.where_in_full(data)} in "
        f"{write.month(month)}{newest}, {write.per_day(crime / days_in(month))}"
    )

    if within.kind != "whole" or not map_points.comparable(data):
        return f"{text}."
    return f"{text}{_beside(data, range_of(data, 'crime'))}."


def asb_sentence(data: Data) -> str:
    """Say how many reports of anti-social behaviour the newest month has, season in mind (R5)."""
    within = scope(data)
    n = int(monthly_counts(data).loc[within.latest, "asb"])
    if n == 1:
        text = "There was one anti-social behaviour report"
    else:
        text = f"There were {write.counted(n, 'anti-social behaviour report')}"
    if within.kind != "whole" or not map_points.comparable(data):
        return f"{text}, counted apart because a report is no crime."
    verdict = range_of(data, "asb")
    if verdict.kind == "too few":
        return f"{text}, too few to judge."
    if verdict.kind == "with the force" and verdict.own is not None:
        fewer = verdict.own.place(n) == "below"
        usual = f"{'fewer' if fewer else 'more'} than usual here"
        season, said = _SEASON.get(within.latest[5:], (None, ""))
        so = f"; {said}" if season is fewer and (verdict.rest_change < 0) is fewer else ""
        return f"{text}, {usual}, {_as_the_force(data, verdict, fewer=fewer)}{so}."
    return f"{text}{_beside(data, verdict)}."


def _beside(data: Data, verdict: Verdict) -> str:
    """Set a count beside its range, and the rest of the force beside both; starts with "," or ";"."""
    own = verdict.own
    if own is None:
        reasons = {
            "too few months": "; fewer than six months are held, so no month is judged",
            "too few": ", too few to call a month high or low",
            "not judged": "; the month is suspiciously low, so it is left out of every comparison",
        }
        return reasons.get(verdict.kind, "")
    if verdict.kind == "season":
        return (
            f", not set against its other months ({_range(own)}): reports follow the season, and this "
            "source does not hold the rest of the force to tell it by"
        )
    where = {"inside": "within"}.get(own.place(verdict.records), own.place(verdict.records))
    text = f", {where} {write.RANGE.format(_others(data, verdict))} ({_range(own)}{_season(data)})"
    if verdict.kind == "with the force":
        return f"{text}, {_as_the_force(data, verdict, fewer=where == 'below')}"
    rest = write.rest_of(deciding(data))
    if verdict.called:
        if verdict.controlled is None:
            return f"{text}, which is not adjusted for season"
        return f"{text}, while {rest} leads to expect {_range(verdict.controlled)}"
    if verdict.series == "asb" and abs(verdict.rest_change) >= NOTICEABLE:
        here, there = _more(verdict.change), _more(verdict.rest_change)
        return f"{text}: {here} a day than in those months, as against {there} in {rest}"
    return text


def _more(change: float) -> str:
    """Write a change as "37% fewer" or "4% more"."""
    return f"{abs(change):.0%} {'fewer' if change < 0 else 'more'}"


def _as_the_force(data: Data, verdict: Verdict, *, fewer: bool) -> str:
    """Say that the rest of the force moved too; follows "fewer than usual here, "."""
    rest = write.rest_of(deciding(data))
    if (verdict.rest_change < 0) != fewer:
        return f"but within what {rest} leads to expect"
    if abs(verdict.rest_change) > abs(verdict.change):
        return f"as in {rest}, where they {'fell' if fewer else 'rose'} further"
    return f"as in {rest}"


def _others(data: Data, verdict: Verdict) -> str:
    if held(data) == "other months":
        return f"other {write.spelt(verdict.n)} months"
    return "earlier months"


def _season(data: Data) -> str:
    return "; season not removed" if held(data) == "other months" else ""


def _range(found: Range) -> str:
    return f"{found.low:,} to {found.high:,}"


def change_sentences(data: Data) -> list[str]:
    """Say what changed, by the months held: R7 with one year, R8 with two."""
    if held(data) == "one year":
        return [s for s in [recent_sentence(data)] if s]
    if held(data) in ("two years", "three years"):
        return [s for s in [year_sentence(data), _clear_categories(data)] if s]
    return []


def recent_sentence(data: Data) -> str:
    """Say how the last three months compare with those before, beside the rest (R7)."""
    found = recent_against_earlier(data)
    few = min(found.count_later, found.count_earlier) < write.LEAST_PERCENT
    if few or found.kind == "too few months":
        return ""
    text = f"From {write.months_alone(found.later)} crime a day was "
    same_year = found.earlier[0][:4] == found.later[-1][:4]
    earlier = write.months_alone([found.earlier[0], found.earlier[-1]])
    if not same_year:
        earlier = write.period(found.earlier[0], found.earlier[-1])
    text += f"{_by(found.ratio)} {earlier}"
    if isnan(found.rest_ratio):
        return f"{text}; without the rest of the force beside it, season is not told from change."
    rest = write.rest_of(deciding(data))
    text += f", and {_by(found.rest_ratio, short=True)} in {rest}"
    verdicts = {
        "local rise": "more crime than the rest of the force leads to expect",
        "local fall": "less crime than the rest of the force leads to expect",
        "no verdict": "the numbers are too small to call a local change",
    }
    return f"{text}: {verdicts.get(found.kind, 'no local change is shown')}."


def _by(ratio: float, *, short: bool = False) -> str:
    """Write a ratio as "9% below" (short: at the end of a clause, nothing follows)."""
    size = f"{abs(ratio - 1):.0%}"
    if size == "0%":
        return "level" if short else "level with"
    return f"{size} {'below' if ratio < 1 else 'above'}"


def year_sentence(data: Data) -> str:
    """Say how the latest year compares with the year before, and in how many months (R8)."""
    found = clear_change(data)
    if found.kind == "too few months":
        return ""
    text = (
        f"{_year_named(found)} there were {found.count_later:,} crimes, "
        f"against {found.count_earlier:,} in the same months a year before: {clear_words(found)}"
    )
    if not isnan(found.rest_ratio):
        moved = f"{_more(found.rest_ratio - 1)} than a year before"
        if moved.startswith("0%"):
            moved = "as many as a year before"
        text += f"; {write.rest_of(deciding(data))} had {moved}"
    return f"{text}."


def _year_named(found: Change) -> str:
    """Write the later year: "In the twelve months to ...", or its ends and the months left out."""
    last = found.later[-1]
    if found.pairs == YEAR:
        return f"In the twelve months to {write.month(last)}"
    year = [month_before(last, k) for k in range(YEAR - 1, -1, -1)]
    out = [m for m in year if m not in found.later]
    names = write.months(out)
    if year[0][:4] == last[:4]:
        names = names.removesuffix(f" {last[:4]}")
    return f"In {write.period(year[0], last)}, leaving out {names},"


def clear_words(found: Change) -> str:
    """Write R8's verdict: "a clear fall of 12%, lower in 10 of 12 months"."""
    if found.kind == "too few":
        return "too few to call a change"
    way = "lower" if found.ratio < 1 else "higher"
    months = f"{way} in {write.count(found.same_way)} of {found.pairs} months"
    if not found.called:
        return f"no clear change ({months})"
    size = f"{abs(found.ratio - 1):.0%}"
    return f"{found.kind.replace('clear', 'a clear')} of {size}, {months}"


def _clear_categories(data: Data) -> str:
    table = changes(data)
    clear = table["kind"].isin(["clear rise", "clear fall"])
    rows = table[clear & ~table["series"].isin(["crime", "asb"])]
    if rows.empty:
        return "No single category changed clearly."
    said = [
        f"{write.category(r['series'])} ({'up' if r['ratio'] > 1 else 'down'} "
        f"{abs(r['ratio'] - 1):.0%} to {r['count_later']:,}, "
        f"{'higher' if r['ratio'] > 1 else 'lower'} in {r['same_way']} of "
        f"{r['pairs']} months)"
        for _, r in rows.iterrows()
    ]
    return f"Clear by category: {write.listing(said)}."
