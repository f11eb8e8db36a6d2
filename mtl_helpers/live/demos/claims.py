"""The claims explorer: pick a claim of the article, say what counts as an effect, see its evidence and all verdicts move."""

from __future__ import annotations

from html import escape

import ipywidgets as widgets

from mtl_helpers.claims import read_claims
from mtl_helpers.claims.article import ARTICLE_CLAIMS, WORDS, judge_claim, verdicts
from mtl_helpers.live.demos.demo import Demo, DemoError
from mtl_helpers.live.widgets.page import row
from mtl_helpers.plots.live.evidence import plot_evidence

CLAIMS = {claim.id: claim for claim in ARTICLE_CLAIMS}
LARGEST = 10.0  # points


class ClaimsDemo(Demo):
    """Choose a claim and a threshold in points; its rows are drawn, and read by the rule of `claims.article.ArticleClaim`.

    `set` chooses from code, as a click does. ``judgement`` is that on the chosen claim, ``words`` the verdict on each claim
    and ``moved`` those that are not what they are at a threshold of 0. Nothing is trained.
    """

    def __init__(self) -> None:
        super().__init__(height="12em")
        self._register = read_claims()
        self._before = verdicts(register=self._register).to_dict()
        self.claim = widgets.Dropdown(options=list(CLAIMS), value="driving", description="claim")
        self.threshold = widgets.FloatSlider(
            0.0, min=0.0, max=LARGEST, step=0.5, description="points", readout_format=".1f"
        )
        for chooser in (self.claim, self.threshold):
            self._watch(chooser, lambda _: self._silent or self._show())
        self.box = widgets.VBox([self.readout, self.error_box, row(self.claim, self.threshold), self.picture])
        self.box.add_class("mtl-claims-demo")
        self._begin()

    def set(self, *, claim: str | None = None, threshold: float | None = None) -> None:
        """Choose from code, as a click does; raises `DemoError` for what cannot be chosen, and then changes nothing."""
        if claim is not None and claim not in CLAIMS:
            raise DemoError(f"There is no claim {claim!r}; there are {', '.join(CLAIMS)}.")
        if threshold is not None and (isinstance(threshold, bool) or not 0 <= threshold <= LARGEST):
            raise DemoError(f"threshold is a number of points from 0 to {LARGEST:g}; found {threshold!r}.")

        def change() -> None:
            self.claim.value = self.claim.value if claim is None else claim
            self.threshold.value = self.threshold.value if threshold is None else threshold

        self._choose(change)

    def _show_all(self) -> None:
        claim, threshold = CLAIMS[self.claim.value], self.threshold.value
        self.judgement = judge_claim(claim, self._register, threshold)
        self.words = verdicts(threshold, self._register).to_dict()
        before = self._before
        self.moved = {name: (before[name], word) for name, word in self.words.items() if word != before[name]}
        counts = ", ".join(f"{word}: <b>{list(self.words.values()).count(word)}</b>" for word in WORDS)
        moved = "; ".join(f"{name}: {old} → {new}" for name, (old, new) in self.moved.items()) or "none"
        self.readout.value = (
            f'<div style="line-height:1.6">“{claim.chinese}”<br>{escape(claim.english)}<br>'
            f"<b>{escape(self.judgement.said)}</b><br>all {len(CLAIMS)} claims: {counts}<br>"
            f"moved by a threshold of {threshold:g} points: {moved}</div>"
        )
        self.picture.show(plot_evidence(claim, self._register, threshold))

    def __repr__(self) -> str:
        return f"ClaimsDemo: {self.claim.value} at {self.threshold.value:g} points: {self.judgement.said}"
