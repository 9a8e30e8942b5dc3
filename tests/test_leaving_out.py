"""A missing tool skips a test on a developer's machine and fails it in CI."""

import pytest

from tests.support import browser, leaving_out
from tests.support.reference import reference_data


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Simulate a machine without Chromium and reference data."""
    nothing = str(tmp_path_factory.mktemp("nothing"))
    monkeypatch.setenv("PATH", nothing)
    monkeypatch.setenv("RUTA_REFERENCE_DATA", nothing)
    monkeypatch.delenv("CI", raising=False)


def test_here_a_test_without_a_browser_or_data_is_left_out() -> None:
    with pytest.raises(pytest.skip.Exception, match="no Chromium here"):
        browser.executable()
    with pytest.raises(pytest.skip.Exception, match="no reference data at"):
        reference_data("geo/ven_admin1.csv")


def test_in_the_ci_it_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="the CI leaves nothing out"):
        browser.executable()
    with pytest.raises(pytest.fail.Exception, match="the CI leaves nothing out"):
        leaving_out.left_out("whatever")
