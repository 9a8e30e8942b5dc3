"""My work: the visitor's open tasks, most urgent first."""
