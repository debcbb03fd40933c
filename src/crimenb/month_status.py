"""What may be said of each month: one truth table for every source.

status                   when                                           drawn         summed
published                every force with 2 % of the area supplied it   bar           yes
partly supplied          a force with 2 % or more of the area did not   pale bar      as the part's
suspiciously low         far below what the other months allow          broken outline  yes
not in this archive      the archive holds no file of force and month   gap           no
not supplied             a dated, named source says so                  gap           no
probably not supplied    no territorial record, many in other months    gap           no
not yet published        after the months the source serves             gap           no
no longer published      before them                                    gap           no
failed                   the service did not answer                     gap           no

A source hands over evidence (what each force supplied), never a verdict. Nothing becomes a
zero that was not answered as one by a force that supplied the month.
"""

from __future__ import annotations

import csv
import datetime as dt
import functools
from typing import NamedTuple

import numpy as np
import pandas as pd

from crimenb.data import frame
from crimenb.query import days_in
from crimenb.schema import ASB, BTP, data_file, force_name
from crimenb.usual_range import usual_range

LEAST_SHARE = 0.02
"""A force with less of the area than this does not decide a month's status (R1)."""

MANY = 20
"""Records a month in the other months that make a month without any suspicious."""

STRAY = 0.05
"""A month below this share of the others holds strays only. Where a force supplies nothing, its
area still shows 0.2 to 0.8 % of the usual records: neighbours' and mislocated ones."""

PLENTY = 100
"""More records a month than strays leave even in the busiest mile (some 5,000 a month)."""

AGES_AFTER = dt.timedelta(days=180)
"""The table of known gaps is said to be old after this."""

EVIDENCE = ["force", "month", "state", "records", "detail"]
"""One row a force and month. `state`: "supplied", "absent" (no file, archive), "answered"
(the API answered, which does not tell who supplied), "shown" (so too, and records elsewhere show
that the force supplied some), "early", "late", "failed".
`records`: the force's records in that month, -1 where the source cannot know.
`detail`: a sentence for the states "early", "late" and "failed", else ""."""


class Gap(NamedTuple):
    """One row of the shipped table of known gaps."""

    force: str
    start: str
    end: str
    what: str
    source: str
    link: str
    checked: str

    def holds(self, month: str) -> bool:
        """Whether the gap covers the month."""
        return self.start <= month and (not self.end or month <= self.end)


@functools.cache
def known_gaps() -> tuple[Gap, ...]:
    """Return the dated table of gaps shipped with the package."""
    return tuple(Gap(**row) for row in csv.DictReader(data_file("known-gaps.csv").splitlines()))


def gaps_checked() -> dt.date:
    """Return the day the newest row of the table of known gaps was checked."""
    return max(dt.date.fromisoformat(g.checked) for g in known_gaps())


def gaps_old(today: dt.date) -> str:
    """Return a sentence if the table of known gaps was checked too long ago, else ""."""
    checked = gaps_checked()
    if today - checked <= AGES_AFTER:
        return ""
    return (
        f"The table of known gaps was last checked on {checked.isoformat()}, over "
        f"{AGES_AFTER.days} days before this report; later gaps are not in it."
    )


def judge(
    postcode: str,
    months: list[str],
    coverage: pd.DataFrame,
    evidence: pd.DataFrame,
    crimes: pd.DataFrame,
) -> pd.DataFrame:
    """Give each month of one place its status and the reason, by the truth table above.

    Parameters
    ----------
    postcode
        Key of the place.
    months
        The months asked for.
    coverage
        The frame `coverage` of the place.
    evidence
        Frame with the columns `EVIDENCE`, also for months before those asked for.
    crimes
        The frame `crimes` of the place.

    Returns
    -------
    DataFrame
        The frame `months`, one row a month, oldest first.
    """
    shares = coverage.set_index("force")["share"]
    deciding = [f for f, share in shares.items() if share >= LEAST_SHARE] or [shares.idxmax()]
    territorial = crimes[crimes["reported_by"] != BTP]
    states = {
        (f, m): (s, d)
        for f, m, s, d in evidence[["force", "month", "state", "detail"]].itertuples(index=False)
    }
    supply = {month: _supply(month, deciding, shares, states) for month in months}
    answered = [m for m, (status, _) in supply.items() if status in {"answered", "published"}]
    found = territorial.groupby("month").size().reindex(answered, fill_value=0)
    rows = []
    for month, (status, why) in supply.items():
        if status == "answered":
            shown = [f for f in deciding if states[f, month][0] == "shown"]
            status, why = _answered(month, shares[deciding], shown, found)  # noqa: PLW2901
        rows.append({"postcode": postcode, "month": month, "status": status, "why": why})
    table = pd.DataFrame(rows)
    for low, why in _low(table, territorial, evidence, deciding).items():
        table.loc[table["month"] == low, ["status", "why"]] = "suspiciously low", why
    return frame("months", table)


def _supply(
    month: str, deciding: list[str], shares: pd.Series, states: dict[tuple[str, str], tuple[str, str]]
) -> tuple[str, str]:
    """Judge one month by what the forces of the area supplied; "answered" where unknown."""
    found = {f: states.get((f, month), ("absent", "")) for f in deciding}
    kinds = {state for state, _ in found.values()}
    if "failed" in kinds:
        return "failed", next(d for s, d in found.values() if s == "failed")
    for state, status in (("late", "not yet published"), ("early", "no longer published")):
        if state in kinds:
            return status, next(d for s, d in found.values() if s == state)
    if kinds & {"answered", "shown"}:
        return "answered", ""
    absent = [f for f, (state, _) in found.items() if state == "absent"]
    if not absent:
        return "published", ""
    reasons = [_why_absent(f, month) for f in absent]
    if len(absent) < len(deciding):
        here = [f for f in deciding if f not in absent]
        return "partly supplied", f"{_part(here, shares)} was supplied. {reasons[0][1]}"
    status = "not supplied" if reasons[0][0] else "not in this archive"
    return status, " ".join(why for _, why in reasons)


