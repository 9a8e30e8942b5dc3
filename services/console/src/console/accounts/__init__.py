"""Who may sign in and which systems may connect: people, clients, organisations."""
