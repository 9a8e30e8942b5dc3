"""The page of whoever signed in: their password, second factor, recovery codes and sign-ins."""
