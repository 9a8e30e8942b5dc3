"""Texts of the directory's commands (`common.words.wording`)."""

from common.words.wording import Wording

said = Wording("directory").said
