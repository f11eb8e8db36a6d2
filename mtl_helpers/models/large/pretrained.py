"""A pre-trained transformer with the interface of the other encoders: frozen, fine-tuned in part or in whole, or with LoRA."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from mtl_helpers.arguments import whole_number
from mtl_helpers.data.vocabulary import PAD
from mtl_helpers.models.described import Described
from mtl_helpers.models.large.lora import lora_settings, read_adapter, take_adapter, with_lora, write_adapter
from mtl_helpers.models.large.subwords import Subwords, exchanged
from mtl_helpers.models.large.weight_files import MINILM, Source, find_weights
from mtl_helpers.models.multi_task import ModelError
from mtl_helpers.models.text import word_mask

if TYPE_CHECKING:  # transformers takes seconds to import: whoever loads no pre-trained model does without
    from tokenizers import Tokenizer
    from transformers import PretrainedConfig, PreTrainedModel


class PretrainedEncoder(Described, nn.Module):
    """A transformer of the Hugging Face library as an encoder: piece numbers ``(batch, time)`` to ``(batch, features)``.

    ``pooling`` makes one vector of a text's states: ``"mean"`` of all of them, for models that look both ways (BERT), or the
    ``"last"`` one, for decoders, in which only the last has seen the whole text (GPT). None: as fits the model's type.
    ``padding`` is the model's own number for padding, see `Subwords`.

    All is trainable at first: see `train_last` and `add_lora`. While nothing is trainable, the encoder stays in eval mode: its
    dropout would be but noise.
    """

    source: Source | None = None
    """Where `load_pretrained` read the weights; None if they are new."""

    def __init__(self, transformer: PreTrainedModel, *, padding: int = PAD, pooling: str | None = None) -> None:
        super().__init__()
        config = transformer.config
        if getattr(config, "is_encoder_decoder", False):
            raise ModelError(
                f"'{config.model_type}' has an encoder and a decoder; PretrainedEncoder takes models with one of them."
            )
        if pooling not in ("mean", "last", None):
            raise ModelError(f"pooling must be 'mean', 'last' or None; found {pooling!r}.")
        if getattr(transformer, "pooler", None) is not None:
            transformer.pooler = None  # a layer above the first state, which no pooling here reads
        self.transformer, self.padding = transformer, padding
        self.pooling = pooling or _usual_pooling(config)
        self.features = int(config.hidden_size)

    @property
    def layers(self) -> nn.ModuleList:
        """The transformer's layers, the first one first."""
        depth = self.transformer.config.num_hidden_layers
        for module in self.transformer.modules():
            if isinstance(module, nn.ModuleList) and len(module) == depth:
                return module
        raise ModelError(f"No list of {depth} layers was found in {type(self.transformer).__name__}.")

    def train_last(self, layers: int) -> PretrainedEncoder:
        """Leave only the last ``layers`` trainable, 0 for none, and return self; raises `ModelError` if there are fewer."""
        layers = whole_number("layers", layers, ModelError, at_least=0)
        if layers > len(self.layers):
            raise ModelError(f"layers must be a whole number from 0 to {len(self.layers)}; found {layers!r}.")
        self.requires_grad_(False)
        for layer in list(self.layers)[len(self.layers) - layers :]:
            layer.requires_grad_(True)
        return self.train(self.training)

    def add_lora(self, rank: int = 8, *, dropout: float = 0.0) -> PretrainedEncoder:
        """Freeze all and add trainable low-rank corrections W + 2 B A to the attention's maps (LoRA), and return self.

        A is ``(rank, in)``, B ``(out, rank)`` and 0 at first, so the features are at first what they were (Hu et al., ICLR
        2022). It is done by `peft`, in those maps that it changes by default in a model of this type.
        """
        from transformers.pytorch_utils import Conv1D

        rank = whole_number("The rank of LoRA", rank, ModelError)
        self._check_no_lora()
        turned = any(isinstance(module, Conv1D) for module in self.transformer.modules())  # GPT-2 stores W transposed
        settings = {"r": rank, "lora_alpha": 2 * rank, "lora_dropout": dropout, "fan_in_fan_out": turned}
        self.transformer = with_lora(self.transformer, settings)
        return self.train(self.training)

    def load_adapter(
        self, folder: str | os.PathLike[str], *, sha256: Mapping[str, str] | None = None
    ) -> PretrainedEncoder:
        """Put the LoRA on that `peft` saved in ``folder`` (adapter_config.json, adapter_model.safetensors), and return self.

        The encoder keeps its own weights, whatever base the folder names. Raises `ModelError` if that is another base than
        this encoder's, or the adapter does not fit. ``sha256`` checks the files, as in `find_weights`.
        """
        self._check_no_lora()
        config, numbers = read_adapter(folder, sha256)
        named, own = config.get("base_model_name_or_path"), self.source and self.source.name
        if named and own and named != own and not any(map(_is_folder, (named, own))):
            raise ModelError(f"The adapter in {folder} was trained on '{named}'; this encoder is '{own}'.")
        self.transformer = take_adapter(self.transformer, config, numbers)
        return self.train(self.training)

    def save_adapter(self, folder: str | os.PathLike[str]) -> None:
        """Write the LoRA alone to ``folder`` as `peft` does, in safetensors; `load_adapter` and `peft` read it.

        Raises `ModelError` if there is none.
        """
        if lora_settings(self.transformer) is None:
            raise ModelError("This encoder has no LoRA to save: call encoder.add_lora(rank) before it is trained.")
        write_adapter(self.transformer, folder, self.source and self.source.name)

    def _check_no_lora(self) -> None:
        if lora_settings(self.transformer) is not None:
            raise ModelError("This encoder has its LoRA already; load the encoder anew for another.")

    def arguments(self) -> dict[str, Any]:
        """What makes the same encoder again: where its weights come from or its configuration, and its LoRA's settings."""
        origin: dict[str, Any] = {"source": self.source.to_dict()} if self.source else {}
        if not origin:
            origin["config"] = json.loads(self.transformer.config.to_json_string(use_diff=False))
        lora = lora_settings(self.transformer)
        return {**origin, "padding": self.padding, "pooling": self.pooling, "lora": lora}

    @classmethod
    def made_from(cls, arguments: dict[str, Any]) -> PretrainedEncoder:
        """The encoder that `arguments` described, with the weights of its source, checked, or with new ones."""
        from transformers import AutoConfig, AutoModel

        if "source" in arguments:
            encoder, _ = load_pretrained(**arguments["source"], pooling=arguments["pooling"])
        else:
            transformer = AutoModel.from_config(AutoConfig.for_model(**arguments["config"]), trust_remote_code=False)
            encoder = cls(transformer, padding=arguments["padding"], pooling=arguments["pooling"])
        if arguments["lora"]:
            encoder.transformer = with_lora(encoder.transformer, arguments["lora"])
        return encoder

    def from_source(self) -> set[str]:
        """Names of those of its tensors that are, bit for bit, what its source holds: they need not be saved."""
        if self.source is None:
            return set()
        base = _read_transformer(self.source.folder, _read_config(self.source.folder)).state_dict()
        own = self.transformer.state_dict()
        plain = {name: name.removeprefix("base_model.model.").replace(".base_layer.", ".") for name in own}
        return {
            f"transformer.{name}"
            for name, value in own.items()
            if plain[name] in base and torch.equal(value.cpu(), base[plain[name]])
        }

    def train(self, mode: bool = True) -> PretrainedEncoder:
        """As for every module, but for a frozen encoder, which stays in eval mode."""
        return super().train(mode and any(p.requires_grad for p in self.parameters()))

    def forward(self, tokens: Tensor, prompt: Tensor | None = None) -> Tensor:
        """Encode piece numbers ``(batch, time)``, padded with 0, as ``(batch, features)``.

        Vectors ``prompt (n, features)``, if there are any, are read before each text, see `SoftPrompt`.
        """
        embeddings = self.transformer.get_input_embeddings()
        mask = word_mask(self, tokens, embeddings.num_embeddings)
        prompt = embeddings.weight[:0] if prompt is None else prompt
        longest = getattr(self.transformer.config, "max_position_embeddings", None)
        if longest is not None and len(prompt) + tokens.shape[1] > longest:
            raise ModelError(
                f"A text of {tokens.shape[1]} pieces is longer than the {longest - len(prompt)} positions of the model; give "
                f"Subwords a max_length of at most {longest - len(prompt)}."
            )
        numbers, read = exchanged(tokens, self.padding), mask
        inputs = {"input_ids": numbers}
        if len(prompt):
            inputs = {"inputs_embeds": torch.cat([prompt.expand(len(tokens), -1, -1), embeddings(numbers)], dim=1)}
            read = torch.cat([mask.new_ones(len(tokens), len(prompt)), mask], dim=1)
        states = self.transformer(**inputs, attention_mask=read.long()).last_hidden_state[:, len(prompt) :]
        if self.pooling == "last":
            return states[torch.arange(len(states), device=states.device), mask.sum(dim=1) - 1]
        return (states * mask[..., None]).sum(dim=1) / mask.sum(dim=1, keepdim=True)


