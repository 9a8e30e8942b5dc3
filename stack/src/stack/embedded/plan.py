"""The processes of the embedded stack, and the environment of each."""

import json
import os
import sys
from dataclasses import dataclass, field

from stack.embedded.arrows import OPERATOR
from stack.embedded.layout import Layout
from stack.embedded.nats import NatsServer
from stack.embedded.ports import LOOPBACK, free_ports
from stack.embedded.postgres import PostgresServer, ServiceDatabase
from stack.embedded.secrets import (
    internal_key,
    marked_key,
    prepare_key_encryption_keys,
    prepare_secrets,
    push_key,
)
from stack.private_files import write_private
from stack.texts import LANGUAGE_VARIABLE

_GATEWAY = {
    "kind": "template",
    "content_type": "application/json",
    "body": '{"number": "{number}", "text": "{text}", "id": "{id}"}',
    "accepted": {"path": "status", "values": ["queued"]},
}


def prepare_channels(layout: Layout, smtp_port: int, mailbox_port: int) -> dict[str, str]:
    """Return settings of the referrals service."""
    gateway = layout.root / "sms-gateway.json"
    address = f"http://{LOOPBACK}:{mailbox_port}/sms"
    write_private(gateway, json.dumps(_GATEWAY | {"url": address}, indent=2))
    mail = {
        "RUTA_SMTP_URL": f"smtp://{LOOPBACK}:{smtp_port}",
        "RUTA_MAIL_SENDER": "ruta@ruta.invalid",
    }
    return {
        **{name: os.environ.get(name, own) for name, own in mail.items()},
        "RUTA_PUSH_KEY_FILE": str(push_key(layout)),
        "RUTA_PUSH_CONTACT": "mailto:ruta@ruta.invalid",
        "RUTA_SMS_GATEWAY_FILE": str(gateway),
    }


def prepare_questions(layout: Layout) -> dict[str, str]:
    """Return settings of the directory service, which replies to text messages from the public through the mailbox."""
    file = layout.root / "sms-questions.json"
    if not file.exists():
        write_private(file, json.dumps({"secret": marked_key(), "answer": "sent"}, indent=2))
    return {"RUTA_SMS_QUESTIONS_FILE": str(file)}


# service name -> package that runs it
SERVICES = {
    "directory": "directory",
    "referrals": "referrals",
    "reporting": "reporting",
}
# The console has no database and no events. It calls the API like any client.
CONSOLE = "console"
SERVERS = ("postgres", "nats")
DATABASES = (*SERVICES, "issuer", "referral_keys")
WEBHOOK_NETWORKS = "127.0.0.0/8"
_ADDRESSES = {"postgres": ("RUTA_DATABASE_URL", "RUTA_KEY_STORE_URL"), "nats": ("RUTA_NATS_URL",)}
_PASSED_ON = (
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "LC_MESSAGES",
    "TZ",
    "TMPDIR",
    "PYTHONPATH",
    LANGUAGE_VARIABLE,
    "RUTA_LOG_LEVEL",
    "RUTA_OPERATOR_MAIL",
    "RUTA_OTLP_ENDPOINT",
    "RUTA_SECOND_PLACES",
    "RUTA_STEP_UP_MINUTES",
    "RUTA_STREAM_MAX_BYTES",
)
# settings of an outside OIDC provider that replaces Ruta's own issuer (only for the front)
OUTSIDE_ISSUER = "RUTA_TOKEN_ISSUER_URL"
_OF_OUTSIDE = (
    OUTSIDE_ISSUER,
    "RUTA_TOKEN_TYPES",
    "RUTA_TOKEN_CLAIMS",
    "RUTA_TOKEN_AUDIENCE",
    "RUTA_SESSION_CLIENT_ID",
    "RUTA_SESSION_CLIENT_SECRET",
)


@dataclass(frozen=True)
class Process:
    """One program of the stack. `/readyz` at its `port` returns 200 when it can serve requests."""

    name: str
    command: tuple[str, ...]
    environment: dict[str, str] = field(repr=False)
    port: int | None = None


@dataclass(frozen=True)
class Plan:
    """The programs to start: `migrations` one after another, then `services`, then `front`."""

    migrations: tuple[Process, ...]
    services: tuple[Process, ...]
    front: Process


@dataclass(frozen=True)
class Choices:
    """The caller's options for `./ruta up`."""

    port: int
    replicas: int = 1
    host: str = LOOPBACK
    otlp_endpoint: str | None = None
    extra: dict[str, str] = field(default_factory=dict)
    # extra settings per process for fault tests and benchmarks: {"referrals": {"RUTA_…": "…"}}
    extra_of: dict[str, dict[str, str]] = field(default_factory=dict)
    # Process or service → server → the port of a proxy that tests place between them. All others connect directly.
    through: dict[str, dict[str, int]] = field(default_factory=dict)

    @property
    def public_url(self) -> str:
        return f"http://{self.host}:{self.port}"


