"""crimenb fetch and crimenb setup, as somebody calls them."""

import pytest
from click.testing import CliRunner

import crimenb.sources.http as web
from crimenb.cli import main
from crimenb.sources.archive import Archive
from crimenb.sources.official_files import SEARCHES_COLUMNS
from tests.downloads import make_zip, small_catalogues


@pytest.fixture
def call(tmp_path, monkeypatch, unlimited):
    """Call a command in an empty folder; return what it said."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CRIMENB_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(web, "_process_limiter", lambda: unlimited)
    return lambda *words, **more: CliRunner().invoke(main, [*words], catch_exceptions=False, **more)


@pytest.fixture
def everything(site, tmp_path_factory):
    """Offer what a set-up needs, for the town of tests/bulkfiles.py."""
    small_catalogues(site, tmp_path_factory.mktemp("more"))
    return site


def test_a_dry_run_fetches_no_member_and_without_a_yes_nothing_is(site, call, tmp_path):
    said = call("fetch", "--forces", "leicestershire", "--dry-run")
    assert said.exit_code == 0, said.output
    assert said.stdout == ""
    assert "6 files of 1 force, 2025-01 to 2025-06." in said.stderr
    said = call("fetch", "--forces", "leicestershire")
    assert said.exit_code == 2
    assert "Nothing was fetched: there is nobody to ask here. Give --yes" in said.stderr
    assert not (tmp_path / "downloads").exists()


@pytest.mark.parametrize(("answer", "fetched"), [("n\n", False), ("y\n", True)])
def test_somebody_is_asked(site, call, tmp_path, monkeypatch, answer, fetched):
    monkeypatch.setattr("crimenb.cli._can_ask", lambda: True)
    said = call("fetch", "--forces", "leicestershire", input=answer)
    assert said.exit_code == 0
    assert (tmp_path / "downloads" / "2025-06").is_dir() is fetched
    assert said.stdout.strip() == ("downloads/2025-06" if fetched else "")


def test_fetch_then_build_says_its_release_on_the_page(site, call):
    assert call("fetch", "--forces", "leicestershire", "--yes", "--quiet").stderr == ""
    assert call("archive", "build", "downloads/2025-06", "--into", "archive").exit_code == 0
    assert "Release: 2025-06" in call("archive", "info", "archive").stdout


def test_a_set_up_is_one_command_and_does_only_what_is_new(everything, call, tmp_path):
    dry = call("setup", "--forces", "Leicestershire", "--months", "2025-01:2025-05", "--dry-run")
    assert "To build: archive, about 1 minute" in dry.stderr
    assert not [*tmp_path.glob("[!c]*")]
    words = ["setup", "--forces", "Leicestershire", "--months", "2025-01:2025-05"]
    said = call(*words, "--yes")
    assert (said.exit_code, said.stdout) == (0, "archive\n"), said.stderr
    assert "5 street files of 1 force, 2025-01 to 2025-05" in said.stderr
    archive = Archive("archive")
    assert archive.release == "2025-06"
    assert archive.positions(["LE1 6RN"])["LE1 6RN"]["district_name"] == "Leicester"
    archive.close()
    version = archive.folder.name
    before = len(everything.asked)
    again = call(*words)
    assert again.exit_code == 0
    assert "nothing, archive holds all of it" in again.stderr
    assert len(everything.asked) - before == 4, "the directories alone, by their redirects"
    more = call("setup", "--forces", "warwickshire", "--yes")
    assert "because the archive holds them: leicestershire" in more.stderr
    archive = Archive("archive")
    assert {f["force"] for f in archive.inventory["files"]} == {"leicestershire", "warwickshire"}
    assert archive.inventory["lacks"] == ["2025-03-warwickshire-street.csv"]
    assert archive.folder.name != version
    archive.close()
    none = call("setup", "--forces", "leicestershire,kent", "--yes")
    assert none.exit_code == 2
    assert "has no file of kent in these months; take other --months, or leave it out" in none.stderr


def test_the_other_commands_print_what_they_fetched(everything, call):
    assert call("fetch", "postcodes", "--yes").stdout == "downloads/code-point-open-2025-11\n"
    assert call("fetch", "areas", "--yes").stdout == "downloads/police-force-areas-2024-12.geojson\n"
    said = call("fetch", "--zip", "--yes")
    assert said.stdout == "downloads/2025-06.zip\n", said.stderr
    assert "here already" in call("fetch", "--zip").stderr
    roads = "downloads/open-roads-2026-04\n"
    assert call("fetch", "streets", "--squares", "sk", "--into", "downloads", "--yes").stdout == roads
    assert call("fetch", "streets", "--squares", "XX", "--yes").exit_code == 2
    assert call("fetch", "areas", "--kinds", "beats", "--yes").exit_code == 2


def test_a_set_up_takes_searches_too_and_goes_on_taking_them(everything, files, call, tmp_path_factory):
    folder = tmp_path_factory.mktemp("searched")
    found = "Person search,2025-05-05T14:00:00+00:00,False,,,,Male,18-24,,,,Controlled drugs,Arrest,,False"
    name = "2025-05/2025-05-leicestershire-stop-and-search.csv"
    with_searches = {**files, name: f"{SEARCHES_COLUMNS}\n{found}\n".encode()}
    everything.add_releases({"2025-06": make_zip(folder / "2025-06.zip", with_searches)})
    words = ["setup", "--forces", "leicestershire", "--months", "2025-04:2025-05", "--yes"]
    assert "stop-and-search" not in call(*words).stderr
    assert (
        "1 stop-and-search file, 2025-05 to 2025-05: 1 search, 1 without a location"
        in call(*words, "--stops").stderr
    )
    archive = Archive("archive")
    assert archive.inventory["lacks_searches"] == ["2025-04-leicestershire-stop-and-search.csv"]
    archive.close()
    again = call(*words)  # an archive that has searches keeps them without being told
    assert "nothing, archive holds all of it" in again.stderr
