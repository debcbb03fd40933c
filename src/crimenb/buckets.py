"""A folder in a bucket (s3://, az://, gs://), by fsspec and the driver of each.

Endpoint and credentials are those of the drivers' usual environment (AWS_ENDPOINT_URL,
AWS_ACCESS_KEY_ID, ...); no message repeats them. What a lost connection interrupts is asked again for
a minute. A bucket knows no folders and no swap, so a report is whole by this order: it is claimed, its
SHA256SUMS go, its files are put, its SHA256SUMS come. Each file is put on the condition that it is as
it was seen: of two who write one report differently, the one that claimed it last wins.
"""

from __future__ import annotations

import random
import re
import time
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import TYPE_CHECKING, Any

from crimenb.errors import Busy, CrimenbError, SourceError, SourceUnavailable
from crimenb.files import SUMS, listed_sums

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

_DRIVERS = {"s3": "s3fs", "az": "adlfs", "gs": "gcsfs"}
# A Path has one slash of the two; what a key or a pattern may stand in is no address.
_ADDRESS = re.compile(r"(s3|az|gs):/{1,2}([^/@?#*\[\]]+(?:/[^@?#*\[\]]*)?)")
PATIENCE_S = 60.0
"""How long a bucket that does not answer is asked again."""

CLAIM = ".uploading"
"""Name of the object that says who writes a report: the hashes of its files."""

_AT_ONCE, _LONGEST_PAUSE_S = 8, 4.0
_CONDITIONS = {"mode", "IfMatch", "CopySourceIfMatch", "etag", "ifGenerationMatch"}
"""Parameters of the drivers that say in which state an object must be."""

_UNANSWERED = {
    "HTTPClientError", "ConnectionError", "ClientConnectionError", "ClientPayloadError", "IncompleteRead",
    "ServiceRequestError", "ServiceResponseError", "TransportError",
}  # fmt: skip
"""Classes of the drivers' errors, or their bases, that mean that no answer came."""


class Changed(Exception):
    """An object is not, or no more, as it was seen."""


def is_address(where: Path | str) -> bool:
    """Whether something names a folder in a bucket."""
    return str(where).startswith(tuple(f"{scheme}:/" for scheme in _DRIVERS))


