"""Two real ends through a hostile network on virtual time: seeded schedules, judged by the contract's invariants."""
