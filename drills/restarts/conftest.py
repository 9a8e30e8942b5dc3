"""A stack with demo data that these tests stop and restore into."""

from collections.abc import Iterator

import pytest

from tests.support.system import System


@pytest.fixture(scope="package")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    stack = System(tmp_path_factory.mktemp("restarted"))
    stack.up("--demo")
    yield stack
    stack.down()
