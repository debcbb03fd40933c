"""What is held of the months asked for, and what is not, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crimenb.measures.changes import ChangeVerdict
from crimenb.measures.months import LEAST_MONTHS
from crimenb.schema import MonthStatus
from crimenb.wording import format as write

if TYPE_CHECKING:
    from crimenb.measures.place import Place

LEAST_BTP = 0.01
"""British Transport Police is named at once from this share of the crimes."""

LEAST_UNLOCATED = 0.01


def part_sentence(place: Place) -> str:
    """Say whose records are absent, and what is therefore not said (R1)."""
    absent = place.scope.absent
    one = len(absent) == 1
    if not absent:
        return (
            "Rows of the files of these months could not be read, so some records are missing. No month is "
            "called normal or unusual, and nothing is compared with other places."
        )
    return (
        f"The other police area{'' if one else 's'} here, {write.forces_named(absent)}, {'is' if one else 'are'} "
        "not in these data. No figure covers the whole area, no month is called normal or unusual, and "
        "nothing is compared with other places."
    )


def btp_at_once(place: Place) -> bool:
    """Whether British Transport Police has more than one in a hundred of the crimes (R2)."""
    return place.total("btp") > LEAST_BTP * place.total("crime")


def btp_sentence(place: Place) -> str:
    """Say what British Transport Police recorded here, apart from all totals, or ""."""
    n, summed = place.total("btp"), place.scope.months
    if not n:
        return ""
    months = sorted({*(place.btp_months or [])} & set(summed))
    when = ""
    if months and len(months) < len(summed):
        only = f"{write.span(months)}, the only {write.plural(len(months), 'month', 'months')}"
        when = f" in {only if len(write.runs(months)) == 1 else f'the {len(months)} months'} its files cover"
    return (
        f"British Transport Police recorded {write.counted(n, 'further crime')}{when}. "
        f"{write.plural(n, 'It is', 'They are')} not counted here."
    )


def unlocated_sentence(place: Place) -> str:
    """Say how many of the forces' records have no location, and so are in no count, or ""."""
    shares = [u for u in place.unlocated if u.share >= LEAST_UNLOCATED]
    if not shares:
        return ""
    named = [
        f"{write.percent_of(u.share, 1000)} of {write.forces_named([u.force])}'s records" for u in shares
    ]
    return f"{write.listing(named)} have no location. They are not counted anywhere in this report."


def published_sentence(place: Place, *, limit: bool = True) -> str:
    """Say how many of the months asked for were published, what is missing, and what that limits.

    Parameters
    ----------
    limit
        Whether to add what less than two years of data cannot tell (R9).
    """
    within, status = place.scope, place.status
    parts = [_how_many(place)] if within.months else []
    for kind in dict.fromkeys(status.values()):
        months = [m for m in status if status[m] == kind and m not in within.months]
        if months:
            parts.append(_left_out(place, months, kind))
    if within.thin:
        are = write.plural(len(within.thin), "is", "are")
        parts.append(f"{write.months(within.thin)} {are} suspiciously low and may be incomplete")
    parts += _out_of_baselines(place)
    short = within.kind == "whole" and place.year.kind == ChangeVerdict.TOO_FEW_MONTHS
    if limit and short and len(within.steady) > LEAST_MONTHS:
        parts.append("with less than two full years, the time of year and a trend cannot be told apart")
    return " ".join(f"{write.capital(p)}." for p in parts)


def _out_of_baselines(place: Place) -> list[str]:
    within = place.scope
    sentences = []
    for series, what in (("all", "every record"), ("asb", "reports of anti-social behaviour")):
        months = [m for m in within.left_out[series] if m in within.months and m not in within.thin]
        if months:
            are = write.plural(len(months), "is", "are")
            sentences.append(
                f"{write.months(months)} {are} counted but not used as a baseline for {what}: see the table of months"
            )
    return sentences


def _how_many(place: Place) -> str:
    asked, counted = len(place.status), len(place.scope.months)
    done = "supplied for that part" if place.scope.kind == "part" else "published"
    if counted == asked:
        return f"all {asked} months were {done}" if asked > 1 else f"the month was {done}"
    verb = write.plural(counted, "is", "are")
    return f"{write.opening(counted)} of the {asked} months {verb} counted"


def _left_out(place: Place, months: list[str], status: MonthStatus) -> str:
    """Say why months are not counted. Files are in an archive or not, months are not."""
    named, one = write.span(months), len(months) == 1
    are = "is" if one else "are"
    if status == MonthStatus.NOT_IN_ARCHIVE:
        return (
            f"the {write.forces_named(place.forces)} {'file' if one else 'files'} for {named} {are} not in this "
            f"archive, so {'that month is' if one else 'those months are'} missing, not zero"
        )
    if status == MonthStatus.PARTLY:
        return f"{named} {are} only partly supplied and left out"
    if status == MonthStatus.FAILED:
        return f"{named} could not be fetched and {are} missing, not zero"
    return f"{named} {are} {status} and missing, not zero"


def nothing_sentences(place: Place) -> list[str]:
    """Say once that nothing can be counted here, and why that is not zero."""
    asked, names = write.span(list(place.status)), write.forces_named(place.forces)
    whys = [why for why in dict.fromkeys(place.months["why"]) if why]
    if set(place.status.values()) == {MonthStatus.NOT_IN_ARCHIVE}:
        sentences = [
            f"This archive does not hold {names} for {asked}, so the crime of {write.place_name(place)} is "
            "unknown. It is not zero."
        ]
    else:
        why = whys[0] if len(whys) == 1 else published_sentence(place)
        sentences = [
            f"Nothing can be counted for {write.place_name(place)}.",
            why,
            "That does not mean there was no crime.",
        ]
    if place.records:
        n = place.records
        sentences.append(
            f"The {write.counted(n, 'record')} found there came from other forces, not from {names}. "
            f"{write.plural(n, 'It is', 'They are')} not counted as the crime of {write.this_place(place)}."
        )
    return sentences


def releases_of(place: Place) -> list[str]:
    """Return the releases that the months counted are from, oldest first; none where they are not known (R22)."""
    if not (newest := place.source.get("release")):
        return []
    if not (listed := place.source.get("releases")):
        return [newest]
    parts = [part.partition(": ") for part in listed.split("; ")]
    return [r for r, _, months in parts if {*months.split()} & {*place.scope.months}] or [newest]


def source_sentence(place: Place) -> str:
    """Say whose figures these are and of which release, as far as that is known (R22)."""
    source = place.source
    if place.is_demo:
        return "Source: the invented records of the demonstration."
    months = place.scope.months
    files = f", files for {write.span(months)}" if months else ""
    used = releases_of(place)
    named = write.listing([write.month(r) for r in used])
    release = f", {write.plural(len(used), 'release', 'releases')} of {named}" if used else files
    text = f"Source: police.uk{release}"
    if source.get("read"):
        return f"{text}, read into an archive on {write.day(source['read'])}."
    return (
        f"{text}, retrieved on {write.day(source['retrieved'])}." if source.get("retrieved") else f"{text}."
    )
