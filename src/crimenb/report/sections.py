"""The sections of a report: title, months, sentences, the neighbourhood, where the numbers come from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from crimenb.measures import comparisons, outcomes
from crimenb.measures.changes import change_by_category
from crimenb.measures.comparisons import all_comparisons
from crimenb.measures.counts import deciding, only, scope, summed_months
from crimenb.measures.points import bursts, points
from crimenb.report.html import SHARE, Column, Words, bullets, paragraphs, table
from crimenb.report.notes import cause_of
from crimenb.schema import BTP, force_name
from crimenb.wording import format as write
from crimenb.wording import how_to_read as reading
from crimenb.wording import misreadings, summary, verdicts
from crimenb.wording.comparisons import compared_with

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from crimenb.data import Data


def title(data: Data) -> Words:
    """Return the title block: what, where, when; what is missing; that a demo is a demo.

    Examples
    --------
    >>> import crimenb as cn
    >>> data = cn.collect(cn.Query.parse("ZZ9 9ZZ", "2025-11", "2025-12"), "demo")
    >>> cn.title(data)
    Demonstration: recorded crime in the mile around ZZ9 9ZZ
    ...
    """
    q = data.query
    what = f"Recorded crime in {write.where(data)}"
    held = summed_months(data)
    lines = [f"Police-recorded crime and anti-social behaviour, {write.period(q.start, q.end)}."]
    if not held:
        what = f"Recorded crime in {write.place_name(data)}: not held for these months"
        why = sorted({cause_of(w) for w in data.of().months["why"] if w})
        lines.append(f"No figure can be given: {why[0] if why else ''} This is not a count of zero.")
    elif len(held) < len(q.months):
        verb = "is" if len(held) == 1 else "are"
        rest = "other" if len(q.months) - len(held) == 1 else "others"
        lines.append(
            f"{write.opening(len(held))} of these {write.spelt(len(q.months))} months {verb} counted: "
            f"{write.span(held)}. What happened in the {rest} is not known here."
        )
    if held and (said := scope(data)).kind == "part":
        others = write.listing([force_name(f) for f in said.absent])
        lines.append(
            f"Every figure on this page speaks of {write.where(data)} only. The rest is "
            f"policed by {others}, whose records are not held for these months."
        )
    if data.of().places["kind"].iloc[0] == "area":
        lines.append(write.edge(data))
    if (source := data.source).get("release") and source.get("retrieved") and not write.is_demo(data):
        lines.append(
            f"Data of police.uk: release of {write.month(source['release'])}, "
            f"retrieved on {write.day(source['retrieved'])}."
        )
    if write.is_demo(data):
        what = f"Demonstration: {what[0].lower()}{what[1:]}"
        lines.insert(0, "Demonstration data: an invented town, not a real place.")
    html = f"<h1>{escape(what)}</h1>" + "".join(f'<p class="lede">{escape(s)}</p>' for s in lines)
    running = f"{what}, {write.period(q.start, q.end)}" if held else what
    if 0 < len(held) < len(q.months):
        running += f" ({len(held)} of {len(q.months)} months)"
    return Words(html, "\n".join([what, *lines]), "title", running=running)


def months_table(data: Data) -> Words:
    """Return the months asked for with their status and the reason, as a table.

    Where every month was supplied, one sentence says so.

    Examples
    --------
    >>> import crimenb as cn
    >>> data = cn.collect(cn.Query.parse("ZZ9 9ZZ", "2025-11", "2025-12"), "demo")
    >>> cn.months_table(data)
    Fable Vale supplied every month asked for: November to December 2025.
    """
    known = data.of().months
    if (known["status"] == "published").all():
        forces = write.forces_named(deciding(data.of()))
        return paragraphs([f"{forces} supplied every month asked for: {write.span(list(known['month']))}."])
    columns = [Column("month", "Month"), Column("status", "Status"), Column("why", "Why")]
    shown = known.assign(why=known["why"].replace("", "Supplied."))
    return table(shown, columns, "Months asked for", name=f"{data.query.slug}_months")


def provenance(data: Data) -> Words:
    """Return where the numbers come from, as a table.

    Examples
    --------
    >>> import crimenb as cn
    >>> data = cn.collect(cn.Query.parse("ZZ9 9ZZ", "2025-11", "2025-12"), "demo")
    >>> cn.provenance(data)
    Where the numbers come from
    ...
    """
    rows = data.provenance.assign(what=data.provenance["kind"] + ": " + data.provenance["name"])
    columns = [Column("what", "What"), Column("value", "Value (SHA-256 for files)")]
    return table(rows, columns, "Where the numbers come from", name=f"{data.query.slug}_source",
                 printed="brief")  # fmt: skip


_NOTHING_TO_NAME = {
    "whole": "No busy point lies within 100 m of the edge, and no burst at one point was found here.",
    "part": "No burst at one point was found here; what lies beyond the edge is not known.",
    "none": "Nothing is counted here, so no point and no batch can be named.",
}


def at_a_glance(data: Data) -> Words:
    """Return the report in a few sentences, and the same as text to paste into a paper.

    Examples
    --------
    >>> import crimenb as cn
    >>> data = cn.collect(cn.Query.parse("ZZ9 9ZZ", "2025-11", "2025-12"), "demo")
    >>> cn.at_a_glance(data)
    This is an invented place with invented records. Police recorded ...
    """
    said = summary.at_a_glance(data)
    pasted = summary.summary_md(data)
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

    Examples
    --------
    >>> import crimenb as cn
    >>> data = cn.collect(cn.Query.parse("ZZ9 9ZZ", "2025-11", "2025-12"), "demo")
    >>> cn.how_to_read(data)
    These are crimes recorded by police, ...
    """
    said = reading.how_to_read(data)
    return Words(bullets(said), " ".join(said))


