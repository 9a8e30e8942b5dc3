"""Checks the evaluation of NetworkPolicies against the Kubernetes documentation."""

from typing import Any

import pytest

from tests.support.network_policies import Endpoint, may_connect

ASKING = Endpoint("asking", "10.42.0.1", {"app": "asking", "tier": "a"}, "here", {"name": "here"})
ASKED = Endpoint("asked", "10.42.0.2", {"app": "asked"}, "here", {"name": "here"}, {"http": 8000})
ELSEWHERE = Endpoint("elsewhere", "10.42.1.1", {"app": "asking"}, "there", {"name": "there"})
OUTSIDE = Endpoint("outside", "203.0.113.5")
PRIVATE = Endpoint("private", "10.9.9.9")


def policy(selector: Any, **spec: Any) -> dict[str, Any]:
    return {
        "kind": "NetworkPolicy",
        "metadata": {"name": "p", "namespace": "here"},
        "spec": {"podSelector": selector, **spec},
    }


def into(*rules: Any, selector: Any = None) -> dict[str, Any]:
    return policy(selector or {}, policyTypes=["Ingress"], ingress=list(rules))


def out(*rules: Any, selector: Any = None) -> dict[str, Any]:
    return policy(selector or {}, policyTypes=["Egress"], egress=list(rules))


def test_whom_no_policy_selects_is_open_in_both_directions() -> None:
    assert may_connect([], ASKING, ASKED, 8000)
    assert may_connect([into(selector={"matchLabels": {"app": "x"}})], ASKING, ASKED, 8000)
    assert may_connect([], ASKING, OUTSIDE, 443)


def test_a_policy_without_rules_closes_its_direction_alone() -> None:
    assert not may_connect([into()], ASKING, ASKED, 8000)
    assert may_connect([into()], ASKING, OUTSIDE, 443)
    assert not may_connect([out()], ASKING, ASKED, 8000)
    assert not may_connect([out()], ASKING, OUTSIDE, 443)


def test_both_ends_have_to_allow_it() -> None:
    only_asking = {"from": [{"podSelector": {"matchLabels": {"app": "asking"}}}]}
    only_asked = {"to": [{"podSelector": {"matchLabels": {"app": "asked"}}}]}
    assert may_connect([into(only_asking), out(only_asked)], ASKING, ASKED, 8000)
    assert not may_connect([into(only_asked | only_asking), out()], ASKING, ASKED, 8000)
    assert not may_connect([into(), out(only_asked)], ASKING, ASKED, 8000)


def test_policies_on_one_pod_add_up() -> None:
    other = {"from": [{"podSelector": {"matchLabels": {"app": "other"}}}]}
    this = {"from": [{"podSelector": {"matchLabels": {"app": "asking"}}}]}
    assert may_connect([into(other), into(this)], ASKING, ASKED, 8000)
    assert not may_connect([into(other), into()], ASKING, ASKED, 8000)


@pytest.mark.parametrize(
    ("ports", "open_"),
    [
        (None, True),
        ([], True),
        ([{"port": 8000}], True),
        ([{"port": 8001}], False),
        ([{"port": "http"}], True),
        ([{"port": "metrics"}], False),
        ([{"port": 7000, "endPort": 8000}], True),
        ([{"port": 7000, "endPort": 7999}], False),
        ([{"protocol": "UDP", "port": 8000}], False),
        ([{"protocol": "UDP", "port": 8000}, {"port": 8000}], True),
        ([{"protocol": "TCP"}], True),
    ],
)
def test_ports(ports: Any, open_: bool) -> None:
    rule = {} if ports is None else {"ports": ports}
    assert may_connect([into(rule)], ASKING, ASKED, 8000) == open_


def test_a_pod_selector_alone_is_about_the_policys_own_namespace() -> None:
    rule = {"from": [{"podSelector": {"matchLabels": {"app": "asking"}}}]}
    assert may_connect([into(rule)], ASKING, ASKED, 8000)
    assert not may_connect([into(rule)], ELSEWHERE, ASKED, 8000)


def test_both_selectors_in_one_peer_must_hold_and_in_two_peers_one_is_enough() -> None:
    there, asking = (
        {"namespaceSelector": {"matchLabels": {"name": "there"}}},
        {"podSelector": {"matchLabels": {"tier": "a"}}},
    )
    assert not may_connect([into({"from": [there | asking]})], ELSEWHERE, ASKED, 8000)
    assert may_connect([into({"from": [there, asking]})], ELSEWHERE, ASKED, 8000)
    assert may_connect([into({"from": [there]})], ELSEWHERE, ASKED, 8000)
    assert not may_connect([into({"from": [there]})], ASKING, ASKED, 8000)
    every_namespace: dict[str, Any] = {"from": [{"namespaceSelector": {}}]}
    assert may_connect([into(every_namespace)], ELSEWHERE, ASKED, 8000)
    assert not may_connect([into(every_namespace)], OUTSIDE, ASKED, 8000)


def test_a_policy_is_about_its_namespace_only() -> None:
    assert may_connect([out()], ELSEWHERE, OUTSIDE, 443)


def test_blocks_of_addresses_and_their_exceptions() -> None:
    anywhere = {"to": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8"]}}]}
    assert may_connect([out(anywhere)], ASKING, OUTSIDE, 443)
    assert not may_connect([out(anywhere)], ASKING, PRIVATE, 443)
    assert not may_connect([out(anywhere)], ASKING, ASKED, 8000)


@pytest.mark.parametrize(
    ("expression", "open_"),
    [
        ({"key": "app", "operator": "In", "values": ["x", "asking"]}, True),
        ({"key": "app", "operator": "NotIn", "values": ["asking"]}, False),
        ({"key": "none", "operator": "NotIn", "values": ["asking"]}, True),
        ({"key": "app", "operator": "Exists"}, True),
        ({"key": "app", "operator": "DoesNotExist"}, False),
    ],
)
def test_expressions(expression: Any, open_: bool) -> None:
    rule = {"from": [{"podSelector": {"matchExpressions": [expression]}}]}
    assert may_connect([into(rule)], ASKING, ASKED, 8000) == open_


def test_without_policy_types_it_is_about_what_comes_in_and_goes_out_if_it_says_so() -> None:
    assert not may_connect([policy({})], ASKING, ASKED, 8000)
    assert may_connect([policy({})], ASKING, OUTSIDE, 443)
    assert not may_connect([policy({}, egress=[{"ports": [{"port": 80}]}])], ASKING, OUTSIDE, 443)
