"""A process of its own that works on one task as the agent does, without Nexus. Prints the outcome as JSON.

Arguments: the offer as JSON, and what people answer: yes, no, nobody, or die (the process is killed while they think).
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Sequence
from typing import Any, cast

from fake_context import FakeContext

from oblivion import Context, OblivionError, TaskAssigned
from oblivion_reference_agent.agent import Worker
from oblivion_reference_agent.masking import Masker, log_to_stderr
from oblivion_reference_agent.model import open_model
from oblivion_reference_agent.settings import read_settings
from oblivion_reference_agent.tracing import Tracing


class Fragile(FakeContext):
    """Dies when it is asked, if the test wants so."""

    async def approve(self, action: str, *, approvers: Sequence[str] = (), timeout: Any = None) -> bool:
        if sys.argv[2] == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        return await super().approve(action, approvers=approvers, timeout=timeout)


async def main() -> None:
    settings = read_settings(os.environ)
    masker = Masker(settings.secrets)
    log_to_stderr(masker)
    tracing = Tracing(settings, masker)
    ctx = Fragile(approves={"yes": True, "no": False}.get(sys.argv[2]))
    worker = Worker(settings, tracing, open_model(settings))
    outcome: dict[str, Any] = {}
    try:
        outcome["result"] = await worker.handle(TaskAssigned.model_validate_json(sys.argv[1]), cast("Context", ctx))
    except OblivionError as error:
        outcome["error"] = f"{type(error).__name__}: {error}"
    finally:
        tracing.close()
    print(json.dumps(outcome | {"actions": ctx.actions, "ticks": ctx.ticks, "notes": ctx.notes}))


if __name__ == "__main__":
    asyncio.run(main())
