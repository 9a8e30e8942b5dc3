"""Pages of a supervisor: queues and their people, certificates, cases that end."""
