"""Whether what runs in this container is alive, in some 20 ms: it imports no part of Oblivion, which takes seconds.

health.py nexus           the role that process 1 runs, at /livez of its port
health.py agent           connected to Nexus
health.py http PORT PATH  answers 200
"""

import os
import socket
import sys

TIMEOUT_SECONDS = 4.0
ESTABLISHED = "01"
DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}


def answers(port: int, path: str) -> bool:
    """Whether this machine answers 200 there."""
    try:
        with socket.create_connection(("127.0.0.1", port), TIMEOUT_SECONDS) as connection:
            connection.settimeout(TIMEOUT_SECONDS)
            connection.sendall(f"GET {path} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n".encode())
            head = connection.recv(64)
    except OSError:
        return False
    return head.startswith(b"HTTP/1.") and head[8:13] == b" 200 "


def nexus(command: list[str], environ: dict[str, str]) -> bool:
    """Alive, not ready: the database's absence is no reason to restart. A command such as `db upgrade` has no port."""
    if "serve" not in command:
        return True
    role = command[command.index("serve") + 1 :]
    if "worker" in role:
        return answers(int(environ.get("OBLIVION_HEALTH_PORT") or 8080), "/livez")
    return answers(int(environ.get("OBLIVION_PORT") or 8000), "/livez")


def port_of(uri: str) -> int:
    """The port of an address of Nexus."""
    scheme, _, rest = uri.partition("://")
    host = rest.partition("/")[0].rpartition("@")[2]
    given = host.rpartition("]")[2].rpartition(":")[2] if ":" in host.rpartition("]")[2] else ""
    return int(given) if given else DEFAULT_PORTS[scheme]


def connected(tables: list[str], port: int) -> bool:
    """Whether one of the kernel's tables of connections has one to that port of somebody else."""
    for table in tables:
        for line in table.splitlines()[1:]:
            remote, state = line.split()[2:4]
            if state == ESTABLISHED and int(remote.rpartition(":")[2], 16) == port:
                return True
    return False


def _agent(environ: dict[str, str]) -> bool:
    tables: list[str] = []
    for name in ("/proc/net/tcp", "/proc/net/tcp6"):
        if os.path.exists(name):  # noqa: PTH110 - pathlib takes longer to import than all the rest
            with open(name) as table:  # noqa: PTH123
                tables.append(table.read())
    return connected(tables, port_of(environ["OBLIVION_URI"]))


def main(arguments: list[str]) -> int:
    """0 when it is alive."""
    environ = dict(os.environ)
    if arguments == ["nexus"]:
        with open("/proc/1/cmdline") as command:  # noqa: PTH123
            return not nexus(command.read().split("\0"), environ)
    if arguments == ["agent"]:
        return not _agent(environ)
    _, port, path = arguments
    return not answers(int(port), path)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
