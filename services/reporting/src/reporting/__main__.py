"""`python -m reporting api|worker|migrate`."""

from common.server import main

from reporting.app import create_app
from reporting.settings import Settings

if __name__ == "__main__":
    main("reporting", Settings, create_app)
