"""Write docs/data.md, the data dictionary, from crimenb.schema."""

from pathlib import Path
from types import SimpleNamespace

from crimenb.measures.changes import ChangeVerdict
from crimenb.measures.months import MonthVerdict
from crimenb.schema import COLUMNS, ROWS, VIEWS, MonthStatus, meaning
from crimenb.wording.summary import SUMMARY_FORM
from crimenb.wording.verdicts import CHANGES_IN_WORDS, brief

TARGET = Path(__file__).parents[1] / "docs" / "data.md"
_INTRODUCTION = """\
# Data dictionary

Made by `python tools/make_data_dictionary.py` from `src/crimenb/schema.py`; do not edit it.

Shapes are in EPSG:4326 (longitude, latitude); distances are measured in EPSG:27700 (metres). A month that may not be
summed is missing, never zero. The functions' frames have pandas' dtypes and missing values (`<NA>` in counts, NaN
elsewhere); those of `data` are as they are stored, with "" for a missing text.
"""
_PARTS = {
    "What the functions return": ("crimenb.{}", VIEWS),
    "What `data` holds, and a report's folder `data/`": ("data.{}", COLUMNS),
}

SUMMARY = {
    "form": f"{SUMMARY_FORM}. It rises when a name below is removed or means something else; new names may be added.",
    "place.key": "The postcode, or the name of a custom area.",
    "place.name": 'Ward and district in words; "" where only codes are known.',
    "place.area": "What the numbers speak of: the mile around the postcode, or the part of it that is counted.",
    "place.forces": "Police forces of the area, in words.",
    "place.invented": "Whether it is a place of the demonstration.",
    "period.from": "First month asked for, YYYY-MM.",
    "period.to": "Last month asked for.",
    "period.words": "The same in words.",
    "numbers": "The three numbers of the first screen; two of a single month; none where no month is counted.",
    "numbers.value": "The number.",
    "numbers.what": "What it counts, with the months, to stand after the number.",
    "numbers.series": '"crime", or "asb" for reports of anti-social behaviour. They are never added.',
    "numbers.verdict.kind": "The kind of the verdict, see below.",
    "numbers.verdict.words": "The verdict in words. Never show the number without it.",
    "numbers.verdict.detail": 'What belongs to it: the range, the year before or the reason; may be "".',
    "numbers.range.low": "Lower end of the normal range; `range` is null where there is none.",
    "numbers.range.high": "Upper end.",
    "sentence": "What matters most here; where no month is counted, why.",
    "missing": "Sentences on months and records that are in no number.",
    "people": "Residents, households and jobs of the area, where they are known. They are never to stand below a count "
    "as a rate by residents alone (R24).",
    "people.measure": '"residents", "households", "jobs", or "estimate" of the residents in a later year.',
    "people.value": "The number to two figures, which is what it bears.",
    "people.year": "Its year, or its day.",
    "people.source": "Who publishes it, and under which name.",
    "people.counted": "How many areas were summed.",
    "people.unit": "What they are: those whose centre lies in the area.",
    "months": "Every month asked for, oldest first.",
    "months.month": "YYYY-MM.",
    "months.status": f"One of: {', '.join(MonthStatus)}.",
    "months.why": 'The reason of the status; "" of a usual month.',
    "months.crimes": "Crimes; null, which is not zero, where the month is not counted.",
    "months.reports": "Reports of anti-social behaviour; null likewise.",
    "notes": "What the figures are and are not. The first belongs beside every number.",
    "source": "How to cite: place, period, source, licence.",
    "links.page": "The report, relative to this file.",
    "links.figures": "The figures of the page.",
    "links.figures.number": "Number of a figure.",
    "links.figures.name": "Name of its kind, the same in every report.",
    "links.figures.message": "What it shows, in words.",
    "links.figures.link": "Where it is.",
}
"""What `summary.json` has, by the way to it."""


def summary() -> list[str]:
    # On the first screen; a table of categories says it of each.
    years = CHANGES_IN_WORDS | {ChangeVerdict.TOO_FEW_MONTHS: "not compared with the year before"}
    lines = [
        "## `summary.json` beside a report\n",
        "The first screen for other programs, UTF-8. All texts are plain text: escape them in HTML.\n",
        "| name | what |\n|---|---|",
        *(f"| `{name}` | {what} |" for name, what in SUMMARY.items()),
        "\nThe kinds of `numbers.verdict.kind`, for a month and for a year against the year before:\n",
        "| kind | in words |\n|---|---|",
        *(f"| month: `{kind.name}` | {brief(SimpleNamespace(kind=kind))} |" for kind in MonthVerdict),
        *(f"| year: `{kind.name}` | {years[kind]} |" for kind in ChangeVerdict),
    ]
    return [*lines, ""]


def text() -> str:
    lines = [_INTRODUCTION]
    for title, (form, frames) in _PARTS.items():
        lines.append(f"## {title}\n")
        for name, columns in frames.items():
            lines.append(
                f"### `{form.format(name)}`\n\nOne row: {ROWS[name]}.\n\n| column | dtype | what |\n|---|---|---|"
            )
            lines += [f"| `{c}` | {dtype} | {meaning(name, c)} |" for c, dtype in columns.items()]
            lines.append("")
    return "\n".join([*lines, *summary()])


if __name__ == "__main__":
    TARGET.write_text(text(), "utf-8")
