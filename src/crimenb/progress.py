"""A line of progress on stderr for what takes over two seconds, silent where nobody looks."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from typing import Any

from tqdm import tqdm

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how many steps are done, and how many there are."""

DELAY_S = 2.0


def silent(what: str, done: int, total: int) -> None:
    """Show nothing."""


def meter(unit: str = "it") -> Progress:
    """Return a callback that draws a bar on a terminal or in a notebook after two seconds.

    The bar goes when its work is done: what is worth keeping is in the report. Of bytes (`unit` "B") it
    shows kilobytes and megabytes.
    """
    quiet = not logging.getLogger("crimenb").isEnabledFor(logging.WARNING)
    if quiet or not (sys.stderr.isatty() or _in_notebook()):
        return silent
    bars: dict[str, Any] = {}

    def show(what: str, done: int, total: int) -> None:
        if what not in bars:
            bars[what] = tqdm(
                total=total, desc=what, delay=DELAY_S, leave=False, file=sys.stderr,
                unit=unit, unit_scale=unit == "B",
            )  # fmt: skip
        bar = bars[what]
        bar.update(done - bar.n)
        if done >= total:
            bars.pop(what).close()

    return show


def _in_notebook() -> bool:
    """Whether a Jupyter kernel runs us (its stderr is no terminal, but is read by a person)."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return hasattr(shell, "kernel")
