"""`python -m services_directory api|worker|migrate|announce-gaps`."""

from common.server import main

from services_directory.app import create_app
from services_directory.followers_service import declare_followers
from services_directory.gaps.command import run_announce
from services_directory.settings import Settings

if __name__ == "__main__":
    declare_followers()
    main("services_directory", Settings, create_app, {"announce-gaps": run_announce})
