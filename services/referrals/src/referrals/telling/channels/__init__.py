"""Notifies people by mailbox, browser or telephone that something is waiting; messages contain no facts."""
