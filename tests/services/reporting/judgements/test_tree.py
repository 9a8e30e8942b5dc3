"""The problem tree: which causes and effects belong to which problem."""

from uuid import UUID

from reporting.publish.judgements.tree import beneath

A, B, C, D = (UUID(int=n) for n in range(1, 5))


def test_nothing_stands_beneath_itself_however_far_down() -> None:
    parents: dict[UUID, UUID | None] = {A: None, B: A, C: B, D: A}
    assert beneath(B, B, parents)
    assert beneath(A, C, parents)
    assert not beneath(B, D, parents)
    assert not beneath(D, C, parents)
