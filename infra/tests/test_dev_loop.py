"""`make dev`: what Tilt would build and deploy is what `make cluster-up` does, and it refuses what it cannot use."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import starlark
import yaml
from rendering import CHART, ROOT, parsed, run
from stub_tools import Laptop, ended

LOCAL = ROOT / "infra/local"
TILTFILE = LOCAL / "Tiltfile"
BAKE = (ROOT / "infra/images/docker-bake.hcl").read_text(encoding="utf-8")
WORKLOADS = ("Deployment", "StatefulSet", "Job")


class Refused(Exception):
    """What the Tiltfile said with `fail`."""


class Tilt:
    """The functions of Tilt that the Tiltfile calls, as https://docs.tilt.dev/api.html has them; they remember."""

    def __init__(self, context: str = "kind-oblivion", profile: str = "core") -> None:
        self.images: dict[str, dict[str, Any]] = {}
        self.objects: list[dict[str, Any]] = []
        self.resources: dict[str, dict[str, Any]] = {}
        self.charts: list[dict[str, Any]] = []
        self._refusal = ""
        module = starlark.Module()
        for name in ("docker_build", "k8s_yaml", "k8s_resource", "helm", "filter_yaml", "link", "fail"):
            module.add_callable(name, getattr(self, name))
        module.add_callable("k8s_context", lambda: context)
        module.add_callable("_getenv", {"PROFILE": profile}.get)
        functions = starlark.Globals.extended_by([starlark.LibraryExtension.StructType])
        starlark.eval(module, starlark.parse("os", "os = struct(getenv = _getenv)"), functions)
        dialect = starlark.Dialect.standard()
        dialect.enable_top_level_stmt = True
        try:
            starlark.eval(module, starlark.parse("Tiltfile", TILTFILE.read_text(encoding="utf-8"), dialect), functions)
        except starlark.StarlarkError as error:
            raise Refused(self._refusal) if self._refusal else error from None

    def docker_build(self, ref: str, context: str, *, dockerfile: str, build_args: dict[str, str]) -> None:
        assert (LOCAL / context).resolve() == ROOT
        folder = (LOCAL / dockerfile).resolve().relative_to(ROOT)
        assert (ROOT / folder).is_file() and (ROOT / f"{folder}.dockerignore").is_file()
        self.images[ref] = {"dockerfile": str(folder), "args": build_args}

    def helm(self, chart: str, *, name: str, namespace: str, values: list[str]) -> str:
        assert (LOCAL / chart).resolve() == CHART
        files = tuple((LOCAL / path).resolve().relative_to(CHART).as_posix() for path in values)
        self.charts.append({"name": name, "namespace": namespace, "values": files})
        return run("helm4", "template", name, str(CHART), "--namespace", namespace, values=files)

    def filter_yaml(self, path: str, *, kind: str, name: str) -> list[str]:
        found: dict[bool, list[Any]] = {True: [], False: []}
        for one in parsed((LOCAL / path).read_text(encoding="utf-8")):
            found[(one["kind"], one["metadata"]["name"]) == (kind, name)].append(one)
        return [yaml.safe_dump_all(found[True]), yaml.safe_dump_all(found[False])]

    def k8s_yaml(self, text: str) -> None:
        self.objects += [one for one in parsed(text) if one["metadata"]["name"] != "oblivion-test"]  # as Tilt: no tests

    def k8s_resource(self, workload: str, **options: Any) -> None:
        self.resources[workload] = options

    def link(self, url: str, name: str) -> str:
        return url

    def fail(self, message: str) -> None:
        self._refusal = message
        raise RuntimeError(message)

    def workloads(self) -> dict[str, str]:
        """Name and image of everything that makes pods."""
        return {
            one["metadata"]["name"]: one["spec"]["template"]["spec"]["containers"][0]["image"]
            for one in self.objects
            if one["kind"] in WORKLOADS
        }


def baked(target: str) -> dict[str, Any]:
    """Dockerfile and arguments of a bake target, and of the one that it inherits."""
    body = re.search(rf'^target "{target}" \{{\n(.*?)^\}}', BAKE, re.MULTILINE | re.DOTALL)
    assert body, target
    parent = re.search(r'inherits += \["(?!_)([\w-]+)"', body[1])
    inherited = baked(parent[1]) if parent else {"dockerfile": "", "args": {}}
    dockerfile = re.search(r'dockerfile += "(.+)"', body[1])
    args = re.search(r"args += \{ (.+) \}", body[1])
    own = dict(re.findall(r'(\w+) = "(.*?)"', args[1])) if args else {}
    return {
        "dockerfile": dockerfile[1] if dockerfile else inherited["dockerfile"],
        "args": {**inherited["args"], **own},
    }


