"""Client generators can write each component to its own file, even where file names ignore case. Every component is
used."""

import json
from collections import Counter

from gateway.front.description.document import combined
from gateway.front.routes import ROUTES
from stack.reference.described import descriptions


def test_no_two_schemas_share_a_file_name_and_every_component_is_used() -> None:
    document = combined(descriptions(), ROUTES, public_url="https://ruta.example", version="1")
    names = Counter(name.casefold() for name in document["components"]["schemas"])
    assert [name for name, count in names.items() if count > 1] == []
    text = json.dumps(document)
    kinds = {k: names for k, names in document["components"].items() if k != "securitySchemes"}
    assert [
        f"{kind}/{name}"
        for kind, names in kinds.items()
        for name in names
        if f'"#/components/{kind}/{name}"' not in text
    ] == []
