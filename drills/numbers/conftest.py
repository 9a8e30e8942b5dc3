"""The database and the endpoints from the reporting tests."""

from tests.services.reporting.conftest import api, database, recorder, reporting_database, settings

__all__ = ["api", "database", "recorder", "reporting_database", "settings"]
