"""axe-core (Deque, MPL-2.0), which finds what keeps people out of a page. A tool of the tests: the course does not ship it.

Fetched once from the npm registry, compared with its checksum and kept with the other downloads.
"""

import tarfile

import pytest

from mtl_helpers.data import DataError
from mtl_helpers.datasets.download import Archive, fetch

VERSION = "4.10.3"
AXE = Archive(
    f"axe-core-{VERSION}.tgz",
    f"https://registry.npmjs.org/axe-core/-/axe-core-{VERSION}.tgz",
    "sha256:0f2b4d7dcdf7d1219df8d1959ad68e565f51d14c3f0d88bb71cd59abeb956292",
    5_000_000,
)
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
RUN = """async ([selector, rules]) => (await axe.run(selector, {runOnly: rules})).violations.map(
    v => ({id: v.id, impact: v.impact, help: v.help, at: v.nodes.map(n => n.target.join(' ') + ' | ' + n.failureSummary)}))"""


def axe_source() -> str:
    """The script itself; without it, and without a network, the test that asked is skipped."""
    try:
        path = fetch(AXE, checksum=AXE.checksum)
    except DataError as error:
        pytest.skip(f"axe-core is not here: {error}")
    with tarfile.open(path) as archive:
        return archive.extractfile("package/axe.min.js").read().decode("utf-8")


def violations(page, selector: str = "body") -> list[dict]:
    """What axe-core finds against WCAG 2.2 A and AA in what a CSS selector finds on a Playwright page, all printed."""
    if page.evaluate("typeof axe") == "undefined":
        page.evaluate(axe_source())
    found = page.evaluate(RUN, [selector, RULES])
    print(f"axe-core {VERSION}, {selector}: {len(found)} violations")
    for one in found:
        print(f"  {one['impact']}: {one['id']}, {one['help']}", *one["at"][:4], sep="\n    ")
    return found


def serious(found: list[dict]) -> list[str]:
    """Those that may not be."""
    return [f"{one['id']}: {one['at'][0]}" for one in found if one["impact"] in ("serious", "critical")]
