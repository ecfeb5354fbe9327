"""2,000 silent sockets while the gateway's clock is stepped by an hour: all gone within 30 s, no live one dropped."""

import asyncio
import mmap
import struct
import sys
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from agents_crowds import Crowd, gathered, open_ports
from cluster import Cluster, running_cluster
from recording import Recording

from nexus.bootstrap import open_nexus
from nexus.drill.checker import Verdict
from nexus.drill.report import Report
from nexus.kit.embedded import free_port
from oblivion_protocol import AGENT

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc/net/tcp")

SILENT, LIVE = 2_000, 500
BOUND_SECONDS = 30.0
LOOK_SECONDS = 0.25
HOUR = 3600.0
STEPPED = Path(__file__).with_name("agents_stepped.py")
KINDS = {"mute": 0.5, "chatty": 0.25, "stopped": 0.25}
"""Who takes nothing from the wire, who sends but answers no ping, whose process is stopped: shares of the silent."""


class Clock:
    """The gateway's error in time of day."""

    def __init__(self, path: Path) -> None:
        path.write_bytes(struct.pack("d", 0.0))
        with path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), 8)

    def step(self, seconds: float) -> None:
        """From now on it is wrong by so much."""
        self._memory[:8] = struct.pack("d", seconds)


async def test_silent_sockets_are_gone_within_30_seconds_whatever_the_clock_says(
    cluster_directory: Path, scale: float, seed: int, recording: Recording
) -> None:
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        cluster = await enter(running_cluster(1, 0, directory=cluster_directory, seed=seed))
        clock = Clock(cluster_directory / "clock")
        port = free_port()
        order = cluster.supervisor.processes["gateway-0"].order
        arguments = [str(STEPPED), str(cluster_directory / "clock"), "serve", "gateway", "--port", str(port)]
        await cluster.supervisor.run("stepped", arguments, order["environment"])
        url = f"http://127.0.0.1:{port}"
        await _ready(url)
        agent = await _agent(cluster)
        members = _members(agent["token"], round(SILENT * scale), round(LIVE * scale))
        crowds: dict[str, Crowd] = {}
        for name, those in members.items():
            crowds[name] = await enter(gathered(url, those, cluster_directory, name))
        everybody = sum(map(len, members.values()))
        assert len(open_ports(port)) >= everybody

        recovery: list[float] = []
        kept: list[str] = []
        figures: dict[str, float | str] = {"sockets": everybody, "bound_seconds": BOUND_SECONDS}
        for group, step, what in (("a", HOUR, "forward"), ("b", -HOUR, "back")):
            silent = {
                instance: crowd.ports[instance]
                for name, crowd in crowds.items()
                for instance in (one["instance"] for one in members[name])
                if instance.endswith(f"-{group}")
            }
            clock.step(step)
            await crowds["mixed"].order(f"silence {group}")
            crowds[f"stopped-{group}"].stop()
            gone = await _gone(port, silent, time.monotonic())
            kept += [one for one, after in gone.items() if after > BOUND_SECONDS]
            recovery += gone.values()
            figures[f"last_gone_after_step_{what}_seconds"] = max(gone.values())
            offline = await _offline(cluster, f"%-{group}")
            figures[f"last_offline_after_step_{what}_seconds"] = max(gone.values()) + offline
            # Tokens too are told by this gateway's clock.
            await _welcome(url, agent)
        report = await crowds["live"].order("report")
        dropped: dict[str, Any] = report["trouble"]
        still = open_ports(port)
        dropped |= {one: ["gone"] for one, its in crowds["live"].ports.items() if its not in still}
        figures["answers_of_each_live_socket"] = report["answered"]
        figures["slowest_answer_to_a_live_socket_seconds"] = report["worst_answer_seconds"]
        live = len(members["live"])
        verdict = Verdict(lost=tuple(sorted(dropped)), unexpected=tuple(sorted(kept)))
        await recording.keep(
            cluster,
            Report(
                name="silent sockets, stepped clock",
                seed=seed,
                faults={"silent sockets": everybody - live, "clock steps of an hour or two": 2},
                load={"live sockets": live},
                counts={"gone": len(recovery), "kept": len(kept), "live dropped": len(dropped)},
                recovery=recovery,
                verdict=verdict,
                figures=figures,
            ),
        )
    assert not kept, "silent sockets stay"
    assert not dropped, "live sockets were dropped"
    assert report["answered"] > 0


