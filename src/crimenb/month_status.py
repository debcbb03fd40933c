"""What may be said of each month: one truth table for every source (R1, R10).

status                   when                                             drawn         summed
published                every force with 2 % of the area supplied it     bar           yes
partly supplied          such a force did not, or this archive lost rows  hatched bar   as the part's
suspiciously low         far below what the other months allow            bar, marked   yes
not in this archive      no file, or none with records of its own area    gap           no
not supplied             a dated, named source says so                    gap           no
probably not supplied    no territorial record, many in other months      gap           no
not yet published        after the months the source serves               gap           no
no longer published      before them                                      gap           no
failed                   the service did not answer                       gap           no

`left_out` names what of a published month is kept out of ranges and changes: "asb" where only
anti-social behaviour is thin, "all" for a month of lockdown.

A source hands over evidence (what it read of each force), never a verdict. The presence of a file
proves nothing: a force supplied a month when records of its own area are there in a plausible
number. Nothing becomes a zero that was not answered as one by a force that supplied the month.
"""

from __future__ import annotations

import csv
import functools
from typing import NamedTuple

import numpy as np
import pandas as pd

from crimenb.data import frame
from crimenb.query import days_in
from crimenb.schema import ASB, BTP, MonthStatus, data_file, force_name
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

# A force's thin months (R10): what each calendar month is of an average one, in crimes a day and in
# reports of anti-social behaviour a day. Medians of 37 forces of 2025; one year.
SEASON = (0.919, 0.959, 1.009, 1.005, 1.029, 1.054, 1.079, 1.018, 0.995, 0.995, 0.984, 0.933)
SEASON_ASB = (0.753, 0.840, 1.006, 1.102, 1.097, 1.128, 1.207, 1.180, 0.961, 0.994, 0.854, 0.743)
LEAST_CRIME, LEAST_ASB = 0.75, 0.60
"""A month below this share of its twelve nearest is thin, ..."""

LEAST_OF_SAME_MONTH = 0.85
"""... unless its crimes are like those of the same month of other years held."""

NEAREST, LEAST_OTHERS = 12, 6
LEAST_ASB_A_DAY = 10
HONEST = 0.92
"""Where the force's total is above this share of its usual, a low place is a low place."""

CHANGELOG = "see https://data.police.uk/changelog/"
LEAST_PLACE, BIG, NEARLY_ALL, LEAST_OF_EXPECTED = 50, 10, 0.8, 0.65
LOCKDOWN = frozenset(
    ["2020-03", "2020-04", "2020-05", "2020-06", "2020-11", "2021-01", "2021-02", "2021-03", "2021-04"]
)
"""A thin month among these is low for a reason everybody knows."""

EVIDENCE = ["force", "month", "state", "crime", "asb", "detail"]
"""One row a force and month. `state`: "file" (archive: a file of it was read, whatever it holds),
"absent" (no file), "answered" (the API answered, which does not tell who supplied), "shown" (so
too, and records elsewhere show that the force supplied some), "early", "late", "failed".
`crime`, `asb`: the force's crimes and reports of anti-social behaviour in that month, with a location or
without, -1 where the source cannot know.
`detail`: a sentence for the states "early", "late" and "failed"; for "file" why rows of it could
not be read; else ""."""

MEASURED = ["own", "lost"]
"""What only an archive knows of a file: its records inside the force's own area, and the rows that
could not be read. -1, or no such column, where that is unknown."""


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
    deciding = [str(f) for f, share in shares.items() if share >= LEAST_SHARE] or [str(shares.idxmax())]
    territorial = crimes[crimes["reported_by"] != BTP]
    supplied = supply(evidence)
    status = {month: _of_month(month, deciding, shares, supplied) for month in months}
    answered = [m for m, (s, _) in status.items() if s in {_ANSWERED, MonthStatus.PUBLISHED}]
    found = territorial.groupby("month").size().reindex(answered, fill_value=0)
    for month, (known, _) in status.items():
        if known == _ANSWERED:
            shown = [f for f in deciding if supplied.get((f, month), _ABSENT).state == "shown"]
            status[month] = _answered(month, shares[deciding], shown, found)
    rows = [
        {"postcode": postcode, "month": m, "status": str(s), "why": why} for m, (s, why) in status.items()
    ]
    table = pd.DataFrame(rows).assign(left_out="")
    states = [supplied[key].state for key in zip(evidence["force"], evidence["month"], strict=True)]
    thin = _thin(table, territorial, evidence.assign(state=states), deciding)
    for month, why in thin.low.items():
        table.loc[table["month"] == month, ["status", "why"]] = MonthStatus.LOW, why
    for month, series in thin.left_out.items():
        row = table["month"] == month
        table.loc[row, "left_out"] = series
        table.loc[row, "why"] = (table.loc[row, "why"] + " " + thin.why[month]).str.strip()
    for month, near in thin.near.items():
        if (
            month in answered
            and month not in thin.low
            and not near >= HONEST
            and (why := _stray(month, found))
        ):
            table.loc[table["month"] == month, ["status", "why"]] = MonthStatus.PROBABLY_NOT, why
    return frame("months", table)


