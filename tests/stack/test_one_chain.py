"""The check for a single chain of revisions finds every break."""

from pathlib import Path

import pytest
from alembic.config import Config
from common.db.migrations.runner import config_of
from stack.develop.revisions import PACKAGES, broken


@pytest.fixture
def versions(tmp_path: Path) -> Path:
    """Create two revisions, the second based on the first."""
    _revision(tmp_path, "0001", None)
    _revision(tmp_path, "0010", "0001")
    return tmp_path


def _revision(folder: Path, name: str, after: str | tuple[str, ...] | None, file: str = "") -> None:
    (folder / f"{file or name}_x.py").write_text(
        f"revision = {name!r}\ndown_revision = {after!r}\n"
    )


def _broken(versions: Path) -> list[str]:
    config = Config()
    config.set_main_option("script_location", str(versions.parent))
    config.set_main_option("version_locations", str(versions))
    config.set_main_option("path_separator", "os")
    return broken(config)


def test_the_revisions_of_each_package_are_one_chain() -> None:
    assert not [wrong for package in PACKAGES for wrong in broken(config_of(package))]


def test_one_chain_is_left_alone(versions: Path) -> None:
    assert _broken(versions) == []


def test_two_that_follow_the_same_are_named(versions: Path) -> None:
    _revision(versions, "0020", "0001")
    (found,) = _broken(versions)
    assert found.startswith("0010, 0020 all end it")


def test_two_that_follow_nothing_are_named(versions: Path) -> None:
    _revision(versions, "0002", None)
    assert any(found == "0001, 0002 all begin the chain" for found in _broken(versions))


def test_a_number_that_two_files_have_is_named(versions: Path) -> None:
    _revision(versions, "0010", "0001", file="0010_another")
    assert any("0010" in found and "more than once" in found for found in _broken(versions))


def test_chains_that_are_joined_again_are_named(versions: Path) -> None:
    _revision(versions, "0020", "0001")
    _revision(versions, "0030", ("0010", "0020"))
    assert _broken(versions) == ["0030 joins two chains"]


def test_one_that_follows_what_is_not_there_is_named(versions: Path) -> None:
    _revision(versions, "0030", "0025")
    (found,) = _broken(versions)
    assert "0025" in found
