"""Tools of whoever plans: activities (5W), series of context, protocols between countries, and whether all is well."""
