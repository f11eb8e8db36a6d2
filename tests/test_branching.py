"""Where a model parts into its tasks: what is shared gets every task's gradient, what is not gets its own."""

import pytest
import torch

from mtl_helpers.models import CNNEncoder, ModelError, MultiTaskModel
from mtl_helpers.relations import OneLayerMore, SharedEmbedding, mlp_heads
from mtl_helpers.tasks import SENTIMENT, TOPIC

TASKS = [TOPIC, SENTIMENT]
TOKENS = torch.tensor([[5, 7, 3, 0], [8, 9, 3, 2]])


def reached(model, task):
    """The parameters that a task's output depends on."""
    model.zero_grad()
    model(TOKENS)[task].sum().backward()
    return {id(p) for p in model.parameters() if p.grad is not None and p.grad.abs().sum() > 0}


def test_the_embedding_is_shared_and_nothing_else():
    torch.manual_seed(0)
    model = SharedEmbedding({task.name: CNNEncoder(20) for task in TASKS}, TASKS)
    both = reached(model, "topic") & reached(model, "sentiment")
    assert both == {id(p) for p in model.shared_parameters()} and len(both) == 1


def test_tables_of_different_size_cannot_be_shared():
    with pytest.raises(ModelError, match="Only tables of one shape"):
        SharedEmbedding({"topic": CNNEncoder(20), "sentiment": CNNEncoder(30)}, TASKS)


def test_one_layer_more_is_shared_and_an_mlp_head_is_not():
    torch.manual_seed(0)
    encoder = CNNEncoder(20)
    deeper = MultiTaskModel(OneLayerMore(encoder, 16), TASKS)
    layer = {id(p) for p in deeper.encoder.layer.parameters()}
    assert layer <= reached(deeper, "topic") & reached(deeper, "sentiment")
    model = MultiTaskModel(encoder, TASKS, mlp_heads(encoder.features, TASKS, 16))
    hidden = {id(p) for p in model.heads["topic"].parameters()}
    assert hidden <= reached(model, "topic") and not hidden & reached(model, "sentiment")
