"""Verdicts in words: the only place that puts one into words, so that one verdict has one wording.

Headlines, sentences, tables, the summary and the index page all call `describe`, `describe_change`
or `brief`.
"""

from __future__ import annotations

from math import isnan
from typing import TYPE_CHECKING

from crimenb.measures.changes import LEAST_CHANGE, LEAST_FOR_PERCENT, LEAST_PAIRS, Change, ChangeVerdict
from crimenb.measures.months import LEAST_MONTHS, YEAR, MonthVerdict, Verdict
from crimenb.wording import format as write

if TYPE_CHECKING:
    from crimenb.measures.place import Place

NOTICEABLE = 0.10
"""A change of the rest of the force is mentioned from a tenth."""

_BESIDE_RANGE = {
    MonthVerdict.WITHIN: "within the normal range",
    MonthVerdict.BELOW: "below the normal range",
    MonthVerdict.ABOVE: "above the normal range",
    MonthVerdict.AS_LOCATED: "outside the normal range on the counts as located",
}
_WITHOUT_RANGE = {
    MonthVerdict.TOO_FEW: ("too few to judge", "too few to judge"),
    MonthVerdict.TOO_FEW_MONTHS: (
        "not judged", f"not judged, because a normal range needs {LEAST_MONTHS} earlier months",
    ),
    MonthVerdict.NO_CONTROL: (
        "not judged", "not judged, because this source cannot show what is normal for the time of year",
    ),
    MonthVerdict.NOT_JUDGED: ("not judged", "not judged"),
}  # fmt: skip


def brief(verdict: Verdict) -> str:
    """Write a month's verdict without its range: "within the normal range", "too few to judge"."""
    return _BESIDE_RANGE.get(verdict.kind) or _WITHOUT_RANGE[verdict.kind][0]


def describe(verdict: Verdict) -> str:
    """Write a month's verdict with its range: "within the normal range for this area (477 to 699)"."""
    if verdict.range is None:
        return _WITHOUT_RANGE[verdict.kind][1]
    text = f"{brief(verdict)} for this area ({normal_range(verdict)})"
    if verdict.kind == MonthVerdict.AS_LOCATED:
        text += ", but not once the records without a location are allowed for"
    return text if verdict.adjusted else f"{text}, which is not adjusted for the time of year"


def normal_range(verdict: Verdict) -> str:
    """Write the range of a verdict that has one: "477 to 699"."""
    return f"{verdict.range.low:,} to {verdict.range.high:,}" if verdict.range else ""


# ------------------------------------------------------------------------------ the newest month


def crime_sentence(place: Place) -> str:
    """Say how many crimes the newest month has, a day, and where they lie beside the range."""
    month = place.scope.latest
    newest = "" if month == place.query.end else " (the newest month counted)"
    text = (
        f"Police recorded {write.counted(place.latest('crime'), 'crime')} in {write.where_in_full(place)} in "
        f"{write.month(month)}{newest}, {write.daily(place, 'crime')}."
    )
    return text if place.scope.kind != "whole" else f"{text} {_judged('That is', place.crime)}"


def asb_sentence(place: Place) -> str:
    """Say how many reports of anti-social behaviour the newest month has, the season in mind (R5)."""
    n = place.latest("asb")
    reports = write.counted(n, "report") if n else "no reports"
    text = f"There {write.plural(n, 'was', 'were')} {reports} of anti-social behaviour."
    if place.scope.kind != "whole":
        return text
    text = f"{text} {_judged('That is', place.asb)}"
    rest = place.asb.rest_change
    if place.asb.adjusted and place.asb.range and abs(rest) >= NOTICEABLE:
        text += (
            f" The range allows for {write.rest_of(place.forces)}, where reports a day were "
            f"{difference(1 + rest)} than in the earlier months."
        )
    return text


