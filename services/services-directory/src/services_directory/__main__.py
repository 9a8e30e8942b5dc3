"""`python -m services_directory api|worker|migrate`, or a command of an operator (`operations.COMMANDS`)."""

from common.verbs import main

from services_directory.settings import Settings

if __name__ == "__main__":
    main("services_directory", Settings, commands="services_directory.operations:COMMANDS")