class Planner:
    """Builds the plan once both servers run and the databases exist."""

    def __init__(
        self, layout: Layout, choices: Choices, postgres: PostgresServer, broker: NatsServer
    ) -> None:
        self.layout = layout
        self.choices = choices
        self._broker = broker
        self._postgres = postgres
        self._databases = postgres.create_service_databases(DATABASES)
        self._secrets = prepare_secrets(layout, postgres.rows)
        self._kek = prepare_key_encryption_keys(layout, postgres.rows)
        self._signing_key, self._jwks = internal_key(layout)
        # Known once the ports are chosen. The commands of a service send no messages.
        self._channels: dict[str, str] = {}

    def plan(self) -> Plan:
        services: list[Process] = []
        urls: dict[str, str] = {}
        ports = iter(free_ports((len(SERVICES) + 1) * self.choices.replicas + 3))
        smtp_port, mailbox_port = next(ports), next(ports)
        self._channels = prepare_channels(self.layout, smtp_port, mailbox_port)
        for name, package in {**SERVICES, CONSOLE: "console"}.items():
            environment = self._console() if name == CONSOLE else self._service(name)
            replicas = [
                self._process(_numbered(name, number), f"{package} api", environment, next(ports))
                for number in range(self.choices.replicas)
            ]
            services += replicas
            urls[name] = " ".join(f"http://{LOOPBACK}:{replica.port}" for replica in replicas)
        issuer = self._process("issuer", "gateway issuer", self._issuer(), next(ports))
        mailbox = self._process(
            "mailbox", f"stack.embedded.mailbox {smtp_port}", self._shared(), mailbox_port
        )
        return Plan(
            migrations=self._migrations(),
            services=(mailbox, issuer, *services),
            front=self._process(
                "gateway",
                "gateway front",
                self._front(urls, f"http://{LOOPBACK}:{issuer.port}"),
                self.choices.port,
            ),
        )

    def environment(
        self, name: str, *, owner: bool = False, operator: bool = False
    ) -> dict[str, str]:
        """Return the environment for a service's command, optionally as the `owner` of its tables or the `operator` of
        the event bus."""
        settings = self._issuer() if name == "issuer" else self._service(name)
        if owner:
            settings |= self._owner(name)
        if operator:
            settings |= {
                "RUTA_NATS_USER": OPERATOR,
                "RUTA_NATS_PASSWORD": self._broker.credentials[OPERATOR],
            }
        return settings

    def _migrations(self) -> tuple[Process, ...]:
        commands = {name: f"{package} migrate" for name, package in SERVICES.items()}
        commands["issuer"] = "gateway issuer-migrate"
        return tuple(
            Process(
                f"{name}-migrate",
                (sys.executable, "-m", *command.split()),
                self.environment(name, owner=True),
            )
            for name, command in commands.items()
        )

    def _process(self, name: str, command: str, environment: dict[str, str], port: int) -> Process:
        listening = {
            "RUTA_HOST": self.choices.host if name == "gateway" else LOOPBACK,
            "RUTA_PORT": str(port),
        }
        extra = self.choices.extra | self.choices.extra_of.get(name, {})
        environment = self._rerouted(name, environment)
        return Process(
            name=name,
            command=(sys.executable, "-m", *command.split()),
            environment=environment | listening | extra,
            port=port,
        )

    def _rerouted(self, name: str, environment: dict[str, str]) -> dict[str, str]:
        """Return the environment with the ports of proxies instead of the servers' own ports."""
        ports = {"postgres": self._postgres.port, "nats": self._broker.port}
        changed = dict(environment)
        if "postgres" in self.choices.through.get(name, {}) and "RUTA_DATABASE_URL" in changed:
            # The relay's locks and notifications are tied to a connection, so they bypass the proxy.
            changed["RUTA_DATABASE_SESSION_URL"] = changed["RUTA_DATABASE_URL"]
        for server, proxy in self.choices.through.get(name, {}).items():
            for setting in _ADDRESSES[server]:
                if setting in changed:
                    changed[setting] = changed[setting].replace(f":{ports[server]}", f":{proxy}")
        return changed

    def _shared(self) -> dict[str, str]:
        settings = {
            "PYTHONUNBUFFERED": "1",
            "RUTA_ENVIRONMENT": "embedded",
            "RUTA_PUBLIC_URL": self.choices.public_url,
            "RUTA_NATS_URL": self._broker.url,
            "RUTA_INTERNAL_JWKS_FILE": str(self._jwks),
            "RUTA_CLOCK_FILE": str(self.layout.clock_file),
        }
        if self.choices.otlp_endpoint:
            settings["RUTA_OTLP_ENDPOINT"] = self.choices.otlp_endpoint
        return passed_on() | settings

    def _with_database(self, name: str) -> dict[str, str]:
        database = self._databases[name]
        return self._shared() | {
            "RUTA_DATABASE_URL": database.app_url,
            "RUTA_DATABASE_ROLE": database.app_role,
            "RUTA_RUN_WORKER": "true",
            "RUTA_STORED_RESULT_KEY": self._secrets[f"{name}_stored_result_key"],
        }

    def _service(self, name: str) -> dict[str, str]:
        settings = self._with_database(name) | self._broker_user(name)
        if name == "referrals":
            settings |= self._key_store(self._databases["referral_keys"]) | self._channels
        if name == "directory":
            settings |= self._channels and {
                "RUTA_SMS_GATEWAY_FILE": self._channels["RUTA_SMS_GATEWAY_FILE"],
                **prepare_questions(self.layout),
            }
        if name == "reporting":
            settings |= {
                "RUTA_ROUNDING_KEY": self._secrets["rounding_key"],
                "RUTA_PSEUDONYM_KEY": self._secrets["pseudonym_key"],
                "RUTA_RECORD_LOST_FILE": str(self.layout.lost_record_file),
                # One demo client signs off and publishes. A real operation needs two people for that.
                "RUTA_ONE_PERSON_PUBLISHES": "true",
            }
        if name in {"directory", "referrals"}:
            # A partner who tests webhooks with a stack on a laptop receives them on the same laptop.
            settings["RUTA_WEBHOOK_PRIVATE_NETWORKS"] = WEBHOOK_NETWORKS
        if name in {"directory", "reporting"} and self._channels:
            settings |= {
                each: self._channels[each] for each in ("RUTA_SMTP_URL", "RUTA_MAIL_SENDER")
            }
        return settings

    def _key_store(self, database: ServiceDatabase) -> dict[str, str]:
        return {
            "RUTA_KEY_STORE_URL": database.app_url,
            "RUTA_KEY_STORE_ROLE": database.app_role,
            "RUTA_KEY_ENCRYPTION_KEYS_FILE": str(self._kek),
            "RUTA_BLIND_INDEX_KEY": self._secrets["blind_index_key"],
            "RUTA_AUDIT_ANCHOR_FILE": str(self.layout.anchor_file),
            "RUTA_TOMBSTONE_FILE": str(self.layout.tombstones_file),
        }

    def _owner(self, name: str) -> dict[str, str]:
        """Return the credentials of the owner roles, which only migrations get."""
        settings = {"RUTA_DATABASE_OWNER_URL": self._databases[name].owner_url}
        if name == "referrals":
            settings["RUTA_KEY_STORE_OWNER_URL"] = self._databases["referral_keys"].owner_url
        return settings

    def _broker_user(self, name: str) -> dict[str, str]:
        return {"RUTA_NATS_USER": name, "RUTA_NATS_PASSWORD": self._broker.credentials[name]}

    def _issuer(self) -> dict[str, str]:
        return self._with_database("issuer") | {
            "RUTA_RUN_WORKER": "false",
            "RUTA_TOKEN_ISSUER_URL": self.choices.public_url,
            "RUTA_SIGNING_KEYS_DIR": str(self.layout.keys / "issuer"),
            "RUTA_RIGHTS_FILE": str(self.layout.rights_file),
            "RUTA_BOOTSTRAP_CLIENTS_FILE": str(self.layout.bootstrap_clients_file),
        }

    def _console(self) -> dict[str, str]:
        return self._shared() | {
            "RUTA_GATEWAY_URL": f"http://{LOOPBACK}:{self.choices.port}",
            "RUTA_MISSING_LISTS_FILE": str(self.layout.missing_lists_file),
        }

    def _front(self, urls: dict[str, str], issuer_url: str) -> dict[str, str]:
        return (
            self._shared()
            | self._trusted(issuer_url)
            | {
                "RUTA_SESSION_KEY": self._secrets["session_key"],
                "RUTA_METRICS_KEY": self._secrets["metrics_key"],
                "RUTA_DIRECTORY_URL": urls["directory"],
                "RUTA_REFERRALS_URL": urls["referrals"],
                "RUTA_REPORTING_URL": urls["reporting"],
                "RUTA_CONSOLE_URL": urls[CONSOLE],
                "RUTA_INTERNAL_SIGNING_KEY_FILE": str(self._signing_key),
            }
        )

    def _trusted(self, issuer_url: str) -> dict[str, str]:
        """Return the issuer that the front trusts. With an outside provider, nobody can reach Ruta's own issuer."""
        if outside_issuer() is not None:
            return {name: os.environ[name] for name in _OF_OUTSIDE if os.environ.get(name)}
        return {
            OUTSIDE_ISSUER: self.choices.public_url,
            "RUTA_TOKEN_AUDIENCE": "ruta",
            "RUTA_ISSUER_URL": issuer_url,
        }


def passed_on() -> dict[str, str]:
    """Return the variables that every process inherits from the user who started the stack."""
    return {name: os.environ[name] for name in _PASSED_ON if name in os.environ}


def key_files(layout: Layout) -> Process:
    """Return the process that creates the signing keys, which all services need before they start."""
    command = (sys.executable, "-m", "stack.embedded.key_files", str(layout.root))
    return Process("key-files", command, passed_on())


def outside_issuer() -> str | None:
    """Return the address of the OIDC provider that replaces Ruta's own issuer, or None without such a provider."""
    return os.environ.get(OUTSIDE_ISSUER) or None


def _numbered(name: str, number: int) -> str:
    return name if number == 0 else f"{name}-{number + 1}"
