"""The check for dead code and unused dependencies finds both."""

from pathlib import Path

import pytest

from tests.support import unused


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write a package that imports its dependencies and whose functions a test uses."""
    sources = tmp_path / "gateway/src/gateway"
    sources.mkdir(parents=True)
    (sources / "__init__.py").touch()
    (sources / "rules.py").write_text("import orjson\n\n\ndef used():\n    return orjson.dumps\n")
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/test_rules.py").write_text("from gateway.rules import used\n\nused()\n")
    _declares(tmp_path, "orjson", "uvloop")
    monkeypatch.setattr(unused, "ROOT", tmp_path)
    monkeypatch.setattr(unused, "PACKAGES", {"ruta-gateway": "gateway"})
    return tmp_path


def _declares(house: Path, *names: str) -> None:
    (house / "gateway/pyproject.toml").write_text(
        f'[project]\nname = "ruta-gateway"\nversion = "1"\ndependencies = {list(names)!r}\n'
    )


def test_what_is_used_is_left_alone(house: Path) -> None:
    assert unused.unused_code() == []
    assert unused.unused_dependencies() == []


def test_a_function_that_nothing_names_is_noticed(house: Path) -> None:
    rules = house / "gateway/src/gateway/rules.py"
    rules.write_text(f"{rules.read_text()}\n\ndef forgotten():\n    return 1\n")
    (found,) = unused.unused_code()
    assert found.endswith("rules.py:8: function forgotten")


def test_a_dependency_that_nothing_imports_is_noticed(house: Path) -> None:
    _declares(house, "orjson", "altair")
    (found,) = unused.unused_dependencies()
    assert "altair" in found
    assert "orjson" not in found


def test_a_dependency_that_is_loaded_when_it_is_first_used_is_used(house: Path) -> None:
    _declares(house, "orjson", "altair", "scipy")
    drawing = house / "gateway/src/gateway/drawing.py"
    drawing.write_text('from common.process.lazily import lazily\n\nalt = lazily("altair")\n')
    (found,) = unused.unused_dependencies()
    assert "scipy" in found
    assert "altair" not in found
