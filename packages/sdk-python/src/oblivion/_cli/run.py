"""`oblivion-agent run FILE`."""

import os
import runpy
import sys
from pathlib import Path

from oblivion._cli.environment import find
from oblivion._cli.main import Problem, say


def run(file: Path) -> None:
    """Runs an agent until it is stopped. Raises `Problem`, and `SystemExit` as the agent does."""
    if not file.is_file():
        raise Problem(f"There is no {file}. Name the file of your agent: oblivion-agent run FILE")
    found = find(os.environ, Path.cwd())
    os.environ.update(found.variables)
    for note in found.notes:
        say(note)
    # As `python FILE` does it: the file's own directory is where it imports from.
    sys.path.insert(0, str(file.resolve().parent))
    sys.argv = [str(file)]
    names = runpy.run_path(str(file), run_name="__main__")

    from oblivion.agent import Agent

    agents = [value for value in names.values() if isinstance(value, Agent)]
    if not agents:
        raise Problem(f"{file} makes no agent. It needs a line such as: agent = Agent({file.stem!r})")
    if any(agent.has_run for agent in agents):
        return
    if len(set(map(id, agents))) > 1:
        raise Problem(f"{file} makes {len(agents)} agents and runs none. Write agent.run() for the one to run.")
    agents[0].run()
