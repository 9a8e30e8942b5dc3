"""Words on a page that reveal a missing translation or a missing text."""

import re

SPANISH = {
    "para", "que", "con", "una", "los", "las", "del", "por", "su", "esta", "este", "no", "se", "más",
    "usted", "cuando", "donde", "entrar", "salir", "ayuda", "código", "página", "volver", "buscar",
}  # fmt: skip
ENGLISH = {
    "the", "and", "with", "you", "your", "for", "this", "that", "not", "from", "when", "where",
    "sign", "leave", "help", "code", "page", "back", "search", "which", "has", "are", "was",
}  # fmt: skip

# Identifiers: `not_delivered`, `case.read`, `/directory/v1/names`.
CODE = re.compile(
    r"\b[a-z]+(?:_[a-z0-9]+)+\b|/[a-z]+/v\d/[a-z]|(?<![\w@/.-])[a-z]+\.(?:[a-z]+_[a-z_]+|[a-z]+ed)\b"
)


def of_the_other_language(text: str, language: str) -> list[str]:
    """Return words of the other language, except those that may occur in names."""
    foreign = SPANISH if language == "en" else ENGLISH
    if language == "en":
        foreign = foreign - {"para", "con", "los", "las", "del", "no", "una", "por"}
    found = [word for word in re.findall(r"[a-záéíóúñü]+", text.lower()) if word in foreign]
    return sorted(set(found)) if len(found) > 2 else []
