"""Whether the clock is believed where it decides what ends for good."""
