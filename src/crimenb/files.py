"""Where files lie, how strange ones are read, and folders that appear whole or not at all."""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import os
import re
import shutil
import stat
import tempfile
import threading
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from crimenb.errors import Busy, CrimenbError, ReportError, SnapshotError

if TYPE_CHECKING:
    from collections.abc import Iterator


def notebook_path(name: str = "report") -> Path:
    """Return the path of a packaged notebook."""
    here = Path(__file__).parent / "notebooks" / f"{name}.ipynb"
    # In a source tree the notebooks stand at the top level; the wheel carries them inside.
    return here if here.is_file() else Path(__file__).parents[2] / "notebooks" / f"{name}.ipynb"


def cache_folder() -> Path:
    """Return `CRIMENB_CACHE_DIR`, or the platform's folder for such things."""
    if named := os.environ.get("CRIMENB_CACHE_DIR"):
        return Path(named)
    import platformdirs

    return platformdirs.user_cache_path("crimenb")


LARGEST_FILE = 100 * 1024**2
"""Bytes of the largest file that is read of a report somebody hands over. A city's page has 5 MB."""


def regular(path: Path, error: type[CrimenbError]) -> Path:
    """Return a path that leads to a file, a folder or nothing: a pipe or a device may never end.

    Raises
    ------
    CrimenbError
        It is a pipe, a socket or a device; of the class given.
    """
    with contextlib.suppress(OSError):  # what is not there, or cannot be reached, is said by who opens it
        mode = path.stat().st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            msg = f"{str(path)!r} is a pipe, a socket or a device and is not read; give a regular file."
            raise error(msg)
    return path


def read_regular(path: Path, most: int = LARGEST_FILE, error: type[CrimenbError] = SnapshotError) -> bytes:
    """Return the bytes of a file, whoever made it: a pipe or a device is not waited for.

    Raises
    ------
    OSError
        It cannot be opened or read.
    CrimenbError
        It is no regular file, or larger than `most` bytes; of the class given.
    """
    with regular(path, error).open("rb") as stream:
        raw = stream.read(most + 1)
    if len(raw) > most:
        msg = f"{str(path)!r} is larger than the limit of {most // 1024**2} MB, and no such file is so large."
        raise error(msg)
    return raw


MEMORY = 4 * 1024**3
"""Bytes that reading and checking a folder somebody hands over may ask for. A usual report takes 0.5 GB."""

_bounds: list[tuple[int, int]] = []
_bounding = threading.Lock()


@contextlib.contextmanager
def bounded_memory() -> Iterator[None]:
    """Let this process, and what it starts meanwhile, ask for so much more memory and no more (on Linux).

    Raises
    ------
    MemoryError
        More is asked for; libraries may raise something else then.
    """
    try:
        import resource

        status = Path("/proc/self/status").read_text("utf-8")
        held = 1024 * int(re.findall(r"VmData:\s*(\d+) kB", status)[0])
    except (ImportError, OSError, IndexError):
        yield
        return
    kind = resource.RLIMIT_DATA
    with _bounding:  # of several threads the first sets it, and the last takes it back
        _bounds.append(resource.getrlimit(kind))
        if len(_bounds) == 1:
            soft, hard = _bounds[0]
            least = min(n for n in (held + MEMORY, soft, hard) if n != resource.RLIM_INFINITY)
            resource.setrlimit(kind, (least, hard))
    try:
        yield
    finally:
        with _bounding:
            first = _bounds[0]
            _bounds.pop()
            if not _bounds:
                resource.setrlimit(kind, first)


def visible(text: str) -> str:
    r"""Return a text that can do nothing to a terminal: what is not printed is written as an escape.

    >>> print(visible("a\x1b[31m b"))
    a\x1b[31m b
    """
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape", "backslashreplace").decode() for c in text
    )


