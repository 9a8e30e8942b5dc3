"""Selects and orders the sections that a bulletin prints. Pure.

People can move and hide sections that have their own numbers. General texts keep their place before and after these
sections. The glossary and the sources stay at the end, because a bulletin always shows where its numbers come from.
"""

from collections.abc import Collection, Sequence

from reporting.publish.bulletins.document.content import Content
from reporting.publish.bulletins.document.words import AFTER, BEFORE, LAST


def movable(content: Content) -> tuple[str, ...]:
    """Return the sections that people can move and hide, in their current order."""
    fixed = (*BEFORE, *AFTER, *LAST)
    return tuple(each.id for each in content.sections if each.id not in fixed)


def arranged(content: Content, order: Sequence[str], hidden: Collection[str]) -> Content:
    """Return the sections in this order. A section missing from the order stays after its neighbour. Hidden sections
    stay in the draft and are not printed."""
    own = movable(content)
    wanted = [name for name in order if name in own]
    for at, name in enumerate(own):
        if name not in wanted:
            wanted.insert(wanted.index(own[at - 1]) + 1 if at else 0, name)
    by_id = {each.id: each for each in content.sections}
    moved = iter(by_id[name] for name in wanted)
    sections = tuple(next(moved) if each.id in own else each for each in content.sections)
    kept = tuple(name for name in wanted if name in hidden)
    return content.model_copy(update={"sections": sections, "hidden": kept})


def printed(content: Content) -> Content:
    """Return the bulletin as it is rendered, signed off and published, without hidden sections."""
    sections = tuple(each for each in content.sections if each.id not in content.hidden)
    return content.model_copy(update={"sections": sections})
