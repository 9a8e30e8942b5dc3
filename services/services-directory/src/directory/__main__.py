"""`python -m directory api|worker|migrate`, or a command of an operator (`operations.COMMANDS`)."""

from common.verbs import main

from directory.settings import Settings

if __name__ == "__main__":
    main("directory", Settings, commands="directory.operations:COMMANDS")
