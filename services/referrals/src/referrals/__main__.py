"""`python -m referrals api|worker|migrate`, or an operator command (`operations.COMMANDS`)."""

from common.verbs import main

from referrals.migrations.both import migrate_both
from referrals.settings import Settings

main("referrals", Settings, commands="referrals.operations:COMMANDS", migrations=migrate_both)
