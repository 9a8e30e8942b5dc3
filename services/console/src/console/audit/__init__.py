"""The record: who did and read what, in order, and whether it adds up."""
