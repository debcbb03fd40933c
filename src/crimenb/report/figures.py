"""The one contract by which a report shows a figure, and what each figure's headline says.

`show(chart, table, name, data)` emits a headline, the chart, its sentences, its note and its
table as outputs of their own: no figure without its note and its table.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pandas as pd
from markupsafe import escape

from crimenb.charts.display import figure_bundle
from crimenb.charts.map import enlarged_map
from crimenb.charts.theme import specified
from crimenb.data import kind_of, remembered
from crimenb.errors import QueryError
from crimenb.measures.changes import ChangeVerdict, name_of
from crimenb.measures.outcomes import CHARGED
from crimenb.measures.place import place_of
from crimenb.measures.streets import with_streets
from crimenb.query import months_between
from crimenb.report import sections
from crimenb.report.html import ONE, ROLE, SHARE, WHOLE, Column, Words, table
from crimenb.report.notes import facts, notes
from crimenb.report.notes import note as note_of
from crimenb.schema import CATEGORIES
from crimenb.wording import format as write
from crimenb.wording import like, rates, searches
from crimenb.wording.availability import source_sentence
from crimenb.wording.comparisons import refusal
from crimenb.wording.street_map import name as name_of_point
from crimenb.wording.summary import LEAST_RANKED, larger_shares, leading
from crimenb.wording.verdicts import (
    brief,
    brief_change,
    describe_change,
    normal_range,
    verdict_with_reason,
    year_before,
    year_named,
    year_refused,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from crimenb.data import Data
    from crimenb.measures.place import Place
    from crimenb.query import Query

_TEXTS = {
    "trend": sections.normal_range,
    "outcomes": sections.happened_next,
    "change": sections.change,
    "compared": sections.compared,
    "like": sections.alike,
    "rates": sections.who_is_counted,
    "searches": sections.searches_counted,
    "snapped-points": sections.map_key,
    "explore": sections.how_to_explore,
}
"""Figures whose finding takes more than a headline, and the sentences that say it."""

ENLARGED = "enlarged-map"
"""Name of the second drawing of a map with streets."""

LEAST_TOP = 5
"""Records of a point from which its commonest category is named in the table."""

_RANGE = [
    Column("low", "Normal range from", WHOLE), Column("high", "Normal range to", WHOLE),
    Column("elsewhere", "Rest of the force, at this scale", WHOLE),
]  # fmt: skip
_SHOWN: dict[str, tuple[str, list[Column]]] = {
    "categories": (
        "Records by category",
        [Column("label", "Category"), Column("period", "All months counted", WHOLE),
         Column("share", "Share of crime", SHARE, "[z]"), Column("a_month", "Mean month", ONE),
         Column("latest", "{newest}", WHOLE)],
    ),
    "trend": (
        "Crimes by month",
        [Column("month", "Month"), Column("status", "Status"), Column("crime", "Crimes", WHOLE),
         *_RANGE, Column("btp", "British Transport Police", WHOLE)],
    ),
    "trend.asb": (
        "Reports of anti-social behaviour by month",
        [Column("month", "Month"), Column("status", "Status"), Column("asb", "Reports", WHOLE), *_RANGE],
    ),
    "snapped-points": (
        "Crimes by map point",
        [Column("snapped_to", "On or near"), Column("crime", "Crimes", WHOLE),
         Column("asb", "Reports of anti-social behaviour", WHOLE), Column("top", "Most common category of crime")],
    ),
    "outcomes": (
        "Latest outcome of crimes in settled months",
        [Column("group", "Outcome"), Column("crimes", "Crimes", WHOLE), Column("share", "Share", SHARE, "[u]"),
         Column("rest", "Rest of the force", SHARE)],
    ),
    "change": (
        "The latest 12 months against the same months a year before",
        [Column("label", "Category"), Column("before", "Before", WHOLE), Column("after", "Latest", WHOLE),
         Column("change", "Change", "{:+.0%}", "[u]"), Column("pairs", "Month by month"),
         Column("verdict", "Verdict")],
    ),
    "compared": (
        "Shares of crime here and elsewhere",
        [Column("label", "Category"), Column("other", "Compared with"), Column("here", "Here", SHARE),
         Column("there", "There", SHARE), Column("quotient", "Ratio", "{:.2f}", "[u]"),
         Column("low", "Lowest likely", "{:.2f}", "[u]"), Column("high", "Highest likely", "{:.2f}", "[u]"),
         Column("named", "Large and beyond chance")],
    ),
    "like": (
        "Records here and in places like this one",
        [Column("label", "Category"), Column("here", "Here", WHOLE), Column("low", "Level here, at least", WHOLE),
         Column("high", "Level here, at most", WHOLE), Column("places", "Places like this one", WHOLE),
         Column("median", "Their median", "{:,g}"), Column("fewer", "Places with fewer", WHOLE),
         Column("position", "Position here")],
    ),
    "rates": (
        "Crimes and burglaries for every 1,000",
        [Column("counted", "What"), Column("area", "Where"), Column("records", "Records", WHOLE),
         Column("base", "Of about", WHOLE), Column("rate", "Rate", "{:,g}"),
         Column("low", "Lowest likely", "{:,g}"), Column("high", "Highest likely", "{:,g}")],
    ),
    "searches": (
        "Searches by month",
        [Column("month", "Month"), Column("status", "Status"), Column("n", "Searches", WHOLE), Column("why", "Why")],
    ),
    "explore": (
        "Records by month and category",
        [Column("month", "Month"), *[Column(c, c, WHOLE) for c in CATEGORIES.values()]],
    ),
}  # fmt: skip


_ASKED: dict[str, Callable[[Query], bool]] = {"like": lambda q: q.like, "searches": lambda q: q.stops}
"""Figures that are shown only where they were asked for."""

# ----------------------------------------------------------------------- figures


def show(
    chart: Any,
    frame: pd.DataFrame,
    name: str = "",
    data: Data | None = None,
    *,
    title: str = "",
    note: str = "",
) -> None:
    """Show a figure: its headline, the chart, its note, its numbers as a table.

    A figure of the report is shown by its name. One of your own has a title and, where you give
    one, a note; no sentence is made for it.

    Parameters
    ----------
    chart
        An Altair chart, or what `category_bars`, `outcome_bars`, `change_dots` or `share_dots` returns.
    frame
        The numbers it draws.
    name
        Name of the note, which also names the figure.
    data
        The report's data, for the headline and the note.
    title, note
        The words of a figure of your own, instead of `name` and `data`.

    Raises
    ------
    QueryError
        There is neither a figure's name with its data nor a title.

    Examples
    --------
    >>> import crimenb as cn
    >>> data = cn.collect(cn.Query.parse("ZZ9 9ZZ", "2025-11", "2025-12"), "demo")
    >>> counts = cn.count_by_category(data)
    >>> cn.show(cn.category_bars(data), counts, "categories", data)
    Figure 1. 3 crimes in November to December 2025
    ...
    """
    from IPython.display import display

    if not isinstance(frame, pd.DataFrame):
        msg = f"show takes a chart and then the frame it draws; {kind_of(frame)} stands in the frame's place."
        raise QueryError(msg)
    if title:
        _show_own(chart, frame, title, note)
        return
    if data is not None and name in _ASKED and not _ASKED[name](data.query):
        return
    if name not in _SHOWN or data is None:
        msg = f"There is no figure {name!r} with data; choose one of {', '.join(_SHOWN)}, or give a title=."
        raise QueryError(msg)
    if isinstance(chart, Words):  # a table with bars in it
        is_drawn = chart.role == "chart"
        head = headline(name, data, subtitle=is_drawn)
        display(_numbered(head, name, data) if is_drawn else head)
        display(chart)
        _show_words_and_table(frame, name, data)
        return
    spec = specified(chart)
    is_drawn = "empty" not in spec["usermeta"]
    head = headline(name, data, subtitle=is_drawn)
    spec.pop("$schema", None)
    spec["description"] = f"{head.text.splitlines()[0]} {spec.get('description', '')}".strip()
    display(_numbered(head, name, data) if is_drawn else head)
    has_streets = is_drawn and name == "snapped-points" and place_of(data).has_streets
    if has_streets:
        display(sections.map_legend(data))
    display(figure_bundle(spec, name), raw=True, metadata={ROLE: {"role": "chart", "name": name}})
    if has_streets:
        display(sections.map_names(data))
        _show_enlarged(data)
    if is_drawn:
        if name == "explore" and place_of(data).has_streets:
            display(sections.explore_legend(data))
        display(source_line(data))
    _show_words_and_table(frame, name, data)


def search_tables(data: Data) -> None:
    """Show the searches by the police by what they were, and why no rate is given; nothing where not asked for.

    Examples
    --------
    >>> import crimenb as cn
    >>> data = cn.collect("ZZ1 1AA", "2025-01", "2025-12", stops=True)
    >>> cn.search_tables(data)
    Seven were under section 60, ...
    ...
    """
    from IPython.display import display

    for part in sections.search_tables(data):
        display(part)


def _show_enlarged(data: Data) -> None:
    """Show the enlarged part of the map, where there is one, between its caption and its key."""
    from IPython.display import display

    spec = specified(enlarged_map(data))
    if "empty" in spec["usermeta"]:
        return
    spec.pop("$schema", None)
    display(sections.enlarged_caption(data))
    display(figure_bundle(spec, ENLARGED), raw=True, metadata={ROLE: {"role": "chart", "name": ENLARGED}})
    display(sections.map_names(data, is_enlarged=True))


def _numbered(head: Words, name: str, data: Data) -> Words:
    """Return a headline with the figure's number, by which the page and the notebook are cited."""
    shown = _shown(data)
    if name not in shown:
        shown.append(name)
    number = f"Figure {shown.index(name) + 1}."
    html = head.html.replace("<h3>", f"<h3>{number} ", 1)
    return Words(html, f"{number} {head.text}", head.role, number=str(shown.index(name) + 1))


