"""My work: what waits for whoever looks, most urgent first."""
