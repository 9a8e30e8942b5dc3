"""The audit as it is read: by auditors, and by an organisation its own."""
