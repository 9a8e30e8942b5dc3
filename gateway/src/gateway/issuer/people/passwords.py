"""What a password of a person's own choice must be: pure, no I/O.

Length is what helps (NIST SP 800-63B §5.1.1.2); nobody is asked for signs of several kinds.
"""

LEAST, MOST = 12, 200
_LEAST_DIFFERENT = 5


def fault_of(password: str, *, sign_in_name: str) -> str | None:
    """`short`, `long`, `simple` or `name`; None if it will do."""
    if len(password) < LEAST:
        return "short"
    if len(password) > MOST:
        return "long"
    if len(set(password)) < _LEAST_DIFFERENT:
        return "simple"
    if sign_in_name in password.lower():
        return "name"
    return None
