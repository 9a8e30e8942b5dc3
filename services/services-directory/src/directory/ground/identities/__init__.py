"""What the ids of other people's files stand for here."""
