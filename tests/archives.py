"""Small archives in the formats of the published data sets, whole or spoilt, made by the tests that read them."""

import gzip
import io
import struct
import tarfile
import wave
from pathlib import Path

import numpy as np

from mtl_helpers.datasets.cifar import CIFAR10, OBJECT
from mtl_helpers.datasets.spoken import RATE, SPEAKER, SPOKEN_DIGITS
from mtl_helpers.datasets.texts import DOMAIN, IMDB, MULTI_DOMAIN


def pack(path: Path, members: dict[str, bytes], *extra: tarfile.TarInfo) -> Path:
    """A .tar.gz of files by name, and after them members without content."""
    with tarfile.open(path, "w:gz") as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        for member in extra:
            tar.addfile(member)
    return path


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


def bomb(path: Path, members: dict[str, bytes], name: str, size: int, form: int = tarfile.PAX_FORMAT) -> Path:
    """The members, and then one that declares ``size`` bytes, with hardly any there."""
    member = tarfile.TarInfo(name)
    member.size = size
    pack(path, members)
    packed = gzip.decompress(path.read_bytes()).rstrip(b"\0")
    packed += bytes(-len(packed) % 512) + member.tobuf(form) + bytes(1024)
    path.write_bytes(gzip.compress(packed))
    return path


def imdb_members(n: int = 3) -> dict[str, bytes]:
    """n positive and n negative reviews a part, with the HTML and the accents of the real ones."""
    return {
        f"aclImdb/{part}/{side}/{i}_{stars}.txt": f"Caf\u00e9 no{i} {word}.<br /><br />It&amp;s {part}".encode()
        for part in ("train", "test")
        for side, stars, word in (("neg", 2, "awful"), ("pos", 9, "superb"))
        for i in range(n)
    } | {
        "aclImdb/README": b"read me",
        "aclImdb/train/unsup/0_0.txt": b"\xff no label",
        "aclImdb/train/urls_pos.txt": b"-",
    }


def review(text: bytes, stars: str = "5.0") -> bytes:
    return (
        b"<review>\n<unique_id>\nx\n</unique_id>\n<rating>\n"
        + stars.encode()
        + b"\n</rating>\n<title>\nA title\n</title>\n<review_text>\n"
        + text
        + b"\n</review_text>\n</review>\n"
    )


def domain_members(n: int = 3) -> dict[str, bytes]:
    """n positive and n negative reviews a domain; one file stands within <data>, as in the real archive."""
    members = {}
    for domain in ("books", "dvd", "electronics", "kitchen_&_housewares"):
        for side, stars in (("negative", "1.0"), ("positive", "4.0")):
            reviews = [review(f"{domain[:4]} number {i} & {side} <i>so</i>".encode(), stars) for i in range(n)]
            members[f"sorted_data_acl/{domain}/{side}.review"] = b"".join(reviews)
        members[f"sorted_data_acl/{domain}/unlabeled.review"] = b"\xff anything"
    first = "sorted_data_acl/books/positive.review"
    members[first] = b"<data>\n" + members[first] + b"</data>\n"
    return members


def cifar_rows(n: int, seed: int = 0) -> np.ndarray:
    """Rows ``(n, 3073)``: the labels 0 to 9 in turn, and noise, the redder the higher the label."""
    rows = np.random.default_rng(seed).integers(0, 256, (n, 3073), dtype=np.uint8)
    rows[:, 0] = np.arange(n) % 10
    rows[:, 1:] //= 8
    rows[:, 1:1025] += 20 * rows[:, :1]
    return rows


def cifar_members() -> dict[str, bytes]:
    """Two train files of 50 rows, and 10 rows to test on; the files stand in no order."""
    return {
        "cifar-10-batches-bin/data_batch_2.bin": cifar_rows(50, 2).tobytes(),
        "cifar-10-batches-bin/batches.meta.txt": "\n".join([*OBJECT.classes, ""]).encode(),
        "cifar-10-batches-bin/test_batch.bin": cifar_rows(10, 3).tobytes(),
        "cifar-10-batches-bin/data_batch_1.bin": cifar_rows(50, 1).tobytes(),
        "cifar-10-batches-bin/readme.html": b"-",
    }


def recording(samples: list[int], *, rate: int = RATE, channels: int = 1, width: int = 2) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(channels)
        out.setsampwidth(width)
        out.setframerate(rate)
        out.writeframes(struct.pack(f"<{len(samples)}h", *samples) if width == 2 else bytes(len(samples)))
    return file.getvalue()


def spoken_members() -> dict[str, bytes]:
    """One recording a digit and speaker, each of its own length, that begins with digit and speaker."""
    members = {"digits/README.md": b"-", "digits/recordings/notes.txt": b"-"}
    for s, speaker in enumerate(SPEAKER.classes):
        for digit in range(10):
            samples = [1000 * digit, 1000 * s, -(2**15), *[7] * (digit + s)]
            members[f"digits/recordings/{digit}_{speaker}_{digit + s}.wav"] = recording(samples)
    return members


FORMATS = {"imdb": IMDB, "domains": MULTI_DOMAIN, "cifar": CIFAR10, "spoken": SPOKEN_DIGITS}
MEMBERS = {"imdb": imdb_members, "domains": domain_members, "cifar": cifar_members, "spoken": spoken_members}
COUNTS = {
    "imdb": {"train": 6, "test": 6},
    "domains": dict.fromkeys(DOMAIN.classes, 6),
    "cifar": {"train": 100, "test": 10},
    "spoken": dict.fromkeys(SPEAKER.classes, 10),
}
