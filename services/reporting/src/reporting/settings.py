"""The reporting service's settings."""

from datetime import date
from pathlib import Path
from typing import ClassVar

from common.crypto import key_from_base64
from common.messages.settings import MailSettings
from pydantic import Field, SecretStr, field_validator


class Settings(MailSettings):
    service: ClassVar[str] = "reporting"

    rounding_key: SecretStr = Field(
        description="32 bytes in base64: decides how released counts are rounded. Never change or"
        " show it: whoever has it can undo the protection."
    )
    pseudonym_key: SecretStr = Field(
        description="32 bytes in base64: makes pseudonyms of case ids. Changing it splits persons."
    )
    programmes_dir: Path | None = Field(
        None, description="Folder of reviewed programme definitions; none = those of the package."
    )

    drawing_socket: Path | None = Field(
        None,
        description="Where the container beside this one draws bulletins (`python -m drawing serve`); none ="
        " a process of its own for each drawing, where this machine has the engines.",
    )

    one_person_publishes: bool = Field(
        False,
        description="Whoever signed a bulletin off, or closed a release alone, may publish it, too: for"
        " operations of one person.",
    )

    record_lost_until: date | None = Field(
        None,
        description="The day on which the record began again from a backup, on another machine: a period that ended"
        " before and is not closed may have been published by the one that was lost, and is not closed unseen.",
    )
    record_lost_file: Path | None = Field(
        None, description="The file in which a restore writes that day; it may be missing."
    )

    dhis2_mapping_file: Path | None = Field(
        None,
        description="JSON object of Ruta's codes and the UIDs of your DHIS2 instance, for exports"
        " with `scheme=uid`; checked when the service starts.",
    )

    @field_validator("rounding_key", "pseudonym_key")
    @classmethod
    def _is_a_key(cls, value: SecretStr) -> SecretStr:
        key_from_base64(value.get_secret_value())
        return value

    @property
    def rounding_key_bytes(self) -> bytes:
        return key_from_base64(self.rounding_key.get_secret_value())

    @property
    def pseudonym_key_bytes(self) -> bytes:
        return key_from_base64(self.pseudonym_key.get_secret_value())

    def lost_until(self) -> date | None:
        """Return the later of the two known dates on which the record began again."""
        days = [self.record_lost_until] if self.record_lost_until is not None else []
        if self.record_lost_file is not None and self.record_lost_file.exists():
            days.append(date.fromisoformat(self.record_lost_file.read_text().strip()))
        return max(days, default=None)
