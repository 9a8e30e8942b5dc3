"""What a second person decides: consents in best interest, exceptions, emergency access."""
