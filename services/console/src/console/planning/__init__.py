"""Planning tools: activities (5W), series of context, protocols between countries, state of the system."""
