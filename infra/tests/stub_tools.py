"""kind, helm, kubectl, docker and others that do nothing but remember: the cluster scripts run against them."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

STUB = r"""#!{python} -S
import base64, fcntl, json, os, re, sys
tool, args = os.path.basename(sys.argv[0]), sys.argv[1:]
home = os.environ["STUB_HOME"]
path = home + "/state.json"
given = sys.stdin.read() if (tool == "kubectl" and ("-" in args)) else ""
lock = open(home + "/lock", "w")
fcntl.flock(lock, fcntl.LOCK_EX)  # both ends of a pipe run at once
state = json.load(open(path))
line = " ".join(args)
state["calls"].append([tool, args, given])
for pattern in state["failing"]:
    if re.search(pattern, tool + " " + line):
        json.dump(state, open(path, "w"))
        sys.exit("stub: " + tool + " fails as it was told")
out = ""
if tool == "docker":
    if args[0] == "info" and "--format" in args: out = state["memory"]
    elif args[:2] == ["buildx", "version"]: out = "github.com/docker/buildx v0.20.1 abc"
    elif args[:2] == ["image", "inspect"]: out = state["images"][args[-1]]
elif tool == "kind":
    if args[0] == "version": out = "kind " + state["kind"] + " go1.24 linux/amd64"
    elif args[:2] == ["get", "clusters"]: out = "\n".join(state["clusters"])
    elif args[:2] == ["create", "cluster"]: state["clusters"].append("oblivion")
    elif args[:2] == ["delete", "cluster"]: state["clusters"].remove("oblivion")
elif tool == "helm":
    if args[0] == "version": out = state["helm"]
    else:
        named = args[args.index("--install" if "--install" in args else "status") + 1]
        release = named + " " + args[args.index("--namespace") + 1]
        if "--install" in args: state["releases"].append(release)
        elif release not in state["releases"]: sys.exit("Error: release: not found")
elif tool == "tilt":
    if args[0] == "version": out = state["tilt"] + ", built 2026-07-01"
    else: state["profile"] = os.environ.get("PROFILE")
elif tool == "telepresence":
    if args[0] == "intercept": open(args[args.index("--env-file") + 1], "w").write(state["pod"])
elif tool == "kubectl":
    words = [a for a in args if not a.startswith("-")]
    if args[0] == "version": out = "Client Version: v1.34.1"
    elif "--dry-run=client" in args:
        out = "kind: ConfigMap\nmetadata:\n  name: oblivion-postgresql-init\n  namespace: oblivion"
    elif "exec" in args:
        out = given if given.strip() else state["seed"]
    elif "apply" in args and given:
        kind = re.search(r"^kind: (\w+)", given, re.M)[1]
        name = re.search(r"^  name: (\S+)", given, re.M)[1]
        space = re.search(r"^  namespace: (\S+)", given, re.M)
        state["objects"][kind + "/" + (space[1] if space else "") + "/" + name] = given
    elif "annotate" in args:
        target = next(a for a in args if "/" in a and "=" not in a)
        for a in args:
            if a.startswith("oblivion.local/") and "=" in a:
                key, value = a.split("=", 1); state["notes"][target + " " + key] = value
    elif "get" in args and "secret" in args:
        space, name = args[args.index("-n") + 1], args[args.index("secret") + 1]
        found = state["objects"].get("Secret/" + space + "/" + name, "")
        template = next((a for a in args if "go-template" in a), None)
        if template is None: out = "secret/" + name if found else ""
        else:
            key = re.search(r'index \. "([^"]+)"', template)[1]
            plain = re.search(r"^  " + re.escape(key) + r": '(.*)'$", found, re.M)
            coded = re.search(r"^  " + re.escape(key) + r": ([A-Za-z0-9+/=]+)$", found, re.M)
            out = plain[1] if plain else base64.b64decode(coded[1]).decode() if coded else ""
        sys.stdout.write(out); out = None
    elif "get" in args and "pvc" in args: out = state["pvc"]
    elif "get" in args and any("jsonpath" in a for a in args):
        target = args[args.index("get") + 1]
        key = re.search(r"(image-[\w-]+)\}}", line)[1]
        sys.stdout.write(state["notes"].get(target + " oblivion.local/" + key, "")); out = None
    elif "events" in args: out = "Warning  BackOff  pod/the-pod  it cannot be pulled"
