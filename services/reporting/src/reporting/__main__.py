"""`python -m reporting api|worker|migrate|replay|hash` runs the service and its commands."""

from common.verbs import main

from reporting.settings import Settings

if __name__ == "__main__":
    main("reporting", Settings, commands="reporting.replay.command:COMMANDS")