class Bucket:
    """A folder in a bucket.

    Parameters
    ----------
    address
        "s3://bucket/path"; "az://..." and "gs://..." likewise.

    Raises
    ------
    SourceError
        The address is none, or the driver's package is not installed.
    """

    def __init__(self, address: Path | str) -> None:
        found = _ADDRESS.fullmatch(str(address))
        if found is None:  # not repeated: it may have a key in it
            msg = "The address of a bucket is written s3://bucket/path (az:// and gs:// likewise), nothing else in it."
            raise SourceError(msg)
        self._scheme, self._root = found[1], found[2].rstrip("/")

    def __str__(self) -> str:
        """Write the address."""
        return f"{self._scheme}://{self._root}"

    def __truediv__(self, name: str) -> Bucket:
        """Return a folder in this one."""
        inside = Bucket(f"{self}/{name}")
        inside.__dict__["_fs"] = self._fs
        return inside

    @cached_property
    def _fs(self) -> Any:
        import fsspec

        try:
            return fsspec.filesystem(self._scheme, use_listings_cache=False)
        except ImportError as error:
            package, extra = _DRIVERS[self._scheme], "crimenb with its extra 'bucket': crimenb[bucket]"
            how = extra if package == "s3fs" else "it"
            msg = f"An address {self._scheme}://... needs the package {package!r}; install {how}."
            raise SourceError(msg) from error
        except Exception as error:
            raise self._refused(error) from error

    # ---------------------------------------------------------------- objects

    def sizes(self) -> dict[str, int]:
        """Return the names of all objects in the folder, with their bytes."""
        return {name: int(known.get("size") or 0) for name, known in self._found().items()}

    def read(self, names: Iterable[str]) -> dict[str, bytes]:
        """Return the bytes of those of some objects that are there, by name."""
        paths = {self._path(name): name for name in names}
        found: dict[str, bytes] = {}

        def missing() -> None:
            answers = self._fs.cat([p for p in paths if paths[p] not in found], on_error="return")
            failed = {p: a for p, a in answers.items() if isinstance(a, BaseException)}
            found.update({paths[p]: a for p, a in answers.items() if p not in failed})
            for error in failed.values():
                if not isinstance(error, FileNotFoundError) or _no_bucket(error):
                    raise error

        if paths:
            self._asked(missing)
        return found

    def tag(self, name: str) -> str:
        """Return what tells this state of an object from every other; "" where there is none."""
        try:
            return _tag(self._asked(self._fs.info, self._path(name)))
        except FileNotFoundError:
            return ""

    def write(self, name: str, raw: bytes) -> None:
        """Put an object, whatever is there."""
        self._create(self._path(name), raw)

    def replace(self, name: str, raw: bytes, tag: str) -> None:
        """Put an object if it is in the state of a tag, or not there where the tag is "".

        Raises
        ------
        Changed
            It is in another state.
        """
        path, put = self._path(name), self._fs.pipe_file
        if not tag:
            self._create(path, raw, mode="create")
        elif self._scheme == "s3":
            self._asked(put, path, raw, IfMatch=tag)
        elif self._scheme == "az":
            from azure.core import MatchConditions

            self._asked(put, path, raw, etag=tag, match_condition=MatchConditions.IfNotModified)
        else:  # gcsfs puts on no other condition than that there is nothing
            root, _, key = path.partition("/")
            where = f"{self._fs.base.removesuffix('storage/v1/')}upload/storage/v1/b/{root}/o"
            self._asked(
                self._fs.call, "POST", where, uploadType="media", name=key, ifGenerationMatch=tag, data=raw
            )

    def _create(self, path: str, raw: bytes, **more: str) -> None:
        try:
            self._asked(self._fs.pipe_file, path, raw, **more)
        except FileNotFoundError as error:  # what is put needs nothing to be there but the bucket
            raise self._refused(error) from error

    def remove(self, names: Iterable[str]) -> None:
        """Remove objects; those that are not there are passed over."""
        for name in names:
            try:
                self._asked(self._fs.rm_file, self._path(name))
            except FileNotFoundError:
                continue

    def get(self, name: str, file: Path) -> None:
        """Copy an object, however large, to a file."""
        try:
            self._asked(self._fs.get_file, self._path(name), str(file))
        except FileNotFoundError as error:
            msg = f"{str(self)!r} has no {name!r} any more; run it again."
            raise SourceError(msg) from error

    def add(self, name: str, more: bytes) -> bytes:
        """Add to the end of an object that is added to by all who write it; return it as it is then."""
        seen: int | None = None
        while True:
            tag = self.tag(name)  # first: what is read after it is of this state or a later one
            held = self.read([name]).get(name, b"")
            if seen is not None and more in held[seen:]:  # it was added, and the answer was lost
                more = b""
            if not more:
                return held
            try:
                self.replace(name, held + more, tag)
            except Changed:
                seen = len(held)
                time.sleep(random.uniform(0, 0.2))  # so that two do not meet again
                continue
            return held + more

    # ---------------------------------------------------------------- reports

    def fetch(self, folder: Path, names: Iterable[str]) -> None:
        """Copy objects to a folder on this machine."""
        for name, raw in self.read(n for n in names if re.fullmatch(r"(data/)?\w[\w.-]*", n)).items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(raw)

    def upload(self, folder: Path, ours: Callable[[str], object]) -> None:
        """Put a report's folder here: whoever sees its SHA256SUMS sees the files that it lists.

        Parameters
        ----------
        folder
            The folder; it has SHA256SUMS.
        ours
            Whether a name is one that a report gives: such objects go where the folder has no such file.

        Raises
        ------
        Busy
            Another run writes another state of the same report here now.
        """
        files = {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_file()}
        sums = files.pop(SUMS).read_bytes()
        if SUMS in self._found() and self.read([SUMS]).get(SUMS) == sums:
            for name in files.keys() - listed_sums(folder).keys():  # printed anew
                self.write(name, files[name].read_bytes())
            return None
        self.write(CLAIM, sums)
        there = {name: _tag(known) for name, known in self._found().items()}
        if SUMS in there:
            if self.read([SUMS]).get(SUMS) == sums:  # of another run that made the same
                return self.remove([CLAIM])
            self.remove([SUMS])
        self._refuse_other(sums)  # after the look: who claims it from here on puts each file after us
        self.remove(name for name in there if name not in files and ours(name))
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            list(pool.map(lambda name: self._put(name, files[name].read_bytes(), there, sums), files))
        self._finish(sums)
        return self.remove([CLAIM])

    def _finish(self, sums: bytes) -> None:
        """Put SHA256SUMS if the claim is ours still: on S3 in one step, as a copy of it on that condition."""
        while True:
            tag = self.tag(CLAIM)
            self._refuse_other(sums)
            if not tag:  # another run that made the same has finished it
                return None
            try:
                if self._scheme != "s3":
                    return self.replace(SUMS, sums, "")
                root, _, key = self._root.partition("/")
                self._asked(
                    self._fs.call_s3, "copy_object", Bucket=root, Key=f"{key}/{SUMS}",
                    CopySource={"Bucket": root, "Key": f"{key}/{CLAIM}"}, CopySourceIfMatch=tag,
                )  # fmt: skip
            except Changed:
                held = self.read([SUMS]).get(SUMS)
                if held == sums:
                    return None
                if held is not None and self._scheme != "s3":  # of one whose claim was before ours
                    self.remove([SUMS])
            else:
                return None

    def _put(self, name: str, raw: bytes, there: Mapping[str, str], sums: bytes) -> None:
        tag = there.get(name, "")
        while True:
            try:
                return self.replace(name, raw, tag)
            except Changed:  # by another run, or by us, and the answer was lost
                tag = self.tag(name)
                self._refuse_other(sums)

    def _refuse_other(self, sums: bytes) -> None:
        """Raise Busy where another state of this report was claimed, or put, meanwhile."""
        claim = self.read([CLAIM]).get(CLAIM)
        if claim != sums and (claim is not None or self.read([SUMS]).get(SUMS) != sums):
            raise Busy(self._busy())

    def _busy(self) -> str:
        return f"Another run is writing {str(self)!r} now; wait until it has finished."

    # ---------------------------------------------------------------- asking

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"

    def _found(self) -> dict[str, dict[str, Any]]:
        """Return what the driver knows of all objects in the folder."""
        found = self._asked(self._fs.find, self._root, detail=True)
        return {path.removeprefix(f"{self._root}/"): known for path, known in found.items()}

    def _asked(self, ask: Callable[..., Any], *arguments: Any, **more: Any) -> Any:
        """Return an answer; a lost connection or a tired server is asked again, and the rest is one sentence.

        Raises
        ------
        FileNotFoundError
            There is no such object.
        Changed
            It is not in the state that was the condition.
        SourceError
            The bucket is not there, or lets nobody in.
        SourceUnavailable
            No answer came in all the time.
        """
        until, pause = time.monotonic() + PATIENCE_S, 0.2
        while True:
            try:
                return ask(*arguments, **more)
            except CrimenbError:
                raise
            except Exception as error:
                status = _status(error)
                if not _no_bucket(error):
                    absent = isinstance(error, FileNotFoundError)
                    other = status in {409, 412} or isinstance(error, FileExistsError) or absent
                    if other and more.keys() & _CONDITIONS and not (absent and "mode" in more):
                        raise Changed from error
                    if absent:
                        raise
                if not _passes(error, status):
                    if isinstance(error, OSError) and error.errno and not status:
                        raise  # of this machine's disk
                    raise self._refused(error, status) from error
                if time.monotonic() > until:
                    why = _code(error) or type(error).__name__
                    msg = f"No answer from {str(self)!r} for {PATIENCE_S:.0f} seconds ({why}); run it again later."
                    raise SourceUnavailable(msg) from error
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_S)

    def _refused(self, error: Exception, status: int = 0) -> SourceError:
        why = _code(error) or type(error).__name__
        if _no_bucket(error) or isinstance(error, FileNotFoundError):
            bucket = f"{self._scheme}://{self._root.partition('/')[0]}"
            msg = (
                f"There is no bucket {bucket!r}; check the address, and whose endpoint the environment names."
            )
        elif (
            isinstance(error, PermissionError) or status in {401, 403} or "Credential" in type(error).__name__
        ):
            msg = f"The credentials of the environment do not allow to use {str(self)!r} ({why}); check them."
        else:
            msg = f"{str(self)!r} cannot be used ({why}); check the address, and whose endpoint the environment names."
        return SourceError(msg)


