"""The account page of a signed-in person: password, second factor, recovery codes and sign-ins."""
