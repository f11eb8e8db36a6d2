"""Large pre-trained encoders: their weights, adapters, frozen features, and one that answers in words."""
