"""Texts of the front's and the issuer's commands (`common.words.command_texts`)."""

from common.words.command_texts import Wording

_own = Wording("gateway")
said, told = _own.said, _own.told