def _tag(known: Mapping[str, Any]) -> str:
    """Return the tag in what a driver says of an object."""
    return str(known.get("generation") or known.get("ETag") or known.get("etag") or "")


def _response(error: BaseException | None) -> dict[str, Any]:
    """Return what S3 answered, where an error is made of that."""
    for each in (error, error.__cause__ if error is not None else None):
        if isinstance(response := getattr(each, "response", None), dict):
            return response
    return {}


def _code(error: BaseException) -> str:
    code = _response(error).get("Error", {}).get("Code") or getattr(error, "error_code", "")
    return str(getattr(code, "value", code))


def _status(error: BaseException) -> int:
    """Return the status of the answer that an error is made of, 0 where there was none."""
    told = _response(error).get("ResponseMetadata", {}).get("HTTPStatusCode")
    for number in (told, getattr(error, "status_code", None), getattr(error, "code", None)):
        if str(number).isdecimal() and 400 <= int(str(number)) < 600:
            return int(str(number))
    return 0


def _no_bucket(error: BaseException) -> bool:
    words = f"{_code(error)} {error}".lower()
    return any(w in words for w in ("nosuchbucket", "containernotfound", "bucket does not exist"))


def _passes(error: Exception, status: int) -> bool:
    """Whether the same request may be answered a little later."""
    if status:
        return status in {408, 409, 429} or (status >= 500 and status != 501)
    if isinstance(error, FileNotFoundError | PermissionError | FileExistsError):
        return False
    return isinstance(error, ConnectionError | TimeoutError) or bool(
        _UNANSWERED & {base.__name__ for base in type(error).__mro__}
    )
