"""Planning tools: activities (5W), context series, cross-border protocols, system state."""