def load_pretrained(
    name: str | os.PathLike[str] = MINILM,
    *,
    max_length: int = 64,
    pooling: str | None = None,
    revision: str | None = None,
    sha256: Mapping[str, str] | None = None,
) -> tuple[PretrainedEncoder, Subwords]:
    """A pre-trained encoder and the subwords it reads: the course's own, all-MiniLM-L6-v2, or any BERT or GPT by name.

    `find_weights` says where the files come from and how they are checked. Weights are read as safetensors only, and no code
    that comes with a model is run.

    >>> encoder, subwords = load_pretrained()
    >>> subwords.pieces("Unputdownable!")
    ['[CLS]', 'un', '##put', '##down', '##able', '!', '[SEP]']
    >>> encoder(subwords.encode(["A good film.", "Unputdownable!"])[0]).shape
    torch.Size([2, 384])
    """
    folder = find_weights(name, revision=revision, sha256=sha256)
    config = _read_config(folder)
    padding = next(n for n in (config.pad_token_id, config.eos_token_id, PAD) if n is not None)
    transformer = _read_transformer(folder, config)
    encoder = PretrainedEncoder(transformer, padding=padding, pooling=pooling)
    own_name = str(Path(name).resolve()) if _is_folder(name) else os.fspath(name)
    encoder.source = Source(own_name, folder, revision)
    return encoder, Subwords(_read_tokenizer(folder), padding=padding, max_length=max_length)


