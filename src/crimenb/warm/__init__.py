"""Speed only: processes kept ready beside a worker, and short cuts through libraries.

Everything works without them, and the bytes are the same: CRIMENB_WARM=0 turns all of them off.
"""

import os


def is_on() -> bool:
    """Whether the short cuts are taken; CRIMENB_WARM=0 turns them off."""
    return os.environ.get("CRIMENB_WARM", "1") != "0"