def _members(token: str, silent: int, live: int) -> dict[str, list[dict[str, str]]]:
    """Who is in which process. Half of each kind falls silent at one step, half at the other."""

    def some(kind: str, group: str, count: int) -> list[dict[str, str]]:
        return [
            {"kind": kind, "group": group, "instance": f"{kind}-{number}-{group}", "token": token}
            for number in range(count)
        ]

    half = {kind: round(silent * share / 2) for kind, share in KINDS.items()}
    crowds = {"mixed": [one for kind in ("mute", "chatty") for group in "ab" for one in some(kind, group, half[kind])]}
    # Before they are stopped they are as good as any.
    crowds |= {f"stopped-{group}": some("stopped", group, half["stopped"]) for group in "ab"}
    return {**crowds, "live": some("live", "live", live)}


async def _agent(cluster: Cluster) -> dict[str, str]:
    async with open_nexus(cluster.settings) as nexus:
        made = await nexus.directory.create(cluster.tenant_id, "crowd", ("nothing",), ("Crowd",))
        issued = await nexus.tokens.issue(made.client_id, cluster.tenant_id, [AGENT], made.agent_id)
    return {"client_id": made.client_id, "client_secret": made.client_secret, "token": issued.access_token}


async def _ready(url: str) -> None:
    async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
        await _until(60, lambda: client.get("/readyz"), "the gateway is ready")


async def _welcome(url: str, agent: dict[str, str]) -> None:
    """An agent that comes now gets a token and can use it."""
    form = {
        "grant_type": "client_credentials",
        "client_id": agent["client_id"],
        "client_secret": agent["client_secret"],
    }
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=20) as client:
        issued = (await client.post("/auth/token", data=form)).raise_for_status().json()
        for token in (issued["access_token"], agent["token"]):
            found = await client.get("/v1/search", params={"q": "x"}, headers={"Authorization": f"Bearer {token}"})
            assert found.status_code != 401, found.text


async def _gone(port: int, silent: dict[str, int], began: float) -> dict[str, float]:
    """Instance → after how many seconds the server's side had let go of its connection; a bound is kept."""
    gone: dict[str, float] = {}
    while len(gone) < len(silent):
        now, still = time.monotonic() - began, open_ports(port)
        gone.update({one: now for one, its in silent.items() if one not in gone and its not in still})
        if now > 2 * BOUND_SECONDS:
            return {**dict.fromkeys(silent, now), **gone}
        await asyncio.sleep(LOOK_SECONDS)  # polling the operating system
    return gone


async def _offline(cluster: Cluster, pattern: str) -> float:
    """After how many seconds PostgreSQL says so too, and nobody is offered work any more."""
    began = time.monotonic()
    while time.monotonic() - began < BOUND_SECONDS:
        ((online,),) = await cluster.rows(
            "SELECT count(*) FROM agent_sessions WHERE closed_at IS NULL AND instance LIKE :pattern", pattern=pattern
        )
        if online == 0:
            return time.monotonic() - began
        await asyncio.sleep(LOOK_SECONDS)  # polling another process
    raise AssertionError(f"sessions of silent sockets still seem online: {pattern}")


async def _until(seconds: float, look: Callable[[], Any], what: str) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            if (await look()).status_code == 200:
                return
        except httpx.TransportError:
            pass
        assert time.monotonic() < deadline, f"never: {what}"
        await asyncio.sleep(LOOK_SECONDS)  # start-up polling; no event tells us
