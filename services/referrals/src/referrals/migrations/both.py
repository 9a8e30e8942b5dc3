"""Migrates the service's database and the key store to the latest revision."""

from common.db.migrations import migrate
from common.process.start import fail
from common.verbs import let_in_by

from referrals.ground.keys.store import create_tables
from referrals.settings import Settings
from referrals.spoken import said


async def migrate_both(settings: Settings) -> None:
    if settings.database_owner_url is None or settings.key_store_owner_url is None:
        fail(said("RUTA_DATABASE_OWNER_URL and RUTA_KEY_STORE_OWNER_URL are needed to migrate"))
    with let_in_by("RUTA_KEY_STORE_OWNER_URL"):
        await create_tables(
            settings.key_store_owner_url.get_secret_value(), settings.key_store_role
        )
    with let_in_by("RUTA_DATABASE_OWNER_URL"):
        await migrate(
            "referrals", settings.database_owner_url.get_secret_value(), settings.run_time_role
        )
