"""The commands; each is one call of the library."""

from __future__ import annotations

import contextlib
import functools
import io
import logging
import os
import sys
import time
import warnings
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from crimenb.errors import CrimenbError, QueryError, ReportError, VerifyError
from crimenb.files import bounded_memory, regular, visible
from crimenb.plurals import counted
from crimenb.progress import meter
from crimenb.query import Query, parse_postcode
from crimenb.version import VARIABLES, versions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

_PATH = click.Path(path_type=Path)


class _Group(click.Group):
    """Turn our errors into one sentence on stderr and the exit code of their class."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run a command; what the system refuses, were it only the output, is one sentence."""
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="backslashreplace")  # names may hold bytes that are no text
        try:
            return super().main(*args, **kwargs)
        except OSError as error:
            if error.filename is None:  # the output: Python would write it once more at its end
                with contextlib.suppress(OSError):
                    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            where = f" with {os.fspath(error.filename)!r}" if error.filename is not None else ""
            click.echo(visible(f"Cannot go on{where}: {error.strerror or error}."), err=True)
            sys.exit(1)

    def invoke(self, ctx: click.Context) -> object:
        # No process of ours imports a module that lies where the command is run.
        before = os.environ.get("PYTHONSAFEPATH")
        os.environ["PYTHONSAFEPATH"] = "1"
        try:
            return super().invoke(ctx)
        except CrimenbError as error:
            for line in str(error).split("\n"):  # one for each bad line of a list
                click.echo(visible(line), err=True)
            ctx.exit(error.exit_code)
        except KeyboardInterrupt:
            click.echo("Stopped. Nothing half-written was left; run it again to go on.", err=True)
            ctx.exit(130)
        finally:  # for whoever calls a command from Python
            os.environ.pop("PYTHONSAFEPATH")
            if before is not None:
                os.environ["PYTHONSAFEPATH"] = before


