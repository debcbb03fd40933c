"""A report as PDF: the page printed by an installed Chromium."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from crimenb.errors import ReportError
from crimenb.files import scratch

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
    program = browser or find_browser()
    target = page.resolve().with_suffix(".pdf")
    with scratch() as profile:
        command = [
            str(program), "--headless", "--disable-gpu", "--no-first-run", "--disable-extensions",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            f"--user-data-dir={profile}", "--no-pdf-header-footer", "--generate-pdf-document-outline",
            f"--print-to-pdf={target}", page.resolve().as_uri(),
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
