"""Step 2, the model: encoders with one interface, a head per task, and the multi-task model that joins them."""

from mtl_helpers.models.fusion import FusionEncoder
from mtl_helpers.models.images import ImageEncoder
from mtl_helpers.models.large.frozen import FrozenFeatures, OnFeatures
from mtl_helpers.models.large.pretrained import PretrainedEncoder, load_pretrained
from mtl_helpers.models.large.soft_prompt import SoftPrompt
from mtl_helpers.models.large.subwords import Subwords
from mtl_helpers.models.large.weight_files import MINILM, find_weights
from mtl_helpers.models.multi_task import Answers, ModelError, MultiTaskModel, shared_parameters, unwrapped
from mtl_helpers.models.parameters import count_parameters, parameters_by_part, trainable_numbers
from mtl_helpers.models.text import CNNEncoder, LSTMEncoder, TextEncoder, TransformerEncoder

__all__ = [
    "MINILM",
    "Answers",
    "CNNEncoder",
    "FrozenFeatures",
    "FusionEncoder",
    "ImageEncoder",
    "LSTMEncoder",
    "ModelError",
    "MultiTaskModel",
    "OnFeatures",
    "PretrainedEncoder",
    "SoftPrompt",
    "Subwords",
    "TextEncoder",
    "TransformerEncoder",
    "count_parameters",
    "find_weights",
    "load_pretrained",
    "parameters_by_part",
    "shared_parameters",
    "trainable_numbers",
    "unwrapped",
]
