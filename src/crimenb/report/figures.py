"""The one contract by which a report shows a figure, and what each figure's headline says.

`show(chart, table, name, data)` emits a headline, the chart, its sentences, its note and its
table as outputs of their own: no figure without its note and its table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from markupsafe import escape

from crimenb.charts.theme import VEGALITE, specified
from crimenb.measures import changes, comparisons, outcomes
from crimenb.measures.counts import count_by_category, count_by_month, scope, summed_months, totals
from crimenb.measures.months import is_small
from crimenb.report import sections
from crimenb.report.html import ONE, ROLE, SHARE, WHOLE, Column, Words, table
from crimenb.report.notes import facts, note, notes
from crimenb.schema import ASB, CATEGORIES
from crimenb.wording import format as write

if TYPE_CHECKING:
    import pandas as pd

    from crimenb.data import Data

_TEXTS = {
    "outcomes": sections.happened_next,
    "change": sections.change,
    "compared": sections.compared,
    "snapped-points": sections.map_key,
    "explore": sections.how_to_explore,
}
"""Figures whose finding takes more than a headline, and the sentences that say it."""

LEAST_TOP = 5
"""Records of a point from which its commonest category is named in the table."""

_RANGE = [
    Column("low", "Range from", WHOLE), Column("high", "Range to", WHOLE),
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
        "Records by snapped point",
        [Column("snapped_to", "On or near"), Column("records", "Records", WHOLE),
         Column("crime", "Crimes", WHOLE), Column("asb", "Anti-social behaviour", WHOLE),
         Column("top", "Commonest category")],
    ),
    "outcomes": (
        "Latest outcome of crimes in settled months",
        [Column("group", "Outcome"), Column("crimes", "Crimes", WHOLE), Column("share", "Share", SHARE, "[u]")],
    ),
    "change": (
        "Latest twelve months against the twelve before",
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
    "explore": (
        "Records by month and category",
        [Column("month", "Month"), *[Column(c, c, WHOLE) for c in CATEGORIES.values()]],
    ),
}  # fmt: skip


# ----------------------------------------------------------------------- figures


def show(chart: Any, frame: pd.DataFrame, name: str, data: Data) -> None:
    """Show a figure: its headline, the chart, its note, its numbers as a table.

    Parameters
    ----------
    chart
        An Altair chart.
    frame
        The numbers it draws.
    name
        Name of the note, which also names the figure.
    data
        The report's data, for the headline and the note.

    Examples
    --------
    >>> import crimenb as cn
    >>> data = cn.collect(cn.Query.parse("ZZ9 9ZZ", "2025-11", "2025-12"), "demo")
    >>> counts = cn.count_by_category(data)
    >>> cn.show(cn.category_chart(data, counts), counts, "categories", data)
    The commonest: ...
    """
    from IPython.display import display

    spec = specified(chart)
    head = headline(name, data, subtitle="empty" not in spec["usermeta"])
    spec.pop("$schema", None)
    spec["description"] = f"{head.text.splitlines()[0]} {spec.get('description', '')}".strip()
    display(head)
    if name in _TEXTS and (said := _TEXTS[name](data)).text:
        display(said)
    display(
        {VEGALITE: spec, "text/plain": f"[Chart] {spec['description']}"},
        raw=True, metadata={ROLE: {"role": "chart", "name": name}},
    )  # fmt: skip
    if "empty" not in spec["usermeta"]:
        display(source_line(data))
    if not len(frame) or not summed_months(data):  # nothing is drawn, and the sentences say why
        return
    display(note(name if name in notes() else name.partition(".")[0], data))
    display(_table(name, frame, data))


def _table(name: str, frame: pd.DataFrame, data: Data) -> Words:
    """Return a figure's numbers as a table of what says something here."""
    known = facts(data)
    caption, columns = _SHOWN[name]
    columns = [c for c in columns if c.name in frame]
    if is_small(data):  # of so few records no share and no mean is given anywhere on the page
        columns = [c for c in columns if c.name not in ("share", "a_month")]
    if name == "compared" and (frame["other"] == frame["other"].iloc[0]).all():
        columns = [c for c in columns if c.name != "other"]
        caption = f"Shares of crime here and in {frame['other'].iloc[0]}"
    if name == "snapped-points":  # of four records none is the commonest kind
        frame = frame.assign(top=frame["top"].where(frame["records"] >= LEAST_TOP, ""))
    columns = [c._replace(heading=c.heading.format(**known) or c.name) for c in columns]
    return table(frame, columns, caption, name=f"{data.query.slug}_{name}")


def source_line(data: Data) -> Words:
    """Return the line under a chart that says whose numbers it draws."""
    source = data.source
    said = "Source: police.uk"
    if write.is_demo(data):
        said = "Source: the demonstration's invented records"
    elif source.get("release"):
        said += f", release of {write.month(source['release'])}"
    return Words(f'<p class="source">{escape(said)}.</p>', f"{said}.", "source")


def headline(name: str, data: Data, *, subtitle: bool = True) -> Words:
    """Return a figure's headline (what it shows) and subtitle (measure, place, months).

    Parameters
    ----------
    subtitle
        Whether to give it; where nothing is drawn there is nothing it is of.
    """
    says, measure = _HEADLINES[name](data)
    if not subtitle:
        return Words(f"<h3>{escape(says)}</h3>", says, "head")
    held = summed_months(data)
    span = write.span(held) if held else "no month that can be counted"
    if name == "outcomes" and (settled := outcomes.outcomes(data).settled):
        span = write.months(settled)
    below = write.capital(f"{measure}, {write.where(data)}, {span}.")
    html = f"<h3>{escape(says)}</h3><p class='subtitle'>{escape(below)}</p>"
    return Words(html, f"{says}\n{below}", "head")


