"""A trained model is saved, loaded in another process, and answers new texts: every encoder, every way of sharing."""

import json
import math
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import TASKS
from tiny_models import save_tiny
from torch import nn

from mtl_helpers.data import ColumnNumbers, DataError, Vocabulary, make_loader
from mtl_helpers.models import (
    CNNEncoder,
    FrozenFeatures,
    FusionEncoder,
    ImageEncoder,
    LSTMEncoder,
    ModelError,
    MultiTaskModel,
    OnFeatures,
    PretrainedEncoder,
    TransformerEncoder,
    load_pretrained,
)
from mtl_helpers.models.large.lora import with_lora
from mtl_helpers.relations import Adapters, ConditionedModel, CrossStitch, MMoE, PipelineModel, SoftSharing
from mtl_helpers.saving import Trained, load, save
from mtl_helpers.tasks import SENTIMENT, STARS, TOPIC, Classification, MultiLabel, Regression, Tagging, TaskError
from mtl_helpers.training import fit

TEXTS = ["a superb film", "an awful phone with a battery", "my book"]
WORDS = Vocabulary(["film", "superb", "awful", "phone", "battery", "book", "my"])
ENCODERS = {
    "CNN": lambda: CNNEncoder(len(WORDS), filters=4, widths=(1, 2)),
    "LSTM": lambda: LSTMEncoder(len(WORDS), hidden=4, bidirectional=False),
    "Transformer": lambda: TransformerEncoder(len(WORDS), embedding_dim=8, layers=2, max_length=20),
}
WAYS = {
    "one encoder": lambda new: MultiTaskModel(new(), TASKS),
    "own heads": lambda new: MultiTaskModel(
        encoder := new(), TASKS, {task.name: head(encoder, task) for task in TASKS}
    ),
    "soft": lambda new: SoftSharing({task.name: new() for task in TASKS}, TASKS, 0.1),
    "soft, tied for good": lambda new: SoftSharing({task.name: new() for task in TASKS}, TASKS, math.inf),
    "cross-stitch": lambda new: CrossStitch({task.name: new() for task in TASKS}, TASKS, keep=0.8),
    "MMoE": lambda new: MMoE(new(), TASKS, experts=2),
    "adapters": lambda new: Adapters(new(), TASKS, size=3),
    "conditioned": lambda new: ConditionedModel(new(), [TOPIC, SENTIMENT], {"sentiment": "topic"}, detach=False),
    "pipeline": lambda new: PipelineModel(encoder := new(), SENTIMENT, MultiTaskModel(encoder, [TOPIC]), "topic"),
}


def head(encoder, task):
    layers = [nn.LayerNorm(encoder.features), nn.Linear(encoder.features, 6, bias=False), nn.GELU(), nn.Dropout(0.3)]
    return nn.Sequential(*layers, nn.Linear(6, task.n_outputs))


