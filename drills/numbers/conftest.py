"""The database and the endpoints of the tests of reporting."""

from tests.services.reporting.conftest import api, database, recorder, reporting_database, settings

__all__ = ["api", "database", "recorder", "reporting_database", "settings"]