def _is_folder(name: str | os.PathLike[str]) -> bool:
    """Whether a model was named by its folder, wherever that lies, and not by its name on the hub."""
    name = os.fspath(name)
    return name != MINILM and (Path(name).is_dir() or Path(name).is_absolute() or name.startswith("."))


def _read_config(folder: Path) -> PretrainedConfig:
    from transformers import AutoConfig

    try:
        return AutoConfig.from_pretrained(folder, local_files_only=True)
    except (ValueError, OSError) as error:
        raise ModelError(
            f"{folder / 'config.json'} does not describe a model that transformers knows: {error}"
        ) from error


def _read_transformer(folder: Path, config: PretrainedConfig) -> PreTrainedModel:
    from safetensors import SafetensorError
    from transformers import AutoModel
    from transformers.utils import logging

    bar = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        return AutoModel.from_pretrained(
            folder, config=config, dtype=torch.float32, use_safetensors=True, local_files_only=True
        )
    except SafetensorError as error:
        raise ModelError(f"{folder / 'model.safetensors'} can not be read ({error}); it may be cut off.") from error
    finally:
        if bar:
            logging.enable_progress_bar()


def _read_tokenizer(folder: Path) -> Tokenizer:
    from tokenizers import Tokenizer

    try:
        return Tokenizer.from_file(str(folder / "tokenizer.json"))
    except Exception as error:  # tokenizers raises this class itself
        raise ModelError(f"{folder / 'tokenizer.json'} can not be read: {error}. Take the model's own file.") from error


def _usual_pooling(config: PretrainedConfig) -> str:
    from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING_NAMES

    return "mean" if config.model_type in MODEL_FOR_MASKED_LM_MAPPING_NAMES else "last"
