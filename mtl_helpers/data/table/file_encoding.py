"""In which encoding a file was written, told from its bytes; and UTF-8 that was read as something else, repaired."""

from __future__ import annotations

import re

from mtl_helpers.errors import DataError

_MARKS = {b"\xef\xbb\xbf": ("UTF-8", 3), b"\xff\xfe": ("UTF-16-LE", 2), b"\xfe\xff": ("UTF-16-BE", 2)}
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")  # no text has many
_SPREADSHEETS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # .xlsx and .ods, and .xls
_NAMES = {"utf-8": "UTF-8", "utf-8-sig": "UTF-8", "utf8": "UTF-8", "cp1252": "Windows-1252"}


def decode(raw: bytes, name: str, encoding: str | None = None) -> tuple[bytes, str]:
    """``(the file's bytes in UTF-8, the name of its own encoding)``; the encoding is guessed unless it is given."""
    if raw.startswith(_SPREADSHEETS):
        raise DataError(
            f"{name}: is a spreadsheet and no CSV. Save it as 'CSV UTF-8', or take frame = pd.read_excel(path) as the table."
        )
    for mark, (marked, length) in _MARKS.items():
        if raw.startswith(mark) and (encoding or marked).lower() in (marked.lower(), marked[:6].lower()):
            text = _strictly(raw[length:], marked, name)
            return text.encode(), marked[:6].rstrip("-")
    even, odd = raw[:1000:2].count(0), raw[1:1000:2].count(0)
    if encoding is None and max(even, odd) > len(raw[:1000]) / 10 and min(even, odd) < max(even, odd) / 10:
        guess = "UTF-16-LE" if odd > even else "UTF-16-BE"
        return _strictly(raw, guess, name).encode(), "UTF-16"
    marked = raw.startswith(tuple(_MARKS))  # text, in another encoding than the one asked for
    wide = (encoding or "").lower().startswith(("utf-16", "utf-32"))
    if len(_CONTROL.findall(raw[:1000])) > 30 and not (marked or wide):
        raise DataError(
            f"{name}: is no text file: it holds control bytes, as pictures and programs do. Save the table as "
            "'CSV UTF-8'."
        )
    if encoding is None:
        try:
            raw.decode("utf-8")
        except UnicodeDecodeError:
            encoding = _guess(raw, name)
        else:
            return raw, "UTF-8"
    text = _strictly(raw, encoding, name)
    return (raw if _NAMES.get(encoding.lower()) == "UTF-8" else text.encode()), _NAMES.get(encoding.lower(), encoding)


def _strictly(raw: bytes, encoding: str, name: str) -> str:
    try:
        return raw.decode(encoding)
    except LookupError as error:
        raise DataError(
            f"{name}: there is no encoding {encoding!r}; usual are 'utf-8', 'cp1252', 'gb18030'."
        ) from error
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{name}, line {line}: byte 0x{raw[error.start]:02x} is not {_NAMES.get(encoding.lower(), encoding)}. "
            "Save the file as UTF-8 (in a spreadsheet: 'CSV UTF-8')."
        ) from error


def _guess(raw: bytes, name: str) -> str:
    """Windows-1252, GB18030 or Big5: the one in which what is not ASCII is most often what people write in it."""
    mostly = raw.decode("utf-8", errors="replace")
    broken = mostly.count("\ufffd")
    if broken < sum(1 for c in re.findall(r"[^\x00-\x7f\ufffd]", mostly)):
        _strictly(raw, "utf-8", name)  # UTF-8 with a damaged place: says where
    sample = b"".join(re.findall(rb"[^\n]*[\x80-\xff][^\n]*\n?", raw)[:2000])
    likely = {
        "cp1252": _western(sample),
        "gb18030": _common(sample, "gb18030", 0xD7),
        "big5": _common(sample, "big5", 0xC6),
    }
    best = max(likely, key=likely.get)
    if likely[best] < 0.8:
        line = raw.count(b"\n", 0, re.search(rb"[\x80-\xff]", raw).start()) + 1
        raise DataError(
            f"{name}, line {line}: is not UTF-8, and reads like neither Windows-1252, GB18030 nor Big5. Save the file as "
            "UTF-8 (in a spreadsheet: 'CSV UTF-8'), or give encoding=..., such as 'cp1251' for Russian or 'shift_jis'."
        )
    return best


