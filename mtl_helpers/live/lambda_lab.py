"""The λ lab: drag the task weights while the model trains, and watch each task's loss answer."""

from __future__ import annotations

import threading
from typing import Any

import torch
from torch.utils.data import DataLoader

from mtl_helpers.live.canvas import LivePlot
from mtl_helpers.live.lab_controls import LabControls
from mtl_helpers.live.page import mime_bundle
from mtl_helpers.live.panel import LabPanel
from mtl_helpers.live.recorded_run import BY_HAND, LabError, RecordedRun
from mtl_helpers.live.worlds import World, Worlds, checked_worlds, made_world
from mtl_helpers.models import MultiTaskModel
from mtl_helpers.relations import gradient_cosines
from mtl_helpers.training import Record

OPTIMIZERS = {cls.__name__: cls for cls in (torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW)}
MAX_GHOSTS = 5


class LambdaLab(LabControls):
    """Train ``model`` on ``loader`` with one λ slider a task; see losses, validation scores, λ and gradient cosines live.

    Parameters
    ----------
    model, loader, val_loader
        As for `mtl_helpers.training.train_steps`; ``loader`` needs a ``generator`` (`make_loader` gives it one), so that a
        run can be replayed.
    optimizer, lr
        The choice the lab opens with: one of SGD, Adam and AdamW. Fixed during a run; Reset to change them.
    eval_every
        Steps from one validation (and gradient cosine) to the next.

    ``run(steps)`` drives the same steps from code. ``use("PCGrad")`` lets a rule choose λ from the next step on, see
    `RecordedRun`; moving a slider, ``set`` and ``use("by hand")`` take the wheel back from where it left λ. ``history`` is the
    run as a tidy frame, ``events`` what steered it, as ``step, task, value``: every λ by hand that took effect, and, under
    the task ``method``, who chose λ from then on. ``replay()`` gives the same curves from them, bit for bit.

    With `of`, the lab offers a choice of data sets.
    """

    def __init__(
        self,
        model: MultiTaskModel,
        loader: DataLoader,
        val_loader: DataLoader | None = None,
        *,
        optimizer: str = "AdamW",
        lr: float = 0.002,
        eval_every: int = 25,
    ) -> None:
        if optimizer not in OPTIMIZERS:
            raise LabError(f"Unknown optimizer {optimizer!r}; choose one of {', '.join(OPTIMIZERS)}.")
        super().__init__()
        self.world: str | None = None
        self._worlds: Worlds = {}
        self.eval_every = eval_every
        recorded = self._prepared(World(model, loader, val_loader, lr))
        self.plot = LivePlot(model.tasks)
        self._build_panel(optimizer, lr)
        self._open(recorded, lr)
        self._replace_older()

    @classmethod
    def of(cls, worlds: Worlds, *, optimizer: str = "AdamW", eval_every: int = 25) -> LambdaLab:
        """A lab with a choice of data: ``worlds`` are functions by name that return (model, loader, val_loader).

        It opens with the first one; the others are called when they are chosen, on the page or by `choose`. `lab_worlds` has
        three to begin with; a function that returns a `World` can give a learning rate too.
        """
        worlds = checked_worlds(worlds)
        name = next(iter(worlds))
        first = made_world(name, worlds[name])
        lab = cls(first.model, first.loader, first.val_loader, optimizer=optimizer, lr=first.lr, eval_every=eval_every)
        lab._worlds, lab.world = worlds, name
        lab.panel.offer(worlds, name)
        return lab

    # The run itself ---------------------------------------------------------------------------------------------

    def _prepared(self, world: World) -> RecordedRun:
        """What can go wrong goes wrong here, before anything in the lab is changed."""
        if isinstance(world.lr, bool) or not isinstance(world.lr, (int, float)) or not 0 < world.lr < float("inf"):
            raise LabError(f"The learning rate must be a positive number; found {world.lr!r}.")
        return RecordedRun(world.model, world.loader, world.val_loader, eval_every=self.eval_every)

    def _open(self, recorded: RecordedRun, lr: float) -> None:
        self.recorded = recorded
        self.model, self.names = recorded.model, recorded.names
        self.panel.furnish(self.model.tasks, batches=len(recorded.loader), lr=float(lr))
        self.panel.show_method(recorded.method)
        self.reset()
        self._show_ghosts()

    def _begin(self) -> None:
        """Put model, loader and optimizer back to the start and forget the run."""
        optimizer, lr = OPTIMIZERS[self.panel.optimizer.value], self.panel.learning_rate.value
        self.recorded.begin(lambda parameters: optimizer(parameters, lr=lr))
        self._cosines: dict[tuple[str, str], float] = {}
        self._scores: dict[str, float] = {}
        self._stepper.clear()
        self.panel.show_error(None)
        self.panel.show_weights(self.weights)
        self.plot.clear()
        self._show()

    def _take(self, record: Record) -> None:
        cosines = {}
        if record.step % self.eval_every == 0 and self.plot.pairs:
            cosines = self._cosines = gradient_cosines(self.model, record.batch)
        if record.val_scores:
            self._scores = dict(record.val_scores)
        record.batch = None
        if self.recorded.handed_over:
            self.plot.mark(record.step, self.recorded.driving)
        self.plot.add(record, cosines, self.recorded.mean_weights if self.recorded.by_rule else None)

    def choose(self, world: str) -> None:
        """Take another of the data sets the lab was made with (see `of`): a new run by hand; kept runs go."""
        with self._control:
            self._alive()
            if world not in self._worlds:
                known = ", ".join(map(repr, self._worlds)) or "none: make the lab with LambdaLab.of"
                raise LabError(f"There are no data {world!r} to choose; there are {known}.")
            self.pause()
            self.panel.loading(world)
            try:
                made = made_world(world, self._worlds[world])
                recorded = self._prepared(made)
                self.world = world
                self.plot.open(made.model.tasks)
                self._open(recorded, made.lr)
            except Exception as error:
                self.panel.show_error(error)
                raise
            finally:
                self.panel.data.value = self.world
                self._show()
                self._enable(training=False)

    def keep(self) -> None:
        """Keep the present curves as a pale ghost to compare with; at most five."""
        with self._control:
            if not self.step:
                raise LabError("There is no curve to keep yet: train first.")
            if len(self.plot.ghosts) >= MAX_GHOSTS:
                raise LabError(f"{MAX_GHOSTS} runs are kept already; remove one first.")
            with_ = f"{self.panel.optimizer.value} {self.panel.learning_rate.value:g}"
            self.plot.add_ghost(f"{self.recorded.summary()} · {with_}")
            self._show_ghosts()

    def remove(self, number: int) -> None:
        """Remove the ghost of that number, counted from 1 as the lab shows them."""
        with self._control:
            if not 1 <= number <= len(self.plot.ghosts):
                raise LabError(f"There is no kept run {number}; there are {len(self.plot.ghosts)}.")
            self.plot.remove_ghost(number - 1)
            self._show_ghosts()

    def close(self) -> None:
        """Stop the thread and take the lab off the page. It can not be used again."""
        if self._closed:
            return
        self.pause()
        self._closed = True
        self.panel.close()

    # Between the run and the page -------------------------------------------------------------------------------

    def _build_panel(self, optimizer: str, lr: float) -> None:
        actions = {
            "train": self.start,
            "pause": self.pause,
            "step": lambda: self.run(1),
            "reset": self.reset,
            "keep": self.keep,
            "replay": self._replay_live,
        }
        self.panel = LabPanel(
            self.plot.canvas,
            optimizers=list(OPTIMIZERS),
            optimizer=optimizer,
            lr=lr,
            actions=actions,
            moved=self._slider_moved,
        )
        self.box = self.panel.box
        for chooser in (self.panel.optimizer, self.panel.learning_rate):
            chooser.observe(lambda _: self.panel.safely(self._choice_changed), names="value")
        self.panel.preset.observe(lambda change: self.set(**change["new"]), names="value")
        self.panel.method.observe(lambda change: self._method_chosen(change["new"]), names="value")
        self.panel.data.observe(lambda change: self._data_chosen(change["new"]), names="value")

    def _slider_moved(self, name: str, value: float) -> None:
        took_over = self.method != BY_HAND
        self.recorded.set(**{name: value})
        if took_over:
            self._show_steering()

    def _method_chosen(self, method: str) -> None:
        if method != self.method:
            self.use(method)

    def _data_chosen(self, world: str | None) -> None:
        """Reading data may take seconds, for which the page does not wait."""
        if self.world is not None and world != self.world:
            act = lambda: self.panel.safely(lambda: self.choose(world))  # noqa: E731
            threading.Thread(target=act, daemon=True, name="lambda-lab-data").start()

    def _choice_changed(self) -> None:
        if not self.step:
            self.reset()  # the optimizer of step 0 is made anew

    def _replay_live(self) -> None:
        with self._control:
            self.pause()
            script, steps = self._reset_for(None, None)
            self._start_thread(steps, script)

    def _show_new(self) -> None:
        self.plot.refresh()
        self._show()

    def _show(self) -> None:
        if not self._closed:
            self.panel.show(self.recorded, self._stepper.rate, self._cosines, self.scores)

    def _show_ghosts(self) -> None:
        self.panel.show_ghosts([ghost["label"] for ghost in self.plot.ghosts], self.remove)

    def __repr__(self) -> str:
        # No trained number in it: this text is compared when the notebook is checked on another machine.
        λ = ": " + ", ".join(f"{name} {value:g}" for name, value in self.weights.items())
        data = f" of {self.world}" if self.world else ""
        return f"LambdaLab{data} at step {self.step}, λ{λ if self.method == BY_HAND else f' by {self.method}'}"

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        return mime_bundle(self.box, self.plot.png(), repr(self), **kwargs)
