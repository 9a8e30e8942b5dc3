"""The sign-in page, in Spanish and English, without a script and without anything from outside."""

from collections.abc import Mapping

from common.pages.look import LANGUAGE_SWITCH, PAGE_STYLE, SWITCH, page_policy
from common.words.languages import next_language
from jinja2 import Environment, StrictUndefined

__all__ = ["SWITCH", "policy", "sign_in_page"]

TEXTS = {
    "es": {
        "title": "Entrar en Ruta",
        "error": "Error",
        "skip": "Ir al contenido",
        "bar": "Idioma e inicio",
        "other": "English",
        "name": "Nombre de acceso",
        "password": "Contraseña",
        "code": "Código de su aplicación de autenticación (6 cifras)",
        "lets_in": "«{application}», una aplicación de {organisation}, le pide que entre. Si entra, leerá y actuará en Ruta"
        " en nombre de usted. Siga solo si la conoce y empezó en ella.",
        "enter": "Entrar",
        "lost": "No tengo el teléfono con los códigos",
        "recovery": "Código de recuperación",
        "recovery_hint": "Uno de los ocho que guardó; sirve una vez. Deje vacío el de arriba. Después de"
        " entrar, prepare en «Mi cuenta» la aplicación del teléfono nuevo.",
        "passkey": "Entrar con llave de acceso",
        "passkey_hint": "En lugar del código: con su huella, su cara o su PIN. Escriba antes su nombre y contraseña.",
        "passkey_failed": "La llave de acceso no respondió. Inténtelo otra vez o escriba el código.",
        "no_recovery": "¿No guardó códigos de recuperación? Pida en persona a quien administra Ruta en su"
        " organización credenciales nuevas. Si perdió el teléfono o se lo quitaron, avise hoy mismo.",
        "wrong": "El nombre, la contraseña o el código no son correctos. Espere un código nuevo"
        " y vuelva a intentarlo.",
        "wait": "Demasiados intentos fallidos desde aquí. Espere unos minutos.",
        "stale": "La página caducó. Escriba otra vez su contraseña y un código nuevo.",
        "elsewhere": "Esta página caducó o se abrió en otro navegador. Empiece a entrar otra vez.",
        "begin": "Empezar otra vez",
        "start": "Inicio",
        "unknown": "Esta petición de acceso no viene de una aplicación registrada en Ruta.",
    },
    "en": {
        "title": "Sign in to Ruta",
        "error": "Error",
        "skip": "Skip to content",
        "bar": "Language and start",
        "other": "Español",
        "name": "Sign-in name",
        "password": "Password",
        "code": "Code from your authenticator app (6 digits)",
        "lets_in": "“{application}”, an application of {organisation}, asks you to sign in. If you do, it will read and act"
        " in Ruta in your name. Go on only if you know it and began there.",
        "enter": "Sign in",
        "lost": "I do not have the phone with the codes",
        "recovery": "Recovery code",
        "recovery_hint": "One of the eight that you kept; it works once. Leave the code above empty. Once"
        " signed in, set up the app of your new phone under “My account”.",
        "passkey": "Sign in with a passkey",
        "passkey_hint": "Instead of the code: by your finger, your face or your PIN. Type your name and password first.",
        "passkey_failed": "The passkey did not answer. Try again, or type the code.",
        "no_recovery": "No recovery codes either? Ask whoever administers Ruta in your organisation for"
        " new credentials, in person. If the phone was lost or taken from you, tell them today.",
        "wrong": "The name, the password or the code is not right. Wait for a new code and try"
        " again.",
        "wait": "Too many failed attempts from here. Wait some minutes.",
        "stale": "The page has expired. Type your password and a new code again.",
        "elsewhere": "This page has expired or was opened in another browser. Begin signing in again.",
        "begin": "Begin again",
        "start": "Start",
        "unknown": "This sign-in request does not come from an application registered with Ruta.",
    },
}
_PAGE = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True).from_string(
    LANGUAGE_SWITCH
    + """<!doctype html>
<html lang="{{ language }}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ t.error ~ ": " if error }}{{ t.title }}</title><style>{{ style | safe }}</style></head>
<body>
<a class="skip" href="#main">{{ t.skip }}</a>
<nav class="bar" aria-label="{{ t.bar }}">
{% if ticket %}
{{ language_switch("sign-in", "/oauth/authorize?ui_locales=" ~ other, other, t.other) }}
{% endif %}
<a href="/?language={{ language }}">{{ t.start }}</a></nav>
<main id="main"><h1>{{ t.title }}</h1>
{% if error %}<p class="note alert" role="alert" id="error" tabindex="-1" autofocus>{{ t[error] }}</p>
{% endif %}
{% if ticket and application %}<p class="note">{{ t.lets_in.format(application=application, organisation=organisation) }}</p>
{% endif %}
{% if ticket %}
<form id="sign-in" method="post" action="/oauth/authorize?ui_locales={{ language }}"{% if question %} data-question="{{ question }}"{% endif %}>
<input type="hidden" name="ticket" value="{{ ticket }}">
<div class="field"><label for="name">{{ t.name }}</label>
<input class="text" id="name" name="sign_in_name" autocomplete="username" autocapitalize="none"
 spellcheck="false" required maxlength="63" value="{{ name }}"{{ " autofocus" if not error }}{{ ' aria-describedby="error"' | safe if error }}></div>
<div class="field"><label for="password">{{ t.password }}</label>
<input class="text" id="password" name="password" type="password" autocomplete="current-password" required
 maxlength="200"{{ ' aria-describedby="error"' | safe if error }}></div>
<div class="field"><label for="code">{{ t.code }}</label>
<input class="text" id="code" name="code" inputmode="numeric" autocomplete="one-time-code"
 pattern="[0-9]{6}" maxlength="6"{{ ' aria-describedby="error"' | safe if error }}></div>
<details><summary>{{ t.lost }}</summary>
<div class="field"><label for="recovery">{{ t.recovery }}</label>
<input class="text" id="recovery" name="recovery_code" autocomplete="off" autocapitalize="none"
 spellcheck="false" maxlength="40" aria-describedby="recovery-hint"></div>
<p class="hint" id="recovery-hint">{{ t.recovery_hint }}</p>
<p class="hint">{{ t.no_recovery }}</p></details>
<p><button type="submit">{{ t.enter }}</button></p>
{% if question %}
<div data-passkey hidden>
<input type="hidden" name="credential">
<p class="hint" id="passkey-hint">{{ t.passkey_hint }}</p>
<p><button class="quiet" type="button" aria-describedby="passkey-hint">{{ t.passkey }}</button></p>
<p class="note alert" role="alert" tabindex="-1" hidden>{{ t.passkey_failed }}</p>
</div>
{% endif %}
</form>
{% if question %}<script src="{{ script }}"></script>{% endif %}
{% elif error == "elsewhere" %}
<p><a class="button" href="/session/start?ui_locales={{ language }}">{{ t.begin }}</a></p>
{% endif %}
</main></body></html>
"""
)


def sign_in_page(
    *,
    language: str,
    ticket: str | None,
    error: str | None = None,
    name: str = "",
    question: str | None = None,
    script: str | None = None,
    application: str | None = None,
    organisation: str | None = None,
) -> str:
    """HTML; `ticket` None shows only the error (`wrong`, `wait`, `stale`, `elsewhere`, `unknown`). `name`
    as it was typed. `question`: to whichever passkey is there, as JSON;
    `script`: the address of the script that puts it. `application` of `organisation`: who will act in the person's name;
    None where it is Ruta's own."""
    return _PAGE.render(
        t=TEXTS[language],
        language=language,
        other=next_language(language),
        ticket=ticket,
        error=error,
        name=name[:63],
        question=question,
        script=script,
        application=application,
        organisation=organisation,
        style=PAGE_STYLE,
    )


def policy(form_targets: str, script: str | None = None) -> Mapping[str, str]:
    """Headers of the page. Browsers apply `form-action` to the redirect after the form as well."""
    return {
        "Content-Security-Policy": page_policy(
            forms=f"'self' {form_targets}".strip(), script_address=script
        ),
        "Cache-Control": "no-store",
    }
