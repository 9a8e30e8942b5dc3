"""The settings page, generated from the settings classes (`./ruta docs settings`)."""

from collections.abc import Iterator

from common.settings import CoreSettings, ServiceSettings, StreamSettings
from console.settings import Settings as ConsoleSettings
from directory.settings import Settings as DirectorySettings
from gateway.front.settings import FrontSettings
from gateway.issuer.settings import IssuerSettings
from pydantic import SecretStr
from pydantic.fields import FieldInfo
from referrals.settings import Settings as ReferralsSettings
from reporting.settings import Settings as ReportingSettings

_HEAD = """# Settings

Every process reads its settings from the environment. A secret has no default: a process that lacks one, or
gets a weak one, or gets one of the embedded stack in production, names the setting in one line and exits with
status 78.

The driver of PostgreSQL reads variables of its own. The production overlay sets `PGSSLMODE` to `verify-full` and
`PGSSLROOTCERT` to the file of the databases' CA. The embedded PostgreSQL knows no TLS: set neither for it.

The production overlay also sets `RUTA_CERTIFICATE_FILE`, `RUTA_CERTIFICATE_KEY_FILE` and `RUTA_TRUST_FILE`. A process
reads the files again at the first connection after they have changed.
"""
_CLASSES: tuple[tuple[str, type[CoreSettings], type[CoreSettings] | None], ...] = (
    ("Every process", CoreSettings, None),
    (
        "Every service with a database (directory, referrals, reporting, issuer)",
        ServiceSettings,
        CoreSettings,
    ),
    (
        "The broker's operator (Job `nats-streams`, and the embedded broker at its start)",
        StreamSettings,
        ServiceSettings,
    ),
    ("Gateway", FrontSettings, CoreSettings),
    ("Issuer", IssuerSettings, ServiceSettings),
    ("Directory", DirectorySettings, ServiceSettings),
    ("Referrals", ReferralsSettings, ServiceSettings),
    ("Reporting", ReportingSettings, ServiceSettings),
    ("Console", ConsoleSettings, CoreSettings),
)


def page() -> str:
    return _HEAD + "".join(_section(*each) for each in _CLASSES)


def undocumented() -> list[str]:
    """Return settings without a description, as `Class.field`."""
    return [
        f"{settings.__name__}.{name}"
        for _, settings, _ in _CLASSES
        for name, field in settings.model_fields.items()
        if not field.description
    ]


def _section(title: str, settings: type[CoreSettings], base: type[CoreSettings] | None) -> str:
    rows = "".join(_rows(settings, base))
    return (
        f"\n## {title}\n\n| setting | default | what it is |\n|---|---|---|\n{rows}" if rows else ""
    )


def _rows(settings: type[CoreSettings], base: type[CoreSettings] | None) -> Iterator[str]:
    for name, field in settings.model_fields.items():
        inherited = base.model_fields.get(name) if base is not None else None
        if inherited is not None and _same(inherited, field):
            continue
        text = (field.description or "").replace("|", "\\|").replace("\n", " ")
        yield f"| `RUTA_{name.upper()}` | {_default(field)} | {text} |\n"


def _same(one: FieldInfo, other: FieldInfo) -> bool:
    return (one.description, one.default) == (other.description, other.default)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "**required**"
    value = field.get_default(call_default_factory=True, validated_data={})
    if value is None or isinstance(value, SecretStr):
        return ""
    return f"`{value}`" if value not in ("", [], {}) else "empty"
