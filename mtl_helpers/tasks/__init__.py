"""What a task is: labels that become targets, a loss, predictions and scores. Everything else stands on this."""

from mtl_helpers.tasks.classes import Classification
from mtl_helpers.tasks.multi_label import MultiLabel
from mtl_helpers.tasks.regression import Regression
from mtl_helpers.tasks.tagging import Tagging
from mtl_helpers.tasks.task import Task, TaskError, check_tasks

TOPIC = Classification("topic", classes=("film", "book", "phone", "restaurant", "hotel", "car"))
SENTIMENT = Classification("sentiment", classes=("negative", "positive"))
STARS = Regression("stars")

__all__ = [
    "SENTIMENT",
    "STARS",
    "TOPIC",
    "Classification",
    "MultiLabel",
    "Regression",
    "Tagging",
    "Task",
    "TaskError",
    "check_tasks",
]
