"""A beginner's slips: each gets the sentence that helps, or is simply understood."""

import os
import shutil
import socket
import subprocess

import httpx
import pytest
import shapely
from click.testing import CliRunner

import crimenb as cn
from crimenb.cli import main
from crimenb.errors import PlaceNotFound, QueryError, SourceUnavailable
from crimenb.sources.http import Web
from tests.real import ROOT
from tests.town import build_town


def run(*args):
    return CliRunner().invoke(main, args)


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    return build_town(tmp_path_factory.mktemp("town"), months=["2025-11", "2025-12"])


# ------------------------------------------------------------------------ make


@pytest.fixture
def make(tmp_path):
    """Run the Makefile's `report` with a command that prints its arguments, one a line."""
    if shutil.which("make") is None:
        pytest.skip("make is not on this machine")
    shutil.copy(ROOT / "Makefile", tmp_path)
    for name in ("requirements.lock", "pyproject.toml"):
        (tmp_path / name).write_text("")
    command = tmp_path / ".venv" / "bin" / "crimenb"
    command.parent.mkdir(parents=True)
    command.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    command.chmod(0o755)
    (tmp_path / ".venv" / ".stamp").touch()
    clean = {
        k: v for k, v in os.environ.items() if k not in ("FROM", "TO", "POSTCODE", "SOURCE", "MAKEFLAGS")
    }

    def run_make(*variables):
        result = subprocess.run(
            ["make", "-s", "report", *variables],
            cwd=tmp_path,
            env=clean,
            capture_output=True,
            text=True,
            check=True,
        )
        return result.stdout.splitlines()

    return run_make


@pytest.mark.parametrize(
    ("variables", "args"),
    [
        ([], ["--source", "demo"]),
        (["FROM=Jan 2025"], ["--from", "Jan 2025", "--source", "demo"]),
        (["POSTCODE=LE1 6RN", "FROM=2025-01", "TO=Dec 2025"],
         ["LE1 6RN", "--from", "2025-01", "--to", "Dec 2025", "--source", "live"]),
        (["POSTCODE=\"LE1 6RN\"", "SOURCE=archive:My archive's"], ['"LE1 6RN"', "--source", "archive:My archive's"]),
        (["FROM=$(shell echo x);`echo y`"], ["--from", "x;`echo y`", "--source", "demo"]),
    ],
)  # fmt: skip
def test_variables_with_spaces_and_quotation_marks_stay_whole(variables, args, make):
    assert make(*variables) == ["report", *args]


# ------------------------------------------------------------------------ commands


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["ST1", "1AP"], "'ST1 1AP' is 2 words where one postcode belongs; put it in quotation marks: crimenb report \"ST1 1AP\"."),
        (["st1-1ap", "ST1 2AA"], "give one, in quotation marks; 'crimenb batch' takes a list, --compare others"),
        ([], "Give a postcode, for example 'crimenb report \"LE1 6RN\"', or --area, --ward, --parish, --lsoa or --neighbourhood; --source demo"),
        (["--ward", "Abbey", "--parish", "Corston"], "Give one place: a postcode, --area, or one of --ward, --parish"),
        ([" "], "Nothing was named to report on; give a postcode"),
        (["ST1 1AP", "--area", str(ROOT / "notebooks/demo-ward.geojson")], "the postcode 'ST1 1AP' or the area 'Market Ward', and not both"),
        (["ST1"], "that is the first half of one; write it all"),
        (["STl 1AP"], "did you mean 'ST1 1AP'?"),
        (["ZZ1 1AA", "--from", "03/02/2025"], "may be of two months; write 2025-02 if the day stands first"),
        (["ZZ1 1AA", "--source", str(ROOT / "notebooks")], f"is a folder; write 'archive:{ROOT / 'notebooks'}' if it is an archive."),
        (["ZZ1 1AA", "--source", "live demo"], "give 'live', 'demo' or 'archive:DIR'"),
    ],
)  # fmt: skip
def test_a_slip_of_report_is_one_sentence(args, words, tmp_path):
    result = run("report", *args, "--out", str(tmp_path))
    assert result.exit_code == 2
    assert words in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_a_relative_folder_as_a_source_is_answered_with_archive(archive, tmp_path, monkeypatch):
    monkeypatch.chdir(archive.folder.parent)
    name = archive.folder.name
    result = run("report", "LE1 1AA", "--source", name, "--out", str(tmp_path))
    assert result.stderr == f"Source {name!r} is a folder; write 'archive:{name}' if it is an archive.\n"


