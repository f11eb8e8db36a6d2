"""Where a text is cut, in any script, and what makes two texts the same."""

from __future__ import annotations

import operator
import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import cache

import pandas as pd

from mtl_helpers.errors import DataError

# Most texts are plain English: for them str.translate and str.split do the same as the patterns below, three times as fast.
_ASCII = re.compile(r"[a-z0-9]+(?:'[a-z]+)?")
_LETTERS = {code: chr(code).lower() if chr(code).isalnum() else " " for code in range(128)}
_LETTERS_AND_MARKS = _LETTERS | {ord(mark): mark for mark in "'!?"}

# Letters of scripts that put no space between words: Han, kana, bopomofo; Thai, Lao, Burmese, Khmer.
_UNSPACED = (
    r"\u2e80-\u2fdf\u3005-\u3007\u3021-\u303b\u3041-\u309f\u30a1-\u30fa\u30fc-\u312f\u31a0-\u31bf\u31f0-\u31ff"
    r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f\U0001b000-\U0001b16f\U00020000-\U0003fffd"
    r"\u0e01-\u0eff\u1000-\u109f\u1780-\u17ff\ua9e0-\ua9ff\uaa60-\uaa7f"
)
_HAN = re.compile(r"[\u3041-\u3096\u30a1-\u30fa\u30fc\u3400-\u4dbf\u4e00-\u9fff]++")  # most of them, one character each
_PICTURE = r"[\u203c\u2049\u2190-\u21ff\u2300-\u23ff\u2600-\u27bf\u2b00-\u2bff\u3030\u303d\U0001f000-\U0001faff]"
_TONE = r"[\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]*"  # skin tones, and the letters of a region's flag
_EMOJI = rf"[\U0001f1e6-\U0001f1ff]{{2}}|{_PICTURE}{_TONE}(?:\u200d{_PICTURE}{_TONE})*"
# What looks the same is made the same: full-width letters and marks, curly apostrophes; what can not be seen goes.
_SAME = {wide: wide - 0xFEE0 for wide in range(0xFF01, 0xFF5F)}
_SAME |= dict.fromkeys(map(ord, "\u2018\u2019\u02bc"), "'") | {0x061F: "?", 0x200B: " ", 0x00A0: " "}
_SAME |= dict.fromkeys([0xAD, 0xFE0E, 0xFE0F, 0x200E, 0x200F, 0xFEFF, *range(0x202A, 0x202F), *range(0x2066, 0x206A)])
_DAMAGED_QUOTE = re.compile("â€[™œ˜“”¦¢\x9d]?")  # a quote or a dash in UTF-8, read as Windows-1252


def tokenize(text: str) -> list[str]:
    """Cut a text of any script into lower-case words; ``!``, ``?`` and each emoji are words too.

    A word is a run of letters, their accents and marks, and digits, with what follows an apostrophe. Chinese, Japanese, Thai,
    Lao, Burmese and Khmer put no space between words, and finding words there takes a dictionary. Here every character (with
    its marks) is a token, and so is every pair of neighbours: most Chinese words are one or two characters long. The limits:
    a text becomes about twice as many tokens as it has characters, a pair may belong to two words, and a longer word
    (a Thai one has four or five characters) is seen only by a model that reads neighbours. For real words give a
    `Vocabulary` a ``tokenizer`` of your own, such as ``jieba.lcut``.

    >>> tokenize("Didn't love it. Would I return?")
    ["didn't", 'love', 'it', 'would', 'i', 'return', '?']
    >>> tokenize("Café déjà vu, Türöffner! 👍🏽👍")
    ['café', 'déjà', 'vu', 'türöffner', '!', '👍🏽', '👍']
    >>> tokenize("iPhone很好看。")
    ['iphone', '很', '很好', '好', '好看', '看']
    """
    tokens: list[str] = []
    if text.isascii():
        chunks = text.translate(_LETTERS_AND_MARKS).replace("!", " ! ").replace("?", " ? ").split()
        if "'" not in text:
            return chunks
        for chunk in chunks:
            if "'" in chunk:
                tokens += _ASCII.findall(chunk)
            else:
                tokens.append(chunk)
        return tokens
    words, unit, _ = _patterns()
    for word in words.findall(_plain(text.lower())):
        if _HAN.fullmatch(word):
            tokens += _with_pairs(word)
        elif unit.match(word):
            tokens += _with_pairs(unit.findall(word))
        else:
            tokens.append(word)
    return tokens


def as_texts(texts: Iterable[str]) -> list[str]:
    """The texts as a list; raises `DataError` for one single text, and for what is no text."""
    if isinstance(texts, str):
        raise DataError(f"Expected a list of texts; found the single text {texts[:40]!r}. Write [text].")
    texts = list(texts.to_numpy(dtype=object) if isinstance(texts, pd.Series) else texts)
    for i, text in enumerate(texts):
        if not isinstance(text, str):
            raise DataError(f"Text {i} is no text but {text!r}; drop the row, or read the file with read_table.")
    return texts


def text_key(texts: pd.Series) -> pd.Series:
    """What makes two texts the same: their letters, digits and emoji, without case, punctuation and white space.

    A text of punctuation alone is the same as none but its like.

    >>> text_key(pd.Series(["Not bad!", "not  bad", "很好", "不好", "👍👍", "👎👎", ":)", ":("])).nunique()
    7
    """
    return pd.Series([_key(text) for text in as_texts(texts)], index=texts.index, name=texts.name, dtype=object)


def _key(text: str) -> str:
    plain = text.translate(_LETTERS) if text.isascii() else _patterns()[2].sub(" ", _plain(text.lower()))
    return " ".join(plain.split()) or text.strip()


def _plain(text: str) -> str:
    return unicodedata.normalize("NFC", _DAMAGED_QUOTE.sub(" ", text).translate(_SAME))


def _with_pairs(units: Sequence[str]) -> list[str]:
    tokens = [""] * (2 * len(units) - 1)
    tokens[::2] = units
    tokens[1::2] = map(operator.add, units, units[1:])
    return tokens


@cache
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    """A token, or a run of an unspaced script; one character of such a script with its marks; what lies between words."""
    marks = "".join(c for c in map(chr, range(0x300, 0x20000)) if unicodedata.category(c)[0] == "M")
    marks = re.escape(marks) + "\u200c\u200d"  # the joiners of Persian and Indian words
    letter = rf"[^\W_{_UNSPACED}]"
    # Khmer and Burmese write a consonant under another with a joining mark; both are one character.
    unit = rf"(?=[^\W\d_])[{_UNSPACED}][{marks}]*(?:(?<=[\u17d2\u1039])[{_UNSPACED}][{marks}]*)*"
    word = rf"(?:{letter}|\d)(?:{letter}++|[\d{marks}]++)*+"  # possessive: never tried a second way
    words = re.compile(rf"{_HAN.pattern}(?![{marks}])|{word}(?:'{word})?|(?:{unit})+|{_EMOJI}|[!?]")
    emoji_part = rf"\U0001f1e6-\U0001f1ff\U000e0020-\U000e007f{_PICTURE[1:-1]}"
    return words, re.compile(unit), re.compile(rf"(?:[^\w{emoji_part}{marks}]|_)+")
