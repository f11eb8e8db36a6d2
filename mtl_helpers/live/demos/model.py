"""The model demo: pick encoder, width and heads, and see what is shared, how large it is and what a step costs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import ipywidgets as widgets
import torch

from mtl_helpers.arguments import whole_number
from mtl_helpers.data.batches import Batch
from mtl_helpers.evaluation.running.step_timer import WARM_UP, StepTimer
from mtl_helpers.live.demos.demo import Demo, DemoError
from mtl_helpers.live.widgets.page import row
from mtl_helpers.models import CNNEncoder, LSTMEncoder, MultiTaskModel, TransformerEncoder, count_parameters
from mtl_helpers.plots import Figure, draw_architecture, html_table
from mtl_helpers.randomness import drawn_from
from mtl_helpers.tasks import Task, check_tasks

ENCODERS = {
    "CNN": lambda words, width: CNNEncoder(words, embedding_dim=width, filters=width),
    "LSTM": lambda words, width: LSTMEncoder(words, embedding_dim=width, hidden=width),
    "Transformer": lambda words, width: TransformerEncoder(words, embedding_dim=width),
}
WIDTHS = (8, 16, 32, 64, 128)
ROUNDS = 40  # steps of each model that `run` times; a click is content with fewer, to answer soon
CLICK_ROUNDS = 15


class ModelDemo(Demo):
    """Choose an encoder, its width and the heads; the model is built, drawn, counted and timed.

    Parameters
    ----------
    batches
        A few batches to time the steps on, with labels for all of ``tasks``.
    tasks
        The tasks there can be a head for; the first two have one at first.
    vocabulary_size
        Number of words, ``len(vocabulary)``.

    `set` chooses from code, as a click does; `run` then measures the step here and now. ``model`` is the module drawn,
    ``parameter_ratio`` and ``time_ratio`` compare it with one model for each task. A click measures in a background thread,
    which ends by itself within seconds and starts anew if another model is picked meanwhile.
    """

    def __init__(
        self,
        batches: Sequence[Batch],
        tasks: Sequence[Task],
        vocabulary_size: int,
        *,
        encoder: str = "LSTM",
        width: int = 32,
    ) -> None:
        super().__init__(height="8em")
        self.tasks, self.batches, self.vocabulary_size = check_tasks(tasks), list(batches), vocabulary_size
        if not self.batches:
            raise DemoError("There is no batch to time a step on; give a few batches of a loader.")
        self._check(encoder, width, [task.name for task in self.tasks[:2]])
        self._build_widgets(encoder, width)
        self._begin()

    # The choice and what follows from it ---------------------------------------------------------------------------

    @property
    def heads(self) -> list[str]:
        """The tasks that have a head now."""
        return [name for name, box in self.head_boxes.items() if box.value]

    @property
    def parameters(self) -> dict[str, int]:
        """Parameters of the drawn model by part, see `models.count_parameters`."""
        return count_parameters(self.model)

    @property
    def parameter_ratio(self) -> float:
        """Parameters of the shared model over those of one model for each task."""
        counts = self.parameters
        return sum(counts.values()) / (sum(counts.values()) + (len(self.model.tasks) - 1) * counts["encoder"])

    @property
    def time_ratio(self) -> float:
        """CPU time of a step of the shared model over that of one step of each single-task model; nan before `run`."""
        if "shared" not in self.step_ms:
            return float("nan")
        return self.step_ms["shared"] / sum(ms for name, ms in self.step_ms.items() if name != "shared")

    def set(self, *, encoder: str | None = None, width: int | None = None, heads: Iterable[str] | None = None) -> None:
        """Choose another model, as the mouse does, and draw it. Call `run` to time it."""
        encoder = self.encoder.value if encoder is None else encoder
        width = self.width.value if width is None else width
        heads = self.heads if heads is None else list(heads)
        self._check(encoder, width, heads)

        def change() -> None:
            self.encoder.value, self.width.value = encoder, width
            for name, box in self.head_boxes.items():
                box.value = name in heads

        self._choose(change)

    def run(self, rounds: int = ROUNDS) -> dict[str, float]:
        """Time ``rounds`` steps and wait for it; return the median CPU milliseconds of a step, by model."""
        self._compute_now(whole_number("rounds", rounds, DemoError))
        return dict(self.step_ms)

    def _amount(self) -> int:
        return CLICK_ROUNDS

    def _check(self, encoder: str, width: int, heads: Sequence[str]) -> None:
        if encoder not in ENCODERS:
            raise DemoError(f"Unknown encoder {encoder!r}; choose one of {', '.join(ENCODERS)}.")
        if width not in WIDTHS:
            raise DemoError(f"The width must be one of {', '.join(map(str, WIDTHS))}; found {width!r}.")
        names = [task.name for task in self.tasks]
        if unknown := [name for name in heads if name not in names]:
            raise DemoError(f"There is no task {unknown[0]!r} to give a head; tasks are {', '.join(names)}.")
        if not heads:
            raise DemoError("A model without a head has nothing to learn; tick at least one task.")

    def _new_model(self, tasks: Sequence[Task]) -> MultiTaskModel:
        with drawn_from(torch.Generator()):  # what is picked here must not change what the notebook draws later
            return MultiTaskModel(ENCODERS[self.encoder.value](self.vocabulary_size, self.width.value), tasks)

    def _chosen(self) -> None:
        """Build the model that is chosen, and draw it; it has not been timed yet."""
        self._check(self.encoder.value, self.width.value, self.heads)
        self.step_ms = {}
        self.model = self._new_model([task for task in self.tasks if task.name in self.heads])
        figure = Figure(figsize=(8.2, 3.5), layout="constrained", dpi=92)
        self.picture.show(draw_architecture(self.model, figure=figure))

    def _work(self, rounds: int) -> Iterator[None]:
        """Time the shared model and the single ones in turns."""
        self._check(self.encoder.value, self.width.value, self.heads)
        self.step_ms = {}
        yield self._show()
        models = {"shared": self._new_model(self.model.tasks)}
        models |= {task.name: self._new_model([task]) for task in self.model.tasks}
        timer = StepTimer(models, self.batches)
        timer.measure(WARM_UP)
        for _ in range(rounds):
            yield
            timer.measure()
            self.step_ms = timer.medians()
            if self._due():
                self._show()

    # What the page shows -------------------------------------------------------------------------------------------

    def _build_widgets(self, encoder: str, width: int) -> None:
        self.encoder = widgets.ToggleButtons(options=list(ENCODERS), value=encoder, description="encoder")
        self.encoder.style.button_width = "9em"
        self.width = widgets.SelectionSlider(options=WIDTHS, value=width, description="width", layout={"width": "24em"})
        self.head_boxes = {
            task.name: widgets.Checkbox(value=i < 2, description=f"{task.name} head", indent=False)
            for i, task in enumerate(self.tasks)
        }
        self._starts(self.encoder, self.width, *self.head_boxes.values())
        heads = row(widgets.Label("heads"), *self.head_boxes.values())
        self.box = widgets.VBox([self.readout, self.error_box, self.encoder, self.width, heads, self.picture])
        self.box.add_class("mtl-model-demo")

    def _show_all(self) -> None:
        counts = self.parameters
        total, single = sum(counts.values()), round(sum(counts.values()) / self.parameter_ratio)
        ms, n = self.step_ms, len(self.model.tasks)
        alone = f"{sum(v for k, v in ms.items() if k != 'shared'):.1f} ms"
        rows = [
            ("one shared model", f"{total:,}", f"{ms['shared']:.1f} ms" if ms else "–"),
            (f"{n} single-task model{'s' * (n > 1)}", f"{single:,}", alone if ms else "–"),
            ("<b>ratio</b>", f"<b>{self.parameter_ratio:.2f}</b>", f"<b>{self.time_ratio:.2f}</b>" if ms else "–"),
        ]
        heads = (f"{self.encoder.value}, width {self.width.value}", "parameters", "CPU time of a step")
        state = "" if ms else "not timed yet"
        self.readout.value = (
            f'<div style="line-height:1.5">{html_table(heads, rows)}'
            f"{counts['encoder'] / total:.1%} of the shared model lie in its encoder. {state}</div>"
        )

    def __repr__(self) -> str:
        # No time in it: this text is compared when the notebook is checked on another machine.
        counts = self.parameters
        return (
            f"ModelDemo: {self.encoder.value}, width {self.width.value}, heads {', '.join(self.heads)}; "
            f"{sum(counts.values()):,} parameters, {counts['encoder'] / sum(counts.values()):.1%} in the encoder"
        )