@remembered
def _shown(data: Data) -> list[str]:
    """Return the names of the figures drawn so far, in order: a cell that runs again keeps its number."""
    return []


def _show_own(chart: Any, frame: pd.DataFrame, title: str, note: str) -> None:
    from IPython.display import display

    display(Words(f"<h3>{escape(title)}</h3>", title, "head"))
    display(chart)
    if note:
        display(Words(f'<div class="note"><p>{escape(note)}</p></div>', note, "note"))
    numbers = frame.drop(columns="geometry", errors="ignore")
    forms = {"i": WHOLE, "u": WHOLE, "f": "{:,.2f}"}
    columns = [Column(str(c), str(c), forms.get(numbers[c].dtype.kind, "")) for c in numbers]
    display(table(numbers, columns, title, name="figure"))


def _show_words_and_table(frame: pd.DataFrame, name: str, data: Data) -> None:
    from IPython.display import display

    text = _TEXTS[name](data) if name in _TEXTS else None
    if text and text.text and text.text.removesuffix(".") != _HEADLINES[name](place_of(data))[0]:
        display(text)
    if not len(frame) or not place_of(data).scope.months:  # nothing is drawn, and the sentences say why
        return
    display(note_of(name if name in notes() else name.partition(".")[0], data))
    display(_table(name, frame, data))
    if name == "outcomes" and (times := sections.times_table(data)).text:
        display(times)