def _show_versions(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        click.echo(versions())
        ctx.exit()


def _talk(ctx: click.Context, option: click.Parameter, wanted: bool) -> None:
    """Set how much is said on stderr, for as long as the command runs."""
    if not wanted:
        return
    log = logging.getLogger("crimenb")
    ctx.call_on_close(functools.partial(log.setLevel, log.level))
    log.setLevel(logging.ERROR if option.name == "quiet" else logging.INFO)
    if option.name == "verbose":
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
        log.addHandler(handler)
        ctx.call_on_close(functools.partial(log.removeHandler, handler))


def _how_much(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options --quiet and --verbose."""
    flags = {
        "quiet": "Print the result, and what could not be used or failed; nothing else.",
        "verbose": "Say each step, with the time.",
    }
    for name, text in reversed(flags.items()):
        flag = click.option(f"--{name}", is_flag=True, expose_value=False, callback=_talk, help=text)
        command = flag(command)
    return command


_EPILOG = "\b\nVariables of the environment:\n" + "\n".join(f"  {n:<21}  {w}" for n, w in VARIABLES.items())


@click.group(
    cls=_Group,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 96},
    epilog=_EPILOG,
)
@click.option(
    "--version", is_flag=True, expose_value=False, is_eager=True, callback=_show_versions,
    help="Show the versions that matter and exit.",
)  # fmt: skip
def main() -> None:
    """Report crime recorded around a UK postcode, and say how to read it.

    \b
    crimenb report --source demo            the report of an invented town, no network
    crimenb report "LE1 6RN"                the latest 24 months, from police.uk
    crimenb setup --forces leicestershire   all it needs for reports without a network
    crimenb report "LE1 6RN" --source archive:archive --from 2025-01 --to 2025-12
    """


@main.command()
@click.argument("words", nargs=-1, metavar="[POSTCODE]")
@click.option(
    "--from",
    "start",
    default="",
    metavar="MONTH",
    help="First month, like 2025-01, or 'latest'. [default: 24 months up to the last]",
)
@click.option(
    "--to",
    "end",
    default="",
    metavar="MONTH",
    help="Last month, like 2025-12, or 'latest'. [default: the newest held]",
)
@click.option(
    "--source",
    default="",
    metavar="SOURCE",
    help="'live', 'demo' or 'archive:DIR'; DIR may be s3://BUCKET/PATH. [default: live]",
)
@click.option(
    "--compare",
    multiple=True,
    metavar="POSTCODE",
    help="A postcode to compare with, or several; up to five.",
)
@click.option(
    "--area",
    type=_PATH,
    metavar="FILE",
    help="A ward or the like instead of a postcode: GeoJSON, GeoPackage, Shapefile or KML, or a zip of it.",
)
@click.option(
    "--area-name",
    default="",
    metavar="NAME",
    help="What to call the area, or the name or code of one in the file.",
)
@click.option(
    "--ward",
    default="",
    metavar="NAME|CODE",
    help='A ward: E05001935, or "Abbey, Bath and North East Somerset".',
)
@click.option("--parish", default="", metavar="NAME|CODE", help="A parish or community, likewise.")
@click.option("--lsoa", default="", metavar="CODE", help="A small census area (LSOA), by its code or name.")
@click.option(
    "--neighbourhood",
    default="",
    metavar="FORCE/ID",
    help="A police neighbourhood, by police.uk's ids or its name.",
)
@click.option(
    "--out",
    default="reports",
    show_default=True,
    type=_PATH,
    help="Folder for the report's own folder; may be s3://BUCKET/PATH.",
)
@click.option(
    "--allow-missing", is_flag=True, help="Live: make a month that could not be fetched a gap, and go on."
)
@click.option("--like", is_flag=True, help="Compare with places like this one too; needs an archive.")
@click.option("--stops", is_flag=True, help="Show searches by the police (stop and search) too.")
@click.option("--closed-ok", is_flag=True, help="Use the last position of a postcode that was closed.")
@click.option("--refresh", is_flag=True, help="Pull the data anew, even where they are there.")
@click.option("--xlsx", is_flag=True, help="Write every table of the page to tables.xlsx too.")
@click.option(
    "--docx", is_flag=True, help="Write the page to report.docx too, for Word; needs the extra docx."
)
@click.option("--pdf", is_flag=True, help="Print the page to report.pdf too, by an installed Chromium.")
@click.option("--summary-pdf", is_flag=True, help="Print one page, the answer first, to summary.pdf too.")
@_how_much
def report(
    words: tuple[str, ...],
    start: str,
    end: str,
    source: str,
    compare: tuple[str, ...],
    area: Path | None,
    area_name: str,
    ward: str,
    parish: str,
    lsoa: str,
    neighbourhood: str,
    out: Path,
    allow_missing: bool,
    like: bool,
    stops: bool,
    closed_ok: bool,
    refresh: bool,
    xlsx: bool,
    docx: bool,
    pdf: bool,
    summary_pdf: bool,
) -> None:
    """Build one report and print the path of its report.html.

    POSTCODE is a full UK postcode in any spelling. The demonstration needs none: it then reports on
    three years of its town, beside a suburb.
    """
    # Imported here: the notebook machinery takes a second, and --help should not.
    from crimenb.area_file import named_area, read_area
    from crimenb.report.build import make_report
    from crimenb.report.pdf import find_browser, print_pdf, print_summary

    browser = find_browser() if pdf or summary_pdf else None
    postcode = _one_postcode(words)
    kinds = {"ward": ward, "parish": parish, "lsoa": lsoa, "neighbourhood": neighbourhood}
    named = {kind: text for kind, text in kinds.items() if text}
    if named and len(named) + bool(postcode) + (area is not None) > 1:
        msg = "Give one place: a postcode, --area, or one of --ward, --parish, --lsoa and --neighbourhood."
        raise QueryError(msg)
    if not postcode and area is None and not named and source == "demo":
        postcode = "ZZ1 1AA"
        if not (start or end or compare):  # what a newcomer sees first shows every section
            start, compare = "2023-01", ("ZZ2 2BB",)
    if not postcode and area is None and not named:
        msg = (
            "Give a postcode, for example 'crimenb report \"LE1 6RN\"', or --area, --ward, --parish, --lsoa or "
            "--neighbourhood; --source demo needs none of them."
        )
        raise QueryError(msg)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", UserWarning)
        chosen = read_area(area, area_name) if area is not None else None
        for kind, text in named.items():
            chosen = named_area(kind, text, source=source)
    for warning in [] if _quiet() else said:
        click.echo(visible(str(warning.message)), err=True)
    query = Query.parse(postcode, start, end, compare, area=chosen, like=like, stops=stops)
    prints = [do for do, wanted in ((print_pdf, pdf), (print_summary, summary_pdf)) if wanted]
    printed: list[Path] = []
    built = make_report(
        query, source, out, refresh=refresh, allow_missing=allow_missing, closed_ok=closed_ok, xlsx=xlsx,
        docx=docx, finish=lambda page: printed.extend(do(page, browser) for do in prints),
    )  # fmt: skip
    for path in printed:
        click.echo(path if isinstance(built.page, Path) else f"{built.page.rpartition('/')[0]}/{path.name}")
    click.echo(built.page)


def _one_postcode(words: Sequence[str]) -> str:
    """Return the postcode, which the shell hands over as two words if nobody quoted it."""
    if len(words) > 1:
        whole = " ".join(words)
        try:
            advice = f'put it in quotation marks: crimenb report "{parse_postcode(whole)}".'
        except QueryError:
            advice = "give one, in quotation marks; 'crimenb batch' takes a list, --compare others to compare with."
        msg = f"{whole[:60]!r} is {len(words)} words where one postcode belongs; {advice}"
        raise QueryError(msg)
    return words[0] if words else ""


@main.command()
@click.argument("folders", nargs=-1, required=True, type=_PATH, metavar="DIR...")
@click.option("--trust", is_flag=True, help="Run an analyst's own changed notebook too: it is foreign code.")
@_how_much
def verify(folders: tuple[Path, ...], trust: bool) -> None:
    """Prove that reports are what their data give, and say where they are not.

    DIR is a report's folder, or a folder of such folders, also in a bucket. The notebook must be the
    packaged one; hashes must hold; run again without network, every output must agree; the page must
    come out byte for byte.
    """
    from crimenb.buckets import is_address
    from crimenb.report.verify import report_folders, verify_all
    from crimenb.report.verify_bucket import reports_at, verify_there

    here = report_folders(f for f in folders if not is_address(f))
    there = [report for f in folders if is_address(f) for report in reports_at(f)]
    total, failed = len(here) + len(there), 0
    verdicts = chain(verify_all(here, trust=trust) if here else (), verify_there(there, trust=trust))
    for i, verdict in enumerate(verdicts, 1):
        failed += not verdict.holds
        word = "holds" if verdict.holds else "FAILS"
        click.echo(f"{word} {verdict.seconds:6.1f} s  {visible(str(verdict.folder))}")
        for finding in verdict.findings:
            kind = "" if finding.grave else "warning, "
            click.echo(f"                {kind}{finding.step}: {visible(finding.text)}")
        if sys.stderr.isatty() and not _quiet():
            click.echo(f"\r\033[K{i} of {total}\r", nl=False, err=True)
    if total > 1:
        click.echo(f"{counted(total, 'report')} verified, {failed:,} failed.")
    if failed:
        msg = f"{failed:,} of {counted(total, 'report')} failed; see above."
        raise VerifyError(msg)


@main.group()
def archive() -> None:
    """Keep police.uk's bulk downloads as a local archive."""


@archive.command("build")
@click.argument("sources", nargs=-1, required=True, type=_PATH, metavar="SRC...")
@click.option("--into", required=True, type=_PATH, help="Folder of the archive; gets a new version.")
@click.option(
    "--postcodes",
    multiple=True,
    type=_PATH,
    help="OS Code-Point Open, ONSPD or NSPL: a CSV, folder or zip; several times for several.",
)
@click.option(
    "--force-areas", type=_PATH, help="Police force areas (GeoJSON, KML, GeoPackage ...), for exact coverage."
)
@click.option("--add", is_flag=True, help="Keep the other forces and months that the archive holds.")
@click.option("--release", default="", metavar="MONTH", help="Release the files are of, where it is known.")
@click.option(
    "--memory-limit", default="2GB", show_default=True, help="Bound for sorting; more spills to disk."
)
@_how_much
def archive_build(
    sources: tuple[Path, ...], into: Path, postcodes: tuple[Path, ...], force_areas: Path | None, add: bool,
    release: str, memory_limit: str,
) -> None:  # fmt: skip
    """Read official bulk data (folders or zips) into an archive.

    SRC are folders or zips of police.uk's download. What is not used and every row that
    cannot be read is counted; a truncated or foreign file leaves the archive as it was. Reports
    and batches that have the archive open go on with the version they opened.
    """
    from crimenb.sources.archive_build import build_archive

    built = build_archive(
        sources, into, postcodes=postcodes, force_areas=force_areas, add=add,
        release=release, memory_limit=memory_limit, progress=_word(),
    )  # fmt: skip
    _clear_word()
    for line in built.lines():
        click.echo(visible(line))
    click.echo(into)


@archive.command("update")
@click.argument("into", type=_PATH, metavar="DIR")
@click.argument("sources", nargs=-1, required=True, type=_PATH, metavar="SRC...")
@click.option(
    "--release", default="", metavar="MONTH", help="Release the files are of, where it is not known."
)
@_how_much
def archive_update(into: Path, sources: tuple[Path, ...], release: str) -> None:
    """Add a release to an archive, and work out what it changed.

    SRC are folders or zips of the new release. Months that it does not hold stay as they are, of the
    release that they are from. Reports then say what is new, and 'crimenb batch --since' makes again only
    what the release changed.
    """
    from crimenb.sources.archive_build import build_archive
    from crimenb.sources.versions import resolve

    resolve(into)  # that it is an archive is said before anything is made
    built = build_archive(sources, into, add=True, release=release, progress=_word())
    _clear_word()
    for line in built.lines():
        click.echo(visible(line))
    click.echo(into)


@archive.command("areas")
@click.argument("files", nargs=-1, required=True, type=_PATH, metavar="FILE...")
@click.option("--into", required=True, type=_PATH, help="The archive; gets a new version.")
@_how_much
def archive_areas(files: tuple[Path, ...], into: Path) -> None:
    """Add outlines of wards, parishes, LSOAs or police neighbourhoods to an archive.

    FILE are the boundaries of the Office for National Statistics or Ordnance Survey, or police.uk's
    KML: GeoJSON, GeoPackage, Shapefile or KML, zips of one, or folders. Outlines of a kind that
    the archive holds already are replaced. Reports and batches that have the archive open go on
    with the version they opened.
    """
    from crimenb.sources.archive_add import add_areas

    for line in add_areas(files, into):
        click.echo(visible(line))
    click.echo(into)


@archive.command("streets")
@click.argument("sources", nargs=-1, required=True, type=_PATH, metavar="SRC...")
@click.option("--into", required=True, type=_PATH, help="Folder of the archive; gets a new version.")
@click.option(
    "--water",
    multiple=True,
    type=_PATH,
    metavar="FILE",
    help="OS OpenMap Local: water; several times for several.",
)
@click.option(
    "--railway", multiple=True, type=_PATH, metavar="FILE", help="OS OpenMap Local: railway tracks; likewise."
)
@click.option(
    "--year", default=0, help="Year of the data, for the credit below a map. [default: what the files say]"
)
@_how_much
def archive_streets(
    sources: tuple[Path, ...], into: Path, water: tuple[Path, ...], railway: tuple[Path, ...], year: int
) -> None:
    """Add streets to an archive, so that maps draw the street instead of a dot.

    SRC is OS Open Roads: the GeoPackage, its zip, or the zip or folder of Shapefiles or GML by 100 km
    square, such as 'crimenb fetch streets' gives. Streets that the archive had are replaced. Reports and
    batches that have the archive open go on with the version they opened.
    """
    from crimenb.sources.streets_build import add_streets, lines

    found = add_streets(sources, into, water=water, railway=railway, year=year, progress=_word())
    _clear_word()
    for line in lines(found):
        click.echo(visible(line))
    click.echo(into)


@archive.command("people")
@click.argument("files", nargs=-1, required=True, type=_PATH, metavar="FILE...")
@click.option("--into", required=True, type=_PATH, help="Folder of the archive; gets a new version.")
@_how_much
def archive_people(files: tuple[Path, ...], into: Path) -> None:
    """Add residents, households and jobs to an archive, so that a report can set crime beside them.

    FILE are files of Nomis and the ONS, in any order, such as 'crimenb fetch people' gives: P001 and P002 by
    postcode, WP001, TS001 and TS041 by output area, the survey of employers and mid-year estimates by LSOA,
    rural-urban classes, points of output areas and LSOAs; zips or folders of them. Each is known by its columns.
    The archive's postcodes place them. Numbers that the archive had of the same areas are replaced. Reports and
    batches that have the archive open go on with the version they opened.
    """
    from crimenb.sources.people_build import add_people

    found = add_people(files, into, progress=_word())
    _clear_word()
    for line in found:
        click.echo(visible(line))
    click.echo(into)


@archive.command("info")
@click.argument("folder", type=_PATH, metavar="DIR")
def archive_info(folder: Path) -> None:
    """Say what an archive holds: version, forces and months, postcodes, what was not read, sizes."""
    from crimenb.sources.archive_info import info

    for line in info(folder):
        click.echo(visible(line))


_DOWNLOADS = click.option(
    "--into",
    default="downloads",
    show_default=True,
    type=_PATH,
    metavar="DIR",
    help="Folder for what is fetched.",
)
_FORCES = click.option(
    "--forces", default="", metavar="NAMES", help="Police forces, as in 'leicestershire,btp', or 'all'."
)
_MONTHS = click.option(
    "--months",
    default="latest:36",
    show_default=True,
    help="'2025-01:2025-12', 'latest', or 'latest:24' for so many.",
)
_RELEASE = click.option(
    "--release", default="latest", show_default=True, metavar="MONTH", help="The release, like 2026-07."
)


def _asking(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command that fetches the options --yes and --dry-run."""
    dry = click.option("--dry-run", is_flag=True, help="Say what would be fetched, and fetch nothing.")
    yes = click.option("--yes", is_flag=True, help="Do not ask before it is fetched.")
    return yes(dry(_how_much(command)))


def _can_ask() -> bool:
    return sys.stdin.isatty()


def _go_on(lines: Iterable[str], *, yes: bool, dry_run: bool, needed: bool = True) -> bool:
    """Say what is to be done; return whether to do it."""
    for line in lines if not _quiet() or dry_run or not yes else ():
        click.echo(visible(line), err=True)
    if dry_run or yes or not needed:
        return not dry_run
    if not _can_ask():
        msg = "Nothing was fetched: there is nobody to ask here. Give --yes to fetch it, or --dry-run to look only."
        raise QueryError(msg)
    return click.confirm("Go on?", default=True, err=True)


@main.group(invoke_without_command=True)
@_FORCES
@_MONTHS
@click.option(
    "--with", "kinds", default="street", show_default=True, metavar="KINDS", help="Of street,outcomes,stops."
)
@_RELEASE
@click.option("--zip", "whole", is_flag=True, help="The release's whole zip instead, checked by its MD5.")
@_DOWNLOADS
@_asking
@click.pass_context
def fetch(
    ctx: click.Context,
    whole: bool,
    forces: str,
    months: str,
    kinds: str,
    release: str,
    into: Path,
    yes: bool,
    dry_run: bool,
) -> None:
    """Fetch official files: of police.uk's releases, postcodes, areas, roads, residents and jobs.

    Without a further command: police.uk's files of some forces and months, out of the zip of a release.
    What is there already is not fetched again; after a break, run it again. Prints the release's folder.
    """
    if ctx.invoked_subcommand is not None:
        return
    from crimenb.fetch import police
    from crimenb.sources.http import Web

    with Web() as web, contextlib.ExitStack() as stack:
        if whole:
            source, target, md5 = police.whole_zip(web, into, release, stack)
            shown = (
                f"{target}: here already." if target.exists() else f"{target}: {source.file.size:,} bytes."
            )
            if _go_on([shown], yes=yes, dry_run=dry_run, needed=not target.exists()):
                click.echo(police.take_zip(source, target, md5, meter("B")))
            return
        plan = police.plan(web, into, forces=forces, months=months, kinds=kinds, release=release, stack=stack)
        if _go_on(plan.lines(), yes=yes, dry_run=dry_run, needed=bool(plan.wanted)):
            click.echo(plan.take(meter("B")))


@fetch.command("postcodes")
@click.option(
    "--onspd", is_flag=True, help="The ONS Postcode Directory: closed postcodes and Northern Ireland too."
)
@_DOWNLOADS
@_asking
def fetch_postcodes(onspd: bool, into: Path, yes: bool, dry_run: bool) -> None:
    """Fetch OS Code-Point Open, with the names of wards and districts. Prints its folder."""
    from crimenb.fetch import catalogues
    from crimenb.sources.http import Web

    with Web() as web, contextlib.ExitStack() as stack:
        say = functools.partial(click.echo, err=True)
        edition = (
            catalogues.onspd(web, into, stack, say) if onspd else catalogues.code_point(web, into, stack)
        )
        if _go_on(edition.lines(), yes=yes, dry_run=dry_run, needed=not edition.here):
            click.echo(edition.take(meter("B")))


@fetch.command("areas")
@click.option("--kinds", default="forces", show_default=True, help="Of forces,wards,parishes,districts.")
@_DOWNLOADS
@_asking
def fetch_areas(kinds: str, into: Path, yes: bool, dry_run: bool) -> None:
    """Fetch outlines of police forces, wards, parishes or districts from the ONS. Prints the files."""
    from crimenb.fetch import catalogues
    from crimenb.sources.http import Web

    with Web() as web:
        layers = catalogues.layers(web, [k.strip() for k in kinds.split(",") if k.strip()])
        shown = (f"Outlines of {layer.kind}: {layer.name}." for layer in layers)
        if _go_on(shown, yes=yes, dry_run=dry_run):
            for layer in layers:
                click.echo(catalogues.fetch_area(web, layer, into, meter()))


@fetch.command("streets")
@click.option("--near", multiple=True, metavar="POSTCODE", help="The squares around a postcode, or several.")
@click.option(
    "--squares", default="", metavar="LIST", help="100 km squares of the National Grid, like SK,SP."
)
@click.option("--archive", type=_PATH, metavar="DIR", help="The squares that an archive's records lie in.")
@click.option(
    "--into", type=_PATH, metavar="DIR",
    help="Folder for files to add to an archive. [default: the cache, for live reports; with --archive: downloads]",
)  # fmt: skip
@_asking
def fetch_streets(
    near: tuple[str, ...], squares: str, archive: Path | None, into: Path | None, yes: bool, dry_run: bool
) -> None:
    """Fetch OS Open Roads: the squares that are wanted, else all of Great Britain. Prints its folder.

    Once they are in the cache, live reports draw the streets there. For an archive, name a folder with
    --into, and add it with 'crimenb archive streets'.
    """
    from crimenb.fetch import catalogues
    from crimenb.sources.http import Web
    from crimenb.sources.live import Live

    with Web() as web, contextlib.ExitStack() as stack:
        chosen = [s for s in squares.split(",") if s.strip()]
        live = Live(web, closed_ok=True)
        places = [live.place(parse_postcode(text)) for text in near]
        into = into or (Path("downloads") if archive is not None else None)
        edition = catalogues.open_roads(web, into, stack, squares=chosen, archive=archive, near=places)
        if _go_on(edition.lines(), yes=yes, dry_run=dry_run, needed=not edition.here):
            click.echo(edition.take(meter("B")))


@fetch.command("people")
@_DOWNLOADS
@_asking
def fetch_people(into: Path, yes: bool, dry_run: bool) -> None:
    """Fetch residents, households and jobs of England and Wales, and what places them. Prints their folder.

    That is, of Nomis, the census of 2021 by postcode and by place of work, the survey of employers and the
    mid-year estimates by LSOA; and of the ONS, points of output areas and LSOAs, and rural-urban classes.
    """
    from crimenb.fetch.people import plan
    from crimenb.sources.http import Web

    with Web() as web, contextlib.ExitStack() as stack:
        chosen = plan(web, into, stack)
        if _go_on(chosen.lines(), yes=yes, dry_run=dry_run, needed=chosen.new):
            click.echo(chosen.take(meter("B")))


@main.command()
@_FORCES
@_MONTHS
@_RELEASE
@click.option("--people", is_flag=True, help="Residents, households and jobs too.")
@click.option("--stops", is_flag=True, help="Stop-and-search files too.")
@click.option(
    "--into", default="archive", show_default=True, type=_PATH, metavar="DIR", help="Folder of the archive."
)
@click.option(
    "--downloads",
    default="downloads",
    show_default=True,
    type=_PATH,
    metavar="DIR",
    help="Folder for what is fetched.",
)
@_asking
def setup(
    forces: str,
    months: str,
    release: str,
    people: bool,
    stops: bool,
    into: Path,
    downloads: Path,
    yes: bool,
    dry_run: bool,
) -> None:
    """Fetch what reports of some police forces need, and build an archive of it.

    That is police.uk's files, the postcodes of Great Britain and the boundaries of the forces. Run it again
    for a new release or one more force: only what is new is fetched. Prints the archive's folder.
    """
    from crimenb.fetch.setup import plan
    from crimenb.sources.http import Web

    with Web() as web, contextlib.ExitStack() as stack:
        chosen = plan(
            web,
            into,
            downloads,
            forces=forces,
            months=months,
            release=release,
            with_people=people,
            with_stops=stops,
            stack=stack,
        )
        if not _go_on(chosen.lines(), yes=yes, dry_run=dry_run, needed=chosen.new):
            return
        built = chosen.take(meter("B"), _word())
    _clear_word()
    for line in built.lines() if built is not None and not _quiet() else ():
        click.echo(visible(line), err=True)
    if not _quiet():
        again = " (with --refresh, if it was made before)" if built is not None else ""
        click.echo(visible(f"Next: crimenb report POSTCODE --source archive:{into}{again}"), err=True)
    click.echo(into)


def _word() -> Callable[[str], None]:
    """Return a function that shows on a terminal what is being done, a word at a time."""
    if sys.stderr.isatty() and not _quiet():
        return lambda word: click.echo(f"\r\033[K{word}", nl=False, err=True)
    return lambda _: None


def _clear_word() -> None:
    if sys.stderr.isatty():
        click.echo("\r\033[K", nl=False, err=True)


@main.group()
def cache() -> None:
    """Look at what is kept between runs, or clear it."""


@cache.command("info")
def cache_info() -> None:
    """Say where answers are kept, how many, and how large they are."""
    from crimenb.sources.cache_info import info

    for line in info():
        click.echo(line)


@cache.command("clear")
def cache_clear() -> None:
    """Remove the kept answers; reports and archives stay as they are."""
    from crimenb.sources.cache_info import clear

    click.echo(clear())


@main.command()
@click.argument("dir_a", type=_PATH)
@click.argument("dir_b", type=_PATH)
@click.option("--csv", type=_PATH, metavar="FILE", help="Write the counts by month and category to FILE too.")
def diff(dir_a: Path, dir_b: Path, csv: Path | None) -> None:
    """Say what a later release revised: records added, gone, moved, and outcomes changed.

    DIR_A and DIR_B are report folders (or their data folders) of the same place, the earlier
    release first.
    """
    from crimenb.measures.revisions import diff as compare
    from crimenb.snapshot import read
    from crimenb.wording.revisions import diff_text

    one, two = (read(d / "data" if (d / "data").is_dir() else d) for d in (dir_a, dir_b))
    try:
        with bounded_memory():
            text, table = diff_text(one, two), compare(one, two) if csv is not None else None
    except MemoryError as error:
        msg = "These two need more than the limit of 4 GB of memory to be compared; no two reports do."
        raise QueryError(msg) from error
    if csv is not None and table is not None:
        try:
            table.to_csv(csv, index=False)
        except OSError as error:
            msg = f"Cannot write {str(csv)!r}: {error.strerror}; choose another file."
            raise ReportError(msg) from error
    click.echo("\n".join(visible(line) for line in text.splitlines()))


@main.command()
@click.argument("name", default="")
def guide(name: str) -> None:
    """Print the reading notes, or the one called NAME."""
    from crimenb.report.notes import note_text, notes

    chosen = [name] if name else notes()
    click.echo("\n\n".join(f"[{n}]\n{note_text(n)}" for n in chosen))


@main.command()
@click.option("--into", default=".", show_default=True, type=_PATH, metavar="DIR", help="Folder to copy to.")
@click.option("--replace", is_flag=True, help="Replace files of these names that were changed.")
def notebook(into: Path, replace: bool) -> None:
    """Copy the notebooks, report.ipynb and explore.ipynb, to a folder of yours.

    A file that is there and was changed is left as it is, and named.
    """
    from crimenb.report.notebook import copy_notebooks

    for line in copy_notebooks(into, replace=replace):
        click.echo(visible(line))


@main.command()
@click.argument("file", type=_PATH, required=False)
@click.option("--wards-of", default="", metavar="DISTRICT", help="Every ward of a district, instead of FILE.")
@click.option(
    "--parishes-of", default="", metavar="DISTRICT", help="Every parish of a district, instead of FILE."
)
@click.option(
    "--source",
    default="",
    metavar="SOURCE",
    help="'live', 'demo' or 'archive:DIR'; DIR may be s3://BUCKET/PATH. [default: live]",
)
@click.option(
    "--from",
    "start",
    default="",
    metavar="MONTH",
    help="First month, for rows that name none. [default: 24 months up to the last]",
)
@click.option(
    "--to",
    "end",
    default="",
    metavar="MONTH",
    help="Last month, for rows that name none. [default: the newest held]",
)
@click.option(
    "--compare",
    multiple=True,
    metavar="POSTCODE",
    help="A postcode to compare with, or several; up to five.",
)
@click.option(
    "--out",
    default="reports",
    show_default=True,
    type=_PATH,
    help="Folder for reports, ledger and index; may be s3://BUCKET/PATH.",
)
@click.option("--workers", default=0, type=click.IntRange(0), help="Processes here. [default: one a core]")
@click.option(
    "--scheduler", default="", metavar="ADDRESS", help="A Dask scheduler to use instead, tls://HOST:PORT."
)
@click.option(
    "--tls-ca", type=_PATH, metavar="FILE", help="For tls://: who signed the scheduler's certificate."
)
@click.option("--tls-cert", type=_PATH, metavar="FILE", help="For tls://: our certificate.")
@click.option("--tls-key", type=_PATH, metavar="FILE", help="For tls://: its key.")
@click.option("--like", is_flag=True, help="Compare each place with places like it too; needs an archive.")
@click.option(
    "--stops", is_flag=True, help="Show searches by the police (stop and search) in each report too."
)
@click.option("--closed-ok", is_flag=True, help="Use the last position of postcodes that were closed.")
@click.option("--xlsx", is_flag=True, help="Write the tables of each report to tables.xlsx too.")
@click.option("--docx", is_flag=True, help="Write each page to report.docx too; needs the extra docx.")
@click.option("--force", is_flag=True, help="Make reports again that are there and unchanged.")
@click.option(
    "--since",
    default="",
    metavar="RELEASE",
    help="Leave reports of this release as they are where the archive's new release changed nothing.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@_how_much
def batch(
    file: Path | None,
    wards_of: str,
    parishes_of: str,
    source: str,
    start: str,
    end: str,
    compare: tuple[str, ...],
    out: Path,
    workers: int,
    scheduler: str,
    tls_ca: Path | None,
    tls_cert: Path | None,
    tls_key: Path | None,
    like: bool,
    stops: bool,
    closed_ok: bool,
    xlsx: bool,
    docx: bool,
    force: bool,
    since: str,
    dry_run: bool,
) -> None:
    """Build a report for each row of FILE or each ward or parish of a district, an index page and a ledger.

    FILE is a CSV or an Excel workbook with a column 'postcode' (and 'from', 'to', 'compare', 'name'
    where wanted), or a text with a postcode a line. Run it again to go on where it stopped: only what is missing,
    failed or changed is made. Prints the path of the index page; exit code 0 if every row has
    its report (with --dry-run, if every row can be used).
    """
    # Imported here: the notebook machinery takes a second, and --help should not.
    from crimenb.batch.plan import AreasOf, plan_batch
    from crimenb.batch.run import run_batch

    tls = [regular(f, QueryError) for f in (tls_ca, tls_cert, tls_key) if f is not None]
    if tls and (len(tls) < 3 or not scheduler.startswith("tls://")):
        msg = "Give --tls-ca, --tls-cert and --tls-key together, and --scheduler tls://HOST:PORT with them."
        raise QueryError(msg)
    if [file is not None, bool(wards_of), bool(parishes_of)].count(True) != 1:
        msg = "Give one of these: a list (FILE), --wards-of DISTRICT, or --parishes-of DISTRICT."
        raise QueryError(msg)
    listed: Path | AreasOf = file or AreasOf("ward" if wards_of else "parish", wards_of or parishes_of)
    plan = plan_batch(
        listed,
        source,
        out,
        start=start,
        end=end,
        compare=compare,
        like=like,
        stops=stops,
        force=force,
        closed_ok=closed_ok,
        xlsx=xlsx,
        docx=docx,
        since=since,
    )
    for line in map(str, plan.notices) if _quiet() and not dry_run else plan.lines():
        click.echo(visible(line), err=True)
    if dry_run:
        sys.exit(any(n.left_out for n in plan.notices))
    outcome = run_batch(plan, workers=workers, scheduler=scheduler, tls=tls, say=_progress_printer())
    if sys.stderr.isatty() and not _quiet():
        click.echo(err=True)
    for entry in outcome.failed:
        click.echo(visible(f"{entry.postcode}: {entry.error}"), err=True)
    click.echo(outcome.index)
    if not outcome.complete:
        sys.exit(1)


def _quiet() -> bool:
    return not logging.getLogger("crimenb").isEnabledFor(logging.WARNING)


def _progress_printer() -> Callable[[str], None]:
    """Return a function that prints progress: one line that changes, or a line twice a minute."""
    if _quiet():
        return lambda _: None
    if sys.stderr.isatty():
        return lambda text: click.echo(f"\r\033[K{text}", nl=False, err=True)
    last = time.monotonic()

    def say(text: str) -> None:
        nonlocal last
        if time.monotonic() - last >= 30:
            last = time.monotonic()
            click.echo(text, err=True)

    return say
