"""The kit that everything live is made of: the worker, the page, sliders, curves and pictures."""