class Supply(NamedTuple):
    """What a force supplied of a month.

    state: as in `EVIDENCE`, but for a file "supplied", "lost" (this archive could not read all of
    it) or "absent". why: a sentence, or "". listed: whether the table of known gaps explains it.
    """

    state: str
    why: str = ""
    listed: bool = False


_ABSENT = Supply("absent")
_ANSWERED = "answered"


def supply(evidence: pd.DataFrame) -> dict[tuple[str, str], Supply]:
    """Judge what each force supplied of each month, from what a source read.

    Parameters
    ----------
    evidence
        Frame with the columns `EVIDENCE`, and `MEASURED` where they are known. A force's usual
        month is that of all its rows.
    """
    known = evidence.assign(**{c: -1 for c in MEASURED if c not in evidence})
    known["records"] = (known["crime"] + known["asb"]).where(known["crime"] >= 0, -1)
    known["own"] = known["own"].where(known["own"] >= 0, known["records"])
    found: dict[tuple[str, str], Supply] = {}
    for force, rows in known.groupby("force"):
        files = rows[rows["state"] == "file"]
        usual = _usual(files.loc[[gap_of(str(force), m) is None for m in files["month"]], "own"])
        for row in rows.to_dict("records"):
            key = (str(force), str(row["month"]))
            if row["state"] == "file":
                found[key] = _of_file(*key, row["own"], usual, row["records"], row["lost"], row["detail"])
            else:
                found[key] = Supply(row["state"], row["detail"])
    return found


def _of_file(force: str, month: str, own: int, usual: float, records: int, lost: int, detail: str) -> Supply:
    """Judge one file by its records of the force's own area."""
    gap = gap_of(force, month)
    whole = own < 0 or (_overtaken(own, usual, 1.0) if gap is not None else own > 0 and own >= STRAY * usual)
    name = f"{month}-{force}-street.csv"
    # A part of the records is missing, as where a force with such a share of the area is absent.
    much = lost > LEAST_SHARE * (records + lost)
    if lost > 0 and (whole or (much and gap is None)):
        rows = f"{lost:,} of the {records + lost:,} rows"
        why = f"This archive could not read {rows} of {force_name(force)}'s file ({name}): {detail}."
        return Supply("lost" if much else "supplied", why)
    if whole:
        return Supply("supplied")
    if gap is not None:
        return Supply("absent", _words(gap), listed=True)
    if records == 0:
        return Supply("absent", f"The file of {force_name(force)} in this archive ({name}) holds no rows.")
    amount = "no record" if own == 0 else "only one record" if own == 1 else f"only {own:,} records"
    why = f"The file of {force_name(force)} in this archive ({name}) holds {amount} of its own area"
    return Supply("absent", why + (f"; other months hold about {usual:,.0f}." if usual >= 1 else "."))


def gap_of(force: str, month: str) -> Gap | None:
    """Return the known gap that covers a force's month, if there is one."""
    return next((g for g in known_gaps() if g.force == force and g.holds(month)), None)


def _of_month(
    month: str, deciding: list[str], shares: pd.Series, supplied: dict[tuple[str, str], Supply]
) -> tuple[str, str]:
    """Judge one month by what the forces of the area supplied; "answered" where unknown."""
    found = {f: supplied.get((f, month), _ABSENT) for f in deciding}
    kinds = {s.state for s in found.values()}
    for state, status in (
        ("failed", MonthStatus.FAILED), ("late", MonthStatus.NOT_YET), ("early", MonthStatus.NO_LONGER),
    ):  # fmt: skip
        if state in kinds:
            return status, next(s.why for s in found.values() if s.state == state)
    if kinds & {"answered", "shown"}:
        return _ANSWERED, ""
    absent = {f: _why_absent(f, month, s) for f, s in found.items() if s.state == "absent"}
    absent = dict(sorted(absent.items(), key=lambda item: not item[0]))  # what is known comes first
    read = [s.why for s in found.values() if s.state in {"lost", "supplied"} and s.why]
    if not absent:
        return (MonthStatus.PARTLY if "lost" in kinds else MonthStatus.PUBLISHED), " ".join(read)
    listed = any(s.listed for s in absent.values())
    reasons = [s.why for s in absent.values()]
    if len(absent) < len(deciding):
        here = [f for f in deciding if f not in absent]
        return MonthStatus.PARTLY, " ".join([f"{_part(here, shares)} was supplied.", *reasons, *read])
    return (MonthStatus.NOT_SUPPLIED if listed else MonthStatus.NOT_IN_ARCHIVE), " ".join(reasons)


