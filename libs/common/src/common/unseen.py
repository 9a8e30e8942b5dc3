"""Signs that nobody sees and that turn the order of what follows: a number behind them is read another way than it is
dialled. They come along with what is copied from a message."""

TURNING = r"\u202a-\u202e\u2066-\u2069"
"""For a class of characters in a pattern."""
