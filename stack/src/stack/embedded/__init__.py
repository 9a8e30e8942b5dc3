"""The stack on one machine: PostgreSQL, NATS, every service and the gateway from one command."""
