"""Places. A place that several services share is stored once."""
