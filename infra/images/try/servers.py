"""A PostgreSQL and a Valkey on loopback, until SIGTERM: `servers.py DIRECTORY`.

Prints `postgresql://… redis://…` on one line once both take connections.
"""

import signal
import sys
from pathlib import Path

from nexus.kit.embedded import EmbeddedPostgres, EmbeddedValkey


def main(directory: Path) -> None:
    """Runs both until it is told to stop."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    postgres = EmbeddedPostgres(directory / "postgres")
    valkey = EmbeddedValkey(directory / "valkey")
    try:
        postgres.start()
        valkey.start()
        sys.stdout.write(f"{postgres.url} {valkey.url}\n")
        sys.stdout.flush()
        signal.pause()
    finally:
        valkey.stop()
        postgres.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
