"""Cases: people by case code, with the identity encrypted under a separate key for each case."""
