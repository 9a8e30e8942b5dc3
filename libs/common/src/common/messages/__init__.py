"""What is said to people outside of Ruta, and how it is handed over: by one relay, by one gateway."""