def shifted(model: nn.Module) -> nn.Module:
    """As if it had been trained: every number is another than a new model begins with."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1)) * 0.1)
        for module in model.modules():
            if isinstance(module, nn.Embedding) and module.padding_idx is not None:
                module.weight[module.padding_idx] = 0
    return model.eval()


def same(a: pd.DataFrame, b: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(a, b)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("encoder", ENCODERS)
def test_a_loaded_model_answers_as_the_saved_one(tmp_path, way, encoder):
    model = shifted(WAYS[way](ENCODERS[encoder]))
    state = torch.get_rng_state()
    found = load(save(model, tmp_path / "model", vocabulary=WORDS))
    assert torch.equal(torch.get_rng_state(), state), "the caller's random numbers were used up"
    assert type(found.model) is type(model) and found.tasks == model.tasks and not found.model.training
    assert found.model.state_dict().keys() == model.state_dict().keys()
    trainable = [[p.requires_grad for p in each.parameters()] for each in (model, found.model)]
    assert trainable[0] == trainable[1], "what is shared, and what is frozen, is so again"
    same(found.answer(TEXTS), Trained(model, WORDS).answer(TEXTS))


def test_answers_come_with_probabilities_and_as_single_texts_do(tmp_path):
    found = load(save(shifted(WAYS["one encoder"](ENCODERS["CNN"])), tmp_path / "model", vocabulary=WORDS))
    answers = found.answer(pd.Series(TEXTS, index=["x", "y", "z"]))
    assert list(answers.index) == ["x", "y", "z"]
    assert set(answers.sentiment) <= set(SENTIMENT.classes) and answers.stars.dtype.kind == "f"
    share = answers[[f"sentiment: {label}" for label in SENTIMENT.classes]]
    assert np.allclose(share.sum(axis=1), 1)
    assert (share.idxmax(axis=1) == "sentiment: " + answers.sentiment).all()
    alone = pd.concat([found.answer([text]) for text in TEXTS])
    assert np.allclose(alone["sentiment: positive"], answers["sentiment: positive"], atol=1e-6)
    same(found.answer(TEXTS * 3, batch_size=2).iloc[:3], found.answer(TEXTS * 3, batch_size=100).iloc[:3])


def test_every_kind_of_task_comes_back(tmp_path):
    tasks = [
        Classification("mood", ["bad", "good"], class_weights=(1.0, 3.0)),
        MultiLabel("about", ["price", "size"]),
        Regression("days", centre=3.5, scale=2.0),
        Regression("path", size=2),
        Tagging("part", ["noun", "verb"]),
    ]
    model = shifted(MultiTaskModel(ENCODERS["LSTM"](), tasks))
    found = load(save(model, tmp_path / "model", vocabulary=WORDS))
    assert list(found.tasks) == tasks
    answers = found.answer(TEXTS)
    assert [len(tags) for tags in answers.part] == [len(row) for row in map(WORDS.numbers, TEXTS)]
    same(answers, Trained(model, WORDS).answer(TEXTS))


SCRIPT = """
import sys
from mtl_helpers.saving import load
answers = load(sys.argv[1]).answer(sys.argv[2:])
assert "transformers" not in sys.modules
print(answers.to_json())
"""


def test_a_new_process_answers_new_texts(tmp_path, frame, dataset):
    words = Vocabulary.from_texts(frame.text)
    model = MultiTaskModel(CNNEncoder(len(words)), TASKS)
    fit(model, make_loader(dataset, shuffle=True), torch.optim.AdamW(model.parameters(), lr=0.01), steps=60)
    path = save(model, tmp_path / "my models" / "réviews", vocabulary=words)
    assert sorted(file.name for file in path.iterdir()) == ["model.json", "vocabulary.json", "weights.safetensors"]
    command = [sys.executable, "-c", SCRIPT, str(path), "the actor and a superb plot", "my awful battery"]
    result = subprocess.run(command, cwd=tmp_path, env=os.environ, capture_output=True, encoding="utf-8")
    assert result.returncode == 0, result.stderr
    answers = pd.DataFrame(json.loads(result.stdout))
    assert answers.topic.tolist() == ["film", "phone"] and answers.sentiment.tolist() == ["positive", "negative"]


# Without text -------------------------------------------------------------------------------------------------------


def test_a_table_is_answered_with_the_columns_it_was_trained_on(tmp_path):
    table = pd.DataFrame(
        {"pulse": [60, 90, 75], "name": ["Ann", "Bob", "Eve"], "ward": ["a", "b", "a"]}, index=[0.5, 0.1, 4.0]
    )
    columns = ColumnNumbers.from_frame(table, ["ward", "pulse"])
    model = shifted(MultiTaskModel(OnFeatures(columns.features, hidden=3), [SENTIMENT, STARS]))
    found = load(save(model, tmp_path / "model", vocabulary=columns))
    answers = found.answer(table[["ward", "name", "pulse"]], batch_size=2)
    assert list(answers.index) == [0.5, 0.1, 4.0]
    same(answers.reset_index(drop=True), Trained(model).answer(columns.encode(table)[0]))
    with pytest.raises(DataError, match="Column 'pulse' is missing"):
        found.answer(table.drop(columns="pulse"))
    with pytest.raises(DataError, match="There is no example to answer"):
        found.answer(table.iloc[:0])


def test_without_a_vocabulary_a_table_s_numbers_go_into_the_model_as_they_are(tmp_path):
    model = shifted(MultiTaskModel(OnFeatures(2), [SENTIMENT]))
    table = pd.DataFrame({"a": [1, 2], "b": [0.5, 0.1]})
    same(load(save(model, tmp_path / "model")).answer(table), Trained(model).answer(table.to_numpy()))


def test_pictures_and_sounds_are_answered_as_they_go_into_the_model(tmp_path):
    branches = {"left": ImageEncoder(channels=2, hidden=4), "right": ImageEncoder(channels=2, size=(8, 12), colours=3)}
    model = shifted(MultiTaskModel(FusionEncoder(branches, hidden=5, drop=0.1), [SENTIMENT]))
    inputs = {"left": torch.rand(3, 1, 12, 12), "right": torch.rand(3, 3, 8, 12)}
    found = load(save(model, tmp_path / "model"))
    assert found.vocabulary is None and found.model.encoder.drop == 0.1
    same(found.answer(inputs), Trained(model).answer({k: v.double().numpy() for k, v in inputs.items()}))


# Pre-trained encoders -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def bases(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bases")
    return {family: save_tiny(folder / family, family, TEXTS * 3) for family in ("bert", "gpt")}


def size(path) -> int:
    return (path / "weights.safetensors").stat().st_size


def numbers_kept(path) -> int:
    from safetensors.torch import load_file

    return sum(value.numel() for value in load_file(path / "weights.safetensors").values())


@pytest.mark.parametrize("family", ["bert", "gpt"])
@pytest.mark.parametrize("tuned", ["frozen", "last", "LoRA", "all"])
def test_of_a_pretrained_encoder_only_what_changed_is_kept(tmp_path, bases, family, tuned):
    encoder, subwords = load_pretrained(bases[family], max_length=9)
    whole = sum(p.numel() for p in encoder.parameters())
    {
        "frozen": lambda: encoder.train_last(0),
        "last": lambda: encoder.train_last(1),
        "LoRA": lambda: encoder.add_lora(2, dropout=0.1),
        "all": lambda: encoder,
    }[tuned]()
    model = MultiTaskModel(encoder, [SENTIMENT, TOPIC])
    trainable = [p for p in model.parameters() if p.requires_grad]
    with torch.no_grad():
        for parameter in trainable:
            parameter.add_(0.1)
    model.eval()
    path = save(model, tmp_path / "model", vocabulary=subwords)
    assert numbers_kept(path) == sum(p.numel() for p in trainable) and (tuned == "all") == (numbers_kept(path) > whole)
    found = load(path)
    assert [p.requires_grad for p in found.model.parameters()] == [p.requires_grad for p in model.parameters()]
    assert found.vocabulary.encode(TEXTS)[0].equal(subwords.encode(TEXTS)[0])
    same(found.answer(TEXTS), Trained(model, subwords).answer(TEXTS))


def test_an_adapter_that_was_not_trained_yet_is_kept_too(tmp_path, bases):
    """Whatever random numbers there are when it is saved: its A starts at random, and is not made again."""
    torch.manual_seed(0)
    encoder, subwords = load_pretrained(bases["bert"])
    model = MultiTaskModel(encoder.add_lora(2), [SENTIMENT])
    torch.manual_seed(0)
    found = load(save(model, tmp_path / "model", vocabulary=subwords)).model.state_dict()
    assert all(torch.equal(value, found[name]) for name, value in model.state_dict().items())


def test_an_adapter_of_another_make_comes_back_as_it_was(tmp_path, bases):
    """As one that peft saved may be: other maps, DoRA, and the biases trained with it."""
    encoder, subwords = load_pretrained(bases["bert"])
    settings = {"r": 3, "lora_alpha": 5, "target_modules": ["key", "dense"], "use_dora": True, "bias": "all"}
    encoder.transformer = with_lora(encoder.transformer, settings)
    model = MultiTaskModel(encoder, [SENTIMENT])
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(0.05)
    found = load(save(model, tmp_path / "model", vocabulary=subwords))
    same(found.answer(TEXTS), Trained(model, subwords).answer(TEXTS))


@pytest.mark.skipif(not os.path.exists("/proc/self/maps"), reason="only Linux tells what is mapped into memory")
def test_a_loaded_folder_may_be_replaced_on_windows_too(saved):
    """There no file can be that is still mapped into memory."""
    found = load(saved)
    with open("/proc/self/maps", encoding="utf-8") as maps:
        assert str(saved) not in maps.read()
    assert save(found.model, saved) == saved


def test_the_course_s_encoder_with_lora_is_a_small_file(tmp_path):
    encoder, subwords = load_pretrained()
    model = MultiTaskModel(encoder.add_lora(4), [SENTIMENT])
    trainable = sum(p.numel() for p in model.parameters() if p.requires_grad)
    path = save(model, tmp_path / "model", vocabulary=subwords)
    assert numbers_kept(path) == trainable == 37_634 and size(path) < 200_000
    said = json.loads((path / "model.json").read_text(encoding="utf-8"))["sources"]["model.encoder"]
    assert said["name"] == "sentence-transformers/all-MiniLM-L6-v2" and len(said["sha256"]["model.safetensors"]) == 64
    same(load(path).answer(TEXTS), Trained(model, subwords).answer(TEXTS))


def test_frozen_features_come_back_with_their_encoder(tmp_path, bases):
    encoder, subwords = load_pretrained(bases["bert"])
    features = FrozenFeatures(encoder.train_last(0), subwords)
    model = shifted(MultiTaskModel(OnFeatures(encoder.features, hidden=4), [SENTIMENT]))
    path = save(model, tmp_path / "model", vocabulary=features)
    assert numbers_kept(path) == sum(p.numel() for p in model.parameters())
    same(load(path).answer(TEXTS), Trained(model, features).answer(TEXTS))


def test_a_new_transformer_is_kept_whole(tmp_path):
    from transformers import GPT2Config, GPT2Model

    config = GPT2Config(
        vocab_size=len(WORDS), n_positions=16, n_embd=8, n_layer=1, n_head=2, bos_token_id=0, eos_token_id=0
    )
    model = shifted(MultiTaskModel(PretrainedEncoder(GPT2Model(config)), [SENTIMENT]))
    same(load(save(model, tmp_path / "m", vocabulary=WORDS)).answer(TEXTS), Trained(model, WORDS).answer(TEXTS))


def test_an_encoder_used_twice_stays_one(tmp_path, bases):
    encoder, subwords = load_pretrained(bases["bert"])
    encoder.train_last(0)
    model = shifted(CrossStitch({"sentiment": encoder, "topic": encoder}, [SENTIMENT, TOPIC]))
    found = load(save(model, tmp_path / "model", vocabulary=subwords))
    assert len({id(one) for one in found.model.encoder.by_task.values()}) == 1
    same(found.answer(TEXTS), Trained(model, subwords).answer(TEXTS))


def test_the_base_may_have_moved_but_not_changed(tmp_path, bases):
    moved = tmp_path / "base"
    save_tiny(moved, "bert", TEXTS * 3)
    encoder, subwords = load_pretrained(moved)
    path = save(MultiTaskModel(encoder.train_last(0), [SENTIMENT]), tmp_path / "model", vocabulary=subwords)
    moved.rename(tmp_path / "elsewhere")
    with pytest.raises(ModelError, match=r"base.* was not found"):
        load(path)
    assert len(load(path, base=tmp_path / "elsewhere").answer(TEXTS)) == 3
    with (tmp_path / "elsewhere" / "config.json").open("a", encoding="utf-8") as file:
        file.write(" ")
    with pytest.raises(ModelError, match="not the file it should be"):
        load(path, base=tmp_path / "elsewhere")


# One's own classes --------------------------------------------------------------------------------------------------


class Mine(MultiTaskModel):
    """A learner's own model."""

    def forward(self, inputs):
        return {name: output * 2 for name, output in super().forward(inputs).items()}


