"""Everything that Ruta needs at run time may be redistributed, and no package of the product is under the GPL."""

import re
from importlib.metadata import Distribution, distribution

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from stack.develop.builds import PACKAGES

ALLOWED = re.compile(
    r"\b(MIT|BSD|0BSD|Apache|PSF-2\.0|PSFL|ISC|MPL|OFL|Unlicense|Python Software Foundation)"
)
REFUSED = re.compile(r"\bA?GPL|General Public License", re.IGNORECASE)
# Packages without licence metadata. Their licence comes from the file named here.
READ_IN_THE_FILE = {"pyxform": "BSD-2-Clause, LICENSE.rst"}


def needed(names: set[str]) -> dict[str, Distribution]:
    """Return all direct and indirect dependencies of these packages that are installed on this machine."""
    found: dict[str, Distribution] = {}
    seen: set[tuple[str, str]] = set()
    todo = {(name, "") for name in names}
    while todo:
        name, extra = todo.pop()
        seen.add((name, extra))
        found[name] = one = distribution(name)
        for line in one.requires or ():
            asked = Requirement(line)
            if asked.marker is None or asked.marker.evaluate({"extra": extra}):
                other = canonicalize_name(asked.name)
                todo |= {(other, part) for part in ("", *asked.extras)} - seen
    return found


def said(one: Distribution) -> str:
    """Return the SPDX expression, or else the classifiers, or else the first line of the licence."""
    meta = one.metadata
    classifiers = [c for c in meta.get_all("Classifier") or () if c.startswith("License ::")]
    expression = meta.get_all("License-Expression") or []
    lines = "".join(meta.get_all("License") or []).strip().splitlines()
    return " ".join(expression or classifiers or lines[:1])


def test_no_package_of_the_product_is_under_the_gpl() -> None:
    licences = {name: said(one) for name, one in needed({"ruta", *PACKAGES}).items()}
    silent = {n for n, text in licences.items() if not ALLOWED.search(text)}
    assert silent == set(READ_IN_THE_FILE), "read its licence, and say here what it is"
    assert not {n: text for n, text in licences.items() if REFUSED.search(text)}
    assert "unidecode" not in licences


@pytest.mark.parametrize("text", ["GPL-2.0-or-later", "AGPLv3", "GNU General Public License v3"])
def test_a_gpl_package_would_be_seen(text: str) -> None:
    assert REFUSED.search(text)
