"""Several people in Debian's Chromium, driven by Playwright, each with their own cookies.

Use it for cases that the single tab of `tests/support/browser.py` cannot cover: two people at once, the history, a lost
connection, an old cookie. Without Chromium the tests are skipped with the reason; in CI they fail.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.support.browser import executable, without_window
from tests.support.patience import PATIENCE

PHONE, DESK = 360, 1280


@contextmanager
def chromium(*options: str, whole: bool = False) -> Iterator[Browser]:
    """Yield a Chromium. With `whole`, keep its background features on."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable() if whole else without_window(),
            args=["--no-sandbox", "--disable-gpu", *options],
        )
        yield browser
        browser.close()


@contextmanager
def own_browser(profile: Path, url: str, *options: str) -> Iterator[BrowserContext]:
    """Yield one person's browser, with scripts and a profile, which push messages require."""
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            profile,
            executable_path=executable(),
            args=["--no-sandbox", "--disable-gpu", "--headless=new", *options],
            ignore_default_args=["--disable-background-networking"],
            base_url=url,
            locale="es-VE",
        )
        context.set_default_timeout(PATIENCE * 1000)
        yield context
        context.close()


@contextmanager
def somebody_at(
    browser: Browser, url: str, *, language: str = "es", width: int = PHONE, scripts: bool = False
) -> Iterator[Page]:
    """Yield a tab in a fresh browser; addresses are relative to `url`."""
    context = new_context(browser, url, language=language, width=width, scripts=scripts)
    yield context.new_page()
    context.close()


def new_context(
    browser: Browser, url: str, *, language: str = "es", width: int = PHONE, scripts: bool = False
) -> BrowserContext:
    context = browser.new_context(
        base_url=url,
        locale={"es": "es-VE", "en": "en-GB"}[language],
        viewport={"width": width, "height": 740},
        java_script_enabled=scripts,
    )
    context.set_default_timeout(PATIENCE * 1000)
    return context
