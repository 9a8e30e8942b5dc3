"""The words that somebody searches for, as a full-text query in either language."""

import re

from services_directory.reading.statement import Statement

# A minus says "not", but several in a row are dashes: PostgreSQL fails at more than 32 "not".
_DASHES = re.compile(r'-[^\w"]*-')


def words_sql(search: str, s: Statement) -> str:
    text = s.argument(_DASHES.sub(" ", search), "text")
    return f"(websearch_to_tsquery('ruta_es', {text}) || websearch_to_tsquery('ruta_en', {text}))"
