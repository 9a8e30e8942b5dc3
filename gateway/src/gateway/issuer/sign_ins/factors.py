"""What somebody signs in with, beside the password."""

from enum import StrEnum


class Factor(StrEnum):
    CODE = "code"
    PASSKEY = "passkey"
    RECOVERY_CODE = "recovery_code"

    @property
    def amr(self) -> list[str]:
        """How they proved who they are (RFC 8176); a recovery code is a one-time password, too."""
        return ["pwd", "pop" if self is Factor.PASSKEY else "otp", "mfa"]
