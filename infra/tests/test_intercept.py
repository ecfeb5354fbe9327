"""`make intercept` against stubs: the laptop's Nexus gets the pod's settings, and nothing is left when it ends."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from stub_tools import Laptop, ended

POD = """\
OBLIVION_DATABASE_URL=postgresql://oblivion:p=ss w0rd@postgresql:5432/oblivion_db?a=b
OBLIVION_HOST=0.0.0.0
OBLIVION_LOG_FORMAT=json
OTEL_SERVICE_NAME=nexus
PATH=/opt/venv/bin
HOME=/nonexistent
KUBERNETES_SERVICE_HOST=10.96.0.1
"""
# Says what it was given and what lies in the temporary folder, then serves until a signal.
NEXUS = """#!{python} -S
import json, os, signal, sys
files = [os.path.join(folder, name) for folder, _, names in os.walk(os.environ["TMPDIR"]) for name in names]
with open(os.environ["STUB_HOME"] + "/served.part", "w") as file:
    json.dump({{"args": sys.argv[1:], "env": dict(os.environ), "files": files}}, file)
signal.signal(signal.SIGINT, {on_interrupt})
os.rename(file.name, os.environ["STUB_HOME"] + "/served.json")
signal.pause()
"""


@pytest.fixture
def ready(laptop: Laptop) -> Laptop:
    """With a cluster, telepresence and a Nexus of its own."""
    laptop.add("telepresence")
    laptop.change(clusters=["oblivion"], pod=POD)
    (laptop.root / ".venv/bin").mkdir(parents=True)
    (laptop.home / "tmp").mkdir()
    nexus(laptop, "lambda *_: sys.exit(0)")
    return laptop


def nexus(laptop: Laptop, on_interrupt: str) -> None:
    program = laptop.root / ".venv/bin/oblivion"
    program.write_text(NEXUS.format(python=sys.executable, on_interrupt=on_interrupt))
    program.chmod(0o755)


def started(laptop: Laptop) -> subprocess.Popen[str]:
    return laptop.start("intercept.sh", TMPDIR=str(laptop.home / "tmp"))


def served(laptop: Laptop, process: subprocess.Popen[str]) -> dict[str, object]:
    """What the laptop's Nexus was started with, once it is."""
    path = laptop.home / "served.json"
    until = time.monotonic() + 60
    while not path.exists():
        assert process.poll() is None and time.monotonic() < until, ended(process)
        time.sleep(0.02)
    return json.loads(path.read_text())


def told(laptop: Laptop) -> list[str]:
    """First words of what telepresence was told, in order."""
    return [" ".join(args[:2]).partition(" --")[0] for args in laptop.calls("telepresence")]


LEFT = ["leave oblivion-gateway", "quit"]
BEGUN = ["helm install", "connect", "intercept oblivion-gateway"]


@pytest.mark.parametrize("on_interrupt", ["lambda *_: sys.exit(0)", "signal.SIG_DFL"])
def test_ctrl_c_gives_the_gateway_back_and_leaves_nothing(ready: Laptop, on_interrupt: str) -> None:
    nexus(ready, on_interrupt)
    process = started(ready)
    assert served(ready, process)["args"] == ["serve", "gateway"]
    assert told(ready) == BEGUN, "everything else comes before, and nothing is given back yet"
    os.killpg(process.pid, signal.SIGINT)
    _, out = ended(process)
    assert told(ready) == BEGUN + LEFT
    assert "http://api.oblivion.local is this laptop's Nexus now. Ctrl-C gives it back" in out
    assert list((ready.home / "tmp").iterdir()) == []


def test_nexus_gets_the_settings_of_the_pod_and_not_its_path(ready: Laptop) -> None:
    process = started(ready)
    given = served(ready, process)
    os.killpg(process.pid, signal.SIGINT)
    _, out = ended(process)
    environment = given["env"]
    assert isinstance(environment, dict)
    assert environment["OBLIVION_DATABASE_URL"] == POD.splitlines()[0].partition("=")[2]
    assert environment["OTEL_SERVICE_NAME"] == "nexus"
    assert environment["HOME"] == str(ready.home) and environment["PATH"].startswith(str(ready.home))
    assert "KUBERNETES_SERVICE_HOST" not in environment
    assert (environment["OBLIVION_HOST"], environment["OBLIVION_PORT"]) == ("127.0.0.1", "8000")
    assert environment["OBLIVION_LOG_FORMAT"] == "console"
    assert given["files"] == [], "the pod's secrets are on no disk while it serves"
    assert "w0rd" not in out + ready.told


def test_it_touches_one_port_of_one_workload_in_one_cluster(ready: Laptop) -> None:
    process = started(ready)
    served(ready, process)
    os.killpg(process.pid, signal.SIGINT)
    ended(process)
    install, connect, intercept = ready.calls("telepresence")[:3]
    for args in (install, connect):
        assert args[args.index("--context") + 1] == "kind-oblivion" and "ambassador" in args
    assert Path(install[install.index("--values") + 1]).name == "traffic-manager.yaml"
    assert connect[connect.index("--namespace") + 1] == "oblivion"
    assert intercept[:4] == ["intercept", "oblivion-gateway", "--port", "8000:http"]


def test_a_traffic_manager_that_is_there_is_not_installed_again(ready: Laptop) -> None:
    ready.change(releases=["traffic-manager ambassador"])
    process = started(ready)
    served(ready, process)
    os.killpg(process.pid, signal.SIGINT)
    ended(process)
    assert told(ready) == BEGUN[1:] + LEFT


@pytest.mark.parametrize("step", ["helm install", "connect", "intercept"])
def test_a_step_that_fails_ends_it_and_leaves_nothing(ready: Laptop, step: str) -> None:
    ready.change(failing=[f"^telepresence {step} "])
    code, out = ended(started(ready))
    assert code == 1 and "stub: telepresence fails" in out
    assert told(ready)[-2:] == LEFT and not (ready.home / "served.json").exists()
    assert list((ready.home / "tmp").iterdir()) == []


@pytest.mark.parametrize(
    ("lacking", "said", "do"),
    [
        ("telepresence", "telepresence is not installed", "telepresence"),
        ("cluster", "There is no cluster oblivion", "make cluster-up"),
        ("nexus", "Nexus is not installed here", "make setup"),
    ],
)
def test_what_is_missing_is_said_before_anything_is_touched(ready: Laptop, lacking: str, said: str, do: str) -> None:
    if lacking == "telepresence":
        (ready.home / "bin/telepresence").unlink()
    elif lacking == "cluster":
        ready.change(clusters=[])
    else:
        (ready.root / ".venv/bin/oblivion").unlink()
    code, out = ended(started(ready))
    assert code == 1 and said in out
    assert re.search(rf"^  next  .*{do}", out, re.MULTILINE)
    assert not ready.calls("telepresence") and not ready.calls("helm")
