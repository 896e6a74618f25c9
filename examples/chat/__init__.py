"""A chat with rooms that survives cuts: `python -m examples.chat`."""
