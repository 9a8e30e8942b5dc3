"""A request on its way to a service, and the answer on its way back."""
