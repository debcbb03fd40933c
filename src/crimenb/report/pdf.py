"""A report as PDF: the page, or a summary on one sheet, printed by an installed Chromium."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import nbformat

from crimenb.errors import ReportError
from crimenb.files import scratch
from crimenb.report.handed_on import values
from crimenb.report.page import to_summary

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_TIMEOUT_S = 120


def find_browser() -> Path:
    """Return the Chromium to print with: CRIMENB_CHROMIUM, else the first one on the PATH.

    Raises
    ------
    ReportError
        There is none; any browser prints the page by hand.
    """
    named = os.environ.get("CRIMENB_CHROMIUM", "")
    program = shutil.which(named) if named else next(filter(None, map(shutil.which, _NAMES)), None)
    if program is None:
        what = (
            f"CRIMENB_CHROMIUM names {named!r}, which is no program" if named else "No Chromium is installed"
        )
        msg = f"{what}, so no PDF can be made; install chromium, or print report.html from any browser."
        raise ReportError(msg)
    return Path(program)


def print_pdf(page: Path, browser: Path | None = None) -> Path:
    """Print a page to a tagged PDF with an outline beside it and return its path.

    The file holds the time it was made, so it is not part of the report's hashes.

    Raises
    ------
    ReportError
        No browser is there, or it failed.
    """
    return _print(page.resolve(), page.resolve().with_suffix(".pdf"), browser or find_browser())


def print_summary(page: Path, browser: Path | None = None) -> Path:
    """Print the answer first on one sheet of A4, to `summary.pdf` beside a page, and return its path.

    Raises
    ------
    ReportError
        No browser is there, or it failed.
    """
    nb = nbformat.read(page.with_name("report.ipynb"), as_version=4)
    with scratch() as folder:
        sheet = folder / "summary.html"
        sheet.write_text(to_summary(nb, values(nb)), "utf-8")
        return _print(sheet, page.resolve().with_name("summary.pdf"), browser or find_browser())


def _print(page: Path, target: Path, program: Path) -> Path:
    with scratch() as profile:
        command = [
            str(program), "--headless", "--disable-gpu", "--no-first-run", "--disable-extensions",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            f"--user-data-dir={profile}", "--no-pdf-header-footer", "--generate-pdf-document-outline",
            f"--print-to-pdf={target}", page.as_uri(),
        ]  # fmt: skip
        # Chromium refuses its sandbox to root, as in a container; Windows has neither.
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            command.insert(1, "--no-sandbox")
        target.unlink(missing_ok=True)
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
            complaint = "".join(done.stderr.strip().splitlines()[-1:]) if done.returncode else ""
        except (OSError, subprocess.TimeoutExpired) as error:
            complaint = str(error)
    if complaint or not target.is_file():
        msg = f"{program} could not print {str(page)!r}: {complaint or 'no file was written'}."
        raise ReportError(msg)
    return target
