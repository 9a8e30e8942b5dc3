"""HTTP on both sides: headers, bodies, targets and connections."""
