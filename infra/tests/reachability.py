"""Who may talk to whom: NetworkPolicies, read as a network plugin reads them.

https://kubernetes.io/docs/concepts/services-networking/network-policies/
"""

import ipaddress
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Peer:
    """A pod, by its labels and its namespace's name, or an address outside of the cluster."""

    labels: dict[str, str] = field(default_factory=dict[str, str])
    namespace: str = "oblivion"
    address: str | None = None
    ports: dict[str, int] = field(default_factory=dict[str, int])
    """Names of its ports."""


def allowed(policies: list[dict[str, Any]], source: Peer, target: Peer, port: int, protocol: str = "TCP") -> bool:
    """Whether a connection gets out of `source` and into `target`."""
    out = _passes(policies, source, target, "Egress", target, port, protocol)
    return out and _passes(policies, target, source, "Ingress", target, port, protocol)


def _passes(
    policies: list[dict[str, Any]], subject: Peer, other: Peer, way: str, target: Peer, port: int, protocol: str
) -> bool:
    if subject.address is not None or subject.namespace != "oblivion":
        return True  # nobody's policies here speak of it
    applying = [
        one["spec"]
        for one in policies
        if way in one["spec"]["policyTypes"] and _selects(one["spec"]["podSelector"], subject.labels)
    ]
    if not applying:
        return True
    peers, key = ("to", "egress") if way == "Egress" else ("from", "ingress")
    rules = [rule for spec in applying for rule in spec.get(key) or []]
    return any(_covers(rule.get(peers), other) and _on(rule.get("ports"), target, port, protocol) for rule in rules)


def _selects(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    if any(labels.get(key) != value for key, value in selector.get("matchLabels", {}).items()):
        return False
    for one in selector.get("matchExpressions", []):
        assert one["operator"] == "In", "teach me this operator"
        if labels.get(one["key"]) not in one["values"]:
            return False
    return True


def _covers(peers: list[dict[str, Any]] | None, other: Peer) -> bool:
    if peers is None:
        return True
    for peer in peers:
        if block := peer.get("ipBlock"):
            if other.address and _inside(other.address, block["cidr"]):
                return not any(_inside(other.address, cidr) for cidr in block.get("except", []))
            continue
        if other.address is not None:
            continue
        names = {"kubernetes.io/metadata.name": other.namespace}
        namespace = peer.get("namespaceSelector")
        fits = other.namespace == "oblivion" if namespace is None else _selects(namespace, names)
        if fits and _selects(peer.get("podSelector", {}), other.labels):
            return True
    return False


def _inside(address: str, cidr: str) -> bool:
    parsed, network = ipaddress.ip_address(address), ipaddress.ip_network(cidr)
    return parsed.version == network.version and parsed in network


def _on(ports: list[dict[str, Any]] | None, target: Peer, port: int, protocol: str) -> bool:
    if ports is None:
        return True
    return any(
        one.get("protocol", "TCP") == protocol
        and (target.ports.get(one["port"]) if isinstance(one["port"], str) else one["port"]) == port
        for one in ports
    )
