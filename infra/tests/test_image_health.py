"""The health command of the images, and what a build is told of this machine's registries."""

import importlib.util
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import ModuleType

import pytest

IMAGES = Path(__file__).parents[1] / "images"
HEALTH = IMAGES / "health.py"


def loaded(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


health = loaded(HEALTH)
registry = loaded(IMAGES / "try/registry.py")


@contextmanager
def serving(status: int) -> Iterator[int]:
    """A server on loopback that answers every path that ends in `livez` with this status."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path.endswith("livez") else 404)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def ask(*arguments: str, **environ: str) -> int:
    """As the image runs it: isolated, without site-packages."""
    command = [sys.executable, "-IS", str(HEALTH), *arguments]
    return subprocess.run(command, env={**os.environ, **environ}, timeout=20).returncode


def test_only_200_is_healthy() -> None:
    with serving(200) as port:
        assert ask("http", str(port), "/livez") == 0
        assert ask("http", str(port), "/other") == 1
    with serving(503) as port:
        assert ask("http", str(port), "/livez") == 1
    assert ask("http", str(free_port()), "/livez") == 1


def test_a_server_that_accepts_and_says_nothing_is_not_healthy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "TIMEOUT_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert not health.answers(silent.getsockname()[1], "/livez")


def test_each_role_of_nexus_is_asked_on_its_own_port() -> None:
    with serving(200) as port:
        closed = str(free_port())
        gateway = {"OBLIVION_PORT": str(port), "OBLIVION_HEALTH_PORT": closed}
        worker = {"OBLIVION_PORT": closed, "OBLIVION_HEALTH_PORT": str(port)}
        serve = ["/opt/venv/bin/python", "/opt/venv/bin/oblivion", "serve"]
        assert health.nexus([*serve, "gateway", ""], gateway)
        assert not health.nexus([*serve, "gateway", ""], worker)
        assert health.nexus([*serve, "worker", ""], worker)
        assert not health.nexus([*serve, "worker", ""], gateway)
        assert health.nexus(["oblivion", "db", "upgrade", ""], {})


@pytest.mark.parametrize(
    ("uri", "port"),
    [
        ("http://oblivion-gateway:8000", 8000),
        ("https://nexus.example.com", 443),
        ("wss://nexus.example.com/base", 443),
        ("ws://[::1]:9000/", 9000),
        ("http://[::1]", 80),
        ("https://user:word@nexus.example.com", 443),
    ],
)
def test_the_port_of_nexus(uri: str, port: int) -> None:
    assert health.port_of(uri) == port


def test_an_agent_is_healthy_while_it_is_connected() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        uri = f"http://127.0.0.1:{port}"
        assert ask("agent", OBLIVION_URI=uri) == 1  # it listens, and nobody is connected
        with socket.create_connection(("127.0.0.1", port)):
            assert ask("agent", OBLIVION_URI=uri) == 0
    assert ask("agent", OBLIVION_URI=f"http://127.0.0.1:{free_port()}") == 1


def test_a_connection_that_ends_does_not_count() -> None:
    closing = "  sl  local_address rem_address   st\n   0: 0100007F:8B2E 0100007F:1F40 06 0:0 0 0 0\n"
    assert not health.connected([closing], 8000)
    assert health.connected([closing.replace(" 06 ", " 01 ")], 8000)


def test_a_build_is_told_the_registry_and_not_this_machines_paths() -> None:
    listed = "\n".join([
        ":env:.cert='/here/ca.crt'",
        ":env:.index-url='https://env.example/simple'",
        ":env:.find-links='/here/wheels'",
        "global.index-url='https://file.example/simple'",
        "global.extra-index-url='\\nhttps://one.example\\nhttps://two.example'",
        "freeze.timeout='10'",
    ])  # fmt: skip
    assert registry.pip_conf(listed).splitlines() == [
        "[global]",
        "cert = /run/secrets/ca",
        "index-url = https://env.example/simple",
        "extra-index-url = https://one.example https://two.example",
    ]


def test_a_build_is_told_what_npm_knows(tmp_path: Path) -> None:
    everybody, own = tmp_path / "global", tmp_path / "own"
    everybody.write_text("registry=https://npm.example/\ncafile=/here/ca.crt\n")
    own.write_text("//npm.example/:_authToken=word\nprefix=/here\n")
    assert registry.npmrc([everybody, own, tmp_path / "absent"]).splitlines() == [
        "registry=https://npm.example/",
        "//npm.example/:_authToken=word",
        "cafile=/run/secrets/ca",
    ]
