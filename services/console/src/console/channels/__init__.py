"""By what somebody is told that something waits: never what, nor about whom."""
