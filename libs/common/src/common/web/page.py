"""Pages for people on small phones: no script, nothing loaded from elsewhere, stored nowhere."""

import base64
import hashlib
from datetime import date
from functools import cache
from typing import Literal

from starlette.responses import HTMLResponse

PageLanguage = Literal["es", "en"]

PAGE_STYLE = (
    "*{box-sizing:border-box}"
    "body{font:1.1rem/1.5 sans-serif;margin:0;background:#fff;color:#1a1a1a}"
    "main{max-width:38rem;margin:0 auto;padding:1rem}"
    "h1{font-size:1.5rem;line-height:1.25}h2{font-size:1.2rem}"
    "fieldset{border:1px solid #767676;margin:1rem 0;padding:.3rem .8rem}legend{font-weight:bold}"
    "label{display:block;padding:.45rem 0}.field label{font-weight:bold}"
    ".choice{padding-left:1.7rem;text-indent:-1.7rem}.links a{display:inline-block;padding:.5rem 0}"
    ".hint{margin:.2rem 0;color:#444;font-size:1rem}"
    "select,textarea,.text{font:inherit;width:100%;padding:.5rem;border:1px solid #595959;"
    "background:#fff;color:#1a1a1a}"
    "textarea{min-height:9rem}input[type=radio],input[type=checkbox]{width:1.2rem;height:1.2rem;"
    "vertical-align:-.15rem;margin:0 .5rem 0 0}"
    "button,.button{display:inline-block;font:inherit;padding:.7rem 1.2rem;background:#0b4f71;"
    "color:#fff;border:2px solid #0b4f71;text-decoration:none;min-height:44px}"
    ".quiet{background:#fff;color:#0b4f71}"
    "a{color:#0b4f71}a.long{word-break:break-all}"
    "a,button,input,select,textarea,summary{outline-offset:3px}"
    ":focus-visible{outline:3px solid #b35c00}"
    ".skip{position:absolute;left:-9999px}.skip:focus{position:static}"
    ".bar{position:sticky;top:0;background:#1a1a1a;padding:.4rem 1rem;display:flex;"
    "justify-content:space-between;align-items:center;gap:1rem}"
    ".bar a{color:#fff;padding:.6rem .2rem}.bar .exit{background:#b3261e;padding:.6rem 1rem;"
    "font-weight:bold;text-decoration:none}"
    ".note{border-left:.4rem solid #0b4f71;padding:.2rem .8rem;margin:1rem 0;background:#eef5f9}"
    ".alert{border-left-color:#b3261e;background:#fdf0ef}"
    ".number{font:bold 1.4rem/1.6 monospace;word-spacing:.2rem}"
    ".said{border:1px solid #767676;padding:.4rem .8rem;margin:.8rem 0;white-space:pre-wrap;"
    "overflow-wrap:anywhere}.theirs{border-left:.4rem solid #0b4f71}"
    ".card{border-top:1px solid #767676;padding:.6rem 0}.card h3{margin:.2rem 0;font-size:1.1rem}"
    ".card p{margin:.2rem 0}.off{position:absolute;left:-9999px}"
    "@media print{.bar,form,.skip,.noprint{display:none}body{font-size:11pt}}"
)
"""The house's look: large letters, strong contrast, targets of at least 44 pixels."""


@cache
def _digest(style: str) -> str:
    return base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()


def page_response(
    html: str,
    *,
    language: str,
    style: str = PAGE_STYLE,
    status: int = 200,
    embeddable: bool = False,
    cache_control: str = "no-store",
) -> HTMLResponse:
    """An answer that runs nothing and loads nothing: the one style is allowed by its digest.

    `embeddable` lets other sites show the page in a frame; then it has no form to trick anyone with.
    """
    ancestors, forms = ("*", "'none'") if embeddable else ("'none'", "'self'")
    policy = (
        f"default-src 'none'; style-src 'sha256-{_digest(style)}'; form-action {forms}; "
        f"frame-ancestors {ancestors}; base-uri 'none'"
    )
    return HTMLResponse(
        html,
        status,
        headers={
            "Cache-Control": cache_control,
            "Content-Language": language,
            "Content-Security-Policy": policy,
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            **({} if embeddable else {"X-Robots-Tag": "noindex"}),
        },
    )


_MONTHS = {
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "en": "January February March April May June July August September October November December",
}


def day_in_words(day: date, language: str) -> str:
    """A day as people write it: 24 de mayo de 2027, 24 May 2027."""
    month = _MONTHS["en" if language == "en" else "es"].split()[day.month - 1]
    of = " " if language == "en" else " de "
    return f"{day.day}{of}{month}{of}{day.year}"


def page_language(asked: str | None, accept_language: str | None) -> PageLanguage:
    """The language asked for, else English only where the browser puts it before Spanish."""
    if asked in ("es", "en"):
        return "en" if asked == "en" else "es"
    for part in (accept_language or "").lower().split(","):
        code = part.strip()[:2]
        if code in ("es", "en"):
            return "en" if code == "en" else "es"
    return "es"
