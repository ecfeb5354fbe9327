"""Faults on purpose: the load, the checker that joins what was accepted with what was seen, and the report."""
