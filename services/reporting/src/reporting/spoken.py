"""Texts of reporting's commands (`common.words.wording`)."""

from common.words.wording import Wording

_own = Wording("reporting")
said, told = _own.said, _own.told
