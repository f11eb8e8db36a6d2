"""Which links of a folder of pages lead nowhere: to a file or place in it that is not there, or out by other than https."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from bs4 import BeautifulSoup


def links(html: str) -> Iterator[str]:
    """All that a page points to, whether one clicks on it or the page fetches it itself."""
    for element in BeautifulSoup(html, "html.parser").find_all(True):
        yield from (element[name] for name in ("href", "src", "srcset", "action") if element.has_attr(name))


def fetched(html: str) -> list[str]:
    """What a page fetches itself, from another host."""
    soup = BeautifulSoup(html, "html.parser")
    found = [
        element.get("src") or element.get("srcset") for element in soup.find_all(["script", "img", "source", "iframe"])
    ]
    found += [element.get("href") for element in soup.find_all("link")]
    return [url for url in found if url and urlsplit(url).netloc]


def broken_links(folder: Path) -> list[str]:
    """Each as "page: link"."""
    pages = {path: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.html"))}
    places = {
        path: {e["id"] for e in BeautifulSoup(html, "html.parser").find_all(id=True)} for path, html in pages.items()
    }

    def leads(page: Path, link: str) -> bool:
        parts = urlsplit(link)
        if parts.scheme or parts.netloc:
            return parts.scheme == "https" and "." in parts.netloc
        target = page.parent / unquote(parts.path) if parts.path else page
        return target.is_file() and (not parts.fragment or unquote(parts.fragment) in places.get(target, ()))

    return [f"{page.name}: {link}" for page, html in pages.items() for link in links(html) if not leads(page, link)]
