"""Which links of a folder of pages lead nowhere: to a file or place in it that is not there, or out by other than https."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

POINTS = {"href", "src", "srcset", "action"}


class Pointers(HTMLParser):
    """What a page points to, as (tag, attribute, address), and the ids of its places."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found, self.ids = [], set()
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.found += [(tag, name, value) for name, value in attrs if name in POINTS]
        self.ids |= {value for name, value in attrs if name == "id"}


def fetched(html: str) -> list[str]:
    """What a page fetches itself, from another host."""
    own = [value for tag, name, value in Pointers(html).found if name in ("src", "srcset") or tag == "link"]
    return [url for url in own if urlsplit(url).netloc]


def broken_links(folder: Path) -> list[str]:
    """Each as "page: link"."""
    pages = {path: Pointers(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.html"))}

    def leads(page: Path, link: str) -> bool:
        parts = urlsplit(link)
        if parts.scheme or parts.netloc:
            return parts.scheme == "https" and "." in parts.netloc
        target = page.parent / unquote(parts.path) if parts.path else page
        return target.is_file() and (not parts.fragment or unquote(parts.fragment) in pages[target].ids)

    return [f"{page.name}: {link}" for page, html in pages.items() for *_, link in html.found if not leads(page, link)]