json.dump(state, open(path, "w"))
if out is not None: print(out)
"""

SEED = json.dumps(
    {
        f"{client}_client_{part}": f"{client}-{part}-seeded"
        for client in ("admin", "demo_agent", "agent", "observer")
        for part in ("id", "secret")
    },
    indent=2,
)


class Laptop:
    """A PATH with stubs, what they remember, and the scripts on it."""

    def __init__(self, root: Path, home: Path) -> None:
        self.root, self.home = root, home
        self.logs = home / "logs"
        (home / "bin").mkdir()
        for tool in ("kind", "helm", "kubectl", "docker", "curl"):
            self.add(tool)
        (home / "hosts").write_text("127.0.0.1 localhost\n")
        names = ("nexus", "observer-local", "sandbox")
        images = {f"localhost/oblivion/{name}:dev": f"sha256:{name}1" for name in names}
        self.write(
            {
                "calls": [], "failing": [], "memory": str(12 * 2**30), "images": images, "kind": "v0.32.0",
                "clusters": [], "objects": {}, "notes": {}, "pvc": "", "seed": SEED, "releases": [],
                "helm": "v3.17.3+gabc", "tilt": "v0.37.6", "pod": "",
            }
        )  # fmt: skip

    def add(self, tool: str) -> None:
        """Puts a stub on the PATH."""
        stub = self.home / "bin" / tool
        stub.write_text(STUB.format(python=sys.executable))
        stub.chmod(0o755)

    def write(self, state: dict[str, Any]) -> None:
        (self.home / "state.json").write_text(json.dumps(state))

    @property
    def state(self) -> dict[str, Any]:
        return json.loads((self.home / "state.json").read_text())

    def change(self, **changes: Any) -> None:
        self.write(self.state | changes)

    def start(self, script: str, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """A script of infra/local in a process group of its own; calls of earlier runs are forgotten."""
        self.change(calls=[])
        given = {
            "PATH": f"{self.home}/bin:/usr/bin:/bin", "STUB_HOME": str(self.home), "HOME": str(self.home),
            "OBLIVION_CLUSTER_LOGS": str(self.logs), "OBLIVION_HOSTS_FILE": str(self.home / "hosts"), **environment,
        }  # fmt: skip
        return subprocess.Popen(
            ["bash", str(self.root / "infra/local" / script), *arguments],
            env=given, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip

    def run(self, *arguments: str, profile: str = "core", stores: str = "bitnami") -> tuple[int, str]:
        """Exit code of cluster.sh and everything that it printed."""
        return ended(self.start("cluster.sh", *arguments, PROFILE=profile, STORES=stores))

    def calls(self, tool: str, *words: str) -> list[list[str]]:
        """Arguments of each call that has all these words."""
        return [args for name, args, _ in self.state["calls"] if name == tool and all(word in args for word in words)]

    def secret(self, namespace: str, name: str) -> dict[str, str]:
        """What is in a Secret that was applied with plain values."""
        return yaml.safe_load(self.state["objects"][f"Secret/{namespace}/{name}"])["stringData"]

    @property
    def told(self) -> str:
        """All that a person, a log or a process list could see."""
        logs = "".join(log.read_text() for log in self.logs.glob("*"))
        return logs + json.dumps([[tool, args] for tool, args, _ in self.state["calls"]])


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Exit code and everything that was printed."""
    try:
        out, _ = process.communicate(timeout=100)
    finally:
        process.kill()
    return process.returncode, out
