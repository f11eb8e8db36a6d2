"""Reading archives that nobody vouches for: straight from the packed file, in memory, and nothing is written anywhere."""

from __future__ import annotations

import gzip
import re
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from mtl_helpers.errors import DataError

MOST_MEMBERS = 250_000
_KINDS = {
    "issym": "a symbolic link",
    "islnk": "a hard link",
    "ischr": "a character device",
    "isblk": "a block device",
    "isfifo": "a pipe",
    "issparse": "a file with holes",
}


def read_members(path: Path, wanted: re.Pattern[str], *, limit: int) -> Iterator[tuple[re.Match[str], bytes]]:
    """Go through a ``.tar.gz`` once, in its order: for each file whose name matches ``wanted``, the match and the content.

    Every member is checked, wanted or not. Raises `DataError`, naming archive and member, for an absolute name or one that
    leaves the folder, for links, devices and pipes, for more than ``limit`` bytes unpacked (a bomb is refused by the size it
    declares, before it is unpacked), and for an archive that is damaged or cut off, down to the last byte's checksum.
    """
    name = "its first member"
    try:
        with _Limited(path, limit) as unpacked, tarfile.open(fileobj=unpacked, mode="r:") as tar:
            for number, member in enumerate(tar, start=1):
                name = f"member {member.name!r}"
                if number > MOST_MEMBERS:
                    raise DataError(f"it has more than {MOST_MEMBERS:,} members")
                _check_member(member)
                unpacked.refuse_beyond(member.offset_data + member.size)
                tar.members.clear()  # tarfile would keep all of them
                if member.isreg() and (match := wanted.fullmatch(member.name.removeprefix("./"))):
                    content = unpacked.read(member.size)  # it begins where the header ended
                    if len(content) < member.size:
                        raise EOFError(f"{len(content):,} of its {member.size:,} bytes are there")
                    yield match, content
            if unpacked.last != bytes(tarfile.BLOCKSIZE):  # tarfile takes a spoilt header for the end
                raise tarfile.ReadError("there is no mark of an end")
            name = "its end"
            while unpacked.read(tarfile.RECORDSIZE):
                pass  # gzip compares its checksum only there
    except DataError as problem:
        raise DataError(f"{path.name}, {name}: {problem}. Nothing of it is used; is it the published file?") from None
    except (OSError, EOFError, tarfile.TarError, zlib.error) as problem:
        raise DataError(
            f"{path.name} is damaged or cut off, at or after {name} ({type(problem).__name__}: {problem}). "
            "Delete it and download it again."
        ) from problem


def check_counts(path: Path, found: Mapping[str, int], expected: Mapping[str, int] | None) -> None:
    """Raise `DataError` unless each part has as many examples as expected; with None say that nothing was compared.

    >>> check_counts(Path("a.tar.gz"), {"train": 3}, None)
    a.tar.gz: counts not compared; found train 3.
    """

    def told(counts: Mapping[str, int]) -> str:
        return ", ".join(f"{part} {n:,}" for part, n in sorted(counts.items())) or "nothing"

    if expected is None:
        print(f"{path.name}: counts not compared; found {told(found)}.")
    elif dict(found) != dict(expected):
        raise DataError(
            f"{path.name} holds {told(found)}; expected {told(expected)}. If it is another version of the data, pass its "
            f"numbers: counts={dict(sorted(found.items()))}."
        )


def decode(path: Path, name: str, raw: bytes) -> str:
    """The text of a member that must be UTF-8."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as problem:
        raise DataError(
            f"{path.name}, member {name!r}: byte 0x{raw[problem.start]:02x} at position {problem.start} is not UTF-8, which "
            "the data set is written in. Delete the archive and download it again."
        ) from problem


def _check_member(member: tarfile.TarInfo) -> None:
    if member.size < 0:  # some versions of tarfile would go back by so much, for ever
        raise DataError(f"declares {member.size:,} bytes")
    name = member.name.replace("\\", "/")
    if name.startswith("/") or re.match(r"[A-Za-z]:", name) or "\0" in name:
        raise DataError("has an absolute name")
    if ".." in PurePosixPath(name).parts:
        raise DataError("has a name that leads out of its folder")
    for kind, words in _KINDS.items():
        if getattr(member, kind)():
            raise DataError(f"is {words}, and the data set has none")
    if not (member.isreg() or member.isdir()):
        raise DataError(f"is of the unknown kind {member.type!r}")


class _Limited(gzip.GzipFile):
    """A gzip file that refuses to unpack more than ``limit`` bytes, before it does."""

    def __init__(self, path: Path, limit: int) -> None:
        super().__init__(path, "rb")
        self.limit, self.last = limit, b""

    def read(self, size: int | None = -1) -> bytes:
        """As of any file; the bytes read last are kept in ``last``."""
        self.refuse_beyond(self.tell() + (size if size is not None and size >= 0 else self.limit + 1))
        self.last = super().read(size)
        return self.last

    def seek(self, offset: int, whence: int = 0) -> int:
        """As of any file; forwards it unpacks what lies between."""
        self.refuse_beyond(offset)
        return super().seek(offset, whence)

    def refuse_beyond(self, position: int) -> None:
        """Raise `DataError` if so many bytes are too many."""
        if position > self.limit:
            raise DataError(f"it would unpack to more than {self.limit:,} bytes, the most that the data set may have")
