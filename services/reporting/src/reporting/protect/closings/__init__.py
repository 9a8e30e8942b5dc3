"""Closes, signs off and publishes all programmes of a period together, each as its own job."""
