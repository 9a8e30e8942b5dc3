"""Notifies people by mailbox, browser or telephone that something waits; messages contain no facts."""
