"""The deployment on Kubernetes: its documents, Secrets and certificates, and the checks of them."""