def test_a_model_of_one_s_own_class_is_filled(tmp_path):
    model = shifted(Mine(ENCODERS["CNN"](), TASKS))
    path = save(model, tmp_path / "model", vocabulary=WORDS)
    with pytest.raises(ModelError, match=r"class Mine, which is not the course's\).*load\(path, model=it\)"):
        load(path)
    same(load(path, model=Mine(ENCODERS["CNN"](), TASKS)).answer(TEXTS), Trained(model, WORDS).answer(TEXTS))
    with pytest.raises(
        ModelError, match=r"do not fit the model: for model.encoder.*takes \[8\], saved is \[4\] \(and 6 more\)"
    ):
        load(path, model=Mine(CNNEncoder(len(WORDS), filters=8, widths=(1, 2)), TASKS))
    with pytest.raises(ModelError, match=r"is for the tasks .*the given one is for"):
        load(path, model=Mine(ENCODERS["CNN"](), [TOPIC]))


def test_of_one_s_own_model_too_the_pretrained_weights_are_not_kept(tmp_path, bases):
    encoder, subwords = load_pretrained(bases["bert"])
    model = shifted(Mine(encoder.add_lora(2).requires_grad_(False), [SENTIMENT]))
    kept = MultiTaskModel(load_pretrained(bases["bert"])[0].add_lora(2), [SENTIMENT])
    model.encoder.load_state_dict(kept.encoder.state_dict())
    path = save(model, tmp_path / "model", vocabulary=subwords)
    assert numbers_kept(path) == sum(p.numel() for p in kept.parameters() if p.requires_grad)
    again = Mine(load_pretrained(bases["bert"])[0].add_lora(2), [SENTIMENT])
    same(load(path, model=again).answer(TEXTS), Trained(model, subwords).answer(TEXTS))
    new = Mine(PretrainedEncoder(encoder.transformer.base_model.model), [SENTIMENT])
    with pytest.raises(ModelError, match=r"stands on the weights of .*make its encoder with load_pretrained"):
        load(path, model=new)


