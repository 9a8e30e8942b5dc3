"""Encryption never uses a nonce twice under one key, and a ciphertext opens only in its context."""

import pytest
from common.crypto import CannotOpen, new_key, open_sealed, seal

KEY = new_key()


def test_no_two_seals_have_the_same_nonce() -> None:
    """Two texts encrypted with the same nonce reveal each other (AES-GCM)."""
    sealed = [seal(KEY, b"Yolimar", b"case") for _ in range(100)]
    assert len({each[:12] for each in sealed}) == len(set(sealed)) == 100


@pytest.mark.parametrize(
    ("key", "context"),
    [(KEY, b"another case"), (KEY, b""), (new_key(), b"case")],
    ids=["another context", "no context", "another key"],
)
def test_what_was_sealed_opens_only_by_its_key_and_in_its_context(
    key: bytes, context: bytes
) -> None:
    sealed = seal(KEY, b"Yolimar", b"case")
    assert open_sealed(KEY, sealed, b"case") == b"Yolimar"
    with pytest.raises(CannotOpen):
        open_sealed(key, sealed, context)


@pytest.mark.parametrize("place", [0, 12, -1])
def test_what_was_changed_does_not_open(place: int) -> None:
    sealed = bytearray(seal(KEY, b"Yolimar", b"case"))
    sealed[place] ^= 1
    with pytest.raises(CannotOpen):
        open_sealed(KEY, bytes(sealed), b"case")
