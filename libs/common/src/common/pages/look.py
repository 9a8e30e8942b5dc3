"""The appearance of all pages for people: one style sheet, and the only script. It uses no framework, because the front
renders pages too."""

import base64
import hashlib
from functools import cache

PAGE_STYLE = (
    # Keeps jump targets and focused elements clear of the bar.
    "*{box-sizing:border-box}html{scroll-padding-top:4.5rem}"
    "body{font:1.1rem/1.5 sans-serif;margin:0;background:#fff;color:#1a1a1a}"
    "main{max-width:38rem;margin:0 auto;padding:1rem}"
    "h1{font-size:1.5rem;line-height:1.25}h2{font-size:1.2rem}"
    "fieldset{border:1px solid #767676;margin:1rem 0;padding:.3rem .8rem}legend{font-weight:bold}"
    "label{display:block;padding:.45rem 0}.field{margin:.8rem 0}.field label{font-weight:bold}"
    "details{margin:.8rem 0}summary{padding:.4rem 0}"
    ".choice{padding-left:1.7rem;text-indent:-1.7rem}.links a{display:inline-block;padding:.5rem 0;margin-right:1rem}"
    ".hint{margin:.2rem 0;color:#444;font-size:1rem}"
    "select,textarea,.text{font:inherit;width:100%;padding:.5rem;border:1px solid #595959;"
    "background:#fff;color:#1a1a1a}"
    "textarea{min-height:9rem}input[type=radio],input[type=checkbox]{width:1.2rem;height:1.2rem;"
    "vertical-align:-.15rem;margin:0 .5rem 0 0}"
    "button,.button{display:inline-block;font:inherit;padding:.7rem 1.2rem;background:#0b4f71;"
    "color:#fff;border:2px solid #0b4f71;text-decoration:none;min-height:44px}"
    ".quiet{background:#fff;color:#0b4f71}"
    "a{color:#0b4f71}.long{overflow-wrap:anywhere}"
    "a,button,input,select,textarea,summary{outline-offset:3px}"
    ":focus-visible{outline:3px solid #b35c00}"
    ".skip{position:absolute;left:-9999px}.skip:focus{position:static}"
    ".bar{position:sticky;top:0;background:#1a1a1a;padding:.4rem 1rem;display:flex;"
    "justify-content:space-between;align-items:center;gap:1rem}"
    ".bar a,.switch{color:#fff;padding:.6rem .2rem}.switch{background:none;border:0;"
    "text-decoration:underline}.bar .exit{background:#b3261e;border:2px solid #b3261e;padding:.5rem 1rem;"
    "font-weight:bold;text-decoration:none}"
    ".note{border-left:.4rem solid #0b4f71;padding:.2rem .8rem;margin:1rem 0;background:#eef5f9}"
    ".alert{border-left-color:#b3261e;background:#fdf0ef}"
    ".number{font:bold 1.4rem/1.6 monospace;word-spacing:.2rem}"
    ".said{border:1px solid #767676;padding:.4rem .8rem;margin:.8rem 0;white-space:pre-wrap;"
    "overflow-wrap:anywhere}.theirs{border-left:.4rem solid #0b4f71}"
    ".card{border-top:1px solid #767676;padding:.6rem 0}.card h3{margin:.2rem 0;font-size:1.1rem}"
    ".card p{margin:.2rem 0}.off{position:absolute;left:-9999px}"
    ".ways{list-style:none;padding:0}.ways li{padding:.4rem 0}"
    ".ways a{display:inline-block;padding:.4rem 0;font-size:1.2rem;font-weight:bold}"
    ".second{border-top:1px solid #767676;margin-top:1.5rem}"
    "@media print{.bar,form,.skip,.noprint{display:none}body{font-size:11pt}}"
)
"""Large letters, high contrast, and targets of at least 44 pixels."""

EXIT_SCRIPT = (
    "document.addEventListener('click',function(e){var a=e.target.closest('a.exit');if(!a)return;"
    "e.preventDefault();document.title='';document.body.textContent='';location.replace(a.href)});"
    "window.addEventListener('pageshow',function(e){if(!e.persisted)return;"
    "document.body.textContent='';location.reload()})"
)
"""The quick exit empties the screen at once, even on a slow line, and replaces the page in the browser's history.
Without scripts it is an ordinary link. When Back would show a page from the browser's memory with the typed text, the
script reloads it: browsers keep such pages although they must not store them."""


SWITCH = "other_language"
"""A field of a form that was sent only to switch its language while keeping the typed text."""

LANGUAGE_SWITCH = (
    "{% macro language_switch(form, address, other, says) %}"
    # Enter in a field activates the first button. This must submit the form, not switch the language.
    '<button class="off" form="{{ form }}" tabindex="-1" aria-hidden="true"></button>'
    '<button class="switch" form="{{ form }}" formmethod="post" formaction="{{ address }}" formnovalidate'
    f' name="{SWITCH}" value="yes" lang="{{{{ other }}}}">{{{{ says }}}}</button>'
    "{% endmacro %}"
)
"""A language link that keeps the typed text: a button in the bar that submits the page's form. It needs no script."""


def page_policy(
    style: str = PAGE_STYLE,
    *,
    script: str | None = None,
    script_address: str | None = None,
    images: str | None = None,
    forms: str = "'self'",
    ancestors: str = "'none'",
) -> str:
    """Return a content security policy that allows only inline code identified by its hash, and our own scripts
    identified by their full address."""
    sources = [f"'sha256-{_digest(script)}'"] if script else []
    sources += [script_address] if script_address else []
    scripts = f"script-src {' '.join(sources)}; " if sources else ""
    shown = f"img-src {images}; " if images else ""
    return (
        f"default-src 'none'; {scripts}{shown}style-src 'sha256-{_digest(style)}'; form-action {forms}; "
        f"frame-ancestors {ancestors}; base-uri 'none'"
    )


@cache
def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