def test_a_head_changed_afterwards_is_not_taken_for_the_one_it_was_made_with(tmp_path):
    model = WAYS["one encoder"](ENCODERS["CNN"])
    model.heads["topic"] = nn.Sequential(nn.Linear(8, 5), nn.Linear(5, TOPIC.n_outputs))
    path = save(model, tmp_path / "model", vocabulary=WORDS)
    with pytest.raises(ModelError, match="MultiTaskModel was changed after it was made"):
        load(path)


def test_tasks_changed_afterwards_are_those_that_are_loaded(tmp_path):
    model = MultiTaskModel(ENCODERS["CNN"](), [Regression("days")])
    model.tasks = (Regression("days", centre=5.0, scale=2.0),)
    path = save(model, tmp_path / "model", vocabulary=WORDS)
    with pytest.raises(ModelError, match="MultiTaskModel was changed after it was made"):
        load(path)
    same(load(path, model=model).answer(TEXTS), Trained(model, WORDS).answer(TEXTS))


class Loudness(Regression):
    """A learner's own kind of task."""


def test_a_kind_of_task_that_was_not_imported_is_named(tmp_path):
    path = save(MultiTaskModel(ENCODERS["CNN"](), [Loudness("noise")]), tmp_path / "model", vocabulary=WORDS)
    assert load(path).tasks == (Loudness("noise"),)
    command = [sys.executable, "-c", "import sys; from mtl_helpers.saving import load; load(sys.argv[1])", str(path)]
    result = subprocess.run(command, capture_output=True, encoding="utf-8")
    assert "TaskError: There is no kind of task 'Loudness'" in result.stderr and "Import the module" in result.stderr
    assert TaskError.__name__ in result.stderr


