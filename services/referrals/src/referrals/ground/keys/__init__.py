"""One wrapped key per case, in a store apart from the cases; destroying it erases the person."""