@contextlib.contextmanager
def working(target: Path) -> Iterator[Path]:
    """Yield a hidden folder beside the target, alone; it is gone afterwards.

    What a run that was killed has left of the same target is put back or removed first.

    Raises
    ------
    Busy
        Another run holds it.
    ReportError
        The folder cannot be written.
    """
    new = not os.path.lexists(target.parent)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with locked(target.parent / f".{target.name}.lock"):
            _clear(target)
            work = Path(tempfile.mkdtemp(f".{_NEW}", f".{target.name}.", target.parent))
            try:
                yield work
            finally:
                _remove(work)
    except OSError as error:
        if isinstance(error, CrimenbError):
            raise
        msg = f"Cannot write {str(target)!r}: {error.strerror or error}; choose another --out."
        raise ReportError(msg) from error
    finally:
        if new and not target.exists():  # leave no empty folder after a failure
            with contextlib.suppress(OSError):
                target.parent.rmdir()


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock, which the system lets go when the process ends, however it ends.

    Raises
    ------
    Busy
        Another run holds it.
    """
    what = path.name.removeprefix(".").removesuffix(".lock")
    msg = f"Another run is writing {str(path.parent / what)!r} now; wait until it has finished."
    lock = FileLock(path)
    try:
        lock.acquire(blocking=False)
    except Timeout as error:
        if not path.exists():  # filelock says so too where no file can be made, as in /proc
            with tempfile.TemporaryFile(dir=path.parent):
                pass
        raise Busy(msg) from error
    try:
        yield
    finally:
        # Removed while it is held: whoever has opened it meanwhile gets a lock on a file that is gone, which
        # filelock refuses since 3.30 (before, it removed the path itself too, and might have met a newer file).
        with contextlib.suppress(OSError):  # Windows removes no open file; an empty one is left there
            path.unlink(missing_ok=True)
        lock.release()


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """Yield a temporary folder; those that dead runs of this user have left beside it go."""
    parent = Path(tempfile.gettempdir())
    for folder in parent.glob("crimenb-*"):
        left = folder.with_suffix(".lock")
        # Without the folder the lock may be about to be taken.
        if folder != left and left.is_file() and not left.is_symlink() and os.access(left, os.W_OK):
            with contextlib.suppress(OSError, Busy), locked(left):
                _remove(folder)
    folder = parent / f"crimenb-{uuid.uuid4().hex}"
    with locked(folder.with_suffix(".lock")):
        folder.mkdir(0o700)
        try:
            yield folder
        finally:
            _remove(folder)


def swap(work: Path, target: Path) -> None:
    """Put the new folder in the old one's place, in one step where the system can.

    What somebody else has put into the old one is in the new one too, and a notebook of ours that
    was edited, under another name. The old folder goes only afterwards.
    """
    if target.is_dir():
        _keep(target, work, _known_sums(target))
    work.chmod(0o755)  # Jupyter gives the sticky bit to a folder with a kernel's connection file
    synced(work)
    if not os.path.lexists(target):
        work.rename(target)
    elif not _exchange(work, target):
        old = work.with_suffix(f".{_OLD}")
        target.rename(old)  # whoever comes after a death between these two puts it back
        try:
            work.rename(target)
        except OSError:
            old.rename(target)
            raise
        _remove(old)
    _on_disk(target.parent)


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two folders in one step; False where the system or this file system cannot."""
    with contextlib.suppress(OSError, TypeError, AttributeError):  # no Linux, or a C library without it
        here, at_once = -100, 2  # AT_FDCWD, RENAME_EXCHANGE
        rename = ctypes.CDLL(None).renameat2
        return bool(rename(here, os.fsencode(one), here, os.fsencode(other), at_once) == 0)
    return False


