"""What marks the secrets of the embedded stack: a service that was started for production refuses them."""

EMBEDDED_MARK = "embedded-only-"
