"""The time that a test waits before it fails."""

PATIENCE = 300
"""Far more seconds than anything takes on a busy machine. It ends a run that hangs; it judges
nothing, so what a test says about speed it says in counts."""
