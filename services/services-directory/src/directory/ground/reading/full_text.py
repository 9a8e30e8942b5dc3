"""Turns the words of a search into a full-text query in either language."""

import re

from directory.ground.reading.statement import Statement

# A minus means "not", but several in a row are dashes. PostgreSQL fails with more than 32 "not".
_DASHES = re.compile(r'-[^\w"]*-')
_NOT = re.compile(r'(?<!\S)-("[^"]*"|\w\S*)')


def words_sql(search: str, s: Statement) -> str:
    """Return the query: one language must match, and words after a minus must not match in either language."""
    text = _DASHES.sub(" ", search)
    excluded = " or ".join(_NOT.findall(text))
    wanted = _in_either(_NOT.sub(" ", text), s)
    return f"({wanted} && !!{_in_either(excluded, s)})" if excluded else wanted


def _in_either(words: str, s: Statement) -> str:
    text = s.argument(words, "text")
    return f"(websearch_to_tsquery('ruta_es', {text}) || websearch_to_tsquery('ruta_en', {text}))"
