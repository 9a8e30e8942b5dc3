"""What a supervisor keeps: who works where, who is certified, which cases end."""