def test_a_vocabulary_with_a_tokenizer_of_one_s_own(tmp_path):
    words = Vocabulary(["film"], tokenizer=str.split)
    model = shifted(MultiTaskModel(CNNEncoder(len(words)), [SENTIMENT]))
    path = save(model, tmp_path / "model", vocabulary=words)
    with pytest.raises(DataError, match=r"load\(path, tokenizer=...\)"):
        load(path)
    same(load(path, tokenizer=str.split).answer(["film"]), Trained(model, words).answer(["film"]))


# What goes wrong ----------------------------------------------------------------------------------------------------


@pytest.fixture
def saved(tmp_path):
    return save(WAYS["one encoder"](ENCODERS["CNN"]), tmp_path / "model", vocabulary=WORDS)


def rewrite(path, **changes):
    said = json.loads((path / "model.json").read_text(encoding="utf-8")) | changes
    (path / "model.json").write_text(json.dumps(said), encoding="utf-8")


def cut_off(path):
    content = (path / "weights.safetensors").read_bytes()
    (path / "weights.safetensors").write_bytes(content[: len(content) // 2])


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda path: (path / "model.json").unlink(), r"is no saved model: there is no model.json in it"),
        (lambda path: (path / "model.json").write_bytes(b'{"format"'), r"model.json can not be read .*damaged"),
        (
            lambda path: (path / "model.json").write_bytes(b"[1]"),
            r"model.json does not describe a model.*another program",
        ),
        (lambda path: (path / "model.json").write_bytes(b'{"tasks": []}'), r"model.json does not describe a model"),
        (lambda path: rewrite(path, format=9), "was saved in format 9; this version of the course reads 1"),
        (lambda path: (path / "vocabulary.json").unlink(), "lacks vocabulary.json: copy the folder as a whole"),
        (lambda path: (path / "weights.safetensors").unlink(), "lacks weights.safetensors"),
        (cut_off, "weights.safetensors is damaged, or that of another model"),
        (lambda path: (cut_off(path), rewrite(path, sha256={})), "weights.safetensors can not be read .*damaged"),
        (lambda path: rewrite(path, modules=[{"class": "Rumour", "arguments": {}}]), "The course has no class Rumour"),
        (
            lambda path: rewrite(path, modules=[{"class": "CNNEncoder", "arguments": {"depth": 3}}]),
            r"A CNNEncoder can not be made as it was saved \(.*another version of the course",
        ),
        (lambda path: rewrite(path, modules=[{"class": "os.system", "arguments": {}}]), "has no class os.system"),
        (lambda path: rewrite(path, vocabulary="Own"), r"your own class Own: call load\(path, vocabulary=it\)"),
    ],
)
def test_a_folder_that_is_not_whole_says_what_is_wrong(saved, spoil, said):
    spoil(saved)
    with pytest.raises(ModelError, match=said):
        load(saved)


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda found: found.answer("a film"), "found the single text 'a film'"),
        (lambda found: found.answer([]), "There is no example to answer: the input is empty"),
        (lambda found: found.answer(["film", None]), "Text 1 is no text but None"),
        (
            lambda found: found.answer(pd.DataFrame({"text": TEXTS})),
            r"Expected texts, such as frame.text; found a table",
        ),
    ],
)
def test_what_is_no_list_of_texts_is_refused(saved, ask, said):
    with pytest.raises(DataError, match=said):
        ask(load(saved))


