"""The words of a search as SQL: as they are first, then, if nothing is found, as they may have been
meant."""

from services_directory.search.statement import Statement


def matches(words: str, s: Statement, column: str = "d.vector") -> tuple[str, str]:
    """(condition, tsquery): the words in either language; websearch syntax ("…", or, -)."""
    text = s.argument(words, "text")
    query = f"(websearch_to_tsquery('ruta_es', {text}) || websearch_to_tsquery('ruta_en', {text}))"
    return f"{column} @@ {query}", query


def meant(groups: list[list[str]], s: Statement, column: str = "d.vector") -> tuple[str, str]:
    """The same for words that were looked up: one of each group must occur."""
    parts = []
    for group in groups:
        words = s.argument(" or ".join(group), "text")
        parts.append(
            f"(websearch_to_tsquery('ruta_es', {words}) || websearch_to_tsquery('ruta_en', {words}))"
        )
    query = "(" + " && ".join(parts) + ")"
    return f"{column} @@ {query}", query
