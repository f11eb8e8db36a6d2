"""No link of README, lessons, glossary or another text leads nowhere; one that leads out is an https address."""

import json
import re
import subprocess
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

ROOT = Path(__file__).resolve().parents[1]
LINK = re.compile(
    r"!?\[[^\]]*\]\(<?([^()\s>]+(?:\([^()\s]*\)[^()\s]*)?)>?(?: \"[^\"]*\")?\)|(?:src|href|srcset)=\"([^\"]+)\""
)
CODE = re.compile(r"```.*?```|`[^`\n]*`|\$\$.*?\$\$|\$[^$\n]*\$", re.S)


def texts() -> list[Path]:
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.md", "notebooks/*.ipynb"]
    names = subprocess.run(listing, cwd=ROOT, capture_output=True, encoding="utf-8", check=True).stdout
    return [ROOT / name for name in sorted(filter(None, names.split("\0"))) if (ROOT / name).is_file()]


def words(path: Path) -> str:
    """The Markdown of a text; of a notebook that of its cells."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".ipynb":
        return text
    return "\n\n".join("".join(cell["source"]) for cell in json.loads(text)["cells"] if cell["cell_type"] == "markdown")


def links(text: str) -> list[str]:
    return [link or attribute for link, attribute in LINK.findall(CODE.sub("", text))]


def anchors(path: Path) -> set[str]:
    """The places of a text: GitHub's names of its headings, JupyterLab's, and ids of its HTML."""
    text, found = words(path), set(re.findall(r"(?:id|name)=\"([^\"]+)\"", words(path)))
    for heading in re.findall(r"(?m)^#{1,6} (.+?)\s*$", re.sub(r"```.*?```", "", text, flags=re.S)):
        plain = re.sub(r"[`*_]|\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        found |= {re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-"), plain.replace(" ", "-")}
    return found


def leads_nowhere(page: Path, link: str) -> str | None:
    """What is wrong with a link, or None."""
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return (
            None if parts.scheme == "https" and re.fullmatch(r"[\w-]+(\.[\w-]+)+", parts.netloc) else "no https address"
        )
    target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
    if not target.exists():
        return "no such file"
    if ROOT not in (target, *target.parents):
        return "outside the course"
    if parts.fragment and unquote(parts.fragment) not in anchors(target):
        return "no such place in it"
    return None


@pytest.mark.parametrize("path", texts(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_link_leads_nowhere(path):
    problems = {link: leads_nowhere(path, link) for link in links(words(path))}
    assert not {link: problem for link, problem in problems.items() if problem}


def test_the_texts_have_links_to_check():
    assert len(texts()) >= 16 and sum(len(links(words(path))) for path in texts()) > 100


def test_each_fault_is_found(tmp_path, monkeypatch):
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    page, other = tmp_path / "page.md", tmp_path / "a b.md"
    other.write_text('# Two words · λ\n<a id="here"></a>\n', encoding="utf-8")
    page.write_text("# Top\n", encoding="utf-8")
    for link, problem in {
        "a%20b.md": None,
        "a%20b.md#two-words--λ": None,
        "a%20b.md#here": None,
        "#top": None,
        "https://arxiv.org/abs/1706.05098": None,
        "missing.md": "no such file",
        "a%20b.md#three": "no such place in it",
        "../page.md": "no such file",
        "/etc/hostname": "outside the course",
        "http://example.org": "no https address",
        "https://nowhere": "no https address",
        "htps://example.org": "no https address",
    }.items():
        assert leads_nowhere(page, link) == problem, link
    text = '[a](x.md) ![b](y.png "t") <img src="z.png"> `[no](code.md)` [w](https://a.org/b_(c)) $[x](y)$'
    assert links(text) == ["x.md", "y.png", "z.png", "https://a.org/b_(c)"]
