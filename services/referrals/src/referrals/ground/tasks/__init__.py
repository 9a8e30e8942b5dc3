"""Work that the rules require of an organisation: re-consent, deletion, review."""
