"""A process of its own that works on many small tasks, and prints the seconds that each took."""

import asyncio
import json
import os
import sys
import time
from typing import Any, cast

from fake_context import FakeContext, assigned

from oblivion import Context
from oblivion_reference_agent.agent import Worker
from oblivion_reference_agent.masking import Masker, log_to_stderr
from oblivion_reference_agent.model import open_model
from oblivion_reference_agent.settings import read_settings
from oblivion_reference_agent.tracing import Tracing


async def main() -> None:
    settings = read_settings(os.environ)
    masker = Masker(settings.secrets)
    log_to_stderr(masker)
    tracing = Tracing(settings, masker)
    worker = Worker(settings, tracing, open_model(settings))
    seconds: list[float] = []
    for number in range(int(sys.argv[1])):
        begun = time.perf_counter()
        await worker.handle(assigned(task_id=f"task-{number}"), cast("Context", FakeContext()))
        seconds.append(time.perf_counter() - begun)
    begun = time.perf_counter()
    tracing.close()
    outcome: dict[str, Any] = {"seconds": seconds, "close_seconds": time.perf_counter() - begun}
    print(json.dumps(outcome))


if __name__ == "__main__":
    asyncio.run(main())
