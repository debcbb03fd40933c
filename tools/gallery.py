"""The ten reports of the site's gallery, and the pictures of the tutorials."""

from typing import NamedTuple


class Example(NamedTuple):
    """One report: its folder on the site, a title, what it shows, and the words of the command."""

    name: str
    title: str
    shows: str
    words: tuple[str, ...]


def _asked(postcode: str, start: str, end: str, *more: str) -> tuple[str, ...]:
    return (postcode, "--from", start, "--to", end, *more)


EXAMPLES = (
    Example("centre", "A town centre", "One year of a busy place. Nothing unusual stands out.",
            _asked("ZZ1 1AA", "2025-01", "2025-12")),
    Example("village", "A village", "The numbers are too small to judge. The report gives the counts and says why.",
            _asked("ZZ9 9ZZ", "2025-01", "2025-12")),
    Example("gap", "A missing month", "October 2024 is not in the archive. It is a gap, not a zero, and in no sum.",
            _asked("ZZ1 1AA", "2024-04", "2025-03")),
    Example("part-covered", "Only a part is covered",
            "One of two forces is missing in August 2025, so that month counts a part of the area.",
            _asked("ZZ2 2BB", "2025-01", "2025-08")),
    Example("none", "No month at all", "The only month is not in the archive, so the page is short and says why.",
            _asked("ZZ9 9ZZ", "2024-10", "2024-10")),
    Example("area", "A ward", "An outline from a file takes the place of the mile around a postcode.",
            ("--area", "notebooks/demo-ward.geojson", "--from", "2025-01", "--to", "2025-12")),
    Example("compared", "Compared with other places", "Shares of crime are compared. Totals are not.",
            _asked("ZZ2 2BB", "2025-01", "2025-12", "--compare", "ZZ1 1AA")),
    Example("alike", "Among places like it", "Where a place lies among places like it: a position, not a verdict.",
            _asked("ZZ1 1AA", "2025-01", "2025-12", "--like")),
    Example("searched", "Stop and search", "Searches by the police, what they led to, and why no rate is given.",
            _asked("ZZ1 1AA", "2025-01", "2025-12", "--stops")),
    Example("three-years", "Three years", "36 months and every part of a report, such as a year and the year before.",
            _asked("ZZ1 1AA", "2023-01", "2025-12")),
)  # fmt: skip


def command(example: Example) -> str:
    """Return the command as a reader types it."""
    words = [f'"{w}"' if " " in w else w for w in example.words]
    line = " ".join(["crimenb report", *words, "--source demo"])
    return line if len(line) < 85 else line.replace(" --from", " \\\n  --from")
