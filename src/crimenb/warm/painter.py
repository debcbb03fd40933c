"""A process that draws: it reads Vega-Lite specifications and answers with SVG, until its owner goes.

Run by its path and importing nothing of this package, so that it starts in a moment and is small.
Every message is its length in eight bytes, then UTF-8; an answer that begins with "!" is an error.
"""

from __future__ import annotations

import functools
import socket
import sys
from pathlib import Path

VEGALITE = "6.4"


def send(line: socket.socket, text: str) -> None:
    """Send one message."""
    raw = text.encode()
    line.sendall(len(raw).to_bytes(8, "big") + raw)


def receive(line: socket.socket) -> str | None:
    """Return the next message, or None where the other side has closed."""
    head = _exactly(line, 8)
    raw = head if head is None else _exactly(line, int.from_bytes(head, "big"))
    return None if raw is None else raw.decode()


def _exactly(line: socket.socket, count: int) -> bytes | None:
    parts, missing = [], count
    while missing:
        part = line.recv(min(missing, 1 << 20))
        if not part:
            return None
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)


FONTS = Path(__file__).parents[1] / "reference" / "fonts"
"""The page's own face: texts are as wide here as on every reader's screen."""


@functools.cache
def _register_fonts() -> None:
    import vl_convert as vlc

    vlc.register_font_directory(str(FONTS))


def draw(spec_json: str) -> str:
    """Return the SVG of a Vega-Lite specification."""
    import vl_convert as vlc

    _register_fonts()
    svg: str = vlc.vegalite_to_svg(spec_json, vl_version=VEGALITE)
    return svg


def png(svg: str) -> bytes:
    """Return a drawing as a PNG with two dots to each of its pixels."""
    import vl_convert as vlc

    _register_fonts()
    raw: bytes = vlc.svg_to_png(svg, scale=2)
    return raw


def serve(fd: int) -> None:
    """Answer requests until the owner closes the socket."""
    with socket.socket(fileno=fd) as line:
        while (spec_json := receive(line)) is not None:
            try:
                answer = draw(spec_json)
            except Exception as error:  # noqa: BLE001
                answer = f"!{error}"
            send(line, answer)


if __name__ == "__main__":
    import contextlib
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the owner handles Ctrl-C
    with contextlib.suppress(ConnectionError, KeyboardInterrupt):
        serve(int(sys.argv[1]))