def _table(name: str, frame: pd.DataFrame, data: Data) -> Words:
    """Return a figure's numbers as a table of what says something here."""
    known = facts(data)
    caption, columns = _SHOWN[name]
    if name == "change":
        verdicts = {name_of(c.series): verdict_with_reason(c) for c in place_of(data).changes}
        frame = frame.assign(pairs=_pairs(frame), verdict=frame["label"].map(verdicts))
    if name == "rates":
        frame = _in_words(frame, place_of(data))
    columns = [c for c in columns if c.name in frame and not (c in _RANGE and frame[c.name].isna().all())]
    if (
        place_of(data).total("crime") < write.LEAST_SHARE
    ):  # of so few records no share and no mean is given anywhere on the page
        columns = [c for c in columns if c.name not in ("share", "a_month")]
    told = {"outcomes": "rest", "searches": "why"}.get(name, "")  # a column that may have nothing to tell
    if told and (frame[told].isna() | (frame[told] == "")).all():
        columns = [c for c in columns if c.name != told]
    if name == "compared" and (frame["other"] == frame["other"].iloc[0]).all():
        columns = [c for c in columns if c.name != "other"]
        caption = f"Shares of crime here and in {frame['other'].iloc[0]}"
    if name == "like":
        frame = frame.assign(position=frame["position"].map(like.IN_WORDS))
    if name == "explore":  # categories that are new to this version come last
        columns += [Column(c, c, WHOLE) for c in map(str, frame) if c not in {k.name for k in columns}]
    if name == "snapped-points":  # of four crimes none is the most common kind
        frame = frame.assign(top=frame["top"].where(frame["crime"] >= LEAST_TOP, ""))
        if place_of(data).has_streets:
            known_streets = with_streets(data.main, frame)[["snapped_to", "street", "how"]]
            frame = frame.assign(
                snapped_to=[name_of_point(*row) for row in known_streets.itertuples(index=False)]
            )
    columns = [c._replace(heading=c.heading.format(**known) or c.name) for c in columns]
    return table(frame, columns, caption, name=f"{data.query.slug}_{name}")