def _judged(start: str, verdict: Verdict) -> str:
    if verdict.kind == MonthVerdict.NOT_JUDGED:
        return "The month looks incomplete, so it is not judged."
    return f"{start} {describe(verdict)}."


def category_sentence(place: Place) -> str:
    """Name the categories whose newest month is unusual, or ""."""
    called = place.categories_called
    if not called:
        return ""
    named = [
        f"{write.category(v.series)} was {brief(v)} for this area ({v.records:,}; {normal_range(v)})"
        for v in called
    ]
    return f"{write.capital(write.listing(named))}."


# ---------------------------------------------------------------------------------------- changes


def difference(ratio: float) -> str:
    """Write a ratio: "5% lower", "12% higher", "unchanged"."""
    size = f"{abs(ratio - 1):.0%}"
    return "unchanged" if size == "0%" else f"{size} {'lower' if ratio < 1 else 'higher'}"


def describe_change(change: Change) -> str:
    """Write a year's verdict (R8): "a clear fall of 12%, lower in 10 of 12 months"."""
    way = "lower" if change.ratio < 1 else "higher"
    months = f"{way} in {change.same_way} of {change.pairs} months"
    if change.called:
        return f"a clear {change.kind} of {abs(change.ratio - 1):.0%}, {months}"
    if change.kind == ChangeVerdict.AS_LOCATED:
        return f"{months}, but no clear change once the records without a location are allowed for"
    if change.kind == ChangeVerdict.NONE:
        return verdict_with_reason(change)
    return brief_change(change)


def verdict_with_reason(change: Change) -> str:
    """Write a year's verdict briefly, and of no clear change which condition of R8 is not met."""
    if change.kind != ChangeVerdict.NONE:
        return brief_change(change)
    if abs(change.ratio - 1) < LEAST_CHANGE:
        why = f"{difference(change.ratio)}, under the {LEAST_CHANGE:.0%} that counts as clear"
    elif change.low <= 1 <= change.high:
        why = "chance could explain it"
    else:
        why = (
            f"{'lower' if change.ratio < 1 else 'higher'} in only {change.same_way} of {change.pairs} months"
        )
    return f"no clear change ({why})"


def brief_change(change: Change) -> str:
    """Write a year's verdict in a few words: "clear fall", "no clear change", "too few to judge"."""
    if change.called:
        return f"clear {change.kind}"
    return {
        ChangeVerdict.TOO_FEW: "too few to judge a change",
        ChangeVerdict.MAP_CHANGED: "not compared across July 2022, when police.uk replaced its map points",
        ChangeVerdict.TOO_FEW_MONTHS: "too few months to compare",
    }.get(change.kind, "no clear change")


CHANGES_IN_WORDS = {str(kind): brief_change(Change(kind)) for kind in ChangeVerdict}
"""The kind of a change, as `change_by_category` gives it, to its words."""


def change_sentences(place: Place) -> list[str]:
    """Say what changed: on the year where ten pairs of months are there (R8), else recently (R7)."""
    if place.year.kind == ChangeVerdict.TOO_FEW_MONTHS:
        return [s for s in [recent_sentence(place)] if s]
    return [s for s in [year_sentence(place), clear_categories(place)] if s]


def recent_sentence(place: Place) -> str:
    """Say how the last three months compare with the nine before, beside the rest (R7)."""
    recent = place.recent
    few = min(recent.count_later, recent.count_earlier) < LEAST_FOR_PERCENT
    if few or not recent.compared:
        return ""
    later = write.period(recent.later[0], recent.later[-1])
    earlier = write.period(recent.earlier[0], recent.earlier[-1])
    if recent.earlier[0][:4] == recent.later[-1][:4]:
        later, earlier = write.months_alone(recent.later), write.months_alone(recent.earlier)
    moved = difference(recent.ratio)
    text = f"Daily crime was {moved} in {later} {'compared with' if moved == 'unchanged' else 'than in'} {earlier}."
    if not isnan(recent.rest_ratio):
        text += f" It was {difference(recent.rest_ratio)} in {write.rest_of(place.forces)}."
    return f"{text} {_recent_verdict(place)}"


