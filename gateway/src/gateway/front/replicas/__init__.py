"""The services behind the front: their replicas, and which of them are away."""