@pytest.mark.bad_input
def test_what_can_not_be_saved_is_named(tmp_path):
    with pytest.raises(ModelError, match=r"found DataParallel. Of a wrapped one give model.module"):
        save(nn.DataParallel(WAYS["one encoder"](ENCODERS["CNN"])), tmp_path / "model")
    dates = Classification("day", list(pd.date_range("2026-01-01", periods=2)))
    with pytest.raises(ModelError, match=r"2026-01-01.*a Timestamp, can not be written as JSON"):
        save(MultiTaskModel(ENCODERS["CNN"](), [dates]), tmp_path / "model")
    assert not list(tmp_path.iterdir())


def test_classes_may_be_numbers_of_numpy(tmp_path):
    model = MultiTaskModel(
        ENCODERS["CNN"](), [Classification("grade", np.arange(1, 4)), Classification("team", "甲 乙".split())]
    )
    answers = load(save(model, tmp_path / "model", vocabulary=WORDS)).answer(TEXTS)
    assert set(answers.grade) <= {1, 2, 3} and list(answers.columns[-2:]) == ["team: 甲", "team: 乙"]


def test_a_folder_with_something_else_in_it_is_not_replaced(tmp_path, saved):
    model = shifted(WAYS["one encoder"](ENCODERS["CNN"]))
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "thesis.txt").write_text("years of work", encoding="utf-8")
    with pytest.raises(ModelError, match="is there and holds no saved model: give another name"):
        save(model, tmp_path / "notes")
    with pytest.raises(ModelError, match="has no save"):
        save(model, saved, vocabulary=object())
    assert load(saved).vocabulary.words == WORDS.words
    save(model, saved)
    assert load(saved).vocabulary is None and sorted(os.listdir(tmp_path)) == ["model", "notes"]


def test_an_interruption_leaves_the_old_one_whole(tmp_path, saved, monkeypatch):
    monkeypatch.setattr("safetensors.torch.save_file", lambda *args: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        save(WAYS["MMoE"](ENCODERS["CNN"]), saved)
    assert type(load(saved).model) is MultiTaskModel and os.listdir(tmp_path) == ["model"]
