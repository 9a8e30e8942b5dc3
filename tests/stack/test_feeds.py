"""An external HSDS API becomes a file that contains each of its services once."""

import io
import json

import pytest
from stack.commands import feeds
from stack.commands.feeds import copy_feed
from stack.errors import StackError

from tests.support.hsds_feed import published

SERVICES = {
    f"s {n}/é": {"id": f"s {n}/é", "name": f"Servicio {n}", "status": "active", "phones": [{"id": f"p{n}", "number": "1"}]}
    for n in range(5)
}  # fmt: skip


@pytest.mark.parametrize("repeats", [False, True])
@pytest.mark.parametrize("ending", ["", "/", "/services"])
def test_each_service_is_copied_once_with_all_its_parts(repeats: bool, ending: str) -> None:
    target = io.BytesIO()
    with published(SERVICES, repeats=repeats) as address:
        assert copy_feed(address + ending, target) == 5
    lines = [json.loads(line) for line in target.getvalue().splitlines()]
    assert lines == list(SERVICES.values())


def test_an_address_that_lists_no_services_says_so() -> None:
    with (
        published({}) as address,
        pytest.raises(StackError, match="does not offer a list of services in HSDS"),
    ):
        copy_feed(address, io.BytesIO())
    with published(SERVICES) as address, pytest.raises(StackError, match=r"could not be read.*404"):
        copy_feed(f"{address}/elsewhere/x", io.BytesIO())


def test_a_feed_larger_than_an_import_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "MAX_BYTES", 200)
    with published(SERVICES) as address, pytest.raises(StackError, match="MB of services"):
        copy_feed(address, io.BytesIO())