def _western(sample: bytes) -> float:
    """Of the bytes that are not ASCII, how many are Western letters beside an ASCII one, or marks beside none."""
    high = len(re.findall(rb"[\x80-\xff]", sample))
    letters = rb"(?<=[A-Za-z\s\"';,|(])[\x8a\x8c\x8e\x9a\x9c\x9e\x9f\xc0-\xff]{1,2}(?![\x80-\xff])"
    marks = (
        rb"(?<![\x81-\xff])[\x80\x82\x84\x85\x8b\x91-\x97\x99\x9b\xa0\xa1\xa3\xa7\xa9\xab\xae\xb0\xb2-\xb5\xbb-\xbf]"
    )
    return (sum(map(len, re.findall(letters, sample))) + len(re.findall(marks, sample))) / max(high, 1)


def _common(sample: bytes, encoding: str, last: int) -> float:
    """Of the characters that are not ASCII, how many stand in the common part of the code table."""
    try:
        found = re.findall(r"[^\x00-\x7f]", sample.decode(encoding))
    except UnicodeDecodeError:
        return 0.0
    table = "gb2312" if encoding == "gb18030" else encoding
    codes = [char.encode(table, errors="ignore") for char in found]
    return sum(len(code) == 2 and 0xA1 <= code[0] <= last for code in codes) / max(len(found), 1)


# The characters that Windows-1252 makes of the bytes of UTF-8: the first of a letter, and those that follow it.
_BYTE = {bytes([i]).decode("cp1252", "replace").replace("\ufffd", chr(i)): i for i in range(0x80, 0x100)}
_MARKS_OF_TEXT = "‘’“”‚„…–—‹›«»"  # may follow a letter in a text that is right
_NEXT = "".join(char for char, byte in _BYTE.items() if byte < 0xC0)
_PLAIN = re.escape("".join(char for char in _NEXT if char not in _MARKS_OF_TEXT))
_NEXT = f"[{re.escape(_NEXT)}]"
_DAMAGED = re.compile(rf"[Â-ß]{_NEXT}|[à-ï]{_NEXT}{{2}}|[ð-ô]{_NEXT}{{3}}")
_SURELY = re.compile(rf"[ÂÃÄÅ][{_PLAIN}]|â[€‚„]{_NEXT}|ðŸ{_NEXT}{{2}}")
_HALF_QUOTE = re.compile(
    rf"â€(?!{_NEXT})"
)  # a closing quote whose last byte got lost: Windows-1252 has no such character


def repair(text: str) -> str:
    """Undo UTF-8 that was read as Windows-1252, in the whole text or in parts of it; a text that is right stays.

    In a text with letters that are right beside damage, only what can hardly be anything else is changed. What was damaged
    twice is repaired twice.

    >>> repair("donâ€™t, â€œniceâ€\x9d"), repair("cafÃ© and café"), repair("CAFÉ”")
    ('don’t, “nice”', 'café and café', 'CAFÉ”')
    """
    if text.isascii():
        return text
    text = _HALF_QUOTE.sub("\u201d", text) if "â€" in text else text
    whole = _DAMAGED.sub("", text).isascii() and any(
        one[0] in "ÂÃâ" or not set(one[1:]) <= set(_MARKS_OF_TEXT) for one in _DAMAGED.findall(text)
    )
    repaired = (_DAMAGED if whole else _SURELY).sub(_decoded, text)
    return text if repaired == text else repair(repaired)


def _decoded(found: re.Match[str]) -> str:
    try:
        return bytes(_BYTE[char] for char in found[0]).decode("utf-8")
    except UnicodeDecodeError:
        return found[0]
