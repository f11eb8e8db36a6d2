"""The article's program, as printed, and how far it runs on two tasks."""

from __future__ import annotations

from typing import Any

import torch

PROGRAM = """
import torch
import torch.nn as nn
import torch.optim as optim
from torch.utils.data import DataLoader

# 定义模型
class MultiTaskModel(nn.Module):
    def __init__(self, num_classes, hidden_size):
        super(MultiTaskModel, self).__init__()
        self.encoder = nn.LSTM(hidden_size, hidden_size)
        self.classifier = nn.Linear(hidden_size, num_classes)

    def forward(self, x):
        x, _ = self.encoder(x)
        x = self.classifier(x)
        return x

# 定义损失函数
def multitask_loss(outputs, labels, task_weights):
    loss1 = nn.CrossEntropyLoss()(outputs[0], labels[0])
    loss2 = nn.CrossEntropyLoss()(outputs[1], labels[1])
    loss = task_weights[0] * loss1 + task_weights[1] * loss2
    return loss

# 训练模型
def train(model, dataloader, criterion, optimizer, num_epochs):
    for epoch in range(num_epochs):
        for i, (inputs, labels) in enumerate(dataloader):
            optimizer.zero_grad()
            outputs = model(inputs)
            loss = criterion(outputs, labels)
            loss.backward()
            optimizer.step()
"""


def defined() -> dict[str, Any]:
    """The names that the program defines: ``MultiTaskModel``, ``multitask_loss``, ``train``.

    >>> sorted(name for name in defined() if "task" in name.lower() or name == "train")
    ['MultiTaskModel', 'multitask_loss', 'train']
    """
    names: dict[str, Any] = {}
    exec(PROGRAM, names)  # the text above, and no other
    return names


def run_program(batches: int = 3, *, size: int = 8, time: int = 5, width: int = 16) -> tuple[int, str]:
    """Run it on batches of texts ``(time, size, width)`` with two labels each: steps taken, and what stopped it.

    The names are used as they are given: ``train(model, dataloader, criterion=multitask_loss, ...)``, with six classes.

    >>> run_program()
    (0, "TypeError: multitask_loss() missing 1 required positional argument: 'task_weights'")
    """
    names, taken = defined(), 0
    random = torch.Generator().manual_seed(0)
    data = [
        (torch.randn(time, size, width, generator=random), torch.randint(2, (2, size), generator=random))
        for _ in range(batches)
    ]
    model = names["MultiTaskModel"](num_classes=6, hidden_size=width)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def counted(*_: Any) -> None:
        nonlocal taken
        taken += 1

    optimizer.register_step_post_hook(counted)
    try:
        names["train"](model, data, names["multitask_loss"], optimizer, num_epochs=1)
    except Exception as error:  # whatever stops it is what is asked for
        return taken, f"{type(error).__name__}: {error}"
    return taken, ""
