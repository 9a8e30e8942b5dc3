"""Texts of the front's and the issuer's commands (`common.words.wording`)."""

from common.words.wording import Wording

_own = Wording("gateway")
said, told = _own.said, _own.told
