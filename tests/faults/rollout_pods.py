"""Pods without a cluster: the processes that the chart's manifests describe, begun and ended as a kubelet does it."""

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from supervisor import Supervisor

ROOT = Path(__file__).resolve().parents[2]
HELM_PYTHON = ROOT / ".venv-infra/bin/python"
PROBE_SECONDS = 0.1
START_SECONDS = 60.0


@dataclass(frozen=True)
class Manifest:
    """What a workload's manifest says of its container."""

    args: tuple[str, ...]
    env: Mapping[str, str]
    port: int
    startup: str
    readiness: str
    pre_stop_seconds: float
    grace_seconds: float


async def rendered(workload: str, values: Mapping[str, Any], secrets: Mapping[str, str]) -> Manifest:
    """The chart's word for a workload, `Deployment/oblivion-gateway` for example."""
    process = await asyncio.create_subprocess_exec(
        HELM_PYTHON, ROOT / "infra/tools/rendering.py", workload,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, _ = await process.communicate(json.dumps({"values": values, "secrets": secrets}).encode())
    assert process.returncode == 0
    told = json.loads(out)
    (port,) = told["ports"].values()
    return Manifest(
        args=tuple(told["args"]),
        env=told["env"],
        port=port,
        startup=told["probes"]["startupProbe"]["path"],
        readiness=told["probes"]["readinessProbe"]["path"],
        pre_stop_seconds=told["pre_stop_seconds"],
        grace_seconds=told["grace_seconds"],
    )


@dataclass
class Pod:
    """One pod: a process with an address of its own."""

    name: str
    manifest: Manifest
    address: str
    """Its IP address: a loopback one, so that every pod has the ports that the chart gives it."""
    supervisor: Supervisor

    @property
    def url(self) -> str:
        """Where its port answers."""
        return f"http://{self.address}:{self.manifest.port}"

    async def start(self) -> None:
        """Runs the manifest's command with the manifest's environment. The image's entry point is `oblivion`.

        Of the environment only the address to listen on is another: all addresses of a pod are those of one pod.
        """
        environment = {**self.manifest.env, "OBLIVION_HOST": self.address}
        arguments = ["-m", "nexus", *self.manifest.args]
        await self.supervisor.run(self.name, arguments, environment, again=False)

    async def ready(self) -> float:
        """Returns when the startup and then the readiness probe succeed; after how many seconds."""
        began = time.monotonic()
        async with aiohttp.ClientSession() as session:
            for path in (self.manifest.startup, self.manifest.readiness):
                while not await self._says_ok(session, path):
                    assert time.monotonic() - began < START_SECONDS, f"{self.name}: {path} never became 200"
                    await asyncio.sleep(PROBE_SECONDS)  # as a kubelet asks
        return time.monotonic() - began

    async def _says_ok(self, session: aiohttp.ClientSession, path: str) -> bool:
        try:
            async with session.get(self.url + path) as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False

    async def terminate(self) -> float:
        """preStop, then SIGTERM, and SIGKILL when the grace is over; how long it took. It must end by itself."""
        began = time.monotonic()
        await asyncio.sleep(self.manifest.pre_stop_seconds)  # what the manifest says
        left = self.manifest.grace_seconds - self.manifest.pre_stop_seconds
        async with asyncio.timeout(left):
            await self.supervisor.stop(self.name)
        (code,) = [death.code for death in self.supervisor.deaths if death.name == self.name]
        assert code == 0, f"{self.name} ended with {code}\n{self.supervisor.tails()}"
        return time.monotonic() - began
