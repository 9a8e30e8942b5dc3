"""Cases: people by case code, with the identity encrypted under a key per case."""
