"""Who polices the neighbourhood: its team, priorities and events, and the forces of the area."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from crimenb import phrases, words
from crimenb.pieces import SHARE, Column, Words, bullets, table
from crimenb.sums import only
from crimenb.tables import BTP, force_name

if TYPE_CHECKING:
    import pandas as pd

    from crimenb.tables import Data

_SITE = "https://www.police.uk/pu/your-area/"


def neighbourhood(data: Data) -> Words:
    """Return the neighbourhood team, its priorities and events, or where to find them.

    Examples:
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
            f"{name} ({words.percent(share)} of the area)"
            for name, share in zip(rest["force_name"], rest["share"], strict=True)
        ]
        also = f", and other parts are policed by {words.listing(others)}" if others else ""
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
        _list(
            "The team",
            place.people,
            lambda r: f"{r.rank} {r.name_}".strip() + (f": {r.contact}" if r.contact else ""),
        )
    )
    parts.append(_priorities(place.priorities))
    parts.append(_list("Meetings and events", place.events, lambda r: ", ".join(
        t for t in (phrases.day(r.start), r.title, r.address) if t)))  # fmt: skip
    text = f"{team['name']}, {team['force_name']}: {len(place.people)} named, {len(place.priorities)} priorities."
    return Words("".join(parts), text)


def _link(address: str, title: str) -> Markup:
    """Return a link; only http(s) ever leads anywhere."""
    if not address.startswith(("http://", "https://")):
        return escape(title)
    return Markup('<a href="{}" rel="noreferrer">{}</a>').format(address, title or address)


def _list(title: str, rows: pd.DataFrame, say: object) -> str:
    named = rows.rename(columns={"name": "name_"})
    said = [say(r) for r in named.itertuples()]  # type: ignore[operator]
    if not said:
        return f"<p>{escape(title)}: none given by the source.</p>"
    return f"<h4>{escape(title)}</h4>{bullets(said)}"


def _priorities(rows: pd.DataFrame) -> str:
    if rows.empty:
        return "<p>Current priorities: none given by the source.</p>"
    items = "".join(
        f"<li>{escape(r.issue)}{escape(f' (set {phrases.day(r.issue_date)})' if r.issue_date else '')}"
        + (f"<br>What was done: {escape(r.action)}{escape(f' ({phrases.day(r.action_date)})' if r.action_date else '')}"
           if r.action else "<br>What was done: nothing given yet.")
        + "</li>"
        for r in rows.itertuples()
    )  # fmt: skip
    return f"<h4>Current priorities</h4><ol>{items}</ol>"


def coverage(data: Data) -> Words:
    """Return which forces police the area and what they supplied, as a table.

    Examples:
        >>> import crimenb as cn
        >>> data = cn.collect(cn.Query.parse("ZZ9 9ZZ", "2025-11", "2025-12"), "demo")
        >>> cn.coverage(data)
        Police forces and their share of the area, by area, ...
        ...
    """
    rows = data.of().coverage
    rows = rows[rows["force"] != BTP].assign(held=lambda c: c["months"].map(
        lambda m: phrases.months(m.split()) if m else "none of these months"))  # fmt: skip
    caption = "Police forces and their share of the area"
    columns = [Column("force_name", "Force"), Column("share", "Share of the area", SHARE),
               Column("method", "How found"), Column("held", "Months held")]  # fmt: skip
    if len(rows) and (rows["method"] == rows["method"].iloc[0]).all():  # said once, not in every row
        caption += f", {rows['method'].iloc[0]}"
        del columns[2]
    return table(rows, columns, caption, name=f"{data.query.slug}_coverage", fold=False)
