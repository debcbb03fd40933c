"""The sections of a report: title, months, sentences, the neighbourhood, where the numbers come from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
from markupsafe import Markup, escape

from crimenb.charts.street_map import SHADES, WIDTHS
from crimenb.measures import counts, streets
from crimenb.measures.outcomes import outcome_times, timed_months
from crimenb.measures.place import place_of
from crimenb.measures.searches import count_searches
from crimenb.report.html import (
    SHARE,
    WHOLE,
    Column,
    Words,
    bullets,
    large_number,
    paragraphs,
    plain_table,
    table,
)
from crimenb.report.notes import cause_of
from crimenb.schema import BTP, MonthStatus, force_name
from crimenb.wording import first_screen as first_screen_of
from crimenb.wording import format as write
from crimenb.wording import how_to_read as reading
from crimenb.wording import like, misreadings, rates, searches, street_map, summary, verdicts
from crimenb.wording.comparisons import comparison_sentences
from crimenb.wording.how_to_read import custom_edge_sentence
from crimenb.wording.whats_new import TITLE, whats_new

if TYPE_CHECKING:
    from crimenb.data import Data
    from crimenb.measures.place import Place


def title(data: Data) -> Words:
    """Return the title block: the place, the months, the police force, and what limits every figure.

    Examples
    --------
    >>> import crimenb as cn
    >>> data = cn.collect(cn.Query.parse("ZZ9 9ZZ", "2025-11", "2025-12"), "demo")
    >>> cn.title(data)
    Little Fable, Fablemouth: the mile around ZZ9 9ZZ
    ...
    """
    place, q = place_of(data), data.query
    months = place.scope.months
    words, where = (
        first_screen_of.place_in_words(place),
        write.where(place) if months else write.place_name(place),
    )
    heading = f"{words}: {where}" if words else write.capital(where)
    named = f"<b>{escape(words)}:</b> {escape(where)}" if words else escape(write.capital(where))
    counted = place.scope.forces if place.scope.kind == "part" and place.scope.absent else place.forces
    police = f" {write.forces_named(counted)}." if counted else ""
    near = " within one mile" if place.is_circle else ""
    lines = [
        f"Crime recorded by the police{near}, {write.period(q.start, q.end)}.{police} Source: police.uk."
    ]
    if place.is_demo:
        lines = [
            lines[0].replace("Source: police.uk.", "Demonstration data: an invented town, not a real place.")
        ]
    if not months:
        why = sorted({cause_of(w) for w in place.months["why"] if w})
        lines.append(
            f"There are no figures for this area. {why[0] if why else ''} "
            "That does not mean there was no crime.".replace("  ", " ")
        )
    if place.remark:
        lines.append(place.remark)
    if not place.is_circle and months:
        lines.append(custom_edge_sentence(place))
    html = f"<h1>{named}</h1>" + "".join(f"<p>{escape(s)}</p>" for s in lines)
    known = f" ({words})" if words else ""
    kind = "Demonstration: recorded" if place.is_demo else "Recorded"
    part = f" ({len(months)} of {len(q.months)} months)" if 0 < len(months) < len(q.months) else ""
    # The foot of a sheet has one line.
    running, foot = (f"{kind} crime in {where}{w}, {write.period(q.start, q.end)}{part}" for w in (known, ""))
    state = "" if months else "nothing"
    return Words(html, "\n".join([heading, *lines]), "title", running=running, foot=foot, state=state)


def first_screen(data: Data) -> Words:
    """Return three large numbers with their verdicts and months, and the sentence that matters most.

    Examples
    --------
    >>> import crimenb as cn
    >>> data = cn.collect(cn.Query.parse("ZZ9 9ZZ", "2025-11", "2025-12"), "demo")
    >>> cn.first_screen(data)
    2 crimes in December 2025: not judged, because a normal range needs 6 earlier months.
    ...
    """
    place = place_of(data)
    values = summary.summary_values(place)
    if not place.scope.months:
        return Words("", "", values=values)
    numbers = first_screen_of.three_numbers(place)
    first, rest = first_screen_of.what_matters(place)
    cards = "".join(large_number(n) for n in numbers)
    html = (
        f'<div class="numbers">{cards}</div>'
        f'<p class="matters"><b>{escape(first)}</b> {escape(rest)}</p>'
        f'<p class="what">{escape(reading.WHAT_THESE_ARE)} <a href="#how-to-read-it">How to read this report</a></p>'
    )
    news = whats_new(place)
    if news:
        html += f'<div class="news"><h3>{TITLE}</h3><p>{escape(" ".join(news))}</p></div>'
    told = [
        f"{n.value:,} {n.what}: {n.verdict[0].lower()}{n.verdict[1:]}{n.detail and ', '}{n.detail}."
        for n in numbers
    ]
    told += [
        f"{first} {rest}".strip(),
        reading.WHAT_THESE_ARE,
        *([f"{TITLE}. {' '.join(news)}"] if news else []),
    ]
    text = "\n".join(told)
    return Words(html, text, "first", values=values)


def months_table(data: Data) -> Words:
    """Return the months asked for with their status and the reason, as a table.

    Where every month was supplied, one sentence says so.

    Examples
    --------
    >>> import crimenb as cn
    >>> data = cn.collect(cn.Query.parse("ZZ9 9ZZ", "2025-11", "2025-12"), "demo")
    >>> cn.months_table(data)
    Fable Vale supplied every month.
    """
    place = place_of(data)
    known = place.months
    if set(place.status.values()) == {MonthStatus.PUBLISHED} and not known["why"].any():
        forces = write.forces_named(place.forces)
        return paragraphs([f"{forces} supplied every month."])
    columns = [Column("month", "Month"), Column("status", "Status"), Column("why", "Why")]
    shown = known.assign(why=known["why"].replace("", "Supplied."))
    return table(shown, columns, "Months of this report", name=f"{data.query.slug}_months")


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


def at_a_glance(data: Data) -> Words:
    """Return the report in a few sentences, and the same as text to paste into a paper.

    Examples
    --------
    >>> import crimenb as cn
    >>> data = cn.collect(cn.Query.parse("ZZ9 9ZZ", "2025-11", "2025-12"), "demo")
    >>> cn.at_a_glance(data)
    This is an invented place with invented records. Police recorded ...
    """
    place = place_of(data)
    sentences, pasted = summary.at_a_glance(place), summary.summary_md(place)
    rows = summary.summary_table(place) if place.scope.months else []
    html = (
        '<details class="paste"><summary>The findings as text, to copy</summary><div id="paste">'
        f"{paragraphs(sentences).html}{plain_table(rows)}{paragraphs(summary.summary_source(place)).html}</div>"
        '<button type="button" data-copy="paste" hidden>Copy text and table</button></details>'
    )
    shown = Words(html, " ".join(sentences))
    shown.extra = {"summary": pasted}
    return shown


def how_to_read(data: Data) -> Words:
    """Return how these numbers may be read, with the place's own figures.

    Examples
    --------
    >>> import crimenb as cn
    >>> data = cn.collect(cn.Query.parse("ZZ9 9ZZ", "2025-11", "2025-12"), "demo")
    >>> cn.how_to_read(data)
    Recorded crime is not all crime. ...
    """
    sentences = reading.how_to_read(place_of(data))
    return Words(bullets(sentences), " ".join(sentences))


def careful(data: Data) -> Words:
    """Return what to be careful with here: edge, places where incidents are logged, bursts.

    Examples
    --------
    >>> import crimenb as cn
    >>> data = cn.collect(cn.Query.parse("ZZ1 1AA", "2025-11", "2025-12"), "demo")
    >>> cn.careful(data)
    The edge of the area is arbitrary. ...
    ...
    """
    shown = paragraphs(reading.careful_sentences(place_of(data)))
    if not shown.text:
        return shown
    return Words(f"<h3>Be careful with</h3>{shown.html}", shown.text)


def do_not_say(data: Data) -> Words:
    """Return the two likeliest wrong sentences about this page, and what to write instead.

    Examples
    --------
    >>> import crimenb as cn
    >>> data = cn.collect(cn.Query.parse("ZZ9 9ZZ", "2025-11", "2025-12"), "demo")
    >>> cn.do_not_say(data)
    Instead of ...
    """
    found = misreadings.do_not_say(place_of(data))
    # The words stand in the text itself: a list that is pasted must not turn into three claims.
    rows = "".join(
        f"<p>Instead of <q>{escape(m.sentence.removesuffix('.'))}</q>, write:</p>"
        f"<blockquote><p>{escape(m.instead)}</p></blockquote>"
        for m in found
    )
    text = "\n".join(f"Instead of “{m.sentence.removesuffix('.')}”, write: “{m.instead}”" for m in found)
    return Words(f'<h3>What to write instead</h3><div class="claims">{rows}</div>', text)


def normal_range(data: Data) -> Words:
    """Return what the normal range of the newest month is made of, and what to compare that month with."""
    return paragraphs(reading.range_sentences(place_of(data)))


def compared(data: Data) -> Words:
    """Return how the table is read, what both places hold, and what was refused, with its reason."""
    place = place_of(data)
    found = place.comparisons
    how = ["A filled dot means a clear difference."] if any(not c.refused for c in found) else []
    if how and not place.year.compared:  # else it stands under the figure above
        how = [f"{how[0]} The line shows what chance allows."]
    return paragraphs([*how, *(s for c in found for s in comparison_sentences(c))])


def alike(data: Data) -> Words:
    """Return which places are like this one, what a position among them does not mean, and their names."""
    return paragraphs(like.sentences(place_of(data)))


def change(data: Data) -> Words:
    """Return what changed on the year, or why that cannot be told from the months held."""
    place = place_of(data)
    if not place.scope.months:
        return paragraphs(["No month can be counted, so years are not compared."])
    if not place.year.compared:  # the headline says why
        return paragraphs([])
    sentences = [s for s in (verdicts.rest_sentence(place), verdicts.clear_categories(place)) if s]
    sentences.append("A filled dot means a clear change. The line shows what chance allows.")
    return paragraphs([" ".join(sentences)])


def who_is_counted(data: Data) -> Words:
    """Return what the two rates say beside the rest of the force, and how residents and jobs were counted."""
    place = place_of(data)
    sentences = [rates.guidance(place), *rates.how_counted(place)]
    return paragraphs([" ".join(sentences)] if place.rates.refused else sentences)  # there is no fold then


def searches_counted(data: Data) -> Words:
    """Return what the searches by the police are, what is missing, and which months are gaps."""
    return paragraphs(searches.counted(place_of(data)))


_SEARCHES_BY = {
    "object": ("What officers looked for, not what they found", "Object"),
    "outcome": ("What the searches led to", "Outcome"),
    "power": ("Under which law", "Law"), "hour": ("At which time of day", "Time (in the United Kingdom)"),
    "self_defined": ("Ethnicity as the person described it", "Ethnicity"),
    "officer_defined": ("Ethnicity as the officer recorded it", "Ethnicity"),
}  # fmt: skip
"""The tables of searches: what they are called, and what their rows are."""


def search_tables(data: Data) -> list[Words]:
    """Return the searches by what they were as tables, each with what it leaves open; none where not asked for."""
    place = place_of(data)
    if not data.query.stops or not place.scope.months:
        return []
    shown = [paragraphs(searches.kinds(place))]
    months = write.counted_months(place.searches.months) if place.searches.months else ""
    for by, (caption, what) in _SEARCHES_BY.items():
        counts = count_searches(data, by=by)
        is_ethnicity, few = by.endswith("_defined"), counts["share"].isna().any()
        if by == "self_defined" and len(counts):
            shown.append(paragraphs([searches.FEW_PEOPLE if few else searches.ETHNICITY]))
        if few and (is_ethnicity or by == "hour"):
            continue
        columns = [Column("group", what), Column("searches", "Searches", WHOLE)]
        if not is_ethnicity:  # plain numbers: a share would be set beside one of residents
            columns.append(Column("share", "Share", SHARE, "[u]"))
        if by == "outcome":
            columns += [
                Column("linked", "Linked to the object", WHOLE),
                Column("not_linked", "Not linked", WHOLE),
            ]
            counts = counts.assign(rest=counts["searches"] - counts["linked"] - counts["not_linked"])
            columns.append(Column("rest", "Link not recorded", WHOLE))
        if len(counts):
            name = f"{data.query.slug}_searches-{by.replace('_', '-')}"
            shown.append(
                table(
                    counts, columns, f"{caption}, {months}", name=name, fold=by not in ("object", "outcome")
                )
            )
    shown.append(_why_no_rate(data))
    return [part for part in shown if part.text]


def _why_no_rate(data: Data) -> Words:
    """Return why no rate of searches is given, and where to ask."""
    teams = data.main.neighbourhoods
    address, title = _SITE, "police.uk's neighbourhood search"
    if len(teams) and teams["force_url"].iloc[0]:
        address, title = str(teams["force_url"].iloc[0]), f"{teams['force_name'].iloc[0]}'s own site"
    text = searches.WHY_NO_RATE.format(force=write.forces_named(place_of(data).forces))
    return Words(f"<p>{escape(text)} {_link(address, title)}.</p>", f"{text} {title}.")


def groups_table(data: Data) -> Words:
    """Return the crimes in the groups that councils use, as a table, with those that cannot be given.

    Examples
    --------
    >>> import crimenb as cn
    >>> data = cn.collect(cn.Query.parse("ZZ9 9ZZ", "2025-11", "2025-12"), "demo")
    >>> cn.groups_table(data)
    Groups that councils use
    ...
    """
    place = place_of(data)
    months = place.scope.months
    if not months:
        return paragraphs([])
    columns = [
        Column("group", "Group"), Column("made_of", "Categories in it"), Column("period", "All months counted", WHOLE),
        Column("latest", write.month(months[-1]), WHOLE),
    ]  # fmt: skip
    caption = "Groups that councils use" + (f", {write.part_of(place)}" if place.scope.kind == "part" else "")
    shown = table(counts.count_by_group(data), columns, caption, name=f"{data.query.slug}_groups")
    note = paragraphs(reading.group_sentences(place)).html
    note = note.replace(reading.OPEN_DATA, str(_link(f"https://{reading.OPEN_DATA}", reading.OPEN_DATA)))
    shown.html = shown.html.replace("</summary>", f"</summary>{note}", 1)
    return shown


def map_key(data: Data) -> Words:
    """Return what the signs on the map stand for."""
    place = place_of(data)
    within = place.scope
    if not within.months:
        return paragraphs([])
    asked = place.key if place.is_circle else "the middle of the area"
    if place.has_streets:
        sentences = [f"{street_map.signs()} The cross is {asked}.", street_map.counted(place)]
    else:
        sentences = [
            f"The cross is {asked}. Crimes are moved to the nearest map point, so a circle is not an address. A large "
            "one often marks a busy place, or a place where police log incidents. Grey dots have no crime or lie "
            f"outside the area. {street_map.missing(place)}"
        ]
    if within.points_changed:
        sentences[0] = (
            "Map points were replaced in July 2022, so the map shows the months from then on. Counts before "
            f"and after may differ by 1 to 4% for that reason alone. {sentences[0]}"
        )
    if place.has_force_lines:
        how = "" if place.shares_are_exact else ", as estimated from the nearest postcodes"
        sentences.append(
            f"The dash-dotted line is where police force areas meet{how}. A record counts for the force that supplied "
            "it, so a few lie across the line."
        )
        if within.absent:
            sentences.append(
                f"Records of the shaded part, policed by {write.forces_named(within.absent)}, are not held. It is not "
                "free of crime."
            )
    return paragraphs(sentences)


def map_legend(data: Data) -> Words:
    """Return the classes of a map with streets."""
    found = _classes(streets.crimes_drawn(data))
    return Words(f'<div class="mapkey classes">{found.html}</div>', found.text, "key")


def enlarged_caption(data: Data) -> Words:
    """Return what the enlarged part of the map is."""
    text = street_map.enlarged(streets.ENLARGED_M)
    return Words(f'<p class="mapkey caption">{escape(text)}</p>', text, "key")


def map_names(data: Data, *, is_enlarged: bool = False) -> Words:
    """Return the key of the numbers and letters on a map with streets, or on its enlarged part; whose streets they are.

    Parameters
    ----------
    is_enlarged
        Whether it is that of the enlarged part.
    """
    table = streets.crimes_drawn(data)
    marks = streets.numbered(data.main, table)
    marks = marks[marks["is_enlarged"] == is_enlarged]
    parts, lines = [], []
    for is_street, caption in ((True, "Streets with a number"), (False, "Places with a letter")):
        rows = marks[marks["is_street"] == is_street]
        cells = [
            (
                str(row["mark"]),
                street_map.name(row["snapped_to"], row["street"], row["how"]),
                street_map.where(row),
            )
            for _, row in rows.iterrows()
        ]
        if cells:
            lines += [caption, *(f"{mark}  {called}, {where}" for mark, called, where in cells)]
            body = "".join(
                f"<tr><th scope='row'>{mark}</th><td>{escape(called)}</td><td>{where}</td></tr>"
                for mark, called, where in cells
            )
            parts.append(
                f"<table><caption>{caption}, nearest to the centre first</caption><thead class='unseen'><tr>"
                "<th scope='col'>On the map</th><th scope='col'>Name</th><th scope='col'>From the centre</th></tr>"
                f"</thead><tbody>{body}</tbody></table>"
            )
    if is_enlarged or streets.enlarged(data.main, table) is None:  # below the last map
        credit = f"Streets: {data.source.get('streets', '')}."
        parts.append(f'<p class="credit">{escape(credit)}</p>')
        lines.append(credit)
    part = " part" if is_enlarged else ""
    return Words(f'<div class="mapkey names{part}">{"".join(parts)}</div>', "\n".join(lines), "key")


def _classes(table: pd.DataFrame, counted: str = "crimes") -> Words:
    """Return the classes of streets, each with a piece of its line."""
    lows = streets.classes(table.loc[table["how"] == streets.OWN, "n"])
    words = street_map.classes(lows)
    lines = [
        f'<li><svg width="28" height="10" aria-hidden="true"><path d="M4 5h20" stroke="{shade}" stroke-width="{width}" '
        f'stroke-linecap="round"/></svg>{label}</li>'
        for shade, width, label in zip(SHADES, WIDTHS, words, strict=False)
    ]
    circle = '<li><svg width="16" height="16" aria-hidden="true"><circle cx="8" cy="8" r="7" fill="#1f5896"/></svg>'
    what, circles = f"{write.capital(counted)} at a map point", f"a place, larger with more {counted}"
    html = f'<p>{what}:</p><ul class="classes">{"".join(lines)}{circle}{circles}</li></ul>'
    return Words(html, f"{what}: {'; '.join(words)}; a circle is {circles}")


def how_to_explore(data: Data) -> Words:
    """Return how the linked figure is used; only for readers whose page runs its script."""
    if not place_of(data).scope.months:
        return paragraphs([])
    text = "Choose from the lists, or click or drag; Escape shows everything."
    return Words(f'<p class="screen">{escape(text)}</p>', text)


def explore_legend(data: Data) -> Words:
    """Return the classes of streets on the linked figure's map, which are those of the map above."""
    found = _classes(streets.crimes_drawn(data), "records")
    return Words(f'<div class="mapkey classes">{found.html}</div>', found.text, "key")


