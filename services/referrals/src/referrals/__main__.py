"""`python -m referrals api|worker|migrate|audit-verify|rotate-keys|retention-report`."""

from common.server import main

from referrals.app import create_app
from referrals.operations import COMMANDS, migrate_all
from referrals.settings import Settings

main("referrals", Settings, create_app, commands=COMMANDS, migrations=migrate_all)
