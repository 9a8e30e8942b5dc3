"""Evaluates NetworkPolicies of networking.k8s.io/v1. Pure.

https://kubernetes.io/docs/concepts/services-networking/network-policies defines the rules. A pod without a policy for a
direction is open in that direction. A selected pod may do anything that one of its policies allows. A connection needs
the sender's egress and the receiver's ingress.
"""

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Document = Mapping[str, Any]
WAYS = {"egress": ("Egress", "to"), "ingress": ("Ingress", "from")}


@dataclass(frozen=True)
class Endpoint:
    """A pod, or an address outside the cluster if `namespace` is None. No policy selects an outside address.

    `ports` maps names to port numbers, for rules that use names.
    """

    name: str
    address: str
    labels: Mapping[str, str] = field(default_factory=dict)
    namespace: str | None = None
    namespace_labels: Mapping[str, str] = field(default_factory=dict)
    ports: Mapping[str, int] = field(default_factory=dict)


def may_connect(
    policies: Iterable[Document],
    source: Endpoint,
    target: Endpoint,
    port: int,
    protocol: str = "TCP",
) -> bool:
    known = [document for document in policies if document["kind"] == "NetworkPolicy"]
    return _allows(known, "egress", source, target, target, port, protocol) and _allows(
        known, "ingress", target, source, target, port, protocol
    )


def allowing(
    policy: Document, way: str, own: Endpoint, peer: Endpoint, target: Endpoint, port: int
) -> list[Document]:
    """Return the rules of a policy on `own` that allow the connection, or none if the policy does not select `own`."""
    if not _selects_pod(policy, own) or not _is_about(policy["spec"], way):
        return []
    namespace = policy["metadata"]["namespace"]
    return [
        rule
        for rule in policy["spec"].get(way) or []
        if _is_port(rule.get("ports"), target, port, "TCP")
        and _is_peer(rule.get(WAYS[way][1]), peer, namespace)
    ]


def _allows(
    policies: list[Document],
    way: str,
    own: Endpoint,
    peer: Endpoint,
    target: Endpoint,
    port: int,
    protocol: str,
) -> bool:
    selecting = [
        policy
        for policy in policies
        if _selects_pod(policy, own) and _is_about(policy["spec"], way)
    ]
    if not selecting:
        return True
    return any(
        _is_port(rule.get("ports"), target, port, protocol)
        and _is_peer(rule.get(WAYS[way][1]), peer, policy["metadata"]["namespace"])
        for policy in selecting
        for rule in policy["spec"].get(way) or []
    )


def _selects_pod(policy: Document, pod: Endpoint) -> bool:
    return pod.namespace == policy["metadata"]["namespace"] and _selects(
        policy["spec"].get("podSelector") or {}, pod.labels
    )


def _is_about(spec: Document, way: str) -> bool:
    """Return whether the policy covers the direction. Without `policyTypes` it covers ingress, and also egress if it
    has egress rules."""
    types = spec.get("policyTypes") or ["Ingress", *(["Egress"] if spec.get("egress") else [])]
    return WAYS[way][0] in types


def _is_port(ports: list[Document] | None, target: Endpoint, port: int, protocol: str) -> bool:
    if not ports:
        return True
    return any(
        wanted.get("protocol", "TCP") == protocol and _holds(wanted, target, port)
        for wanted in ports
    )


def _holds(wanted: Document, target: Endpoint, port: int) -> bool:
    number = wanted.get("port")
    if number is None:
        return True
    if isinstance(number, str):
        return target.ports.get(number) == port
    return int(number) <= port <= int(wanted.get("endPort", number))


def _is_peer(peers: list[Document] | None, other: Endpoint, namespace: str) -> bool:
    return not peers or any(_is_one_peer(peer, other, namespace) for peer in peers)


def _is_one_peer(peer: Document, other: Endpoint, namespace: str) -> bool:
    if "ipBlock" in peer:
        return _is_in_block(peer["ipBlock"], other.address)
    if other.namespace is None:
        return False
    if "namespaceSelector" in peer:
        if not _selects(peer["namespaceSelector"], other.namespace_labels):
            return False
    elif other.namespace != namespace:
        return False
    return _selects(peer.get("podSelector") or {}, other.labels)


def _is_in_block(block: Document, address: str) -> bool:
    asked = ipaddress.ip_address(address)
    return asked in ipaddress.ip_network(block["cidr"]) and not any(
        asked in ipaddress.ip_network(part) for part in block.get("except") or []
    )


def _selects(selector: Document, labels: Mapping[str, str]) -> bool:
    """Return whether a label selector selects these labels. An empty selector selects everything."""
    wanted = selector.get("matchLabels") or {}
    return all(labels.get(key) == value for key, value in wanted.items()) and all(
        _meets(expression, labels) for expression in selector.get("matchExpressions") or []
    )


def _meets(expression: Document, labels: Mapping[str, str]) -> bool:
    held = labels.get(expression["key"])
    match expression["operator"]:
        case "In":
            return held in expression["values"]
        case "NotIn":
            return held not in expression["values"]
        case "Exists":
            return held is not None
        case "DoesNotExist":
            return held is None
    raise ValueError(f"no operator {expression['operator']} of label selectors")
