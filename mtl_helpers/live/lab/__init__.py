"""The λ lab, in which the task weights are dragged while the model trains."""
