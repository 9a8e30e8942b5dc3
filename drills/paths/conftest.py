"""One stack with demo data and one browser, as in the page tests."""

from tests.pages.conftest import browsers, collector, system

__all__ = ["browsers", "collector", "system"]
