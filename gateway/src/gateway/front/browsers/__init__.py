"""Browser sessions: signing in, staying signed in, signing out."""
