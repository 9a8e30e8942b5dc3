"""Texts of the directory's commands (`common.words.command_texts`)."""

from common.words.command_texts import Wording

said = Wording("directory").said