def _why_absent(force: str, month: str, found: Supply) -> Supply:
    """Explain a force's absence: by its file, by the known gaps, else by the archive alone."""
    if found.why:
        return found
    if not force:
        why = (
            "The rest has no postcode near it in this archive's postcode file, so its police force is not "
            "known (unless it is sea); build the archive with the neighbouring postcodes too, or with --force-areas."
        )
        return Supply("absent", why)
    gap = gap_of(force, month)
    if gap is not None:
        return Supply("absent", _words(gap), listed=True)
    why = f"The archive holds no file of {force_name(force)} ({month}-{force}-street.csv)."
    return Supply("absent", why)


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
            return MonthStatus.PUBLISHED, ""
        why = " ".join(_words(gap) for gap in listed.values())
        if here := [f for f in shares.index if f not in listed]:
            return MonthStatus.PARTLY, f"{_part(here, shares)} was supplied. {why}"
        return MonthStatus.NOT_SUPPLIED, why
    if why := _stray(month, found):
        return MonthStatus.PROBABLY_NOT, why
    if found[month] == 0 and 0 < len(shown) < len(shares):
        return MonthStatus.PARTLY, f"{_part(shown, shares)} shows that it was supplied."
    if found[month] == 0 and not shown:
        names = " and ".join(force_name(f) for f in shares.index)
        return (
            MonthStatus.PROBABLY_NOT,
            f"No record here, and none of {names} without location that would show that the month "
            "was supplied.",
        )
    return MonthStatus.PUBLISHED, ""


def _stray(month: str, found: pd.Series) -> str:
    """Return a sentence where a month holds strays only, and its other months many records."""
    usual = _usual(found.drop(month))
    if usual < MANY or found[month] >= STRAY * usual:
        return ""
    held = f"Only {found[month]} records" if found[month] > 1 else "One record"
    return (
        f"{held if found[month] else 'No record'} of a territorial force, where other months "
        f"hold about {usual:,.0f}."
    )


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


def _usual_beside(rates: pd.Series, months: list[str]) -> pd.Series:
    """Return each month's rate by the median of the twelve nearest others; NaN under six of them."""
    number, values = np.array([_number(m) for m in rates.index], int), rates.to_numpy(float)
    out = {}
    for month in months:
        here = rates.index.get_loc(month)
        others = np.delete(np.arange(len(values)), here)
        nearest = others[np.argsort(abs(number[others] - number[here]), kind="stable")][:NEAREST]
        usual = float(np.median(values[nearest])) if len(others) >= LEAST_OTHERS else np.nan
        out[month] = values[here] / usual if usual else np.nan
    return pd.Series(out, dtype="float64")


def _number(month: str) -> int:
    return int(month[:4]) * 12 + int(month[5:])


def thin_months(
    daily: pd.Series, season: tuple[float, ...], least: float, of_same_month: float = np.inf
) -> dict[str, float]:
    """Find the months in which a force supplied far too little to be whole (R10).

    Parameters
    ----------
    daily
        The force's records a day, by month.
    season
        What each calendar month is of an average one.
    least
        The least share of its usual records of an honest month.
    of_same_month
        A month with this share of the same month in other years held is not thin either.

    Returns
    -------
    dict[str, float]
        The thin months, and the share of the usual records that each holds.
    """
    rate = daily / [season[int(m[5:]) - 1] for m in daily.index]
    near = _usual_beside(rate, list(rate.index))
    thin = {}
    for month in near.index[near < least]:
        years = [m for m in daily.index if m[5:] == month[5:] and m != month]
        usual = daily[years].median() if years else np.nan
        if not (usual and daily[month] / usual >= of_same_month):
            thin[str(month)] = float(near[month])
    return thin


def _force_rates(evidence: pd.DataFrame, force: str, column: str) -> pd.Series:
    """Return a force's records a day by month, of the months it supplied."""
    rows = evidence[
        (evidence["force"] == force) & (evidence["state"] == "supplied") & (evidence[column] >= 0)
    ]
    counts = rows.set_index("month")[column].sort_index().astype("float64")
    return counts / [days_in(m) for m in counts.index]


