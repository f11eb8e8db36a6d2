"""LoRA by way of `peft`: corrections put into a transformer, described, and kept in a folder as peft keeps them."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor

from mtl_helpers.models.large.weight_files import ADAPTER, check_sums
from mtl_helpers.models.multi_task import ModelError

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel

NUMBERS = "adapter_model.safetensors"
# What decides which maps are corrected, and how; all else in peft's file is about how it was trained or loaded.
_SETTINGS = ("r", "lora_alpha", "lora_dropout", "target_modules", "exclude_modules", "layers_to_transform")
_SETTINGS += ("layers_pattern", "rank_pattern", "alpha_pattern", "fan_in_fan_out", "bias", "lora_bias", "use_rslora")
_SETTINGS += ("use_dora",)
_PLAIN_STARTS = (True, False, None, "gaussian", "orthogonal", "eva")  # the others change the encoder's own weights


def with_lora(transformer: PreTrainedModel, settings: Mapping[str, Any]) -> PeftModel:
    """The transformer, frozen, with trainable corrections as `peft.LoraConfig` takes them in ``settings``."""
    from peft import LoraConfig, get_peft_model

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # peft asks transformers in a way that grows old
        return get_peft_model(transformer, LoraConfig(**settings))


def lora_settings(transformer: PeftModel | PreTrainedModel) -> dict[str, Any] | None:
    """The settings of its LoRA, as plain values; None if it has none."""
    if not hasattr(transformer, "peft_config"):
        return None
    found = transformer.peft_config["default"].to_dict()
    return {key: sorted(value) if isinstance(value, set) else value for key, value in found.items() if key in _SETTINGS}


def write_adapter(transformer: PeftModel, folder: str | os.PathLike[str], base: str | None) -> None:
    """What `read_adapter` reads, as peft writes it: only the LoRA, in safetensors, and the name of its ``base``.

    The same LoRA makes the same files: peft's own list of maps has another order in each process.
    """
    folder = Path(folder)
    transformer.save_pretrained(os.fspath(folder), safe_serialization=True)
    config = json.loads((folder / ADAPTER).read_text(encoding="utf-8"))
    config["base_model_name_or_path"] = base  # peft takes the place of the files on this machine
    if isinstance(config["target_modules"], list):
        config["target_modules"].sort()
    (folder / ADAPTER).write_text(json.dumps(config, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    (folder / "README.md").unlink(missing_ok=True)  # a form for a model card, not filled in


def read_adapter(
    folder: str | os.PathLike[str], sha256: Mapping[str, str] | None = None
) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """What peft wrote in ``folder``: its adapter_config.json, and the numbers by name.

    Only safetensors are read, and only LoRA. Raises `ModelError` for a folder that lacks a file, has only a pickle, or holds
    another kind of adapter, or if a file named in ``sha256`` has another SHA-256.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    folder = Path(folder)
    if absent := [name for name in (ADAPTER, NUMBERS) if not (folder / name).is_file()]:
        pickled = sorted(path.name for path in folder.glob("*.bin"))
        never = f" {pickled[0]} is not read: a pickle can run code when it is loaded." if pickled else ""
        raise ModelError(f"{folder} lacks {' and '.join(absent)}, in which peft saves an adapter.{never}")
    check_sums(folder, sha256 or {})
    try:
        config = json.loads((folder / ADAPTER).read_text(encoding="utf-8"))
        numbers = load_file(folder / NUMBERS)
    except (ValueError, SafetensorError) as error:
        raise ModelError(f"The adapter in {folder} can not be read ({error}); it may be cut off.") from error
    kind = config.get("peft_type") if isinstance(config, dict) else config
    if kind != "LORA":
        raise ModelError(f"{folder / ADAPTER} describes an adapter of the kind {kind!r}; only LORA is taken.")
    if (start := config.get("init_lora_weights", True)) not in _PLAIN_STARTS:
        raise ModelError(
            f"{folder}: this LoRA began from {start!r}, which changes the encoder's own weights. Let peft save it as a plain "
            "one: save_pretrained(..., path_initial_model_for_weight_conversion=...)."
        )
    return config, numbers


def take_adapter(transformer: PreTrainedModel, config: Mapping[str, Any], numbers: Mapping[str, Tensor]) -> PeftModel:
    """The transformer with the adapter that `read_adapter` found; raises `ModelError` if it does not fit.

    Heads that were trained and saved with it (``modules_to_save``) are left out: here a task's head stands on the encoder.
    """
    # peft wraps BertForSequenceClassification, say, in which the encoder is called "bert".
    inner = f"base_model.model.{transformer.base_model_prefix}."
    numbers = {name.replace(inner, "base_model.model.", 1): value for name, value in numbers.items() if "lora_" in name}
    trainable = [parameter.requires_grad for parameter in transformer.parameters()]
    try:
        adapted = with_lora(transformer, {key: config[key] for key in _SETTINGS if key in config})
    except ValueError as error:  # no map of that name
        raise ModelError(f"The adapter does not fit this encoder: {error}") from error
    if problem := _fill(adapted, numbers):
        adapted.unload()  # peft puts its layers into the transformer itself
        for parameter, flag in zip(transformer.parameters(), trainable, strict=True):
            parameter.requires_grad_(flag)
        raise ModelError(f"The adapter does not fit this encoder: {problem}. Was it trained on another model?")
    return adapted


def _fill(adapted: PeftModel, numbers: Mapping[str, Tensor]) -> str | None:
    """Put the numbers in their places; what is wrong with them, if anything is."""
    from peft import set_peft_model_state_dict

    try:
        result = set_peft_model_state_dict(adapted, numbers)
    except RuntimeError as error:  # a line for each map of another width
        return str(error).splitlines()[-1].strip().rstrip(".")
    if result.unexpected_keys:
        return f"the encoder has no {result.unexpected_keys[0]}"
    absent = [name for name in result.missing_keys if "lora_" in name]
    return f"it lacks {absent[0]}" if absent else None
