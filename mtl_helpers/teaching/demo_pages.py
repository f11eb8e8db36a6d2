"""Every live demo as it opens without a lesson around it. The docstring of each function is what its page says."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

import pandas as pd
import torch

from mtl_helpers.data import Vocabulary, data_file, encode_reviews, load_reviews, make_loader, split_reviews
from mtl_helpers.driving import DRIVING_TASKS, make_drives
from mtl_helpers.experiments.driving import LR, STEPS, new_loader, new_model
from mtl_helpers.live import (
    ClaimsDemo,
    DataDemo,
    DriveDemo,
    GradientDemo,
    LambdaLab,
    LandscapeDemo,
    MergeDemo,
    ModelDemo,
    NeighboursDemo,
    ParetoDemo,
    PriceDemo,
    TransferDemo,
    lab_worlds,
)
from mtl_helpers.own_data import example, look, one_split
from mtl_helpers.tasks import SENTIMENT, STARS, TOPIC


def lambda_lab() -> LambdaLab:
    """# The λ lab

    Press **Train**, and drag a task's weight λ while the model learns. Can you make it learn one task first and the other
    afterwards? Below are other *data*; under **more** is the *method*: who chooses λ.
    """
    torch.manual_seed(0)
    return LambdaLab.of(lab_worlds())


def data() -> DataDemo:
    """# What cleaning and splitting do

    Tick what is to be cleaned, choose how rows are split, and measure. Which split makes the model look better than it is?
    """
    return DataDemo(pd.read_csv(data_file("reviews_raw.csv"), dtype=str, keep_default_na=False))


def model() -> ModelDemo:
    """# What is shared, and what it costs

    Choose encoder, width and heads. How many parameters, and how much time, does one more task take?
    """
    tasks = [TOPIC, SENTIMENT, STARS]
    train = split_reviews(load_reviews(), seed=0)[0]
    words = Vocabulary.from_texts(train.text)
    loader = make_loader(encode_reviews(train, words, tasks), batch_size=32, shuffle=True, seed=0)
    return ModelDemo(list(islice(loader, 20)), tasks, len(words))


def transfer() -> TransferDemo:
    """# When does one task help another?

    Drag how closely the tasks are related, how many reviews there are, and how large the model is. Each point is a pair of
    runs that differ in sharing alone.
    """
    return TransferDemo(n=100, filters=3)


def gradients() -> GradientDemo:
    """# Two gradients to drag

    Drag the tips of the two arrows. Where do the methods disagree, and which of them harms a task?
    """
    return GradientDemo(methods=["sum", "MGDA", "PCGrad"])


def landscape() -> LandscapeDemo:
    """# Two losses as a landscape

    Drag the start in the left picture. Which methods end on the Pareto set, and which stop before it?
    """
    return LandscapeDemo()


def pareto() -> ParetoDemo:
    """# Beat the front

    Choose the size of the model and the share of the left digit, and train. Which models does no other model beat?
    """
    return ParetoDemo(others=2)


def drive() -> DriveDemo:
    """# Drive

    One model sees, listens and steers. It starts untrained: press **Train** (about half a minute) and **Drive**, and watch it
    learn. On the way say another word, put up a sign, let fog come down or the camera fail; then give the waypoints more λ.
    """
    splits = make_drives(seed=1)
    loader = new_loader(splits.train, DRIVING_TASKS, seed=1)
    return DriveDemo(new_model(DRIVING_TASKS, seed=1), loader, make_loader(splits.val, 250), steps=STEPS, lr=LR)


def merge() -> MergeDemo:
    """# Two adapters in one

    A small adapter learnt topic, another one sentiment. Added into one set of weights with a coefficient each, how much of
    both is left? Find two coefficients that leave nearly everything.
    """
    return MergeDemo()


def neighbours() -> NeighboursDemo:
    """# The task named before a text

    Put "topic:" or "sentiment:" before every review. Which five reviews are nearest to one, for an encoder that learnt these
    names? Choose a name, and see the neighbours change. And what does it do to the encoder as it was downloaded?
    """
    demo = NeighboursDemo()
    demo.set(name="topic")
    return demo


def price() -> PriceDemo:
    """# What many tasks weigh and cost

    One large model with a small adapter a task, or a small model a task: from how many tasks on is the first one lighter? And
    what do a million texts cost, at the rate that you enter?
    """
    return PriceDemo()


def claims() -> ClaimsDemo:
    """# Move the threshold

    How much must a gain be worth, to be called one? Move the threshold, and see which claims of the article still hold.
    """
    return ClaimsDemo()


def own_table() -> LambdaLab:
    """# A table in the λ lab

    The same lab on a small table of support tickets: two labels, *product* and *urgency*. Lesson 09 does this with yours.
    """
    torch.manual_seed(0)
    ready = one_split(look(example("tickets"), text="text", labels=["product", "urgency"]))
    return LambdaLab(ready.model, ready.train, ready.val)


PAGES: dict[str, Callable] = {
    "00_lambda_lab": lambda_lab,
    "01_data": data,
    "02_model": model,
    "03_transfer": transfer,
    "04_gradients": gradients,
    "04_landscape": landscape,
    "05_pareto": pareto,
    "06_drive": drive,
    "07_merge": merge,
    "07_neighbours": neighbours,
    "07_price": price,
    "08_claims": claims,
    "09_own_table": own_table,
}
