"""Rules of the house that no linter knows: run by `make check`."""

import subprocess
import sys
from pathlib import Path

MAX_LINES = 500
CODE = {".py", ".ts", ".tsx", ".js", ".mjs"}
GENERATED = {"packages/protocol/ts/index.ts", "apps/observer/src/lib/api/schema.gen.ts"}


def main() -> int:
    """Prints what breaks a rule; 1 when something does."""
    listed = subprocess.run(["git", "ls-files"], capture_output=True, text=True, check=True)  # noqa: S607
    problems: list[str] = []
    for name in listed.stdout.splitlines():
        path = Path(name)
        if path.suffix not in CODE or name in GENERATED or not path.exists():
            continue
        lines = path.read_text(encoding="utf-8").count("\n")
        if lines > MAX_LINES:
            problems.append(f"{name}: {lines} lines; over {MAX_LINES} there are two ideas in one file")
    for lock in ("requirements.lock", "package-lock.json"):
        for number, line in enumerate(Path(lock).read_text(encoding="utf-8").splitlines(), 1):
            if '"resolved": "http' in line or line.startswith(("--index-url", "--extra-index-url", "--find-links")):
                problems.append(f"{lock}:{number}: names a registry's host")
    sys.stdout.write("".join(f"{problem}\n" for problem in problems))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