def _in_words(frame: pd.DataFrame, place: Place) -> pd.DataFrame:
    """Return rates as the page writes them: to two figures, as residents and jobs are known no better."""
    rows: Any = list(frame.itertuples())
    return frame.assign(
        counted=[rates.counted(place, r.category, r.per) for r in rows],
        area=[rates.area(place, r.where, r.name) for r in rows],
        base=[rates.two_figures(r.base) for r in rows],
        rate=[rates.two_figures(r.rate) for r in rows],
        low=[rates.two_figures(r.low, math.floor) for r in rows],
        high=[rates.two_figures(r.high, math.ceil) for r in rows],
    )


def _pairs(frame: pd.DataFrame) -> list[str]:
    """Write in how many pairs of months each series moved its way; too few records say nothing of it.

    Its way is that of the daily rate: 1,472 after 1,470 are fewer a day where one year has a day more.
    """
    return [
        "too few" if kind == ChangeVerdict.TOO_FEW
        else f"{'lower' if change < 0 else 'higher'} in {same} of {pairs} months"
        for kind, change, same, pairs in zip(
            frame["kind"], frame["change"], frame["same_way"], frame["pairs"], strict=True
        )
    ]  # fmt: skip


def source_line(data: Data) -> Words:
    """Return the line under a chart that says whose numbers it draws."""
    text = source_sentence(place_of(data))
    return Words(f'<p class="source">{escape(text)}</p>', text, "source")


def headline(name: str, data: Data, *, subtitle: bool = True) -> Words:
    """Return a figure's headline (what it shows) and subtitle (measure, place, months).

    Parameters
    ----------
    subtitle
        Whether to give it; where nothing is drawn there is nothing it is of.
    """
    place = place_of(data)
    says, measure = _HEADLINES[name](place)
    if not subtitle:
        return Words(f"<h3>{escape(says)}</h3>", says, "head")
    months = place.scope.months
    if name in ("snapped-points", "careful"):
        months = place.scope.point_months
    if name == "outcomes":
        months = place.outcomes.settled
    if name == "like":
        months = place.like.months
    if name == "rates":
        months = place.rates.months
    if name == "searches":
        months = place.searches.months
    brief = write.counted_months if months == place.scope.months else write.span
    span = brief(months) if months else "no month that can be counted"
    # A figure that is cited alone must still say that it counts a part.
    where = f", {write.part_of(place)}" if place.scope.kind == "part" and name != "searches" else ""
    when = "" if name == "change" and place.year.compared else f", {span}"
    below = write.capital(f"{measure}{where}{when}.")
    if name == "explore" and place.scope.points_changed:
        below += f" The map starts in {write.month(place.scope.point_months[0])}."
    html = f"<h3>{escape(says)}</h3><p class='subtitle'>{escape(below)}</p>"
    return Words(html, f"{says}\n{below}", "head")


def _categories(place: Place) -> tuple[str, str]:
    measure = "Records by category"
    if not place.scope.months:
        return "No category can be counted", measure
    if not place.total("crime"):
        return f"No crime was recorded {write.in_period(place.scope.months)}", measure
    top = leading(place.total_by_category())
    if len(top) < 2 or place.total("crime") < LEAST_RANKED:  # of so few none is ranked (R18)
        return (
            f"{write.counted(place.total('crime'), 'crime')} {write.in_period(place.scope.months)}",
            measure,
        )
    return f"The most common crimes {write.in_period(place.scope.months)}: {write.with_counts(top)}", measure


