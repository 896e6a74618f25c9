"""The Python client: the same contract from the other end."""