def test_a_postcode_outside_the_archive_is_told_what_it_has(archive):
    with pytest.raises(
        PlaceNotFound, match=r"'M1 1AE' is not in .* postcode file, which has those of EH, LE;"
    ):
        archive.place("M1 1AE")
    with pytest.raises(PlaceNotFound, match=r"'LE1 6RN' is not in this archive's postcode file; check it\.$"):
        archive.place("LE1 6RN")
    found = archive.positions(["M1 1AE", "LE1 1AA", "BF1 2AY"])
    assert "has those of EH, LE" in str(found["M1 1AE"])
    assert found["LE1 1AA"]["force"] == "leicestershire"
    assert "is real, but without a place" in str(found["BF1 2AY"])


def test_what_is_passed_over_in_a_file_is_said_on_the_way(tmp_path):
    mixed = shapely.GeometryCollection([shapely.box(-1.14, 52.62, -1.12, 52.64), shapely.Point(-1.13, 52.63)])
    (tmp_path / "ward.geojson").write_text(shapely.to_geojson(mixed))
    args = [
        "--area",
        str(tmp_path / "ward.geojson"),
        "--source",
        "demo",
        "--to",
        "2019-01",
        "--out",
        str(tmp_path / "o"),
    ]
    result = run("report", *args)
    assert result.exit_code == 2
    assert (
        result.stderr.splitlines()[0]
        == "'ward.geojson' holds points or lines beside its outlines; only the outlines are used."
    )
    assert "2023-01 to 2025-12" in result.stderr.splitlines()[1]
    assert run("report", *args, "--quiet").stderr.splitlines() == result.stderr.splitlines()[1:]


def test_several_postcodes_to_compare_with_may_stand_in_one_text():
    whole = cn.Query.parse("ZZ1 1AA", compare_with=("ZZ9 9ZZ, ZZ1 3AP",))
    assert whole == cn.Query.parse("ZZ1 1AA", compare_with=("ZZ9 9ZZ", "ZZ1 3AP"))
    result = run("report", "ZZ1 1AA", "--compare", "ZZ9 9ZZ,ZZ8 8ZZ", "--source", "demo")
    assert "'ZZ8 8ZZ' is not in this archive's postcode file" in result.stderr


# ------------------------------------------------------------------------ a notebook


def test_collect_takes_a_postcode_and_months():
    asked = cn.Query.parse("ZZ9 9ZZ", "2025-10", "2025-12")
    for data in (
        cn.collect("ZZ9 9ZZ", "2025-10", "2025-12"),
        cn.collect("zz99zz", "Oct 2025", "latest", source="demo"),
        cn.collect("ZZ9 9ZZ", start="2025-10", end="2025-12", source="demo"),
        cn.collect(asked, "demo"),
        cn.collect(query=asked, source="demo"),
    ):
        assert data.query == asked
    with pytest.raises(QueryError, match="'demo' stands where the first month belongs; write source='demo'"):
        cn.collect("ZZ9 9ZZ", "demo")
    with pytest.raises(QueryError, match="is not a full UK postcode"):
        cn.collect("ST1")


# ------------------------------------------------------------------------ the network


def test_without_a_network_the_sentence_says_what_needs_none(tmp_path, unlimited):
    def unplugged(request):
        msg = "[Errno -2] Name or service not known"
        raise httpx.ConnectError(msg, request=request) from socket.gaierror(-2, msg)

    wire = httpx.MockTransport(unplugged)
    with (
        Web(tmp_path, transport=wire, limiter=unlimited, sleep=lambda _: None) as web,
        pytest.raises(
            SourceUnavailable, match=r"could not be reached, tried 3 times .*An archive .* needs no network"
        ),
    ):
        web.ask("https://example.org/x", list[str], what="the months on offer")


# ------------------------------------------------------------------------ what is kept


def test_the_cache_is_shown_and_cleared(tmp_path, monkeypatch, unlimited):
    folder = tmp_path / "cache"
    monkeypatch.setenv("CRIMENB_CACHE_DIR", str(folder))
    assert run("cache", "info").stdout.splitlines() == [f"Cache folder: {folder}", "Nothing is kept there."]
    assert run("cache", "clear").stdout == f"Nothing is kept in {str(folder)!r}.\n"
    wire = httpx.MockTransport(lambda _: httpx.Response(200, json=["x"]))
    with Web(transport=wire, limiter=unlimited) as web:
        for n in range(3):
            web.ask(f"https://example.org/{n}", list[str], what="x")
    (folder / "vega-1.js").write_text("x" * 2**20)
    (folder / "mine.txt").write_text("x")
    said = run("cache", "info").stdout
    assert "Answers of the live services: 3 (" in said
    assert "Scripts of charts: 1.0 MB." in said
    assert run("cache", "clear").stdout.startswith("Removed 1.")
    assert {p.name for p in folder.iterdir()} - {".gitignore"} == {"mine.txt"}
    assert "Nothing is kept there." in run("cache", "info").stdout
