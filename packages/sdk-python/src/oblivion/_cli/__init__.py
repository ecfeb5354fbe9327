"""`oblivion-agent`: the command of an agent's author."""

from oblivion._cli.main import main

__all__ = ["main"]
