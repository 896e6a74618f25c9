"""antiphon: a call, and the answer. Real-time events, calls and rooms that survive cuts."""
