"""What the worker is told when no answer comes, over real connections: did it not happen, or may it have happened?"""

import asyncio
import errno
import inspect
import socket
import traceback
from collections.abc import Awaitable, Callable

import aiohttp
import pytest
from aiohttp import client_exceptions

from nexus.integrations.clickup import session
from nexus.integrations.clickup.client import ClickUpClient
from nexus.integrations.clickup.outcomes import unanswered
from nexus.integrations.clickup.settings import Credentials
from nexus.pipeline.errors import PipelineError, Retryable, Unsure

TOKEN = "pk_81230001_VERYSECRET"
TASK = b'{"id":"1","list":{"id":"2"}}'
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 28\r\n\r\n" + TASK


@pytest.fixture
async def connect(clock):
    """Makes a client of an address; each is closed at the end."""
    clients: list[ClickUpClient] = []

    def make(api_url: str) -> ClickUpClient:
        clients.append(ClickUpClient(Credentials(token=TOKEN, api_url=api_url), clock))
        return clients[-1]

    yield make
    for client in clients:
        await client.aclose()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "TIMEOUT", aiohttp.ClientTimeout(total=0.4, connect=0.2))


def read(client: ClickUpClient):
    return client.task("86cx1ab2c")


def write(client: ClickUpClient):
    return client.add_comment("86cx1ab2c", "hello")


async def failure_of(call: Awaitable[object]) -> PipelineError:
    with pytest.raises((Retryable, Unsure)) as caught:
        await call
    assert "VERYSECRET" not in "".join(traceback.format_exception(caught.value))
    assert "VERYSECRET" not in repr(caught.value)
    return caught.value


async def request_of(reader: asyncio.StreamReader) -> str:
    """Reads one request, body and all; returns its method."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    lengths = [line.split(":")[1] for line in head.lower().split("\r\n") if line.startswith("content-length:")]
    await reader.readexactly(int(lengths[0]) if lengths else 0)
    return head.split()[0]


def saying(answer: bytes):
    """Says this, whatever is asked, and closes."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        writer.write(answer)

    return script


async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await request_of(reader)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    writer.transport.abort()


