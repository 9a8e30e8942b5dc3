"""The page to sign out by, in Spanish and English, without a script."""

import base64
import hashlib

from jinja2 import Environment

from gateway.front.heads import Header

TEXTS = {
    "es": {
        "title": "Salir de Ruta",
        "leave": "Salir",
        "why": "Al salir, este navegador olvida su acceso y las páginas que vio.",
    },
    "en": {
        "title": "Sign out of Ruta",
        "leave": "Sign out",
        "why": "When you sign out, this browser forgets your sign-in and the pages you saw.",
    },
}
_STYLE = (
    "body{font-family:system-ui,sans-serif;max-width:22rem;margin:4rem auto;padding:0 1rem;"
    "color:#1b1b1b;background:#fff}button{width:100%;min-height:44px;font-size:1rem;"
    "background:#0b4f71;color:#fff;border:0}button:focus-visible{outline:3px solid #b36b00;"
    "outline-offset:2px}"
)
_DIGEST = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
PAGE_HEADERS: tuple[Header, ...] = (
    (b"content-type", b"text/html; charset=utf-8"),
    (
        b"content-security-policy",
        f"default-src 'none'; style-src 'sha256-{_DIGEST}'; form-action 'self';"
        " frame-ancestors 'none'; base-uri 'none'".encode(),
    ),
)
_PAGE = Environment(autoescape=True).from_string(
    """<!doctype html>
<html lang="{{ language }}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ t.title }}</title><style>{{ style | safe }}</style></head>
<body><main><h1>{{ t.title }}</h1><p>{{ t.why }}</p>
<form method="post" action="/session/end">
<input type="hidden" name="csrf_token" value="{{ token }}">
<button type="submit">{{ t.leave }}</button></form>
</main></body></html>
"""
)


def sign_out_page(language: str, token: str) -> bytes:
    """`token`: the CSRF token of the session; empty if nobody is signed in."""
    return _PAGE.render(t=TEXTS[language], language=language, token=token, style=_STYLE).encode()