def _trend(
    place: Place, series: str = "crime", one: str = "crime", measure: str = "Crimes by month"
) -> tuple[str, str]:
    months, within = place.scope.months, place.scope
    if not months:
        asked = len(place.status)
        none = f"None of the {asked} months is" if asked > 1 else "The month is not"
        return f"{none} held here, which is not zero", measure
    verdict = place.crime if series == "crime" else place.asb
    missing = len(place.status) - len(months)
    gaps = f"; {write.counted(missing, 'month')} missing" if missing else ""
    if within.thin:
        gaps += f"; {write.months(within.thin)} suspiciously low"
    if verdict.range is not None:
        name = write.month(verdict.month)
        return (
            f"{name}: {write.counted(verdict.records, one)}, {brief(verdict)} ({normal_range(verdict)}){gaps}",
            measure,
        )
    every = place.counts[series]
    whole = every if within.thin == months else every.drop(index=within.thin)
    low, high = int(whole.min()), int(whole.max())
    if low == high:
        each = " in each month" if len(whole) > 1 else f" in {write.month(within.latest)}"
        return f"{write.counted(low, one)}{each}{gaps}", measure
    return f"{low:,} to {write.counted(high, one)} a month{gaps}", measure


def _asb(place: Place) -> tuple[str, str]:
    return _trend(place, "asb", "report", "Reports of anti-social behaviour by month")


def _points(place: Place) -> tuple[str, str]:
    found, measure = place.points, "Crimes by map point"
    if not place.scope.months:
        return "No map point can be counted", measure
    if not found.crimes:
        return "No crime here is mapped to a point", measure
    if found.points == 1:
        return f"{write.counted(found.crimes, 'crime')} at one map point", measure
    return (
        f"Half of the {found.crimes:,} crimes are mapped to {found.half:,} of {found.points:,} points",
        measure,
    )


def _outcomes(place: Place) -> tuple[str, str]:
    found = place.outcomes
    measure = f"Latest published outcome of {write.counted(found.crimes, 'crime')}"
    if found.none or not place.total("crime"):
        return "No outcomes are given here", measure
    if found.table.empty:
        return "No month's outcomes have settled yet", measure
    if found.crimes < write.LEAST_SHARE:
        return f"Too few crimes ({found.crimes}) to show outcomes as percentages", measure
    charged = found.table.loc[found.table["group"] == CHARGED, "share"]
    share = f"{write.percent(float(charged.iloc[0]))} of the crimes" if len(charged) else "None of the crimes"
    of = ""
    if found.settled != place.scope.months:
        run = months_between(found.settled[0], found.settled[-1]) == found.settled
        of = (
            f" of {write.span(found.settled)}"
            if run
            else f" in {len(found.settled)} of the {len(place.scope.months)} months"
        )
    return f"{share}{of} led to a charge or a court case", measure


def _change(place: Place) -> tuple[str, str]:
    measure = "Records by category, the latest 12 months and the same months a year before"
    if place.year.compared:
        later, earlier = (s[3:] for s in (year_named(place.year), year_before(place.year)))
        measure = f"Records by category, {later} and {earlier}"
    if not place.year.compared:
        return f"Not compared with the year before: {year_refused(place)}", measure
    clear = [c for c in place.changes[1:] if c.called]
    named = [f"{name_of(c.series).lower()} a {brief_change(c)}" for c in clear]
    return f"All crime: {describe_change(place.year)}{'; ' + write.listing(named) if named else ''}", measure


def _compared(place: Place) -> tuple[str, str]:
    measure = "Share of crime by category"
    beside = place.comparisons[0]
    if beside.refused:
        if len(place.comparisons) == 1:
            return refusal(beside).removesuffix("."), measure
        return "Shares of crime here and in the places compared with", measure
    if sentence := larger_shares(place):
        return sentence.removesuffix("."), measure
    rest = write.rest_of(beside.forces)
    return f"No category makes up a clearly larger share of crime here than in {rest}", measure


def _like(place: Place) -> tuple[str, str]:
    return like.headline(place), "Records by category, here and in places like this one"


def _rates(place: Place) -> tuple[str, str]:
    return rates.who(place), "Crime rates"


def _searches(place: Place) -> tuple[str, str]:
    return searches.headline(place), "Searches by the police by month"


def _explore(place: Place) -> tuple[str, str]:
    if not place.scope.months:
        return "Nothing to explore: no record can be counted", "Records by category, month and map point"
    return (
        f"Explore {write.counted(place.total('crime'), 'crime')} and, counted separately, "
        f"{write.counted(place.asb_total, 'report')} of anti-social behaviour",
        "Records by category, month and map point",
    )


_HEADLINES = {
    "outcomes": _outcomes,
    "change": _change,
    "compared": _compared,
    "like": _like,
    "rates": _rates,
    "searches": _searches,
    "categories": _categories,
    "trend": _trend,
    "trend.asb": _asb,
    "snapped-points": _points,
    "explore": _explore,
}