def _recent_verdict(place: Place) -> str:
    recent = place.recent
    if recent.called:
        more = "more" if recent.kind == ChangeVerdict.RISE else "less"
        return f"This is a local {recent.kind}: {more} crime than {write.rest_of(place.forces)} and chance explain."
    if recent.kind == ChangeVerdict.TOO_FEW:
        return "The numbers are too small to call a local change."
    if recent.kind == ChangeVerdict.NO_CONTROL:
        return "This source cannot show how much of that is the time of year."
    if difference(recent.ratio) == "unchanged":
        return "There is no sign of a local change."
    if recent.force_explains:
        return f"Most of that {'fall' if recent.ratio < 1 else 'rise'} was across the whole force."
    return "The difference is too small to call a local change."


def year_sentence(place: Place) -> str:
    """Say how the latest year compares with the year before, and in how many months (R8)."""
    year = place.year
    if year.kind == ChangeVerdict.MAP_CHANGED:
        return f"Years are {brief_change(year)}: the counts are too small for it."
    if not year.compared:
        return ""
    text = (
        f"{year_named(year)} police recorded {write.counted(year.count_later, 'crime')}, after "
        f"{year.count_earlier:,} {year_before(year)}: {describe_change(year)}."
    )
    return " ".join(s for s in (text, rest_sentence(place), _not_in_both(year)) if s)


def _not_in_both(year: Change) -> str:
    """Say which months of the later year are in neither sum, and why."""
    if not year.missing:
        return ""
    are = write.plural(len(year.missing), "is", "are")
    return f"{write.months(year.missing)} {are} left out, because only months counted in both years are compared."


def rest_sentence(place: Place) -> str:
    """Say how the rest of the force changed on the year, or ""."""
    if isnan(place.year.rest_ratio):
        return ""
    moved = difference(place.year.rest_ratio)
    return f"In {write.rest_of(place.forces)} daily crime of all kinds was {moved} over the same time."


def year_refused(place: Place) -> str:
    """Say why no year is compared with the one before."""
    if place.year.kind == ChangeVerdict.MAP_CHANGED:
        return "the counts are too small to compare across July 2022, when police.uk replaced its map points"
    if len(place.status) >= 2 * YEAR:
        return f"fewer than {LEAST_PAIRS} months are counted in both years"
    return "this report covers less than two years"


def year_named(year: Change) -> str:
    """Write the later year: "In the 12 months to ...", or "In 11 of the 12 months to ..."."""
    of = "" if year.pairs == YEAR else f"{year.pairs} of "
    return f"In {of}the 12 months to {write.month(year.later[-1])}"


def year_before(year: Change) -> str:
    """Write the year compared with: "in the 12 months before"."""
    return "in the 12 months before" if year.pairs == YEAR else "in the same months a year before"


UNJUDGED = {ChangeVerdict.TOO_FEW: "too few to judge", ChangeVerdict.MAP_CHANGED: "not compared"}
"""Verdicts that say nothing of a change, in the words of a table."""


def clear_categories(place: Place) -> str:
    """Say which categories changed clearly on the year."""
    clear = [c for c in place.changes[2:] if c.called]
    if not clear:
        judged = [c for c in place.changes[2:] if c.kind not in UNJUDGED]
        return f"None of the {len(judged)} categories compared changed clearly." if len(judged) > 1 else ""
    named = [
        f"{write.category(c.series)} ({c.count_later:,} after {c.count_earlier:,}, {difference(c.ratio)}, "
        f"{'lower' if c.ratio < 1 else 'higher'} in {c.same_way} of {c.pairs} months)"
        for c in clear
    ]
    who = "One category" if len(clear) == 1 else f"{write.opening(len(clear))} categories"
    return f"{who} changed clearly: {write.listing(named)}."
