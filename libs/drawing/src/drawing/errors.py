"""Why nothing was drawn."""


class FailedDrawing(Exception):
    """The engine refused, or its process ended otherwise, or took too long; the text is its own."""


class NobodyDraws(FailedDrawing):
    """What draws is not there: the same may succeed a little later."""
