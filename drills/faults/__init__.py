"""Kills, stops and disconnects real processes under a mixed load, then accounts for every command."""
