"""Texts for reporting's commands (`common.words.command_texts`)."""

from common.words.command_texts import Wording

_own = Wording("reporting")
said, told = _own.said, _own.told