@pytest.mark.parametrize("profile", ["core", "full"])
def test_every_image_that_runs_is_built_and_every_one_that_is_built_runs(profile: str) -> None:
    tilt = Tilt(profile=profile)
    assert {f"{ref}:dev" for ref in tilt.images} == set(tilt.workloads().values())
    images = re.search(r'^IMAGES="(.+)"', (LOCAL / "common.sh").read_text(encoding="utf-8"), re.MULTILINE)
    assert images and {ref.rpartition("/")[2] for ref in tilt.images} == set(images[1].split())


def test_images_are_built_as_bake_builds_them() -> None:
    for ref, built in Tilt().images.items():
        assert built == baked(ref.rpartition("/")[2]), ref


@pytest.mark.parametrize("profile", ["core", "full"])
def test_chart_release_and_values_are_those_of_cluster_up(laptop: Laptop, profile: str) -> None:
    assert laptop.run("up", profile=profile)[0] == 0
    last = laptop.calls("helm", "upgrade")[-1]
    named = [Path(last[at + 1]).name for at, word in enumerate(last) if word == "--values"]
    values = tuple(dict.fromkeys(named))  # the first is named twice
    release, namespace = last[last.index("--install") + 1], last[last.index("--namespace") + 1]
    assert Tilt(profile=profile).charts == [{"name": release, "namespace": namespace, "values": values}]


def test_nothing_that_holds_data_is_tilts_to_delete() -> None:
    kinds = {one["kind"] for one in Tilt().objects}
    assert not kinds & {"PersistentVolumeClaim", "Namespace", "Secret", "ClusterSecretStore"}
    names = set(Tilt().workloads())
    assert names == {
        "oblivion-gateway", "oblivion-worker", "oblivion-observer", "oblivion-agent-demo", "oblivion-migrate", "sandbox"
    }  # fmt: skip
    for one in Tilt().objects:
        assert not one.get("spec", {}).get("volumeClaimTemplates")


def test_what_tilt_shows_exists() -> None:
    tilt = Tilt()
    assert set(tilt.resources) == set(tilt.workloads())
    shown = {options.get("new_name", name) for name, options in tilt.resources.items()}
    hosts = {rule["host"] for one in tilt.objects if one["kind"] == "Ingress" for rule in one["spec"]["rules"]}
    for options in tilt.resources.values():
        assert set(options.get("resource_deps", [])) <= shown
        for url in options.get("links", []):
            assert url.split("/")[2] in hosts | {"sandbox.oblivion.local"}


@pytest.mark.parametrize("context", ["kind-other", "docker-desktop", "production"])
def test_another_cluster_is_refused(context: str) -> None:
    with pytest.raises(Refused, match=f"not for {context}. Run make dev"):
        Tilt(context)


@pytest.fixture
def ready(laptop: Laptop) -> Laptop:
    laptop.add("tilt")
    laptop.change(clusters=["oblivion"], releases=["oblivion oblivion"])
    return laptop


@pytest.mark.parametrize(("releases", "profile"), [([], "core"), (["monitoring monitoring"], "full")])
def test_tilt_works_on_the_local_cluster_as_it_was_made(ready: Laptop, releases: list[str], profile: str) -> None:
    ready.change(releases=["oblivion oblivion", *releases])
    code, out = ended(ready.start("dev.sh", PROFILE="core"))
    assert code == 0, out
    tiltfile = str(ready.root / "infra/local/Tiltfile")
    assert ready.calls("tilt")[-1] == ["up", "--file", tiltfile, "--context", "kind-oblivion"]
    assert ready.state["profile"] == profile
    assert "make cluster-up makes the cluster what the checkout says, and keeps its data" in out


@pytest.mark.parametrize(
    ("changes", "said", "do"),
    [
        ({"clusters": []}, "There is no cluster oblivion", "make cluster-up"),
        ({"releases": []}, "Oblivion is not in the cluster oblivion yet", "make cluster-up"),
        ({"tilt": "v0.35.2"}, "tilt 0.35.2 is too old", "tilt"),
        ({"tilt": "what"}, "The version of tilt cannot be read", "tilt"),
        ({"failing": ["^docker info$"]}, "Docker does not answer", "Start it"),
    ],
)
def test_what_is_in_the_way_is_said_and_tilt_is_not_started(
    ready: Laptop, changes: dict[str, Any], said: str, do: str
) -> None:
    ready.change(**changes)
    code, out = ended(ready.start("dev.sh"))
    assert code == 1 and said in out
    assert re.search(rf"^  next  .*{do}", out, re.MULTILINE)
    assert not ready.calls("tilt", "up")


@pytest.mark.parametrize("tool", ["tilt", "kind", "helm"])
def test_a_missing_tool_is_named_with_the_way_to_get_it(ready: Laptop, tool: str) -> None:
    (ready.home / "bin" / tool).unlink()
    if shutil.which(tool, path="/usr/bin:/bin"):
        pytest.skip(f"{tool} is part of this system")
    code, out = ended(ready.start("dev.sh"))
    assert code == 1 and f"{tool} is not installed" in out
    assert re.search(r"next +(https://|brew )", out)