class ThinForce(NamedTuple):
    """The months in which a force supplied far too few crimes, or reports, and the share of the usual they have."""

    crime: dict[str, float]
    asb: dict[str, float]


def thin_of_force(evidence: pd.DataFrame, force: str) -> ThinForce:
    """Find a force's thin months (R10).

    Parameters
    ----------
    evidence
        Frame with the columns `EVIDENCE`, and the state that `supply` gives in place of the source's.
    force
        police.uk's id of the force.
    """
    crime, asb = (_force_rates(evidence, force, column) for column in ("crime", "asb"))
    many = len(asb) and asb.median() >= LEAST_ASB_A_DAY
    return ThinForce(
        thin_months(crime, SEASON, LEAST_CRIME, LEAST_OF_SAME_MONTH),
        thin_months(asb, SEASON_ASB, LEAST_ASB) if many else {},
    )


class Thin(NamedTuple):
    """What is thin at a place: whole months with their reason, and what is left out of baselines.

    near: of each published month its forces' crime against the usual, NaN where that is unknown.
    """

    low: dict[str, str]
    left_out: dict[str, str]
    why: dict[str, str]
    near: dict[str, float]


def _thin(
    table: pd.DataFrame, territorial: pd.DataFrame, evidence: pd.DataFrame, deciding: list[str]
) -> Thin:
    """Find published months far too low to be whole (R10), with the sentence for each."""
    published = table.loc[table["status"] == MonthStatus.PUBLISHED, "month"].tolist()
    near: dict[str, float] = {}
    thin = Thin({}, {}, {}, near)
    for force in deciding:
        crime = _force_rates(evidence, force, "crime")
        share = _usual_beside(crime / [SEASON[int(m[5:]) - 1] for m in crime.index], list(crime.index))
        near |= {str(m): min(v, near.get(str(m), np.inf)) for m, v in share.items() if not np.isnan(v)}
        found = thin_of_force(evidence, force)
        for month, of_usual in found.crime.items():
            held = f"{force_name(force)} as a whole recorded {of_usual:.0%} of its usual crimes a day"
            if month in LOCKDOWN:
                thin.left_out[month], thin.why[month] = "all", f"Low: lockdown. {held}."
            else:
                thin.low[month] = f"{held}; {CHANGELOG}."
        for month, of_usual in found.asb.items():
            if month not in thin.left_out:
                thin.left_out[month] = "asb"
                thin.why[month] = (
                    f"{force_name(force)} as a whole recorded {of_usual:.0%} of its usual reports of "
                    f"anti-social behaviour a day; {CHANGELOG}."
                )
    judged = {*thin.low, *(m for m, series in thin.left_out.items() if series == "all")}
    thin.low.update(_thin_here(territorial, [m for m in published if m not in judged], published, near))
    published_only = set(published)
    return Thin(
        {m: w for m, w in thin.low.items() if m in published_only},
        {m: v for m, v in thin.left_out.items() if m in published_only and m not in thin.low},
        {m: w for m, w in thin.why.items() if m in published_only and m not in thin.low},
        {m: near.get(m, np.nan) for m in published},
    )


def _thin_here(
    territorial: pd.DataFrame, unknown: list[str], published: list[str], near: dict[str, float]
) -> dict[str, str]:
    """Find months low at this place alone, where the force's total does not show them to be whole."""
    crime = territorial[territorial["category"] != ASB]
    by_category = crime.groupby(["month", "category"]).size().unstack(fill_value=0)
    by_category = by_category.reindex(published, fill_value=0)
    total = by_category.sum(axis=1)
    days = np.array([days_in(m) for m in published], float)
    low = {}
    for month in unknown:
        i = published.index(month)
        nearest = sorted((j for j in range(len(published)) if j != i), key=lambda j: abs(j - i))
        rest = np.array(sorted(nearest[:NEAREST]), int)
        # Below 50 a month it is too small to tell whether a month is complete.
        if (
            len(rest) < LEAST_OTHERS
            or total.iloc[rest].mean() < LEAST_PLACE
            or near.get(month, 0.0) >= HONEST
        ):
            continue
        bound = usual_range(total.iloc[rest], days[rest], days[i], level=0.998)
        others = by_category.iloc[rest].mean()
        big = others.index[others >= BIG]
        below = (by_category[big].loc[month] < others[big]).mean() if len(big) else 0.0
        if total[month] < min(bound.low, LEAST_OF_EXPECTED * bound.expected) and below >= NEARLY_ALL:
            low[month] = (
                f"{total[month]:,} crimes, where the other months allow {bound.low:,} or more, and "
                f"nearly every large category is below its mean; {CHANGELOG}."
            )
    return low
