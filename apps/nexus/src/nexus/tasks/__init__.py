"""Tasks of agents: a pure state machine, and what stores it. No vendor, no framework."""
