"""What can go wrong around the processes, each as one line that a person can act on."""


class StackError(Exception):
    """The message is one line for the terminal: what is wrong and what to do."""
