"""Where things are kept: in one folder that can be named, checked before use, and done without."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from crimenb.report.page import script_bundle
from crimenb.sources.archive import Archive
from crimenb.sources.http import cache_folder
from tests.service import Service
from tests.town import BUSY

Serve = Callable[..., Service]
COMMAND = "from crimenb.cli import main; import sys; sys.argv[0] = 'crimenb'; main()"


def crimenb(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run our command as another user would, with a home and caches of its own."""
    clean = {
        k: v
        for k, v in os.environ.items()
        if not k.startswith(("XDG_", "CRIMENB_CACHE", "JUPYTER_", "IPYTHON"))
    }
    return subprocess.run(
        [sys.executable, "-c", COMMAND, *arguments],
        check=False,
        env=clean | environment,
        capture_output=True,
        text=True,
    )


NO_HOME = "/dev/null/home"
"""A home in which nothing can be made, by root either."""


@pytest.mark.slow
def test_a_home_that_cannot_be_written_is_done_without(town: Archive, serve: Serve, tmp_path: Path) -> None:
    service = serve(town)
    months = ("--from", "2025-11", "--to", "2025-12")
    for _ in range(2):
        service.log.clear()
        done = crimenb("report", BUSY, *months, "--out", str(tmp_path), "--refresh", HOME=NO_HOME)
        assert done.returncode == 0, done.stderr
        assert Path(done.stdout.strip()).is_file()
        told = [line for line in done.stderr.splitlines() if NO_HOME in line]
        assert told == [f"No answer is kept after this run: '{NO_HOME}/.cache/crimenb' cannot be written."]
        assert len(service.log) > 20, "an answer was kept"
        # Within the run nothing is asked twice.
        asked = [(a.path, a.query) for a in service.log]
        assert len(set(asked)) == len(asked)


@pytest.mark.slow
def test_the_demonstration_needs_no_home_and_says_nothing_of_it(tmp_path: Path) -> None:
    done = crimenb("report", "--source", "demo", "--from", "2025-12", "--out", str(tmp_path), HOME=NO_HOME)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.slow
def test_one_variable_covers_every_cache(town: Archive, serve: Serve, tmp_path: Path) -> None:
    serve(town)
    home, cache = tmp_path / "home", tmp_path / "cache"
    home.mkdir()
    months = ("--from", "2025-11", "--to", "2025-12")
    done = crimenb(
        "report", BUSY, *months, "--out", str(tmp_path / "out"), HOME=str(home), CRIMENB_CACHE_DIR=str(cache)
    )
    assert done.returncode == 0, done.stderr
    ours = [p for p in home.rglob("*") if "crimenb" in str(p.relative_to(home))]
    assert ours == []
    kept = {p.suffix for p in cache.iterdir()}
    assert {".js", ".db"} <= kept


def test_a_folder_that_was_named_and_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = crimenb(
        "report", BUSY, "--from", "2025-11", "--to", "2025-12", CRIMENB_CACHE_DIR=str(tmp_path / "file" / "x")
    )
    assert done.returncode == 2
    assert "name another one in CRIMENB_CACHE_DIR" in done.stderr
    assert len(done.stderr.splitlines()) == 1


# ---------------------------------------------------------------------------- the chart script


@pytest.fixture
def kept_script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The path under which the script is kept, in a folder of its own; nothing is there yet."""
    monkeypatch.setenv("CRIMENB_CACHE_DIR", str(tmp_path))
    anew()  # another test of this process may have made it, and kept it in its own folder
    path = next(cache_folder().glob("vega-*.js"))
    path.unlink()
    return path


def anew() -> str:
    script_bundle.cache_clear()
    return script_bundle()


def test_the_script_is_kept_and_read_again(kept_script: Path) -> None:
    script = anew()
    assert hashlib.sha256(kept_script.read_bytes()).hexdigest() == hashlib.sha256(script.encode()).hexdigest()
    before = kept_script.stat().st_mtime_ns
    assert anew() == script
    assert kept_script.stat().st_mtime_ns == before
    assert [p.name for p in kept_script.parent.iterdir()] == [kept_script.name]


def changed(path: Path, script: str) -> None:
    path.write_text(script.replace("function", "functiom", 1))


def longer(path: Path, script: str) -> None:
    path.write_text(script + "fetch('https://elsewhere.example')")


def a_pipe(path: Path, _: str) -> None:
    os.mkfifo(path)


def a_device(path: Path, _: str) -> None:
    path.symlink_to("/dev/zero")


def a_folder(path: Path, _: str) -> None:
    path.mkdir()


def empty(path: Path, _: str) -> None:
    path.write_text("")


def no_text(path: Path, _: str) -> None:
    path.write_bytes(b"\xff\xfe\x00")


@pytest.mark.parametrize("damage", [empty, changed, longer, no_text, a_pipe, a_device, a_folder])
def test_a_script_that_is_not_ours_enters_no_page(
    kept_script: Path, damage: Callable[[Path, str], None]
) -> None:
    script = anew()
    kept_script.unlink()
    damage(kept_script, script)
    assert anew() == script
    if damage is not a_folder:
        assert kept_script.read_text() == script, "it was not mended"


def test_a_folder_for_the_script_that_cannot_be_made_costs_the_time_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = anew()
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CRIMENB_CACHE_DIR", str(tmp_path / "file" / "x"))
    assert anew() == script
