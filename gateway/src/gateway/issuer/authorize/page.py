"""The sign-in page, in Spanish and English, without a script and without anything from outside."""

import base64
import hashlib
from collections.abc import Mapping

from jinja2 import Environment

_STYLE = (
    "body{font-family:system-ui,sans-serif;max-width:22rem;margin:4rem auto;padding:0 1rem;"
    "color:#1b1b1b;background:#fff}label{display:block;margin:1rem 0 .25rem}"
    "input{width:100%;padding:.6rem;font-size:1rem;border:1px solid #767676;box-sizing:border-box}"
    "button{margin-top:1.5rem;width:100%;padding:.7rem;font-size:1rem;background:#00548f;"
    "color:#fff;border:0}p.error{border-left:4px solid #b00020;padding-left:.75rem}"
)
_DIGEST = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
TEXTS = {
    "es": {
        "title": "Entrar en Ruta",
        "name": "Nombre de acceso",
        "password": "Contraseña",
        "code": "Código de su aplicación de autenticación (6 cifras)",
        "enter": "Entrar",
        "wrong": "El nombre, la contraseña o el código no son correctos. Espere un código nuevo"
        " y vuelva a intentarlo.",
        "wait": "Demasiados intentos fallidos desde aquí. Espere unos minutos.",
        "stale": "La página caducó. Vuelva a intentarlo.",
        "unknown": "Esta petición de acceso no viene de una aplicación registrada en Ruta.",
    },
    "en": {
        "title": "Sign in to Ruta",
        "name": "Sign-in name",
        "password": "Password",
        "code": "Code from your authenticator app (6 digits)",
        "enter": "Sign in",
        "wrong": "The name, the password or the code is not right. Wait for a new code and try"
        " again.",
        "wait": "Too many failed attempts from here. Wait some minutes.",
        "stale": "The page has expired. Please try again.",
        "unknown": "This sign-in request does not come from an application registered with Ruta.",
    },
}
_PAGE = Environment(autoescape=True).from_string(
    """<!doctype html>
<html lang="{{ language }}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ t.title }}</title><style>{{ style | safe }}</style></head>
<body><main><h1>{{ t.title }}</h1>
{% if error %}<p class="error" role="alert">{{ t[error] }}</p>{% endif %}
{% if ticket %}
<form method="post" action="/oauth/authorize">
<input type="hidden" name="ticket" value="{{ ticket }}">
<label for="name">{{ t.name }}</label>
<input id="name" name="sign_in_name" autocomplete="username" required maxlength="63" autofocus>
<label for="password">{{ t.password }}</label>
<input id="password" name="password" type="password" autocomplete="current-password" required
 maxlength="200">
<label for="code">{{ t.code }}</label>
<input id="code" name="code" inputmode="numeric" autocomplete="one-time-code" required
 pattern="[0-9]{6}" maxlength="6">
<button type="submit">{{ t.enter }}</button>
</form>
{% endif %}
</main></body></html>
"""
)


def sign_in_page(*, language: str, ticket: str | None, error: str | None = None) -> str:
    """HTML; `ticket` None shows only the error (`wrong`, `wait`, `stale`, `unknown`)."""
    return _PAGE.render(
        t=TEXTS[language], language=language, ticket=ticket, error=error, style=_STYLE
    )


def policy(form_targets: str) -> Mapping[str, str]:
    """Headers of the page. Browsers apply `form-action` to the redirect after the form as well."""
    return {
        "Content-Security-Policy": (
            f"default-src 'none'; style-src 'sha256-{_DIGEST}'; form-action 'self' {form_targets};"
            " frame-ancestors 'none'; base-uri 'none'"
        ),
        "Cache-Control": "no-store",
    }
