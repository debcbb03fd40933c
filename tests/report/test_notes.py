"""The reading notes: one idea each, short, in British English, with and without numbers."""

from __future__ import annotations

import re
from pathlib import Path

import jinja2
import pytest
from jinja2 import meta

import crimenb

FOLDER = Path(crimenb.__file__).parent / "report" / "notes"
NOTES = sorted(FOLDER.glob("*.md"), key=lambda f: f.name)
MOST_WORDS = 120
NUMBERS = {
    "place": "ZZ2 2BB", "where": "the Fable Vale part (86%) of the mile around ZZ2 2BB",
    "period": "January 2024 to December 2025", "newest": "December 2025",
    "release": "December 2025",
    "point_crimes": "4,110", "points": "455", "busiest": "208",
    "busiest_name": "Shopping Area", "half_points": "55", "source": "Source: police.uk, release of December 2025.",
    "months_asked": "24", "months_counted": "23", "gaps": "October 2024 (not in this archive)",
    "unlocated": "2.9% of the records have no location.", "crime_total": "3,418", "asb_total": "519",
    "counted_months": "23 months", "counted_crimes": "3,418 crimes", "counted_reports": "519 reports",
    "asb_duplicates": "380 are identical to another record. They may be separate calls",
    "btp": "154", "unsettled": "November and December 2025", "faulty": "June 2025",
    "residents": "9,400", "searches": "812", "range_crime": "yes", "range_months": "December 2024 to November 2025",
}  # fmt: skip
NEEDED = {
    "limits", "at-a-glance", "categories", "trend", "trend.asb", "snapped-points", "outcomes",
    "change", "compared", "like", "rates", "searches", "neighbourhood", "careful", "recorded", "source", "explore",
}  # fmt: skip
VERDICTS = re.compile(
    r"\bsafe(r|st)?\b|\bdanger\w*|hot ?-?spots?|crime[- ]ridden|\brank\w*|league table|\bscores?\b|"
    r"\bworst\b|\bcriminals?\b|no-go",
    re.IGNORECASE,
)
AMERICAN = re.compile(
    r"neighbor|behavior|\bcolor|\bcenter|license (?!d)|\blicenses\b|organiz|recogniz|\bgray\b|"
    r"\bprogram\b|\bpolice department\b|\bparking lot\b|\bfall of the year\b|burglariz|\bcatalog\b",
    re.IGNORECASE,
)


def rendered(note: Path, **known: object) -> str:
    """Fill a note as the report does: what is not known counts as absent."""
    engine = jinja2.Environment(autoescape=False, trim_blocks=True, lstrip_blocks=True)
    return engine.from_string(note.read_text("utf-8")).render(known).strip()


def words(text: str) -> list[str]:
    """Return the words a reader reads; of a link its text, not its address."""
    return [w for w in re.sub(r"\]\(\S+?\)", "]", text).split() if re.search(r"\w", w)]


def ways(note: Path) -> dict[str, str]:
    """Return the note without numbers, with all of them, and as the demonstration."""
    return {
        "bare": rendered(note),
        "full": rendered(note, **NUMBERS),
        "demo": rendered(note, **NUMBERS, demo=True),
        "in season": rendered(note, **NUMBERS, range_asb=True, adjusted=True),
        "without season": rendered(note, **NUMBERS, range_asb=True),
        "a part": rendered(note, **NUMBERS, part=True, thin=True, map_changed=True, ends=True),
        "whole": rendered(note, **(NUMBERS | dict.fromkeys(["gaps", "asb_duplicates", "btp"], ""))),
    }


def test_every_note_that_the_report_needs_is_there() -> None:
    assert {n.stem for n in NOTES} == NEEDED


@pytest.mark.parametrize("note", NOTES, ids=lambda n: n.stem)
def test_a_note_has_a_title_its_numbers_and_their_meaning(note: Path) -> None:
    for text in ways(note).values():
        title, *rest = [p for p in text.split("\n\n") if p.strip()]
        assert re.fullmatch(r"# [A-Z][^\n]{5,60}[^.\n]", title)
        assert len(rest) >= 2
        assert all(p.strip()[-1] in ".:" for p in rest)
        assert not any(re.search(r"^#", p) for p in rest)
        # The numbers are a paragraph of their own; what they mean comes after it.
        assert len(rest[0].splitlines()) <= 3


@pytest.mark.parametrize("note", NOTES, ids=lambda n: n.stem)
def test_a_note_is_short_with_and_without_numbers(note: Path) -> None:
    for way, text in ways(note).items():
        assert len(words(text)) <= MOST_WORDS, way


@pytest.mark.parametrize("note", NOTES, ids=lambda n: n.stem)
def test_a_note_passes_no_verdict_and_is_written_in_british_english(note: Path) -> None:
    for text in ways(note).values():
        assert not VERDICTS.search(text)
        assert not AMERICAN.search(text)


@pytest.mark.parametrize("note", NOTES, ids=lambda n: n.stem)
def test_a_note_uses_known_variables_and_asks_only_whether_they_are_there(note: Path) -> None:
    source = note.read_text("utf-8")
    used = meta.find_undeclared_variables(jinja2.Environment(autoescape=True).parse(source))
    assert used <= {*NUMBERS, "demo", "range_asb", "adjusted", "part", "thin", "ends", "map_changed"}
    # Values are put in after the Markdown is read, so a template cannot compare them.
    assert not re.search(r"\{%[^%]*(==|!=|<|>|\|)[^%]*%\}", source)


@pytest.mark.parametrize("note", NOTES, ids=lambda n: n.stem)
def test_a_note_tells_what_not_to_do(note: Path) -> None:
    assert re.search(r"\b(do not|before you quote)\b", rendered(note), re.IGNORECASE)


def test_numbers_appear_where_there_are_any() -> None:
    for note in NOTES:
        text = rendered(note, **NUMBERS)
        assert any(str(value) in text for value in NUMBERS.values()), note.stem
        assert text != rendered(note)


def test_the_sentences_that_must_stand() -> None:
    notes = {n.stem: rendered(n, **NUMBERS) for n in NOTES}
    assert "https://www.police.uk" in notes["source"]
    for page in ("data", "changelog", "about"):
        assert f"https://data.police.uk/{page}/" in notes["source"]
    assert "from harassment to rape" in notes["categories"]
    assert "not more serious ones" in notes["categories"]
    assert "4,110 crimes share 455 map points" in notes["snapped-points"]
    assert "official statistics, not accredited" in notes["limits"]
    assert "does not make it unsafe" in notes["recorded"]
    assert "https://www.police.uk/pu/your-area/" in notes["neighbourhood"]
    assert "invented" not in notes["source"]
