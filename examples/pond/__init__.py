"""Two ponds in which every visitor is a fish: `python -m examples.pond`."""
