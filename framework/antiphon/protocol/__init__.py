"""The pure middle: what can be said, numbered, kept and resumed. No clock, no socket, no task in here."""
