"""The account pages of a signed-in person: password, second factor, recovery codes, sign-ins."""
