"""People in a browser: they sign in, stay signed in, and sign out."""
