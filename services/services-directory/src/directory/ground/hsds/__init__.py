"""The Human Services Data Specification 3.2.3 with this project's profile: schemas and pure rules."""
