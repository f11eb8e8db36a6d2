"""Published archives: downloaded once, verified, kept; or put into their place by hand. Nothing half counts as whole."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pooch
from tqdm.auto import tqdm

from mtl_helpers.errors import DataError


@dataclass(frozen=True)
class Archive:
    """Where an archive is published and what it must be.

    ``checksum`` is ``"md5:..."`` or ``"sha256:..."``, None where the publisher names none; ``unpacked`` is how many bytes it
    may unpack to (about three times what it does): more is a bomb.
    """

    file: str
    url: str
    checksum: str | None
    unpacked: int


def data_folder() -> Path:
    """Where downloads are kept: the folder that MTL_DATA names, else ``data/cache`` of the checkout, else the user's cache.

    A checkout that one may only read, as on a class's server, leaves it to the user's cache.
    """
    if named := os.environ.get("MTL_DATA"):
        return Path(named)
    data = Path(__file__).resolve().parents[2] / "data"
    here = (data / "reviews.csv").is_file() and can_be_written(data / "cache")
    return data / "cache" if here else user_cache()


def user_cache() -> Path:
    """The user's own cache, ``~/.cache/mtl-course`` on Linux; for a user without a home the system's folder for a while."""
    cache = Path(pooch.os_cache("mtl-course"))
    return cache if cache.is_absolute() else Path(tempfile.gettempdir()) / "mtl-course"  # "~" that leads nowhere


def can_be_written(folder: Path) -> bool:
    """Whether files can be made in a folder, or the folder itself where it is missing."""
    there = next(place for place in (folder.absolute(), *folder.absolute().parents) if place.exists())
    return there.is_dir() and os.access(there, os.W_OK | os.X_OK)


def fetch(archive: Archive, root: str | Path | None = None, *, checksum: str | None, timeout: float = 30) -> Path:
    """Path of an archive: the file of its name in the folder ``root`` if there is one, else it is downloaded to there.

    A file that is there, downloaded or put there by hand, is used after its checksum was compared; one that differs is
    refused and left alone. A download goes to a temporary file beside it, which gets the name only when it is complete and
    its checksum right: an interrupted one leaves nothing, and begins anew the next time. ``timeout`` is in seconds without
    an answer. With ``checksum=None`` nothing is compared, and a line says so and gives the SHA-256 found.

    Raises `DataError` with the address, the expected name and the place for a download by hand.
    """
    folder = data_folder() if root is None else Path(root)
    path = folder / archive.file
    if checksum is not None and checksum.partition(":")[0] not in ("md5", "sha256"):
        raise DataError(f"checksum must be 'md5:...', 'sha256:...', or None for no comparison; found {checksum!r:.80}.")
    if not path.is_file():
        _download(archive, path, checksum, timeout)
    if checksum is None:
        print(f"{path.name}: not compared with a checksum. Its SHA-256 is {pooch.file_hash(str(path))}.")
    elif (found := _checksum(path, checksum)) != checksum.lower():
        raise DataError(
            f"{path} is not the published file: its checksum is {found}, expected {checksum}. Delete it and it is downloaded "
            f"anew from {archive.url}; or, if it is another version that you trust, pass checksum={found!r} and its counts."
        )
    return path


def _checksum(path: Path, like: str) -> str:
    """Checksum of a file by the same algorithm, written the same way."""
    algorithm = like.partition(":")[0]
    return f"{algorithm}:{pooch.file_hash(str(path), alg=algorithm)}"


def _download(archive: Archive, path: Path, checksum: str | None, timeout: float) -> None:
    told = pooch.get_logger().level
    pooch.get_logger().setLevel("WARNING")  # else it prints paths of this machine
    try:
        with tqdm(desc=archive.file, total=1, unit="B", unit_scale=True, leave=False) as bar:
            # Packed once more on the way, the file would arrive as another one than the checksum is of.
            downloader = pooch.HTTPDownloader(
                progressbar=bar, chunk_size=2**16, timeout=timeout, headers={"Accept-Encoding": "identity"}
            )
            pooch.retrieve(archive.url, checksum, path.name, path.parent, downloader=downloader)
    except (OSError, ValueError) as problem:  # all errors of the network are OSErrors, another checksum is a ValueError
        raise DataError(
            f"{archive.file} could not be downloaded from {archive.url} ({_in_words(problem)}). Nothing half was kept. Try "
            f"again, or download it by hand and put it, as it is, at {path.resolve()}"
            " (the environment variable MTL_DATA names another folder)."
        ) from problem
    finally:
        pooch.get_logger().setLevel(told)


def _in_words(problem: Exception) -> str:
    """What went wrong, for somebody who has never met the library's names for it."""
    kind = type(problem).__name__
    if kind == "ValueError":
        return "what came has another checksum than the published file"
    if kind == "HTTPError":
        return f"the server answers {problem.response.status_code} {problem.response.reason}"
    if "Read timed out" in str(problem):
        return "the server went silent"
    words = {
        "ConnectionError": "no connection: is there a network?",
        "ConnectTimeout": "no connection: is there a network?",
        "ChunkedEncodingError": "the connection broke before the end",
        "TooManyRedirects": "the address leads in a circle",
    }
    return words.get(kind, f"{kind}: {problem}")
