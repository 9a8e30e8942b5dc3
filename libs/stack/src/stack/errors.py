"""What can go wrong around the processes, each as one line that a person can act on."""


class StackError(Exception):
    """The message is one line for the terminal: what is wrong and what to do."""


def in_one_line(error: StackError | OSError) -> str:
    """For the terminal. An OSError that names no file is raised again: it is ours to mend, where the others are a path
    that somebody gave, or a disk."""
    if isinstance(error, StackError):
        return f"ruta: {error}"
    if error.filename is None:
        raise error
    return f"ruta: {error.strerror}: {error.filename}"
