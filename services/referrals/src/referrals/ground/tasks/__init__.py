"""Work that the rules ask of an organisation: re-consent, deletion, review."""
