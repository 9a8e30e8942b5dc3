"""The guide's pathway, as a person would paste it."""

import json
import re
from typing import Any

import pytest
from httpx import AsyncClient

from tests.services.directory.pathways.test_curation import published
from tests.support.reference import ROOT


def written(name: str) -> dict[str, Any]:
    text = (ROOT / "docs" / name).read_text(encoding="utf-8")
    (block,) = re.findall(r"```json\n(.*?)```", text, re.DOTALL)
    found: dict[str, Any] = json.loads(block)
    return found


@pytest.mark.parametrize("name", ["directory-guide.md", "directory-guide.es.md"])
async def test_the_pathway_of_the_guide_is_published_as_it_stands(
    api: AsyncClient, name: str
) -> None:
    answer = await published(api, **written(name))
    assert answer.json()["state"] == "published"
    assert not [each for each in answer.json()["findings"] if each["severity"] == "error"]
