"""Where the recorded data are, for tests that need them; absent elsewhere, and then skipped."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
REAL = Path(os.environ.get("CRIMENB_REAL_DATA") or ROOT.parent / "shared" / "data")
needs_real_data = pytest.mark.skipif(
    not (REAL / "police-uk-archive").is_dir(),
    reason="recorded police.uk data are not here (CRIMENB_REAL_DATA)",
)
needs_cases = pytest.mark.skipif(
    not (REAL / "cases").is_dir(), reason="files that went wrong are not here (CRIMENB_REAL_DATA)"
)
