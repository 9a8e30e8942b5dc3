"""Texts of the commands of the front and the issuer (`common.words.wording`)."""

from common.words.wording import Wording

_own = Wording("gateway")
said, told = _own.said, _own.told
