"""Short cuts around Altair: an import without grammars, charts put together unchecked and uncopied.

jsonschema, which Altair and nbformat import, builds three grammars (over a second) at import where
rfc3987_syntax is installed, to check a kind of address that no chart and no notebook has.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
from typing import TYPE_CHECKING, Any

from crimenb.warm import is_on

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

if is_on() and "rfc3987_syntax" not in sys.modules:
    sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]
    importlib.import_module("jsonschema")
    del sys.modules["rfc3987_syntax"]


def unchecked() -> AbstractContextManager[None]:
    """Let a chart be put together without a check of each part: the tests check ours whole."""
    from altair.utils.schemapi import debug_mode

    return debug_mode(arg=False) if is_on() else contextlib.nullcontext()


def not_copied(part: Any) -> None:
    """Tell a part of a chart that Altair may take it as it is, where it would copy it several times."""
    if is_on():
        object.__setattr__(part, "__deepcopy__", lambda itself: itself)