def careful(data: Data) -> Words:
    """Return what to be careful with here: edge, places where incidents are recorded, bursts.

    Examples
    --------
    >>> import crimenb as cn
    >>> data = cn.collect(cn.Query.parse("ZZ9 9ZZ", "2025-11", "2025-12"), "demo")
    >>> cn.careful(data)
    No busy point lies within 100 m of the edge, ...
    """
    found = points(only(data))
    said = [*reading.edge_sentences(only(data))] if scope(data).months else []
    if listed := found.institutions[:3]:
        named = [
            f"{p.snapped_to or 'an unnamed place'} ({write.counted(p.records, 'record')})" for p in listed
        ]
        what = "a place where incidents are" if len(listed) == 1 else "places where incidents are"
        said.append(f"{write.capital(write.listing(named))}: {what} recorded, wherever they began.")
    said += [
        f"In {write.month(b.month)}, {write.count(b.records)} of the {write.count(b.of_month)} records of "
        f"{write.category(b.category)} sit at one point ({b.snapped_to or 'an unnamed place'}), which has "
        f"{write.count(b.elsewhen)} in all other months together: likely one batch of reports."
        for b in bursts(only(data))[:3]
    ]
    if not said:
        said = [_NOTHING_TO_NAME[scope(data).kind]]
    shown = paragraphs(said)
    return Words(f"<h3>Be careful with</h3>{shown.html}", shown.text)


def do_not_say(data: Data) -> Words:
    """Return the three likeliest wrong sentences about this page, and why each is wrong.

    Examples
    --------
    >>> import crimenb as cn
    >>> data = cn.collect(cn.Query.parse("ZZ9 9ZZ", "2025-11", "2025-12"), "demo")
    >>> cn.do_not_say(data)
    Do not say: ...
    """
    found = misreadings.do_not_say(data)
    # The words stand in the text itself: a list that is pasted must not turn into three claims.
    rows = "".join(
        f"<dt>Do not say: <q>{escape(c.sentence)}</q></dt><dd>Because: {escape(c.why)}</dd>" for c in found
    )
    text = "\n".join(f"Do not say: “{c.sentence}” Because: {c.why}" for c in found)
    return Words(f'<h3>What these numbers do not say</h3><dl class="claims">{rows}</dl>', text)


def compared(data: Data) -> Words:
    """Return the differences that pass, in shares; and what was refused, with its reason."""
    said: list[str] = []
    for found in all_comparisons(data):
        other = compared_with(found) if found.other or found.forces else "the rest of the force"
        if found.refused:
            said.append(f"Not compared with {other}, because {comparisons.REFUSALS[found.refused]}.")
            continue
        if found.shared:
            said.append(
                f"{write.counted(found.shared, 'record')} lie in both areas ({found.distance_m / 1000:.1f} km "
                "apart) and are left out on both sides."
            )
        said += _clear_shares(found, other) or [
            f"No category takes a clearly larger or smaller share of crime here than in {other}."
        ]
    return paragraphs(said)


def _clear_shares(found: comparisons.Comparison, other: str) -> list[str]:
    """Say which categories take a larger and which a smaller share here, with both shares."""
    rows = found.table.set_index("category")
    said = []
    for side, word in (("more", "larger"), ("less", "smaller")):
        shares = [
            f"{write.category(c)} ({write.percent_of(rows.loc[c, 'share_here'], found.here)}; "
            f"{write.percent_of(rows.loc[c, 'share_there'], found.there)} there)"
            for c in found.named(side)
        ]
        if shares:
            said.append(f"A clearly {word} share of crime here than in {other}: {write.listing(shares)}.")
    row = rows.loc[comparisons.NEVER_LOW]
    if row["high"] < 1:
        said.append(
            f"{write.capital(write.category(comparisons.NEVER_LOW))}: "
            f"{write.percent_of(row['share_here'], found.here)} here, "
            f"{write.percent_of(row['share_there'], found.there)} there. A smaller share only shows that other "
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
    said = [verdicts.year_sentence(only(data))]
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
        how = "" if write.is_exact(place) else ", as estimated from the nearest postcodes"
        said.append(
            f"The dash-dotted line is where police force areas meet{how}. A record counts for the force "
            "that supplied it, so a few stand across the line."
        )
        if within.absent:
            absent = write.listing([force_name(f) for f in within.absent])
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
            f"({write.months(found.settled)}), the latest outcome is given."
        )
    if found.unsettled:
        said.append(f"Left out, because many are still under investigation: {write.months(found.unsettled)}.")
    if found.faulty:
        said.append(f"Left out, because too many updates are missing: {write.months(found.faulty)}.")
    return said


