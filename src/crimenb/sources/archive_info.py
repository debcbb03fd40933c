"""What an archive holds, in lines for a terminal."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from crimenb.plurals import counted
from crimenb.query import months_between
from crimenb.schema import force_name, label_of
from crimenb.sources import residents
from crimenb.sources.archive import Archive
from crimenb.sources.named_areas import KINDS
from crimenb.sources.releases_compared import in_words

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def info(folder: Path) -> Iterator[str]:
    """Yield what an archive holds: version, forces and months, postcodes, what was not read, sizes.

    Raises
    ------
    QueryError
        The folder is no archive.
    SourceError
        It is damaged, or of another format.
    """
    archive = Archive(folder)
    try:
        inventory = archive.inventory
        files = inventory["files"]
        yield f"Version {inventory.get('version_id', '(none)')}, read on {inventory['built'][:10]}"
        yield f"Release: {archive.release or 'not known (build with --release YYYY-MM)'}"
        if since := inventory.get("since"):
            yield in_words(since)
        located = f"{inventory['located']:,} with a location"
        yield f"{inventory['records']:,} records, {located}, in {counted(len(files), 'file')}"
        yield from _forces(archive)
        if decided := inventory.get("outcome_files"):
            months = sorted({f["month"] for f in decided})
            yield f"Outcomes: {counted(len(decided), 'file')}, {months[0]} to {months[-1]}"
        else:
            yield "Outcomes: only the latest of each crime (outcomes files give its time too)"
        yield from _searches(inventory)
        gazetteer = inventory["gazetteer"]
        if gazetteer:
            areas = gazetteer["areas"]
            yield f"Postcodes: {gazetteer['postcodes']:,} of the areas {' '.join(areas)}"
            yield from (f"  refused: {n:,} ({why})" for why, n in gazetteer["refused"].items())
        else:
            yield "Postcodes: none (build with --postcodes)"
        yield f"Places to compare with: {inventory.get('candidates', 0):,}"
        boundaries = (archive.folder / "forces.parquet").is_file()
        yield f"Force areas: {'given' if boundaries else 'none, the nearest postcode decides'}"
        outlines = [counted(a["areas"], *KINDS[kind]) for kind, a in inventory.get("areas", {}).items()]
        yield f"Outlines: {', '.join(outlines) or 'none (add them with crimenb archive areas)'}"
        if found := inventory.get("streets"):
            yield f"Streets: {counted(found['street'], 'line')}, {found['attribution']}"
        else:
            yield "Streets: none (add them with 'crimenb archive streets')"
        yield from [*residents.lines(inventory)] or [
            "Residents and jobs: none (add them with 'crimenb archive people')"
        ]
        for name, reasons in inventory["not_read"].items():
            yield from (f"Not read: {counted(n, 'row')} of {name} ({why})" for why, n in reasons.items())
        for what, n in inventory["not_used"].items():
            yield f"Not used: {what}: {n:,}"
        for slug, n in inventory["new_categories"].items():
            yield f"A category new to this version: {label_of(slug)} ({counted(n, 'record')})"
        for file in sorted(archive.folder.iterdir()):
            yield f"{file.stat().st_size:>14,} bytes  {file.name}"
    finally:
        archive.close()


def _forces(archive: Archive) -> Iterator[str]:
    """Yield for each force the months it supplied, and those with a file but without a supply."""
    by_force: dict[str, dict[str, str]] = {}
    for (force, month), found in archive.supplied.items():
        by_force.setdefault(force, {})[month] = found.state
    for force, states in sorted(by_force.items()):
        parts = []
        for state, words in (("supplied", ""), ("lost", "in part: "), ("absent", "no supply: ")):
            if months := sorted(m for m, s in states.items() if s == state):
                parts.append(words + ", ".join(_runs(months)))
        yield f"{force_name(force)}: {'; '.join(parts)}"


def _searches(inventory: dict[str, Any]) -> Iterator[str]:
    """Yield the searches by the police, and of each force the months it has a file of."""
    files = inventory.get("search_files", [])
    if not files:
        yield "Stop and search: none (stop-and-search files give it)"
        return
    records, unplaced = (sum(f[k] for f in files) for k in ("records", "unplaced"))
    yield f"Stop and search: {counted(records, 'search', 'searches')}, {unplaced:,} without a location"
    for force in sorted({f["force"] for f in files}):
        yield f"  {force_name(force)}: {', '.join(_runs(sorted(f['month'] for f in files if f['force'] == force)))}"


def _runs(months: list[str]) -> Iterator[str]:
    """Yield "2025-01 to 2025-04" for months that follow each other."""
    every = {m: i for i, m in enumerate(months_between(months[0], months[-1]))}
    for _, run in groupby(enumerate(months), key=lambda pair: every[pair[1]] - pair[0]):
        first, *rest = [m for _, m in run]
        yield f"{first} to {rest[-1]}" if rest else first