def happened_next(data: Data) -> Words:
    """Return what is known of outcomes in one or two sentences (R16)."""
    place = place_of(data)
    found = place.outcomes
    if not place.scope.months:
        return paragraphs(["No month can be counted, so no outcome is shown."])
    if found.none:
        return paragraphs(["The source gives no outcomes for the crimes counted here."])
    sentences = []
    if found.crimes >= write.LEAST_SHARE:
        rest = write.rest_of(place.forces)
        if found.table["rest"].notna().any():
            sentences.append(f"The vertical line is {rest}.")
        elif len(data.main.force_outcomes) and place.scope.kind == "whole":
            sentences.append(
                f"{write.capital(rest)} is not shown, because its outcomes are incomplete in these months."
            )
        sentences += _until_half(data)
        sentences.append("Court results are not published, so no share here is a conviction rate.")
    left = len(found.unsettled) + len(found.faulty)
    if left and found.crimes:
        of, are = len(place.scope.months), write.plural(left, "is", "are")
        why = (
            "many crimes were still under investigation"
            if not found.faulty
            else "too many updates are missing"
        )
        why = why if not (found.faulty and found.unsettled) else "their outcomes are not complete"
        sentences.append(f"{write.opening(left)} of the {of} months {are} left out, because {why}.")
    if not left and not found.crimes:
        sentences = ["No crime of these months has an outcome yet."]
    return paragraphs([" ".join(sentences)])


