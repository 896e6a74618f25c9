"""From an event to the user's function: which handler, what it is given, and what its answer becomes on the wire."""
