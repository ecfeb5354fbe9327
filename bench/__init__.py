"""Benchmarks of Oblivion, and of the Node stack beside it: `make bench` (README.md)."""
