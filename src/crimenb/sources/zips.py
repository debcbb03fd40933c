"""Zip files of any maker: what is in them, and one sentence for those that cannot be read."""

from __future__ import annotations

import contextlib
import lzma
import zipfile
import zlib
from typing import TYPE_CHECKING

from crimenb.errors import SourceError
from crimenb.files import regular

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_ENCRYPTED = 0x1
_METHODS = {
    9: "Deflate64 (as Windows Explorer does)",
    93: "Zstandard",
    95: "XZ",
    98: "PPMd",
    99: "AES",
}
_READ_HERE = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA}
_CHUNK = 1 << 20
_INSTEAD = "unzip it and give the folder"


def is_zip(name: str) -> bool:
    """Whether a name is that of a zip."""
    return name.lower().endswith(".zip")


def plain(member: zipfile.ZipInfo) -> str:
    """Return a member's name with slashes: PowerShell 5 writes backslashes."""
    return member.filename.replace("\\", "/")


@contextlib.contextmanager
def opened(path: Path, shown: str = "") -> Iterator[zipfile.ZipFile]:
    """Open a zip.

    Raises
    ------
    SourceError
        It is no whole zip, or no file.
    """
    shown = shown or str(path)
    try:
        archive = zipfile.ZipFile(regular(path, SourceError))
    except (zipfile.BadZipFile, OSError, NotImplementedError, ValueError) as error:
        msg = f"{shown!r} is not a whole zip file ({error}); download it again."
        raise SourceError(msg) from error
    with archive:
        yield archive


def members(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """Return the files of a zip, sorted by name; what macOS puts beside each is left out."""
    found = [m for m in archive.infolist() if not plain(m).endswith("/") and "__MACOSX/" not in plain(m)]
    return sorted(found, key=plain)


def chunks(archive: zipfile.ZipFile, member: zipfile.ZipInfo, shown: str) -> Iterator[bytes]:
    """Yield a member's bytes.

    Raises
    ------
    SourceError
        It is encrypted, damaged, or compressed in a way that is not read here.
    """
    if member.flag_bits & _ENCRYPTED:
        msg = f"{shown!r} is encrypted; {_INSTEAD}."
        raise SourceError(msg)
    if member.compress_type not in _READ_HERE:
        method = _METHODS.get(member.compress_type, f"method {member.compress_type}")
        msg = f"{shown!r} is compressed by {method}, which is not read here; {_INSTEAD}."
        raise SourceError(msg)
    try:
        with archive.open(member) as stream:
            while chunk := stream.read(_CHUNK):
                yield chunk
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, RuntimeError) as error:
        msg = f"{shown!r} is damaged ({error}); download it again."
        raise SourceError(msg) from error
