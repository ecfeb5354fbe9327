"""Pod Security `restricted`, as far as a manifest can break it.

https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
"""

from collections.abc import Iterator
from typing import Any

_VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
_HOST = ("hostNetwork", "hostPID", "hostIPC", "hostUsers")


def violations(template: dict[str, Any]) -> list[str]:
    """What `restricted` says of a pod template, and what our own rules add to it."""
    return [*_of_pod(template["spec"]), *(said for one in _containers(template["spec"]) for said in one)]


def _of_pod(spec: dict[str, Any]) -> Iterator[str]:
    yield from (f"{key} is set" for key in _HOST if spec.get(key))
    security = spec.get("securityContext", {})
    if security.get("seccompProfile", {}).get("type") not in ("RuntimeDefault", "Localhost"):
        yield "the pod's seccomp profile is not RuntimeDefault"
    if not security.get("runAsNonRoot"):
        yield "the pod may run as root"
    if security.get("runAsUser") != 10001 or security.get("runAsGroup") != 10001:
        yield "the pod does not run as 10001:10001"
    if security.get("sysctls"):
        yield "sysctls are set"
    for volume in spec.get("volumes", []):
        if kinds := set(volume) - {"name"} - _VOLUMES:
            yield f"volume {volume['name']} is a {kinds}"
    if spec.get("automountServiceAccountToken") is not False:
        yield "a token of the API server is mounted"
    if spec.get("enableServiceLinks") is not False:
        yield "Services of the namespace become environment variables"


def _containers(spec: dict[str, Any]) -> Iterator[Iterator[str]]:
    for kind in ("initContainers", "containers", "ephemeralContainers"):
        for container in spec.get(kind, []):
            yield _of_container(container)


def _of_container(container: dict[str, Any]) -> Iterator[str]:
    name, security = container["name"], container.get("securityContext", {})
    if security.get("privileged"):
        yield f"{name} is privileged"
    if security.get("allowPrivilegeEscalation") is not False:
        yield f"{name} may gain privileges"
    if security.get("capabilities", {}).get("drop") != ["ALL"] or security["capabilities"].get("add"):
        yield f"{name} keeps capabilities"
    if security.get("runAsUser") == 0 or security.get("runAsNonRoot") is False:
        yield f"{name} runs as root"
    if security.get("readOnlyRootFilesystem") is not True:
        yield f"{name} may write to its root"
    if security.get("procMount", "Default") != "Default":
        yield f"{name} unmasks /proc"
    if any("hostPort" in port for port in container.get("ports", [])):
        yield f"{name} takes a port of the host"
    resources = container.get("resources", {})
    if not {"cpu", "memory"} <= resources.get("requests", {}).keys() or "memory" not in resources.get("limits", {}):
        yield f"{name} has no requests, or no limit of memory"
