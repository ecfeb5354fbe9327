"""Where the spans of `oblivion up` go: to whoever the environment names, else to a receiver of our own, into a file."""

import asyncio
import socket
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path

import uvicorn

from nexus.cli.quiet import QuietServer
from nexus.cli.trace import TRACES
from nexus.kit.otlp import Receiver, SpanFile
from nexus.kit.telemetry import Off, destination

BATCH_MILLISECONDS = 500
"""How long a process gathers spans before it sends them: on one machine somebody looks at once."""


async def keep_traces(stack: AsyncExitStack, home: Path, port: int, environ: Mapping[str, str]) -> dict[str, str]:
    """Receives spans on this port, or another one if it is taken, until the stack is left; what processes are told."""
    asked = destination(environ)
    if not isinstance(asked, Off) or environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return {}  # they read the same environment
    listener = _listening(port)
    config = uvicorn.Config(
        Receiver(SpanFile(home / TRACES).append),
        lifespan="off",
        access_log=False,
        log_config=None,
        timeout_graceful_shutdown=1,
    )
    server = QuietServer(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))

    async def stop() -> None:
        server.should_exit = True
        await asyncio.gather(serving, return_exceptions=True)

    stack.push_async_callback(stop)
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{listener.getsockname()[1]}",
        "OTEL_BSP_SCHEDULE_DELAY": str(BATCH_MILLISECONDS),
    }


def _listening(port: int) -> socket.socket:
    for wanted in (port, 0):
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", wanted))
        except OSError:
            listener.close()
            continue
        return listener
    raise OSError("no free port on 127.0.0.1")
