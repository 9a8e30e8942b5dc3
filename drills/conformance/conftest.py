"""One whole stack with demo data for the tools in this folder."""

from collections.abc import Iterator

import pytest

from tests.support.system import System


@pytest.fixture(scope="package")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    stack = System(tmp_path_factory.mktemp("conformance"))
    stack.up("--demo")
    yield stack
    stack.down()
