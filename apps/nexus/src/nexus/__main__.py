"""`oblivion`, the command line of Nexus."""

import sys


def main() -> None:
    """Runs one command; what goes wrong ends as a sentence, not as a traceback."""
    from nexus.cli import run

    sys.exit(run())


if __name__ == "__main__":
    main()
