"""The migration runner of all services. A service ships its revisions in `<package>/migrations/versions/`."""

from common.db.migrations.runner import MigrationFailedError, migrate

__all__ = ["MigrationFailedError", "migrate"]
