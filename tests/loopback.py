"""Fixtures of the live tests: a small archive, services on the loopback, clients that do not wait."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pyrate_limiter import Duration, Limiter, Rate

from crimenb.sources.archive import Archive
from crimenb.sources.http import Web
from crimenb.sources.live import Live
from tests.service import Behaviour, Service
from tests.town import build_town

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """The small archive of an invented town, 36 months."""
    return build_town(tmp_path_factory.mktemp("town"))


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of recorded real data, which is no part of the project."""
    folder = Path(os.environ.get("CRIMENB_REAL_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("real data is absent; name its folder in CRIMENB_REAL_DATA")
    return folder


@pytest.fixture(scope="session")
def real_year(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """An archive of the real street files of 2025 of three forces."""
    from crimenb.sources.archive_build import build_archive

    folder = tmp_path_factory.mktemp("real")
    (folder / "postcodes").mkdir()
    for area in ("le", "bs"):
        (folder / "postcodes" / f"{area}.csv").symlink_to(real_data / "code-point-open" / f"{area}.csv")
    forces = ("leicestershire", "avon-and-somerset", "btp")
    files = [f for n in forces for f in (real_data / "police-uk-archive").glob(f"2025-*/*-{n}-street.csv")]
    build_archive(sorted(files), folder / "archive", postcodes=folder / "postcodes")
    return Archive(folder / "archive")


@pytest.fixture(scope="session")
def unlimited() -> Limiter:
    """A limiter that never makes anybody wait."""
    return Limiter(Rate(1_000_000, Duration.SECOND))


@pytest.fixture
def client(tmp_path: Path, unlimited: Limiter) -> Iterator[Callable[..., Web]]:
    """Make clients over one cache folder that neither wait nor sleep."""
    made: list[Web] = []

    def make(**options: Any) -> Web:
        web = Web(tmp_path / "cache", **{"limiter": unlimited, "sleep": lambda _: None} | options)
        made.append(web)
        return web

    yield make
    for web in made:
        web.close()


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Service]]:
    """Start loopback services; the variables name the last one started."""
    started: list[Service] = []

    def start(archive: Archive, **behaviour: Any) -> Service:
        service = Service(archive, Behaviour(**{"leaky": False} | behaviour))
        started.append(service.__enter__())
        monkeypatch.setenv("CRIMENB_POLICE_URL", f"{service.url}/api")
        monkeypatch.setenv("CRIMENB_POSTCODES_URL", service.url)
        return service

    yield start
    for service in started:
        service.__exit__()


@pytest.fixture
def live(client: Callable[..., Web]) -> Callable[..., Live]:
    """Make live sources over one cache folder."""
    return lambda **options: Live(client(), **options)
