"""Two small releases and the catalogues, on the loopback."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from crimenb.fetch import police
from crimenb.progress import silent
from tests.downloads import Site, small_files, small_releases


@pytest.fixture(scope="session")
def files(tmp_path_factory):
    """Return the files that the newer release is made of, by their names in the zip."""
    return small_files(tmp_path_factory.mktemp("files"))


@pytest.fixture(scope="session")
def small(files, tmp_path_factory):
    """Return two zips of releases: the older one lacks the last month, and differs in one file."""
    return small_releases(files, tmp_path_factory.mktemp("zips"))


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
