"""A client repeats commands without a response, together with all commands to which they refer."""

from drills.faults.batches import Asked
from drills.faults.client import _with_what_they_name
from drills.faults.history import Command


def asked(key: str, *needs: str) -> Asked:
    return Asked(Command(key, "ngo-refugio", "case.register", "none"), "/cases", {}, None, needs)


def test_what_is_sent_again_takes_along_what_it_names_directly_or_not() -> None:
    batch = [asked("case"), asked("consent", "case"), asked("other"), asked("send", "consent")]
    again = _with_what_they_name(batch, [batch[3]])
    assert [each.command.key for each in again] == ["case", "consent", "send"]
    assert _with_what_they_name(batch, []) == []
