"""The connections (arrows) that the NetworkPolicies of a built overlay really allow, as a set that a test can
compare."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Arrow = tuple[str, str, int]
# The arrows of the design: (from, to, port). `*` means anyone, and `outside` means any public address.
DESIGN: frozenset[Arrow] = frozenset(
    {
        ("*", "gateway", 8000),
        *(
            ("gateway", to, 8000)
            for to in ("issuer", "directory", "referrals", "reporting", "console")
        ),
        # with the person's token, like any client
        ("console", "gateway", 8000),
        *((s, "postgres", 5432) for s in ("issuer", "directory", "referrals", "reporting")),
        *((s, "nats", 4222) for s in ("directory", "referrals", "reporting")),
        ("nats", "nats", 6222),
        # For webhooks, push services, an SMS gateway and a mail relay.
        ("directory", "outside", 443),
        *((s, "outside", port) for s in ("directory", "reporting") for port in (465, 587)),
        *(("referrals", "outside", port) for port in (443, 465, 587)),
        *(
            (s, "otel-collector", 4318)
            for s in ("gateway", "issuer", "directory", "referrals", "reporting", "console")
        ),
        ("otel-collector", "namespace observability", 4318),
        *(
            ("namespace monitoring", s, 8000)
            for s in ("issuer", "directory", "referrals", "reporting", "console")
        ),
        ("namespace monitoring", "nats", 7777),
    }
)
# Adds an OIDC provider for sign-in, separate servers for case keys, and PgBouncer.
PRODUCTION = DESIGN | {
    # For the Job that creates the streams.
    ("streams", "nats", 4222),
    ("gateway", "outside", 443),
    ("referrals", "postgres-keys", 5432),
    *((s, "postgres-pooler", 5432) for s in ("directory", "referrals", "reporting")),
    ("postgres-pooler", "postgres", 5432),
    ("namespace monitoring", "postgres-pooler", 9127),
}
# Adds the CronJob that makes the backup.
SMALL = DESIGN | {("backup", "postgres", 5432)}
# Policies for the arrows that the PostgreSQL operator adds, recognised by name.
OPERATOR_POLICIES = frozenset({"postgres-operator", "postgres-keys-operator"})
_NAMES = frozenset({"names"})  # name resolution, for all


def design(overlay: str) -> frozenset[Arrow]:
    return {"production": PRODUCTION, "small": SMALL}.get(overlay, DESIGN)


def missing_and_extra(
    documents: Iterable[Mapping[str, Any]], wanted: frozenset[Arrow]
) -> tuple[set[Arrow], set[Arrow]]:
    """Return wanted arrows that no policy allows, and allowed arrows that are not wanted. An arrow is allowed only if
    its sender may send and its receiver may receive."""
    policies = [d for d in documents if d.get("kind") == "NetworkPolicy"]
    out = set(_arrows(policies, "egress"))
    into = set(_arrows(policies, "ingress"))
    allowed = {arrow for arrow in out | into if _both(arrow, out, into)}
    return set(wanted - allowed), {a for a in allowed | out | into if a not in wanted}


def denies_by_default(documents: Iterable[Mapping[str, Any]]) -> bool:
    return any(
        d.get("kind") == "NetworkPolicy"
        and d["spec"]["podSelector"] == {}
        and set(d["spec"]["policyTypes"]) == {"Ingress", "Egress"}
        and not d["spec"].get("ingress")
        and not d["spec"].get("egress")
        for d in documents
    )


def _both(
    arrow: Arrow,
    out: set[Arrow],
    into: set[Arrow],
) -> bool:
    sender, receiver, port = arrow
    sends = sender == "*" or sender.startswith("namespace ") or arrow in out
    away = receiver == "outside" or receiver.startswith("namespace ")
    receives = away or arrow in into or ("*", receiver, port) in into
    return sends and receives


def _arrows(policies: list[Mapping[str, Any]], way: str) -> Iterator[Arrow]:
    for policy in policies:
        if policy["metadata"]["name"] in _NAMES | OPERATOR_POLICIES:
            continue
        for own in _services(policy["spec"]["podSelector"]):
            for rule in policy["spec"].get(way) or []:
                peers = rule.get("from" if way == "ingress" else "to")
                for peer in _peers(peers):
                    for port in rule.get("ports", []):
                        pair = (peer, own) if way == "ingress" else (own, peer)
                        yield (*pair, port["port"])


def _peers(peers: list[Mapping[str, Any]] | None) -> Iterator[str]:
    if peers is None:
        yield "*"
        return
    for peer in peers:
        if "ipBlock" in peer:
            yield "outside"
        elif "namespaceSelector" in peer:
            labels = peer["namespaceSelector"]["matchLabels"]
            yield f"namespace {labels['kubernetes.io/metadata.name']}"
        else:
            yield from _services(peer["podSelector"])


def _services(selector: Mapping[str, Any]) -> list[str]:
    if "matchLabels" in selector:
        return [selector["matchLabels"]["ruta.service"]]
    by_service = (e for e in selector.get("matchExpressions", []) if e["key"] == "ruta.service")
    return [v for e in by_service for v in e["values"]]
