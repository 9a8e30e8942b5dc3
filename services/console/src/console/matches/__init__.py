"""Another organisation may know the same person: the person is asked first."""
