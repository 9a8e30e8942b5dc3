"""A short run of the fuzzer; `python -m tests.attacks.fuzz` runs longer."""

import random

from tests.attacks.fuzz import fuzz, verdict
from tests.attacks.mutations import request
from tests.gateway.whole_gateway import Gateway

REQUESTS = 3000


async def test_spoilt_requests_are_refused_and_nothing_falls(gateway: Gateway) -> None:
    outcome = await fuzz(gateway.port, gateway.token(), requests=REQUESTS, seed=20)
    assert verdict(gateway, outcome) == []
    assert sum(outcome.statuses.values()) == REQUESTS
    assert outcome.statuses[200] > REQUESTS / 100, "some mutations must still be whole requests"
    assert outcome.statuses[400] > REQUESTS / 10


def test_the_same_seed_gives_the_same_requests() -> None:
    one, two = (random.Random(5) for _ in "12")  # noqa: S311 - repeatable, no secret
    assert [request(one, b"t") for _ in range(50)] == [request(two, b"t") for _ in range(50)]
