"""The record of changes to identities, with their authors."""
