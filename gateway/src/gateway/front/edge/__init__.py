"""What HTTP says, on both sides: heads, bodies, targets, and connections."""
