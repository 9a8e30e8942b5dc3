"""The golden paths of the console: how often a person presses, with and without JavaScript."""