def _keep(old: Path, new: Path, listed: dict[str, str], inside: str = "") -> None:
    """Give the new folder what is not ours in the old one; no byte is copied where links can be made."""
    for entry in os.scandir(old):
        here, there, name = Path(entry.path), new / entry.name, f"{inside}{entry.name}"
        if entry.is_dir(follow_symlinks=False):
            if there.is_dir():
                _keep(here, there, listed, f"{name}/")
            else:
                shutil.copytree(here, there, symlinks=True, copy_function=_link)
        elif not os.path.lexists(there):
            if name not in listed:
                _link(here, there)
        elif (
            there.suffix == ".ipynb"
            and entry.is_file()
            and digest(here) not in {listed.get(name), digest(there)}
        ):
            free = (there.with_name(f"{there.stem}.edited{n or ''}.ipynb") for n in range(10_000))
            _link(here, next(f for f in free if not os.path.lexists(f) and not os.path.lexists(old / f.name)))


def _known_sums(folder: Path) -> dict[str, str]:
    try:
        return listed_sums(folder)
    except (OSError, ValueError, CrimenbError):
        return {}


def _link(here: Path | str, there: Path | str) -> None:
    try:
        os.link(here, there, follow_symlinks=False)
    except (OSError, NotImplementedError):
        shutil.copy2(here, there, follow_symlinks=False)


def synced(path: Path) -> None:
    """Return when a file, or a folder with all in it, is on the disk."""
    for part in [*path.rglob("*"), path]:
        if part.is_dir() and not part.is_symlink():
            _on_disk(part)
        elif part.is_file() and not part.is_symlink():
            with contextlib.suppress(PermissionError), part.open("rb+") as stream:  # somebody else's
                os.fsync(stream)


def _on_disk(folder: Path) -> None:
    """Return when the names in a folder are on the disk, where the system can say that of folders."""
    with contextlib.suppress(OSError):
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


def write_whole(path: Path, text: str) -> None:
    """Write a file in one step: whoever reads it has the old one or the new one, also after a kill."""
    part = path.with_name(f".{path.name}.part")
    try:
        part.unlink(missing_ok=True)  # a link that somebody left there is not followed
        with part.open("x", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
        synced(part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    _on_disk(path.parent)


def sweep(out: Path) -> None:
    """Put back or remove what killed runs have left in a folder of reports; those at work keep theirs."""
    for left in sorted(out.glob(".*_????-??_????-??*.*")):
        name = left.name.removeprefix(".").partition(".")[0]
        with contextlib.suppress(Busy), locked(out / f".{name}.lock"):
            _clear(out / name)


_NEW, _OLD = "new", "old"


def _clear(target: Path) -> None:
    ours = re.compile(rf"\.{re.escape(target.name)}\.\w{{8}}\.({_NEW}|{_OLD})")
    left = [p for p in target.parent.iterdir() if ours.fullmatch(p.name)]
    old = [p for p in left if p.suffix == f".{_OLD}"]
    if old and not os.path.lexists(target):
        max(old, key=lambda p: p.lstat().st_mtime).rename(target)
    for path in left:
        _remove(path)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


# ------------------------------------------------------------------------ checksums

SUMS = "SHA256SUMS"


def digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as stream:
        return str(hashlib.file_digest(stream, "sha256").hexdigest())


def write_sums(folder: Path) -> None:
    """Write SHA256SUMS over every file of a report folder, as sha256sum -c reads it."""
    files = sorted(p for p in folder.rglob("*") if p.is_file() and p.name != SUMS)
    lines = [f"{digest(p)}  {p.relative_to(folder).as_posix()}\n" for p in files]
    (folder / SUMS).write_text("".join(lines), "utf-8", newline="\n")


def listed_sums(folder: Path) -> dict[str, str]:
    """Return the files that SHA256SUMS lists, by name, with their digests.

    Raises
    ------
    OSError, ValueError, SnapshotError
        There is no such list, or it is damaged.
    """
    lines = read_regular(folder / SUMS).decode().splitlines()
    return {name: digest_ for digest_, name in (line.split("  ", 1) for line in lines)}