_SITE = "https://www.police.uk/pu/your-area/"


def neighbourhood(data: Data) -> Words:
    """Return the neighbourhood team, its priorities and events, or where to find them.

    Examples
    --------
    >>> import crimenb as cn
    >>> data = cn.collect(cn.Query.parse("ZZ9 9ZZ", "2025-11", "2025-12"), "demo")
    >>> cn.neighbourhood(data)
    The force at ZZ9 9ZZ itself is Fable Vale. ...
    """
    place = only(data)
    link = f'<a href="{_SITE}">police.uk’s neighbourhood search</a>'
    if place.neighbourhoods.empty:
        row = place.places.iloc[0]
        force = force_name(row["force"]) if row["force"] else "the local force"
        rest = place.coverage[(place.coverage["force"] != row["force"]) & (place.coverage["share"] > 0)]
        others = [
            f"{name} ({write.percent(share)} of the area)"
            for name, share in zip(rest["force_name"], rest["share"], strict=True)
        ]
        also = f", and other parts are policed by {write.listing(others)}" if others else ""
        text = (
            f"The force at {row['postcode']} itself is {force}{also}. This source holds no neighbourhood "
            f"team for {row['postcode']}; find the team, its priorities and its meetings by"
        )
        return Words(f"<p>{escape(text)} {link}.</p>", f"{text} {_SITE}.")
    team = place.neighbourhoods.iloc[0]
    parts = [f"<h3>{escape(team['name'])}, {escape(team['force_name'])}</h3>"]
    if team["description"]:
        parts.append(f"<p>{escape(team['description'])}</p>")
    contact = [f"{label}: {team[c]}" for label, c in (
        ("Email", "email"), ("Telephone", "telephone"), ("Address", "address")) if team[c]]  # fmt: skip
    links = [
        _link(a, t) for t, a in [("The team’s own page", team["url"]), ("The force", team["force_url"])] if a
    ]
    links += [_link(*reversed(line.split("\t", 1))) for line in team["links"].splitlines() if "\t" in line]
    listed = [*contact, *links]
    parts.append(bullets(listed) if listed else "")
    parts.append(
        _listed_people(
            "The team",
            place.people,
            lambda r: f"{r.rank} {r.name_}".strip() + (f": {r.contact}" if r.contact else ""),
        )
    )
    parts.append(_priorities(place.priorities))
    parts.append(_listed_people("Meetings and events", place.events, lambda r: ", ".join(
        t for t in (write.day(r.start), r.title, r.address) if t)))  # fmt: skip
    text = f"{team['name']}, {team['force_name']}: {len(place.people)} named, {len(place.priorities)} priorities."
    return Words("".join(parts), text)


def _link(address: str, title: str) -> Markup:
    """Return a link; only http(s) ever leads anywhere."""
    if not address.startswith(("http://", "https://")):
        return escape(title)
    return Markup('<a href="{}" rel="noreferrer">{}</a>').format(address, title or address)


def _listed_people(title: str, rows: pd.DataFrame, say: object) -> str:
    named = rows.rename(columns={"name": "name_"})
    said = [say(r) for r in named.itertuples()]  # type: ignore[operator]
    if not said:
        return f"<p>{escape(title)}: none given by the source.</p>"
    return f"<h4>{escape(title)}</h4>{bullets(said)}"


def _priorities(rows: pd.DataFrame) -> str:
    if rows.empty:
        return "<p>Current priorities: none given by the source.</p>"
    items = "".join(
        f"<li>{escape(r.issue)}{escape(f' (set {write.day(r.issue_date)})' if r.issue_date else '')}"
        + (f"<br>What was done: {escape(r.action)}{escape(f' ({write.day(r.action_date)})' if r.action_date else '')}"
           if r.action else "<br>What was done: nothing given yet.")
        + "</li>"
        for r in rows.itertuples()
    )  # fmt: skip
    return f"<h4>Current priorities</h4><ol>{items}</ol>"


def coverage(data: Data) -> Words:
    """Return which forces police the area and what they supplied, as a table.

    Examples
    --------
    >>> import crimenb as cn
    >>> data = cn.collect(cn.Query.parse("ZZ9 9ZZ", "2025-11", "2025-12"), "demo")
    >>> cn.coverage(data)
    Police forces and their share of the area, by area, ...
    ...
    """
    rows = data.of().coverage
    rows = rows[rows["force"] != BTP].assign(held=lambda c: c["months"].map(
        lambda m: write.months(m.split()) if m else "none of these months"))  # fmt: skip
    caption = "Police forces and their share of the area"
    columns = [Column("force_name", "Force"), Column("share", "Share of the area", SHARE),
               Column("method", "How found"), Column("held", "Months held")]  # fmt: skip
    if len(rows) and (rows["method"] == rows["method"].iloc[0]).all():  # said once, not in every row
        caption += f", {rows['method'].iloc[0]}"
        del columns[2]
    return table(rows, columns, caption, name=f"{data.query.slug}_coverage", fold=False)
