"""What is called apart runs in another process, gets no secret, and says why it failed."""

import json
import os
from typing import Any

import pytest
from common.apart import FailedApart, called_apart

HERE = "tests.common.test_apart"


def process(said: Any) -> bytes:
    mine = {name: value for name, value in os.environ.items() if name.startswith("RUTA_")}
    return json.dumps({"pid": os.getpid(), "said": said, "settings": mine}).encode()


def refusing(_said: Any) -> bytes:
    raise ValueError("no such page")


def ending(_said: Any) -> bytes:
    os._exit(9)


def test_it_is_another_process_without_our_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUTA_DATABASE_URL", "postgresql://secret")
    told = json.loads(called_apart(f"{HERE}:process", {"título": "remisión"}))
    assert told["pid"] != os.getpid()
    assert told["said"] == {"título": "remisión"}
    assert told["settings"] == {}


def test_a_failure_is_told_in_its_own_words() -> None:
    with pytest.raises(FailedApart, match=r"^no such page$"):
        called_apart(f"{HERE}:refusing", None)
    with pytest.raises(FailedApart, match="ending ended"):
        called_apart(f"{HERE}:ending", None)