def _why_absent(force: str, month: str) -> tuple[bool, str]:
    """Explain a force's missing file: by the known gaps, else by the archive alone."""
    gap = next((g for g in known_gaps() if g.force == force and g.holds(month)), None)
    if gap is None:
        return False, f"The archive holds no file of {force_name(force)} ({month}-{force}-street.csv)."
    return True, _words(gap)


def _words(gap: Gap) -> str:
    return f"{force_name(gap.force)} {gap.what} ({gap.source}, checked {gap.checked}: {gap.link})."


def _part(here: list[str], shares: pd.Series) -> str:
    share = sum(float(shares[f]) for f in here)
    return f"Only the {' and '.join(force_name(f) for f in here)} part ({share:.0%})"


def _answered(month: str, shares: pd.Series, shown: list[str], found: pd.Series) -> tuple[str, str]:
    """Judge a month the API answered: it never says who supplied, so the records must tell.

    Parameters
    ----------
    shares
        Share of the area by deciding force.
    shown
        Forces that other records show to have supplied the month.
    found
        Records of territorial forces by month, of all months the API answered.
    """
    gaps = {f: [g for g in known_gaps() if g.force == f] for f in shares.index if f not in shown}
    now = {f: next((g for g in gs if g.holds(month)), None) for f, gs in gaps.items()}
    listed = {f: gap for f, gap in now.items() if gap is not None}
    if listed:
        outside = [m for m in found.index if not any(g.holds(m) for gs in gaps.values() for g in gs)]
        missing = float(shares[list(listed)].sum() / shares.sum())
        if _overtaken(found[month], _usual(found[outside]), missing):
            return "published", ""
        why = " ".join(_words(gap) for gap in listed.values())
        if here := [f for f in shares.index if f not in listed]:
            return "partly supplied", f"{_part(here, shares)} was supplied. {why}"
        return "not supplied", why
    usual = _usual(found.drop(month))
    if usual >= MANY and found[month] < STRAY * usual:
        held = f"Only {found[month]} records" if found[month] > 1 else "One record"
        return (
            "probably not supplied",
            f"{held if found[month] else 'No record'} of a territorial force, where other months "
            f"hold about {usual:,.0f}.",
        )
    if found[month] == 0 and 0 < len(shown) < len(shares):
        return "partly supplied", f"{_part(shown, shares)} shows that it was supplied."
    if found[month] == 0 and not shown:
        names = " and ".join(force_name(f) for f in shares.index)
        return (
            "probably not supplied",
            f"No record here, and none of {names} without location that would show that the month "
            "was supplied.",
        )
    return "published", ""


def _usual(counts: pd.Series) -> float:
    """Return the usual count of the months that hold more than strays; 0 if there is none."""
    full = counts[counts > STRAY * counts.max()] if len(counts) else counts
    return float(full.median()) if len(full) else 0.0


def _overtaken(count: int, usual: float, missing: float) -> bool:
    """Whether records refute a known gap: the table explains an absence, it declares none.

    Parameters
    ----------
    count
        Records of the month.
    usual
        Usual count of months outside the gap, 0 if there is none.
    missing
        Share of the area whose forces the table lists.
    """
    if usual >= 1:
        # Without the listed part some (1 - missing) of the usual count would be left.
        return count >= (1 - missing / 2) * usual
    return missing == 1 and count >= PLENTY


def _low(
    table: pd.DataFrame, territorial: pd.DataFrame, evidence: pd.DataFrame, deciding: list[str]
) -> dict[str, str]:
    """Find published months far too low to be whole (R10), with the sentence for each."""
    link = "see https://data.police.uk/changelog/"
    published = table.loc[table["status"] == "published", "month"].tolist()
    low: dict[str, str] = {}
    held = evidence[(evidence["state"] == "supplied") & (evidence["records"] >= 0)]
    for force in deciding:
        counts = held[held["force"] == force].set_index("month")["records"]
        rate = counts / [days_in(m) for m in counts.index]
        for month in published:
            if len(rate) >= 6 and month in rate and rate[month] < 0.80 * rate.median():
                share = rate[month] / rate.median()
                low[month] = (
                    f"{force_name(force)} as a whole supplied {share:.0%} of its usual records a day; {link}."
                )
    crime = territorial[territorial["category"] != ASB]
    by_category = crime.groupby(["month", "category"]).size().unstack(fill_value=0)
    by_category = by_category.reindex(published, fill_value=0)
    total = by_category.sum(axis=1)
    days = np.array([days_in(m) for m in published], float)
    for i, month in enumerate(published):
        rest = np.arange(len(published)) != i
        if month in low or rest.sum() < 6 or total[rest].mean() < 50:
            continue  # below 50 a month it is too small to tell whether a month is complete
        bound = usual_range(total[rest], days[rest], days[i], level=0.998)
        big = by_category.loc[:, by_category[rest].mean() >= 10]
        below = (big.loc[month] < big[rest].mean()).mean() if big.shape[1] else 0.0
        if total[month] < bound.low and below >= 0.8:
            low[month] = (
                f"{total[month]:,} crimes, where the other months allow {bound.low:,} or more, and "
                f"nearly every large category is below its mean; {link}."
            )
    return low
