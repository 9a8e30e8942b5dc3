"""The deployment on Kubernetes: documents, Secrets, certificates, and checks."""
