"""Step 2, the model: encoders with one interface, a head per task, and the multi-task model that joins them."""

from mtl_helpers.models.images import ImageEncoder
from mtl_helpers.models.multi_task import ModelError, MultiTaskModel, count_parameters
from mtl_helpers.models.text import CNNEncoder, LSTMEncoder, TextEncoder, TransformerEncoder

__all__ = [
    "CNNEncoder",
    "ImageEncoder",
    "LSTMEncoder",
    "ModelError",
    "MultiTaskModel",
    "TextEncoder",
    "TransformerEncoder",
    "count_parameters",
]
