"""What was supplied and what was not, in words: parts, gaps, BTP, records without location.

Rules R1, R2, R9 and R17 of the method. No geometry.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crimenb.measures import points as map_points
from crimenb.measures.counts import deciding, monthly_counts, only, scope
from crimenb.measures.months import YEAR, held
from crimenb.schema import BTP, force_name
from crimenb.wording import format as write

if TYPE_CHECKING:
    from crimenb.data import Data
    from crimenb.measures.counts import Scope

ABSENT = "not in this archive"
LEAST_BTP = 0.01
"""British Transport Police is named at once from this share of the records."""


def part_sentence(within: Scope) -> str:
    """Say whose records are absent, and what is therefore not said (R1)."""
    absent = write.listing([force_name(f) for f in within.absent])
    one = len(within.absent) == 1
    return (
        f"The other police area{'' if one else 's'} here, {absent}, {'is' if one else 'are'} not in "
        "these data: no figure speaks of the whole circle, no month is called usual or unusual, and "
        "nothing is compared with other places."
    )


def swing_sentence(data: Data) -> str:
    """Say why months are not compared: the share without location moves too much (R17)."""
    worst = max(map_points.unlocated(data), key=lambda u: u.high - u.low)
    low, high = (write.month(m) for m in (worst.low_month, worst.high_month))
    return (
        f"Months are not compared here: {force_name(worst.force)} gave no location for "
        f"{worst.high:.0%} of its records in {high} and {worst.low:.0%} in {low}; those are in no count "
        "here, so a rise or fall may be one of paperwork."
    )


def whole(within: Scope) -> str:
    """Name the months summed: "the year", "the six months", "the month"."""
    months = within.months
    n = len(months)
    one_run = len(write.runs(months)) == 1
    if n == 1:
        return "the month"
    if n == YEAR and one_run:
        return "the year"
    return f"the {write.spelt(n)} months" + ("" if one_run else " counted")


def named_months(within: Scope) -> str:
    """Name the months summed as `whole` does; months with gaps by their names, if not too many."""
    name = whole(within)
    if not name.endswith("counted"):
        return name
    return write.months(within.months) if len(write.runs(within.months)) <= write.MOST_RUNS else name


def btp_at_once(data: Data) -> bool:
    """Whether British Transport Police has more than one in a hundred of the records (R2)."""
    table = monthly_counts(data).reindex(scope(data).months)
    rest = int(table[["crime", "asb"]].to_numpy().sum())
    return int(table["btp"].sum()) > LEAST_BTP * rest


def btp_sentence(data: Data) -> str:
    """Say what British Transport Police recorded here, apart from all totals, or ""."""
    data = only(data)
    within = scope(data)
    n = int(monthly_counts(data)["btp"].reindex(within.months).sum())
    if not n:
        return ""
    rows = data.coverage[data.coverage["force"] == BTP]
    months = {m for held_ in rows["months"] for m in held_.split()} & set(within.months)
    when = ""
    if months and len(months) < len(within.months):
        when = f" in {write.months(sorted(months))}, the only counted months"
        if len(months) == 1:
            when = f" in {write.month(*months)} alone, the only counted month"
        elif len(months) > YEAR:
            when = f" in {len(months)} of the months counted, the only ones"
        when += " for which its file is held"
    return (
        f"British Transport Police recorded {write.counted(n, 'further crime')}{when}; "
        f"{'it is' if n == 1 else 'they are'} counted apart, in no total here."
    )


def published_sentence(data: Data, *, limit: bool = True) -> str:
    """Say how many of the months asked for were published, what is missing, and R9's limit.

    Parameters
    ----------
    limit
        Whether to add what one year of data cannot tell.
    """
    data = only(data)
    within = scope(data)
    table = data.months.set_index("month")["status"]
    said = [_how_many(within, len(table))] if within.months else []
    for status in dict.fromkeys(table):
        months = [m for m in table.index if table[m] == status and m not in within.months]
        if months:
            said.append(_left_out(data, months, status))
    if within.thin:
        are = "is" if len(within.thin) == 1 else "are"
        said.append(f"{write.months(within.thin)} {are} suspiciously low and left out of every comparison")
    if limit and held(data) == "one year":
        said.append("with one year of data, season and trend cannot be told apart")
    return f"{write.capital('; '.join(said))}."


def no_file_sentence(data: Data) -> str:
    """Say that the archive has no file for any of the months (and so nothing is known), or ""."""
    if set(data.months["status"]) != {ABSENT}:
        return ""
    asked = write.months(list(data.months["month"]))
    return (
        f"This archive holds no {write.forces_named(deciding(data))} file for {asked}, so the "
        f"crime of {write.place_name(data)} is unknown, not zero."
    )


def _how_many(within: Scope, asked: int) -> str:
    part = " for that part" if within.kind == "part" else ""
    if len(within.months) == asked:
        return (
            f"All {write.spelt(asked)} months were published{part}"
            if asked > 1
            else (f"The one month asked for was published{part}")
        )
    verb = "is" if len(within.months) == 1 else "are"
    return f"{write.opening(len(within.months))} of the {write.spelt(asked)} months asked for {verb} counted"


def _left_out(data: Data, months: list[str], status: str) -> str:
    """Say why months are not counted. Files are in an archive or not, months are not."""
    named, one = write.months(months), len(months) == 1
    if status == ABSENT:
        files = f"the {write.forces_named(deciding(data))} {'file' if one else 'files'} for {named}"
        those = "that month is" if one else "those months are"
        return (
            f"{files} {'is' if one else 'are'} not in this archive, so {those} left out, not counted as zero"
        )
    are = "is" if one else "are"
    if status == "partly supplied":
        return f"{named} {are} only partly supplied and left out"
    if status == "failed":
        return f"{named} could not be fetched and {are} left out, not counted as zero"
    return f"{named} {are} {status} and left out, not counted as zero"
