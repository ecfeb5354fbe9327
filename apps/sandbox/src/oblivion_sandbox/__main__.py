"""The command line: `python -m oblivion_sandbox --port 8002 [--data DIR]`."""

import argparse
import asyncio
import sys
from pathlib import Path

from oblivion_sandbox import seed
from oblivion_sandbox.sandbox import Sandbox
from oblivion_sandbox.serve import base_url, bind, serve_until_signal


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="oblivion-sandbox", description="A ClickUp and a Slack on this machine.")
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8002, help="0 picks a free one (default: %(default)s)")
    parser.add_argument("--data", type=Path, help="keep the state in this directory")
    parser.add_argument("--ready-file", type=Path, help="write the base URL here once connections are accepted")
    parser.add_argument("--signing-secret", default=seed.SLACK_SIGNING_SECRET, help="Slack's signing secret")
    return parser.parse_args()


def main() -> int:
    """Run until SIGTERM or SIGINT; 2 when it cannot start."""
    arguments = _arguments()
    try:
        listener = bind(arguments.host, arguments.port)
    except (OSError, ValueError) as error:
        sys.stderr.write(f"oblivion-sandbox: cannot listen on {arguments.host}:{arguments.port}: {error}\n")
        return 2
    sandbox = Sandbox(data_dir=arguments.data, slack_signing_secret=arguments.signing_secret)
    url = base_url(listener)
    if arguments.ready_file is not None:
        arguments.ready_file.write_text(f"{url}\n")
    sys.stdout.write(
        f"Sandbox    {url}/\n"
        f"ClickUp    {url}/clickup/api/v2   {seed.CLICKUP_TOKEN_BOT}\n"
        f"Slack      {url}/slack/api/       {seed.SLACK_BOT_TOKEN}\n"
    )
    sys.stdout.flush()
    asyncio.run(serve_until_signal(sandbox, listener))
    return 0


if __name__ == "__main__":
    sys.exit(main())
