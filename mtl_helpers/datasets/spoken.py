"""Spoken digits: which digit, and who says it. The Free Spoken Digit Dataset, read by the standard library alone."""

from __future__ import annotations

import io
import re
import wave
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from mtl_helpers.data.batches import MultiTaskDataset
from mtl_helpers.datasets.archive import check_counts, read_members
from mtl_helpers.datasets.digits import DIGITS
from mtl_helpers.datasets.download import Archive, fetch
from mtl_helpers.errors import DataError
from mtl_helpers.tasks import Classification

SPOKEN_DIGITS = Archive(
    "free-spoken-digit-dataset.tar.gz",
    "https://github.com/Jakobovski/free-spoken-digit-dataset/archive/refs/tags/v1.0.10.tar.gz",
    None,  # made anew by the server for each download
    unpacked=100_000_000,
)
DIGIT = Classification("digit", classes=DIGITS)
SPEAKER = Classification("speaker", classes=("george", "jackson", "lucas", "nicolas", "theo", "yweweler"))
SPOKEN_COUNTS: Mapping[str, int] = MappingProxyType(dict.fromkeys(SPEAKER.classes, 500))
RATE = 8000  # samples a second

_FILE = re.compile(r"[^/]+/recordings/(.+\.wav)")
_NAME = re.compile(r"(\d)_([a-z]+)_(\d+)\.wav")


class SpokenDigits(NamedTuple):
    """Waves: ``data.inputs (n, time)`` from -1 to 1, padded with 0, ``data.lengths (n,)``; ``takes (n,)``; samples a second.

    ``takes`` numbers the recordings of one digit by one speaker, 0 to 49. The publisher's test recordings are takes 0 to 4.
    """

    data: MultiTaskDataset
    takes: Tensor
    rate: int


def spoken_digits(
    root: str | Path | None = None,
    *,
    checksum: str | None = SPOKEN_DIGITS.checksum,
    counts: Mapping[str, int] | None = SPOKEN_COUNTS,
) -> SpokenDigits:
    """Six people say each digit fifty times, in English (Jackson et al., CC BY-SA 4.0): the tasks `DIGIT` and `SPEAKER`.

    Rows come sorted by digit, speaker and take. The archive (16 MB) is looked for in the folder ``root``, see `fetch`; no
    checksum of it is published. ``counts`` (recordings by speaker) and errors are as for `imdb`.
    """
    path = fetch(SPOKEN_DIGITS, root, checksum=checksum)
    found: dict[tuple[int, int, int], np.ndarray] = {}
    for match, raw in read_members(path, _FILE, limit=SPOKEN_DIGITS.unpacked):
        where = f"{path.name}, member {match[0]!r}"
        named = _NAME.fullmatch(match[1])
        if named is None or named[2] not in SPEAKER.classes:
            raise DataError(
                f"{where}: a recording is named <digit>_<speaker>_<take>.wav, speakers are {', '.join(SPEAKER.classes)}."
            )
        found[int(named[1]), SPEAKER.classes.index(named[2]), int(named[3])] = _samples(where, raw)
    check_counts(path, Counter(SPEAKER.classes[speaker] for _, speaker, _ in found), counts)
    if not found:
        raise DataError(f"{path.name} holds no recording. Is it the Free Spoken Digit Dataset?")
    keys = sorted(found)
    lengths = torch.tensor([len(found[key]) for key in keys])
    waves = torch.zeros(len(keys), int(lengths.max()))
    for row, key in zip(waves, keys, strict=True):
        row[: len(found[key])] = torch.from_numpy(found[key])
    digit, speaker, takes = torch.tensor(keys).T.contiguous()
    known = torch.ones(len(keys), dtype=torch.bool)
    data = MultiTaskDataset(
        waves, {DIGIT.name: digit, SPEAKER.name: speaker}, {DIGIT.name: known, SPEAKER.name: known.clone()}, lengths
    )
    return SpokenDigits(data, takes, RATE)


def _samples(where: str, raw: bytes) -> np.ndarray:
    """The samples of a recording ``(time,)``, float32 from -1 to 1."""
    try:
        with wave.open(io.BytesIO(raw)) as file:
            form, length = file.getparams(), file.getnframes()
            samples = np.frombuffer(file.readframes(length), dtype="<i2")
    except (wave.Error, EOFError, ValueError) as problem:
        raise DataError(f"{where}: is no readable wave file ({type(problem).__name__}: {problem}).") from problem
    if (form.nchannels, form.sampwidth, form.framerate) != (1, 2, RATE):
        raise DataError(
            f"{where}: expected one channel of 16 bits, {RATE} samples a second; found {form.nchannels} of "
            f"{8 * form.sampwidth} bits, {form.framerate}."
        )
    if len(samples) != length or not length:
        raise DataError(f"{where}: {len(samples)} samples of the {length} that its head announces.")
    return (samples / 2**15).astype(np.float32)
