"""HTTP on both sides: heads, bodies, targets, and connections."""
