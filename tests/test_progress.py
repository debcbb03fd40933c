"""Progress is drawn where somebody looks, after two seconds, and nowhere else."""

from __future__ import annotations

import io
import sys

import pytest

from crimenb import progress


class Terminal(io.StringIO):
    """Stands for a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("delay", "drawn"), [(0.0, True), (60.0, False)])
def test_a_bar_is_drawn_on_a_terminal_after_a_while(
    monkeypatch: pytest.MonkeyPatch,
    delay: float,
    drawn: bool,  # noqa: FBT001
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(progress, "DELAY_S", delay)
    show = progress.meter()
    for n in range(1, 4):
        show("LE1 1AA: police.uk", n, 3)
    assert ("LE1 1AA: police.uk" in terminal.getvalue()) == drawn


def test_nothing_is_drawn_into_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    show = progress.meter()
    assert show is progress.silent
    show("LE1 1AA: police.uk", 1, 1)
    assert capsys.readouterr() == ("", "")
