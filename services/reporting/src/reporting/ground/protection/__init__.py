"""How counts are protected, and how sure what is published is: pure."""
