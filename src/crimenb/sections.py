"""The report's computed texts: what the measures say, as outputs beside the figures.

The sentences are made in `glance`, `reading`, `claims` and `supply`; here they become HTML.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import escape

from crimenb import claims, comparing, glance, judged, outcomes, phrases, reading, words
from crimenb.cautions import bursts, points
from crimenb.findings import change_by_category, compared_with, comparisons
from crimenb.pieces import Words, bullets, paragraphs
from crimenb.sums import only, scope
from crimenb.tables import force_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from crimenb.tables import Data

_NOTHING_TO_NAME = {
    "whole": "No busy point lies within 100 m of the edge, and no burst at one point was found here.",
    "part": "No burst at one point was found here; what lies beyond the edge is not known.",
    "none": "Nothing is counted here, so no point and no batch can be named.",
}


def at_a_glance(data: Data) -> Words:
    """Return the report in a few sentences, and the same as text to paste into a paper.

    Examples:
        >>> import crimenb as cn
        >>> data = cn.collect(cn.Query.parse("ZZ9 9ZZ", "2025-11", "2025-12"), "demo")
        >>> cn.at_a_glance(data)
        This is an invented place with invented records. Police recorded ...
    """
    said = glance.at_a_glance(data)
    pasted = glance.summary_md(data)
    html = (
        f'{bullets(said)}<details class="paste"><summary>Text to paste</summary>'
        f'<pre id="paste">{escape(pasted)}</pre>'
        '<button type="button" data-copy="paste" hidden>Copy the text</button></details>'
    )
    shown = Words(html, " ".join(said))
    shown.extra = {"summary": pasted}
    return shown


def how_to_read(data: Data) -> Words:
    """Return how these numbers may be read, with the place's own figures.

    Examples:
        >>> import crimenb as cn
        >>> data = cn.collect(cn.Query.parse("ZZ9 9ZZ", "2025-11", "2025-12"), "demo")
        >>> cn.how_to_read(data)
        These are crimes recorded by police, ...
    """
    said = reading.how_to_read(data)
    return Words(bullets(said), " ".join(said))


def careful(data: Data) -> Words:
    """Return what to be careful with here: edge, places where incidents are recorded, bursts.

    Examples:
        >>> import crimenb as cn
        >>> data = cn.collect(cn.Query.parse("ZZ9 9ZZ", "2025-11", "2025-12"), "demo")
        >>> cn.careful(data)
        No busy point lies within 100 m of the edge, ...
    """
    found = points(only(data))
    said = [*reading.edge_sentences(only(data))] if scope(data).months else []
    if listed := found.institutions[:3]:
        named = [
            f"{p.snapped_to or 'an unnamed place'} ({words.counted(p.records, 'record')})" for p in listed
        ]
        what = "a place where incidents are" if len(listed) == 1 else "places where incidents are"
        said.append(f"{phrases.capital(words.listing(named))}: {what} recorded, wherever they began.")
    said += [
        f"In {words.month(b.month)}, {words.count(b.records)} of the {words.count(b.of_month)} records of "
        f"{phrases.category(b.category)} sit at one point ({b.snapped_to or 'an unnamed place'}), which has "
        f"{words.count(b.elsewhen)} in all other months together: likely one batch of reports."
        for b in bursts(only(data))[:3]
    ]
    if not said:
        said = [_NOTHING_TO_NAME[scope(data).kind]]
    shown = paragraphs(said)
    return Words(f"<h3>Be careful with</h3>{shown.html}", shown.text)


def do_not_say(data: Data) -> Words:
    """Return the three likeliest wrong sentences about this page, and why each is wrong.

    Examples:
        >>> import crimenb as cn
        >>> data = cn.collect(cn.Query.parse("ZZ9 9ZZ", "2025-11", "2025-12"), "demo")
        >>> cn.do_not_say(data)
        Do not say: ...
    """
    found = claims.do_not_say(data)
    # The words stand in the text itself: a list that is pasted must not turn into three claims.
    rows = "".join(
        f"<dt>Do not say: <q>{escape(c.sentence)}</q></dt><dd>Because: {escape(c.why)}</dd>" for c in found
    )
    text = "\n".join(f"Do not say: “{c.sentence}” Because: {c.why}" for c in found)
    return Words(f'<h3>What these numbers do not say</h3><dl class="claims">{rows}</dl>', text)


def compared(data: Data) -> Words:
    """Return the differences that pass, in shares; and what was refused, with its reason."""
    said: list[str] = []
    for found in comparisons(data):
        other = compared_with(found) if found.other or found.forces else "the rest of the force"
        if found.refused:
            said.append(f"Not compared with {other}, because {comparing.REFUSALS[found.refused]}.")
            continue
        if found.shared:
            said.append(
                f"{words.counted(found.shared, 'record')} lie in both areas ({found.distance_m / 1000:.1f} km "
                "apart) and are left out on both sides."
            )
        said += _clear_shares(found, other) or [
            f"No category takes a clearly larger or smaller share of crime here than in {other}."
        ]
    return paragraphs(said)


def _clear_shares(found: comparing.Comparison, other: str) -> list[str]:
    """Say which categories take a larger and which a smaller share here, with both shares."""
    rows = found.table.set_index("category")
    said = []
    for side, word in (("more", "larger"), ("less", "smaller")):
        shares = [
            f"{phrases.category(c)} ({phrases.percent(rows.loc[c, 'share_here'], found.here)}; "
            f"{phrases.percent(rows.loc[c, 'share_there'], found.there)} there)"
            for c in found.named(side)
        ]
        if shares:
            said.append(f"A clearly {word} share of crime here than in {other}: {words.listing(shares)}.")
    row = rows.loc[comparing.NEVER_LOW]
    if row["high"] < 1:
        said.append(
            f"{phrases.capital(phrases.category(comparing.NEVER_LOW))}: "
            f"{phrases.percent(row['share_here'], found.here)} here, "
            f"{phrases.percent(row['share_there'], found.there)} there. A smaller share only shows that other "
            "categories are larger; it does not make a place safer."
        )
    return said


def change(data: Data) -> Words:
    """Return what changed on the year, or why that cannot be told from the months held."""
    if not scope(data).months:
        return paragraphs(["No month can be counted, so no year is set against another."])
    if change_by_category(data).empty:
        return paragraphs([
            "With fewer than 24 whole months, season and change cannot be told apart, so no year is "
            "set against another here. Ask for two years or more of months."
        ])  # fmt: skip
    said = [judged.year_sentence(only(data))]
    rows = change_by_category(data).iloc[1:]
    clear = rows[rows["verdict"].str.startswith("clear")]
    said += [
        f"{r.label}: {r.verdict}, {r.after:,} after {r.before:,}, {r.pairs}." for r in clear.itertuples()
    ]
    if clear.empty:
        said.append("No category changed clearly.")
    return paragraphs(said)


def map_key(data: Data) -> Words:
    """Return what the signs on the map stand for."""
    within, place = scope(data), only(data)
    if not within.months:
        return paragraphs([])
    circle = place.places["kind"].iloc[0] == "circle"
    asked, edge = (data.query.postcode, "circle") if circle else ("the middle of the area", "area")
    said = [
        f"The cross is {asked}. Circles are scaled to the busiest point of this map. Grey dots are further "
        f"map points: those outside the {edge} are not counted here, those inside hold none of the records "
        "counted."
    ]
    if (~place.coverage.geometry.is_empty).sum() > 1:
        how = "" if words.is_exact(place) else ", as estimated from the nearest postcodes"
        said.append(
            f"The dash-dotted line is where police force areas meet{how}. A record counts for the force "
            "that supplied it, so a few stand across the line."
        )
        if within.absent:
            absent = words.listing([force_name(f) for f in within.absent])
            said.append(
                f"Of the shaded part, policed by {absent}, no record is held: it is not free of crime."
            )
    return paragraphs(said)


def how_to_explore(data: Data) -> Words:
    """Return how the linked figure is used; only for readers whose page runs its script."""
    if not scope(data).months:
        return paragraphs([])
    said = (
        "Choose a category or a run of months, in the lists or with a click and a drag in the figure, and "
        "the rest counts only those. Reset, or Escape, shows everything again."
    )
    return Words(f'<p class="screen">{escape(said)}</p>', said)


def happened_next(data: Data) -> Words:
    """Return what is known of outcomes in one or two sentences (R16)."""
    found = outcomes.outcomes(data)
    if not scope(data).months:
        return paragraphs(["No month can be counted, so no outcome is shown."])
    if found.none:
        return paragraphs(["The source gives no outcomes for the crimes counted here."])
    return paragraphs(_outcome_sentences(found) or ["No month is settled yet; outcomes are still arriving."])


def _outcome_sentences(found: outcomes.Outcomes) -> Iterable[str]:
    said = []
    if found.settled:
        said.append(
            f"Of {found.crimes:,} crimes in months whose outcomes have settled "
            f"({phrases.months(found.settled)}), the latest outcome is given."
        )
    if found.unsettled:
        said.append(
            f"Left out, because many are still under investigation: {phrases.months(found.unsettled)}."
        )
    if found.faulty:
        said.append(f"Left out, because too many updates are missing: {phrases.months(found.faulty)}.")
    return said