async def silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def drips(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 28\r\n\r\n")
    for byte in TASK:
        await asyncio.sleep(0.05)
        writer.write(bytes([byte]))
        await writer.drain()


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    "script",
    [
        pytest.param(silence, id="silence"),
        pytest.param(drips, id="an answer that takes too long as a whole"),
        pytest.param(reset, id="a reset"),
        pytest.param(saying(b""), id="closed without a word"),
        pytest.param(saying(b"HTTP/1.1 200 OK\r\ncontent-"), id="closed amid the headers"),
        pytest.param(saying(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{"), id="closed amid the body"),
        pytest.param(saying(b"SSH-2.0-OpenSSH_9.2\r\n"), id="no HTTP"),
        pytest.param(saying(b"HTTP/1.1 200 OK\r\nx: " + b"y" * 200_000 + b"\r\n\r\n"), id="a header without end"),
        pytest.param(saying(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n"), id="broken chunks"),
        pytest.param(
            saying(b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n\r\n{}"), id="broken gzip"
        ),
    ],
)
async def test_what_was_sent_and_not_answered_may_have_happened(connect, scripted, script) -> None:
    client = connect(await scripted(script))
    assert type(await failure_of(read(client))) is Retryable
    assert type(await failure_of(write(client))) is Unsure


@pytest.mark.usefixtures("impatient")
async def test_a_request_that_could_not_be_sent_to_its_end_may_have_happened(connect) -> None:
    with socket.create_server(("127.0.0.1", 0)) as never_reading:
        client = connect(f"http://127.0.0.1:{never_reading.getsockname()[1]}")
        assert type(await failure_of(client.add_comment("1", "x" * 32_000_000))) is Unsure


async def cannot_be_reached(client: ClickUpClient) -> None:
    for call in (read, write):
        failure = await failure_of(call(client))
        assert type(failure) is Retryable
        assert "cannot be reached" in failure.reason


async def test_a_refused_connection_means_that_nothing_happened(connect, unused_tcp_port: int) -> None:
    await cannot_be_reached(connect(f"http://127.0.0.1:{unused_tcp_port}"))


@pytest.mark.usefixtures("impatient")
async def test_a_connection_that_does_not_come_about_means_that_nothing_happened(connect) -> None:
    with socket.socket() as full, socket.socket() as first, socket.socket() as second:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for filling in (first, second):
            filling.setblocking(False)
            assert filling.connect_ex(full.getsockname()) == errno.EINPROGRESS
        await cannot_be_reached(connect(f"http://127.0.0.1:{full.getsockname()[1]}"))


async def test_an_unknown_host_means_that_nothing_happened(connect, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    await cannot_be_reached(connect("http://clickup.example/api/v2"))


async def test_a_failed_tls_handshake_means_that_nothing_happened(connect, scripted) -> None:
    async def speaks_plainly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(OK)

    no_tls = await scripted(speaks_plainly)
    await cannot_be_reached(connect(no_tls.replace("http:", "https:")))


@pytest.mark.usefixtures("impatient")
async def test_who_waited_for_a_free_connection_in_vain_has_sent_nothing(
    connect, scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "CONNECTIONS", 1)
    came = asyncio.Event()
    connections = 0

    async def busy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        came.set()
        await reader.read()

    client = connect(await scripted(busy))
    first = asyncio.create_task(failure_of(write(client)))
    await came.wait()
    assert type(await failure_of(write(client))) is Retryable
    assert type(await first) is Unsure
    assert connections == 1


async def test_a_proxy_that_refuses_to_connect_means_that_nothing_happened(
    connect, scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", await scripted(saying(b"HTTP/1.1 403 No\r\ncontent-length: 0\r\n\r\n")))
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    await cannot_be_reached(connect("https://clickup.example/api/v2"))


async def test_the_proxy_of_the_environment_is_used_but_not_for_what_it_excludes(
    connect, scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    heads: list[str] = []

    async def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
        writer.write(OK)

    address = await scripted(note)
    monkeypatch.setenv("http_proxy", address.replace("http://", "me:secret@"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert await read(connect("http://clickup.example/api/v2"))
    assert await read(connect(address))
    assert heads[0].startswith("GET http://clickup.example/api/v2/task/86cx1ab2c?")
    assert "Proxy-Authorization: Basic bWU6c2VjcmV0\r\n" in heads[0]
    assert heads[1].startswith("GET /task/86cx1ab2c?")
    assert all(f"Authorization: {TOKEN}\r\n" in head for head in heads)


def forgetful(asked: list[str]) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    """Answers once in each connection and keeps it open; cuts it when the next request has arrived."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await request_of(reader))
        writer.write(OK)
        asked.append(await request_of(reader))

    return script


@pytest.mark.parametrize(
    ("call", "outcome"),
    [
        (lambda client: client.add_comment("1", "hello"), Unsure),
        (lambda client: client.edit_comment("1", "hello"), Unsure),
        (lambda client: client.delete_comment("1"), Unsure),
        (lambda client: client.task("1"), Retryable),
    ],
    ids=["POST", "PUT", "DELETE", "GET"],
)
async def test_a_request_is_sent_once_though_its_kept_connection_is_cut(
    connect, scripted, request: pytest.FixtureRequest, call, outcome
) -> None:
    asked: list[str] = []
    client = connect(await scripted(forgetful(asked)))
    await read(client)
    failure = await failure_of(call(client))
    assert type(failure) is outcome
    assert "ServerDisconnectedError" in str(failure)
    assert asked == ["GET", request.node.callspec.id]
    assert await read(client)


async def test_calls_share_a_connection(connect, scripted) -> None:
    connections = 0

    async def patient(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        while True:
            await request_of(reader)
            writer.write(OK)

    client = connect(await scripted(patient))
    for call in (read, write, read):
        assert await call(client)
    assert connections == 1


def test_of_all_that_aiohttp_raises_only_this_comes_before_anything_is_sent() -> None:
    kinds = [getattr(client_exceptions, name) for name in client_exceptions.__all__]
    kinds += [kind for _, kind in inspect.getmembers(client_exceptions, inspect.isclass) if kind not in kinds]
    raised = {kind for kind in kinds if issubclass(kind, aiohttp.ClientError)}
    assert len(raised) > 25
    before = {kind.__name__ for kind in raised if isinstance(unanswered(kind.__new__(kind), writes=True), Retryable)}
    assert before == {
        "ClientConnectorError",
        "ClientConnectorDNSError",
        "ClientConnectorSSLError",
        "ClientConnectorCertificateError",
        "ClientSSLError",
        "ClientProxyConnectionError",
        "UnixClientConnectorError",
        "ConnectionTimeoutError",
        "ClientHttpProxyError",
        "ServerFingerprintMismatch",
        "InvalidURL",
        "InvalidUrlClientError",
        "InvalidUrlRedirectClientError",
        "NonHttpUrlClientError",
        "NonHttpUrlRedirectClientError",
    }
    assert all(
        type(unanswered(error, writes=True)) is Unsure for error in (TimeoutError(), OSError(), ConnectionError())
    )


def test_a_request_may_take_ten_seconds_and_a_connection_fewer() -> None:
    assert session.TIMEOUT.total == 10
    assert session.TIMEOUT.connect is not None
    assert session.TIMEOUT.connect < session.TIMEOUT.total, "or else it is not known whether anything was sent"
