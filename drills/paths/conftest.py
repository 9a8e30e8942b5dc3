"""One stack with demo data and one browser, as the tests of the pages have them."""

from tests.pages.conftest import browsers, collector, system

__all__ = ["browsers", "collector", "system"]
