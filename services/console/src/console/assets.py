"""The pages' style sheet, taken from govuk-frontend without the British government's branding.

`python -m console.assets PACKAGE.tgz` builds `static/govuk.css` from the npm package (`npm pack govuk-frontend@6.6.0`);
`static/THIRD_PARTY.md` names the version. There is no other build step.
"""

import hashlib
import re
import sys
import tarfile
from functools import cache
from importlib.resources import files
from pathlib import Path

SOURCE = "package/dist/govuk/govuk-frontend.min.css"
NAMES = {
    "govuk.css": "text/css; charset=utf-8",
    "console.css": "text/css; charset=utf-8",
    "console.js": "text/javascript; charset=utf-8",
    "push.js": "text/javascript; charset=utf-8",
}
WORKER = "push-worker.js"
"""This address, below `/console`, never changes: browsers fetch a registered worker again from it."""
_FONT_FACE = re.compile(r"(?:/\*![^*]*Margaret Calvert[^*]*\*/)?@font-face\{[^}]*\}")
_FONT = re.compile(r'"?GDS Transport"?,\s*arial,\s*sans-serif')
_CREST = re.compile(
    r"@supports \(\(-webkit-mask-position:initial\) or \(mask-position:initial\)\)\{"
    r"\.govuk-footer__copyright-logo:before\{[^}]*\}(?:[^{}]*\{[^}]*\})*?\}"
    r"|\.govuk-footer__copyright-logo:before\{[^}]*\}"
)


def unbranded(css: str) -> str:
    """Remove the Transport font and the crest, which only the government may use. Use the system font instead."""
    css = _FONT.sub("system-ui,sans-serif", _FONT_FACE.sub("", css))
    css = _CREST.sub("", css)
    left = [
        word for word in ("/assets/", "GDS Transport", "crest", "sourceMappingURL") if word in css
    ]
    if left and left != ["sourceMappingURL"]:
        raise ValueError(f"still in the style sheet: {', '.join(left)}")
    return re.sub(r"\n?/\*# sourceMappingURL=[^*]*\*/\n?", "\n", css)


@cache
def contents() -> dict[str, bytes]:
    folder = files("console").joinpath("static")
    return {name: folder.joinpath(name).read_bytes() for name in NAMES}


@cache
def worker() -> bytes:
    return files("console").joinpath("static", WORKER).read_bytes()


@cache
def digest() -> str:
    """Return the digest that every asset address contains. The file at an address never changes, so browsers can cache
    it."""
    return hashlib.sha256(b"".join(contents().values())).hexdigest()[:12]


def address(name: str) -> str:
    return f"/console/static/{digest()}/{name}"


if __name__ == "__main__":
    with tarfile.open(sys.argv[1]) as package:
        member = package.extractfile(SOURCE)
        if member is None:
            raise SystemExit(f"{SOURCE} is not in it")
        text = member.read().decode()
    target = Path(__file__).parent / "static" / "govuk.css"
    target.write_text(unbranded(text), encoding="utf-8")
    sys.stdout.write(f"{target}: {hashlib.sha256(target.read_bytes()).hexdigest()}\n")