def times_table(data: Data) -> Words:
    """Return how long crimes waited for their first outcome, as a table; nothing where that is not known."""
    times = outcome_times(data)
    if times.empty:
        return paragraphs([])
    columns = [
        Column("label", "Category"), Column("crimes", "Crimes", WHOLE), Column("decided", "With an outcome", WHOLE),
        Column("same_month", "In the month recorded", SHARE, "[u]"),
        Column("in_three", "Within three months", SHARE, "[u]"),
        Column("median", "Months until half had one", WHOLE, "[u]"),
    ]  # fmt: skip
    caption = f"Time to the first outcome: crimes of {write.span(timed_months(data))}"
    return table(times, columns, caption, name=f"{data.query.slug}_outcome-times")


def _until_half(data: Data) -> list[str]:
    """Say when half of the crimes had an outcome, where that is known."""
    times = outcome_times(data)
    if not len(times) or pd.isna(months := times["median"].iloc[0]):
        return []
    when = f"within {write.counted(int(months), 'month')}" if months else "in the month they were recorded"
    return [f"At least half of the crimes had an outcome, such as no suspect identified, {when}."]


_SITE = "https://www.police.uk/pu/your-area/"


def neighbourhood(data: Data) -> Words:
    """Return the neighbourhood team, its priorities and events, or where to find them.

    Examples
    --------
    >>> import crimenb as cn
    >>> data = cn.collect(cn.Query.parse("ZZ9 9ZZ", "2025-11", "2025-12"), "demo")
    >>> cn.neighbourhood(data)
    The mile around ZZ9 9ZZ is in the Fable Vale police area. ...
    """
    place = data.main
    link = f"<a href='{_SITE}'>police.uk's neighbourhood search</a>"
    if place.neighbourhoods.empty:
        missed = data.source.get("not answered")
        why = f" The neighbourhood team is missing here: {missed}" if missed else ""
        text, end = (
            f"{_policed_by(place_of(data))}{why} Use",
            "to find the local team, its priorities and its meetings.",
        )
        return Words(f"<p>{escape(text)} {link} {end}</p>", f"{text} {_SITE} {end}")
    team = place.neighbourhoods.iloc[0]
    parts = [f"<h3>{escape(team['name'])}, {escape(team['force_name'])}</h3>"]
    if team["description"]:
        parts.append(f"<p>{escape(team['description'])}</p>")
    contact = [f"{label}: {team[c]}" for label, c in (
        ("Email", "email"), ("Telephone", "telephone"), ("Address", "address")) if team[c]]  # fmt: skip
    links = [
        _link(a, t) for t, a in [("The team's own page", team["url"]), ("The force", team["force_url"])] if a
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
    if missed := data.source.get("not answered"):
        parts.append(f"<p>{escape(f'Not all of this could be fetched: {missed}')}</p>")
    text = f"{team['name']}, {team['force_name']}: {len(place.people)} named, {len(place.priorities)} priorities."
    return Words("".join(parts), text)


def _policed_by(place: Place) -> str:
    """Say which forces police the place, its own postcode's first."""
    shares = [f"{name} ({write.percent(share)} of the area)" for name, share in place.coverage]
    if len(place.coverage) == 1:
        return f"{write.capital(write.place_name(place))} is in the {place.coverage[0][0]} police area."
    text = f"{write.capital(write.place_name(place))} is in the police areas of {write.listing(shares)}."
    return (
        f"{text} The postcode itself is in {force_name(place.force)}."
        if place.force and place.is_circle
        else text
    )


def _link(address: str, title: str) -> Markup:
    """Return a link; only http(s) ever leads anywhere."""
    if not address.startswith(("http://", "https://")):
        return escape(title)
    return Markup('<a href="{}" rel="noreferrer">{}</a>').format(address, title or address)


def _listed_people(title: str, rows: pd.DataFrame, say: object) -> str:
    named = rows.rename(columns={"name": "name_"})
    items = [say(r) for r in named.itertuples()]  # type: ignore[operator]
    if not items:
        return f"<p>{escape(title)}: none given by the source.</p>"
    return f"<h4>{escape(title)}</h4>{bullets(items)}"


def _priorities(rows: pd.DataFrame) -> str:
    if rows.empty:
        return "<p>Current priorities: none given by the source.</p>"
    items = []
    for row in rows.astype("str").itertuples():
        issue = f"{row.issue} (set {write.day(str(row.issue_date))})" if row.issue_date else row.issue
        action = f"{row.action} ({write.day(str(row.action_date))})" if row.action_date else row.action
        items.append(f"<li>{escape(issue)}<br>What was done: {escape(action or 'nothing given yet.')}</li>")
    return f"<h4>Current priorities</h4><ol>{''.join(items)}</ol>"


def coverage(data: Data) -> Words:
    """Return which forces police the area and what they supplied, as a table where there are several.

    Examples
    --------
    >>> import crimenb as cn
    >>> data = cn.collect(cn.Query.parse("ZZ2 2BB", "2025-11", "2025-12"), "demo")
    >>> cn.coverage(data)
    Police forces and their share of the area, by area, ...
    ...
    """
    if len(place_of(data).coverage) == 1:  # the sentence above says it
        return paragraphs([])
    rows = data.main.coverage
    rows = rows[rows["force"] != BTP].assign(held=lambda c: c["months"].map(
        lambda m: write.months(m.split()) if m else "none of these months"))  # fmt: skip
    caption = "Police forces and their share of the area"
    columns = [Column("force_name", "Force"), Column("share", "Share of the area", SHARE),
               Column("method", "How found"), Column("held", "Months held")]  # fmt: skip
    if len(rows) and (rows["method"] == rows["method"].iloc[0]).all():  # said once, not in every row
        caption += f", {rows['method'].iloc[0]}"
        del columns[2]
    return table(rows, columns, caption, name=f"{data.query.slug}_coverage", fold=False)
