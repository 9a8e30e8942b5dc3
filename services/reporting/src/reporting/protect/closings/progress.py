"""Determines the progress of a period's programmes. Pure. It combines the open task with the release, which somebody
may have closed or published individually in the meantime."""

from collections.abc import Collection
from enum import StrEnum
from typing import Literal

Task = Literal["close", "publish"]


class StepState(StrEnum):
    TO_CLOSE = "to_close"
    NOT_CLOSED = "not_closed"
    CLOSED = "closed"
    TO_PUBLISH = "to_publish"
    NOT_PUBLISHED = "not_published"
    PUBLISHED = "published"


class ClosingState(StrEnum):
    CLOSING = "closing"
    PUBLISHING = "publishing"
    NEEDS_ATTENTION = "needs_attention"
    AWAITING_SIGN_OFFS = "awaiting_sign_offs"
    READY = "ready"
    PUBLISHED = "published"


def step_state(task: Task, *, waiting: bool, closed: bool, published: bool) -> StepState:
    """Return a programme's state. `task` is the last order, and `waiting` tells whether it is still open; `closed` and
    `published` come from the release."""
    if published:
        return StepState.PUBLISHED
    if not closed:
        return StepState.TO_CLOSE if waiting else StepState.NOT_CLOSED
    if task == "close":
        return StepState.CLOSED
    return StepState.TO_PUBLISH if waiting else StepState.NOT_PUBLISHED


def closing_state(steps: Collection[StepState], *, all_signed: bool) -> ClosingState:
    """Return the overall state: running work first, then programmes that need a person."""
    if StepState.TO_CLOSE in steps:
        return ClosingState.CLOSING
    if StepState.TO_PUBLISH in steps:
        return ClosingState.PUBLISHING
    if {StepState.NOT_CLOSED, StepState.NOT_PUBLISHED} & set(steps):
        return ClosingState.NEEDS_ATTENTION
    if all(step is StepState.PUBLISHED for step in steps):
        return ClosingState.PUBLISHED
    return ClosingState.READY if all_signed else ClosingState.AWAITING_SIGN_OFFS
