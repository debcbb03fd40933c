"""Speed only: processes kept ready beside a worker, and short cuts through libraries.

Everything works without them, and the bytes are the same: CRIMENB_WARM=0 turns all of them off.
"""

import os
import sys

FORKS = sys.platform == "linux"
"""Whether kernels can be forked here: Windows has no fork, and macOS's libraries break in one."""


def is_on() -> bool:
    """Whether the short cuts are taken; CRIMENB_WARM=0 turns them off."""
    return os.environ.get("CRIMENB_WARM", "1") != "0"


def kernels_are_warm() -> bool:
    """Whether the kernels of a batch are forks of one process that has imported everything."""
    return FORKS and is_on()


def slower() -> str:
    """Return what a batch does without here, in a sentence; "" where it does without nothing."""
    if kernels_are_warm():
        return ""
    why = "CRIMENB_WARM=0 is set" if FORKS else "kernels can be forked on Linux only"
    return f"Each report starts a kernel of its own, which takes some seconds more: {why}."
