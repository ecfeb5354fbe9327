"""The command line: `python -m oblivion_sandbox --port 8002 [--data DIR]`."""

import argparse
import asyncio
import sys
from pathlib import Path

from oblivion_sandbox import seed
from oblivion_sandbox.net import Reach
from oblivion_sandbox.sandbox import Sandbox
from oblivion_sandbox.serve import base_url, bind, serve_until_signal


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="oblivion-sandbox", description="A ClickUp and a Slack on this machine.")
    parser.add_argument("--host", default="127.0.0.1", help="an address of this machine (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8002, help="0 picks a free one (default: %(default)s)")
    parser.add_argument("--data", type=Path, help="keep the state in this directory")
    parser.add_argument("--ready-file", type=Path, help="write the base URL here once connections are accepted")
    parser.add_argument("--signing-secret", default=seed.SLACK_SIGNING_SECRET, help="Slack's signing secret")
    parser.add_argument(
        "--allow-remote", action="store_true", help="listen on an address that is not loopback; it has no real secrets"
    )
    parser.add_argument("--public-url", type=_url, help="where people open it (default: where it listens)")
    parser.add_argument("--api-url", type=_url, help="where programs call it (default: --public-url)")
    parser.add_argument(
        "--allow-target", action="append", default=[], metavar="HOST", help="send events to this host, too; repeatable"
    )
    return parser.parse_args()


def _url(value: str) -> str:
    if not value.startswith(("http://", "https://")):
        raise argparse.ArgumentTypeError(f"{value} does not begin with http:// or https://")
    return value.rstrip("/")


def main() -> int:
    """Run until SIGTERM or SIGINT; 2 when it cannot start."""
    arguments = _arguments()
    try:
        listener = bind(arguments.host, arguments.port, allow_remote=arguments.allow_remote)
    except (OSError, ValueError) as error:
        sys.stderr.write(f"oblivion-sandbox: cannot listen on {arguments.host}:{arguments.port}: {error}\n")
        return 2
    reach = Reach(arguments.public_url, arguments.api_url, frozenset(host.lower() for host in arguments.allow_target))
    sandbox = Sandbox(data_dir=arguments.data, slack_signing_secret=arguments.signing_secret, reach=reach)
    url = base_url(listener)
    if arguments.ready_file is not None:
        arguments.ready_file.write_text(f"{url}\n")
    page = reach.public_url or url
    api = reach.api_url or page
    sys.stdout.write(
        f"Sandbox    {page}/\n"
        f"ClickUp    {api}/clickup/api/v2   {seed.CLICKUP_TOKEN_BOT}\n"
        f"Slack      {api}/slack/api/       {seed.SLACK_BOT_TOKEN}\n"
    )
    sys.stdout.flush()
    asyncio.run(serve_until_signal(sandbox, listener))
    return 0


if __name__ == "__main__":
    sys.exit(main())