def _categories(data: Data) -> tuple[str, str]:
    counts = count_by_category(data)
    crime = counts[(counts["category"] != ASB) & (counts["period"].fillna(0) > 0)]
    if crime.empty:
        return "No category can be counted", "Records by category"
    top = crime.head(3)
    named = [f"{label.lower()} ({n:,})" for label, n in zip(top["label"], top["period"], strict=True)]
    held, asked = len(summed_months(data)), len(data.query.months)
    when = f" in the {write.counted(held, 'month')} counted" if held < asked else ""
    return f"The commonest{when}: {write.listing(named)}", "Records by category"


def _trend(data: Data) -> tuple[str, str]:
    counts = count_by_month(data)
    held = counts[counts["month"].isin(summed_months(data))]
    if held.empty:
        return f"None of the {len(counts)} months is held here, which is not zero", "Crimes by month"
    thin = held["month"].isin(scope(data).thin)
    low, high = int(held.loc[~thin, "crime"].min()), int(held.loc[~thin, "crime"].max())
    gap = _missing(counts)
    if thin.any():
        gap += f"; {write.months(scope(data).thin)} suspiciously low"
    return f"Between {low:,} and {high:,} crimes a month{gap}", "Crimes by month"


def _missing(counts: pd.DataFrame) -> str:
    """Say how many months have no number; follows a headline."""
    missing = int(counts["crime"].isna().sum())
    return f"; {write.counted(missing, 'month')} missing, which is not zero" if missing else ""


def _asb(data: Data) -> tuple[str, str]:
    counts = count_by_month(data)
    held = counts[counts["month"].isin(summed_months(data))]
    if held.empty:
        return (
            "No month of reports is held here, which is not zero",
            "Reports of anti-social behaviour by month",
        )
    whole = held[~held["month"].isin(scope(data).thin)]
    low, high = int(whole["asb"].min()), int(whole["asb"].max())
    said = f"Between {low:,} and {high:,} reports a month{_missing(counts)}"
    return said, "Reports of anti-social behaviour by month"


def _points(data: Data) -> tuple[str, str]:
    t = totals(data)
    measure = "Records by snapped point"
    if not t.points:
        return "No snapped point can be counted", measure
    half = f"Half of the {t.crime + t.asb:,} records share {write.count(t.half_at)} of {t.points:,} points"
    return half, measure


def _outcomes(data: Data) -> tuple[str, str]:
    found = outcomes.outcomes(data)
    charged = found.table.loc[found.table["group"] == outcomes.CHARGED, "share"]
    measure = "Latest outcome of crimes in months that have settled"
    if found.none or charged.empty:
        return "No outcomes are given here", measure
    if charged.isna().any():
        return f"Too few crimes ({found.crimes:,}) for shares of outcomes", measure
    some = found.settled != summed_months(data)
    of = f"the crimes of {write.months(found.settled)}" if some else "crimes"
    return (
        f"{charged.iloc[0]:.0%} of {of} were charged or sent to court; the results are not published",
        measure,
    )


def _change(data: Data) -> tuple[str, str]:
    table = changes.changes(data)
    measure = "Records by category, latest twelve months counted and the twelve before"
    if (table["kind"] == "too few months").all():
        return "This report has no two years of whole months, so no year is set against another", measure
    clear = table[table["kind"].str.startswith("clear")]
    total = table.iloc[0]
    said = (
        f"Crime in all: {total['kind']}" if total["kind"] != "too few" else "Too few crimes to call a change"
    )
    named = [f"{CATEGORIES[s].lower()} a {k}" for s, k in zip(clear["series"], clear["kind"], strict=True)
             if s in CATEGORIES]  # fmt: skip
    return f"{said}{'; ' + write.listing(named) if named else ''}", measure


def _compared(data: Data) -> tuple[str, str]:
    beside = comparisons.with_rest_of_force(data)
    measure = (
        "Share of crime by category, the three largest and those that differ clearly (the table has all)"
    )
    if beside.refused and not data.query.compare_with:
        return f"Not compared, because {comparisons.REFUSALS[beside.refused]}", measure
    more = [write.category(c) for c in beside.named("more")]
    if beside.refused:
        return "Shares of crime here and in the places compared with", measure
    rest = write.rest_of(beside.forces)
    if not more:
        return f"No category takes a clearly larger share of crime here than in {rest}", measure
    above = "above all " if len(more) > 3 else ""
    return f"A larger share here than in {rest}: {above}{write.listing(more[:3])}", measure


def _explore(data: Data) -> tuple[str, str]:
    t = totals(data)
    if not t.crime + t.asb:
        return "Nothing to explore: no record can be counted", "Records by category, month and point"
    return (
        f"The {t.crime + t.asb:,} records by category, month and place",
        "Records by category, month and snapped point",
    )


_HEADLINES = {
    "outcomes": _outcomes,
    "change": _change,
    "compared": _compared,
    "categories": _categories,
    "trend": _trend,
    "trend.asb": _asb,
    "snapped-points": _points,
    "explore": _explore,
}
