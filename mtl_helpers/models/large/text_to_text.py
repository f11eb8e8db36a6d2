"""Text to text: every task is to say the next word, and the input names the task (the way of T5 and GPT)."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import torch

from mtl_helpers.data.batches import Vocabulary
from mtl_helpers.models.large.pretrained import PretrainedEncoder
from mtl_helpers.models.multi_task import MultiTaskModel
from mtl_helpers.randomness import drawn_from, seeded
from mtl_helpers.tasks import Classification, Task, check_tasks


def as_prompts(frame: pd.DataFrame, task: Task) -> pd.DataFrame:
    """The labelled rows as prompts: columns ``text``, "<task> : <review> answer :", and ``answer``, the label as a word.

    >>> from mtl_helpers.tasks import SENTIMENT
    >>> as_prompts(pd.DataFrame({"text": ["Good.", "Odd."], "sentiment": ["positive", None]}), SENTIMENT).to_dict("records")
    [{'text': 'sentiment : Good. answer :', 'answer': 'positive'}]
    """
    rows = frame[frame[task.name].notna()]
    return pd.DataFrame({"text": task.name + " : " + rows.text + " answer :", "answer": rows[task.name]})


def prompt_vocabulary(texts: Sequence[str], tasks: Sequence[Task]) -> Vocabulary:
    """The words of the training texts, of the prompts, and of all answers."""
    words = [word for task in check_tasks(tasks) for word in (task.name, *task.classes)]
    known = Vocabulary.from_texts(texts)
    return Vocabulary([*known.words[2:], *(word for word in dict.fromkeys([*words, "answer"]) if word not in known)])


def answer_task(vocabulary: Vocabulary) -> Task:
    """The one task that is left: which word comes next? Its classes are all the words."""
    return Classification("answer", classes=tuple(vocabulary.words))


def small_decoder(
    vocabulary: Vocabulary, *, width: int = 64, layers: int = 2, attention_heads: int = 4, seed: int = 0
) -> MultiTaskModel:
    """A GPT-2 of a few layers with new weights, drawn by ``seed``, and one head over all words: a model of `answer_task`.

    >>> model = small_decoder(Vocabulary(["topic", "film", "answer"]), width=8)
    >>> model(torch.tensor([[2, 3, 4]]))["answer"].shape  # one number for each of the five words
    torch.Size([1, 5])
    """
    from transformers import GPT2Config, GPT2Model

    size = {"vocab_size": len(vocabulary), "n_positions": 128, "n_embd": width, "n_layer": layers}
    no_dropout = dict.fromkeys(("resid_pdrop", "embd_pdrop", "attn_pdrop"), 0.0)
    config = GPT2Config(**size, n_head=attention_heads, bos_token_id=0, eos_token_id=0, **no_dropout)
    with drawn_from(seeded(seed)):  # the caller's random numbers stay the caller's
        return MultiTaskModel(PretrainedEncoder(GPT2Model(config), pooling="last"), [answer_task(vocabulary)])


@torch.no_grad()
def say(decoder: MultiTaskModel, vocabulary: Vocabulary, prompts: Sequence[str]) -> list[str]:
    """The next word after each prompt, of all words of the vocabulary the likeliest.

    >>> words = Vocabulary(["good", "answer"])
    >>> say(small_decoder(words, width=8), words, ["good answer :"])[0] in words.words
    True
    """
    decoder.eval()
    tokens, lengths = vocabulary.encode(prompts)
    said: dict[int, str] = {}
    for rows in lengths.argsort().split(200):  # the short ones together, so that little is padding
        best = decoder(tokens[rows, : int(lengths[rows].max())])["answer"].argmax(dim=1)
        said |= dict(zip(rows.tolist(), (vocabulary.words[i] for i in best.tolist()), strict=True))
    return [said[i] for i in range(len(prompts))]
