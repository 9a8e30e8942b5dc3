"""Reading a case of another organisation in an emergency: reason, second person, notice, an hour."""
