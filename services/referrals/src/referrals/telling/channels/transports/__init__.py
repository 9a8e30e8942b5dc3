"""The transports to people, behind one interface: a message is sent, or retried later."""
