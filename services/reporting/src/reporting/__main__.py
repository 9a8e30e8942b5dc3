"""`python -m reporting api|worker|migrate|replay|hash`."""

from common.server import main

from reporting.app import create_app
from reporting.replay.command import run_hash, run_replay
from reporting.settings import Settings

if __name__ == "__main__":
    main("reporting", Settings, create_app, {"replay": run_replay, "hash": run_hash})
