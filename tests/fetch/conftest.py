"""Two small releases and the catalogues, on the loopback."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from crimenb.fetch import police
from crimenb.progress import silent
from tests import bulkfiles
from tests.downloads import Site, make_zip

MONTHS = [f"2025-{m:02d}" for m in range(1, 7)]


WHERE = {"leicestershire": "-1.130000", "warwickshire": "-1.090000"}


def small_files(folder: Path, months=MONTHS) -> dict[str, Path]:
    """Write files of two forces; Warwickshire supplies nothing for 2025-03."""
    return {
        f"{m}/{m}-{f}-street.csv": bulkfiles.street_file(
            folder, [bulkfiles.row(m, WHERE[f], crime_id=f"{f}{m}{i}", force=f) for i in range(400)], m, f
        )
        for m in months
        for f in WHERE
        if (m, f) != ("2025-03", "warwickshire")
    }


@pytest.fixture(scope="session")
def files(tmp_path_factory):
    """Return the files that the newer release is made of, by their names in the zip."""
    return small_files(tmp_path_factory.mktemp("files"))


@pytest.fixture(scope="session")
def small(files, tmp_path_factory):
    """Return two zips of releases: the older one lacks the last month, and differs in one file."""
    folder = tmp_path_factory.mktemp("zips")
    older = {n: p for n, p in files.items() if n < "2025-06"}
    name = "2025-05/2025-05-leicestershire-street.csv"
    first = b"\n".join(older[name].read_bytes().splitlines()[:-1]) + b"\n"
    return {
        "2025-05": make_zip(folder / "2025-05.zip", older | {name: first}),
        "2025-06": make_zip(folder / "2025-06.zip", files),
    }


@pytest.fixture
def site(small, monkeypatch):
    """Start the publishers with the two releases; the variables point there."""
    with Site() as running:
        running.add_releases(small)
        for name, value in running.variables.items():
            monkeypatch.setenv(name, value)
        yield running


@pytest.fixture
def take(client, tmp_path):
    """Plan, and take unless `dry`; return the plan."""

    def run(into="releases", *, dry=False, progress=silent, **asked):
        with client() as web, ExitStack() as stack:
            plan = police.plan(web, tmp_path / into, **{"forces": "leicestershire", "stack": stack} | asked)
            plan.said = [*plan.lines()]
            if not dry:
                plan.take(progress)
        return plan

    return run
