"""What carries envelopes between the nodes of one application."""
