"""Step 1 on many reviews, in a process of its own: `python scale.py ours|peer FILE` prints seconds by step and peak memory."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

STEPS = ("read", "clean", "split", "vocabulary", "encode")


def write_reviews(path: Path, n: int) -> None:
    """The course's corpus over and over, each time with three other words in it, so that no two texts are the same."""
    import numpy as np

    from mtl_helpers.data import load_reviews

    draw = np.random.default_rng(0)
    ends = ["a", "in", "or", "ets", "ly", "um", "ish", "eed", "ox", "ers"]
    words = [a + b + c for a in ("ka", "lo", "mi", "ne", "su") for b in ("ran", "tel", "mos", "dir") for c in ends]
    rows = load_reviews()[["text", "topic", "sentiment", "stars"]].fillna("").astype(str).to_numpy()
    with path.open("w", encoding="utf-8") as file:
        file.write("id,text,topic,sentiment,stars\n")
        for i in range(n):
            text, *labels = rows[i % len(rows)]
            more = " ".join(words[k] for k in draw.integers(len(words), size=2))
            text = f"{text} <br /> {more} {i}".replace('"', '""')
            file.write(f'r{i:07d},"{text}",{",".join(labels)}\n')


def ours(path: str):
    """The course's own way, a pair of lines a step."""
    from mtl_helpers.data import Vocabulary, clean_table, encode_reviews, read_table, split_reviews
    from mtl_helpers.tasks import SENTIMENT, STARS, TOPIC

    tasks = [TOPIC, SENTIMENT, STARS]
    yield
    frame = read_table(path, tasks=tasks)
    yield
    frame, _ = clean_table(frame, tasks=tasks)
    yield
    train, val, test = split_reviews(frame)
    del frame
    yield
    vocabulary = Vocabulary.from_texts(train.text)
    yield
    sets = [encode_reviews(part, vocabulary, tasks) for part in (train, val, test)]
    yield
    assert sum(map(len, sets)) == sum(map(len, (train, val, test)))


def peer(path: str):
    """The same work with Hugging Face's datasets and tokenizers, on two processes where datasets can take them."""
    import html
    import re
    import tempfile

    import datasets
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers

    datasets.disable_progress_bars()
    tag, gap = re.compile(r"</?[a-zA-Z][^<>]*>"), re.compile(r"[^a-z0-9]+")
    classes = {
        "topic": ("film", "book", "phone", "restaurant", "hotel", "car"),
        "sentiment": ("negative", "positive"),
    }

    def clean(rows):
        texts = [" ".join(html.unescape(tag.sub(" ", text)).split()) for text in rows["text"]]
        return {"text": texts, "key": [gap.sub(" ", text.lower()).strip() for text in texts]}

    with tempfile.TemporaryDirectory() as cache:
        yield
        data = datasets.load_dataset("csv", data_files=path, split="train", cache_dir=cache)
        yield
        data = data.map(clean, batched=True, num_proc=2)
        seen: set[str] = set()
        data = data.filter(
            lambda keys: [not (key in seen or seen.add(key)) for key in keys], input_columns="key", batched=True
        )
        yield
        data = data.map(
            lambda rows: {"stratum": [f"{a} {b}" for a, b in zip(rows["topic"], rows["stars"], strict=True)]},
            batched=True,
            num_proc=2,
        ).class_encode_column("stratum")
        rest = data.train_test_split(0.15, stratify_by_column="stratum", seed=0)
        parts = rest["train"].train_test_split(0.15 / 0.85, stratify_by_column="stratum", seed=0)
        yield
        tokenizer = Tokenizer(models.WordLevel(unk_token="<unk>"))
        tokenizer.normalizer = normalizers.Lowercase()
        tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[a-z0-9]+(?:'[a-z]+)?|[!?]"), "removed", invert=True)
        trainer = trainers.WordLevelTrainer(
            min_frequency=2, special_tokens=["<pad>", "<unk>"], vocab_size=1_000_000, show_progress=False
        )
        train = parts["train"]
        tokenizer.train_from_iterator((train[i : i + 1000]["text"] for i in range(0, len(train), 1000)), trainer)
        yield

        def encode(rows):
            numbers = [each.ids for each in tokenizer.encode_batch_fast(rows["text"])]
            labels = {
                name: [known.index(label) if label in known else -100 for label in rows[name]]
                for name, known in classes.items()
            }
            return {"tokens": numbers, **{f"{name} label": values for name, values in labels.items()}}

        sets = [part.map(encode, batched=True) for part in (parts["train"], parts["test"], rest["test"])]
        yield
        assert sum(map(len, sets)) == len(data)


if __name__ == "__main__":
    seconds = {}
    work = {"ours": ours, "peer": peer}[sys.argv[1]](sys.argv[2])
    next(work)  # imports first: they are no part of it
    busy = time.process_time()
    for step in STEPS:
        start = time.perf_counter()
        next(work)
        seconds[step] = round(time.perf_counter() - start, 2)
    import resource  # Unix only

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e9 if sys.platform == "darwin" else 1e6)
    print(json.dumps({"seconds": seconds, "busy": round(time.process_time() - busy, 1), "GB": round(peak, 2)}))
