"""Make data/sample/domain_sentiment_data.tar.gz: 32 reviews of the course's own in the layout of Multi-Domain Sentiment.

    python data/make_sample_archive.py

Lesson 01 reads it with the loader of the real data set, so that a class without a network sees every line run. Books, DVDs
and electronics are reviews of films, books and phones from `reviews.csv`; kitchen is written below. Like the real files these
are no XML, one stands within <data>, and one review is Latin-1 and not UTF-8.
"""

import gzip
import io
import tarfile
from pathlib import Path

from mtl_helpers.data import load_reviews

SAMPLE = Path(__file__).parent / "sample" / "domain_sentiment_data.tar.gz"
EACH = 4
FROM_CORPUS = {"books": "book", "dvd": "film", "electronics": "phone"}
KITCHEN = {
    "negative": [
        (
            1,
            "The handle of this pan came loose in the first week, and by the second it was off. I eat out of the pot now.",
        ),
        (2, "A kettle has one job. This one boils, clicks off & leaks, so that the worktop gets more tea than I do."),
        (1, "Sharp for a month, then it would not have cut butter. Sharpening took off more handle than edge."),
        (
            2,
            "The scales show a different weight each time I put the same egg on them. My cakes have become an adventure.",
        ),
    ],
    "positive": [
        (
            5,
            "I made cr\u00e8me br\u00fbl\u00e9e with this torch for twelve guests. Neither cream nor guest was burnt.",
        ),
        (4, "A heavy pot, heavier than I am used to, but the stew in it is the best I have made. Mind your back."),
        (5, "After nine years the lid still fits & nothing sticks. I bought a second one for my daughter."),
        (4, "The toaster is loud enough to wake the street, and the toast is even and golden on both sides."),
    ],
}


def review(stars: int, text: str, encoding: str) -> bytes:
    """One review between its tags; those that the loader does not read hold what the real ones would."""
    tags = {"rating": f"{stars}.0", "title": text.split(".")[0], "review_text": text}
    body = "".join(f"<{tag}>\n{inside}\n</{tag}>\n" for tag, inside in tags.items())
    return f"<review>\n{body}</review>\n".encode(encoding)


def members() -> dict[str, bytes]:
    """The content of each file by its name."""
    corpus, found = load_reviews(), {}
    for sentiment in ("negative", "positive"):
        for domain, topic in FROM_CORPUS.items():
            rows = corpus[(corpus.topic == topic) & (corpus.sentiment == sentiment)].head(EACH)
            content = b"".join(
                review(int(stars), text, "utf-8") for stars, text in zip(rows.stars, rows.text, strict=True)
            )
            found[f"sorted_data_acl/{domain}/{sentiment}.review"] = content
        kitchen = b"".join(review(stars, text, "latin-1") for stars, text in KITCHEN[sentiment])
        found[f"sorted_data_acl/kitchen_&_housewares/{sentiment}.review"] = kitchen
    first = "sorted_data_acl/books/positive.review"
    return found | {first: b"<data>\n" + found[first] + b"</data>\n"}


def packed() -> bytes:
    """The archive, without dates or names of a machine."""
    tar_file = io.BytesIO()
    with tarfile.open(fileobj=tar_file, mode="w") as tar:
        for name, content in members().items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return gzip.compress(tar_file.getvalue(), mtime=0)


if __name__ == "__main__":
    SAMPLE.parent.mkdir(exist_ok=True)
    SAMPLE.write_bytes(packed())
