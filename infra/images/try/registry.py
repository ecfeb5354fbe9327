"""What pip and npm are told on this machine, for a build: `registry.py DIRECTORY` writes pip.conf, npmrc and ca.crt.

A build in a container knows nothing of the machine's own registries and certificates. These files are handed to it as
build secrets, so no image holds them.
"""

import os
import subprocess
import sys
from ast import literal_eval
from pathlib import Path

CA_INSIDE = "/run/secrets/ca"
SYSTEM_CA = "/etc/ssl/certs/ca-certificates.crt"
CA_VARIABLES = ("PIP_CERT", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS")
# Paths of this machine, which mean nothing inside.
PIP_LEFT_OUT = {"cert", "find-links", "cache-dir", "require-virtualenv", "user", "target"}


def pip_conf(listed: str) -> str:
    """`pip config list` as one file: the most specific word on each setting wins, the environment over all."""
    settings: dict[str, str] = {}
    for line in sorted(listed.splitlines(), key=lambda line: line.startswith(":env:")):
        name, _, value = line.partition("=")
        key = name.partition(".")[2] if not name.startswith(":env:") else name.removeprefix(":env:.")
        if key not in PIP_LEFT_OUT and (name.startswith((":env:.", "global.", "install."))):
            settings[key] = str(literal_eval(value))
    lines = [f"{key} = {' '.join(value.split())}" for key, value in settings.items()]
    return "\n".join(["[global]", f"cert = {CA_INSIDE}", *lines, ""])


def npmrc(files: list[Path]) -> str:
    """npm's own files in one, the later ones win, with the certificates where the build has them."""
    lines = [line for file in files if file.is_file() for line in file.read_text(encoding="utf-8").splitlines()]
    kept = [line for line in lines if line.partition("=")[0].strip() not in {"cafile", "nodedir", "prefix", "cache"}]
    return "\n".join([*kept, f"cafile={CA_INSIDE}", ""])


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def main(directory: Path) -> None:
    """Writes the three files, readable by the owner only."""
    authorities = next((path for name in CA_VARIABLES if (path := os.environ.get(name))), SYSTEM_CA)
    files = [Path(_output("npm", "config", "get", name)) for name in ("globalconfig", "userconfig")]
    written = {
        "pip.conf": pip_conf(_output(sys.executable, "-m", "pip", "config", "list")),
        "npmrc": npmrc(files),
        "ca.crt": Path(authorities).read_text(encoding="utf-8"),
    }
    os.umask(0o077)
    for name, text in written.items():
        (directory / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
