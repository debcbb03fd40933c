"""What many tests need: the demonstration's data, one built report, an archive of real files."""

import os

import pytest
from hypothesis import HealthCheck, settings

from crimenb.query import Query
from crimenb.report.build import build_report
from crimenb.snapshot import collect
from crimenb.sources.archive_build import build_archive
from tests.loopback import client, live, real_data, real_year, serve, town, unlimited  # noqa: F401
from tests.nomis import nobody
from tests.real import REAL

# A deadline an example would make every property a timed test.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


LONGEST = [
    "test_docs.py", "test_run.py", "test_hostile_folders.py", "test_verify.py", "test_browser.py", "test_linked.py",
    "test_caches.py", "test_processes.py", "test_replacing.py", "test_index_page.py", "test_versions.py",
]  # fmt: skip
"""Files of tests that take the longest: they begin first, so that no worker is left alone with one at the end."""


def pytest_collection_modifyitems(config, items):
    """Begin with the longest files; leave out slow faults and the site, which `-m` asks for by name."""
    items.sort(key=lambda item: LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST))
    for mark in ("slow_faults", "site"):
        if mark in config.option.markexpr:
            continue
        left = [item for item in items if item.get_closest_marker(mark)]
        if left:
            config.hook.pytest_deselected(items=left)
            items[:] = [item for item in items if item not in left]


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory):
    """Keep the tests out of the user's cache folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRIMENB_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session", autouse=True)
def _nobody_lives_anywhere():
    """Keep live reports from asking the real ONS and Nomis."""
    with nobody():
        yield


_SAVE_AFTER_EACH_CELL = """\
def _save_after_each_cell():
    import coverage
    from IPython import get_ipython

    if measured := coverage.Coverage.current():
        get_ipython().events.register("post_run_cell", lambda *_: measured.save())

_save_after_each_cell()
del _save_after_each_cell
"""


@pytest.fixture(scope="session", autouse=True)
def _measured_kernels(tmp_path_factory):
    """Count what cells run, where coverage is measured: a kernel is killed, and saves nothing at its end."""
    if "COVERAGE_PROCESS_CONFIG" not in os.environ:
        yield
        return
    folder = tmp_path_factory.mktemp("ipython")
    startup = folder / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "00-coverage.py").write_text(_SAVE_AFTER_EACH_CELL)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IPYTHONDIR", str(folder))
        yield


@pytest.fixture(scope="session")
def centre():
    """Return the demonstration's busy centre over its last twelve months."""
    return collect(Query.parse("ZZ1 1AA", "2025-01", "2025-12"), "demo")


@pytest.fixture(scope="session")
def demo_report(tmp_path_factory):
    """Return the folder of one built demonstration report."""
    out = tmp_path_factory.mktemp("reports")
    return build_report(Query.parse("ZZ1 1AA", "2025-01", "2025-12"), "demo", out).parent


@pytest.fixture(scope="session")
def real_archive(tmp_path_factory):
    """Return an archive of the recorded files, with exact force areas."""
    folder = tmp_path_factory.mktemp("real") / "A"
    build_archive(
        [REAL / "police-uk-archive"],
        folder,
        postcodes=REAL / "code-point-open",
        force_areas=REAL / "geography" / "police-force-areas-simplified.geojson",
    )
    return folder
