"""`python -m directory api|worker|migrate`, or an operator command (`operations.COMMANDS`)."""

from common.verbs import main

from directory.settings import Settings

if __name__ == "__main__":
    main("directory", Settings, commands="directory.operations:COMMANDS")
