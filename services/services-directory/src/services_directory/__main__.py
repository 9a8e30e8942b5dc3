"""`python -m services_directory api|worker|migrate`."""

from common.server import main

from services_directory.app import create_app
from services_directory.settings import Settings

if __name__ == "__main__":
    main("services_directory", Settings, create_app)
