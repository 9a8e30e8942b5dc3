"""The certificates of a cluster's databases: the authority that signs them, and whether an overlay wants them everywhere.

CloudNativePG signs each cluster's certificate with the key of its `serverCASecret`, for the names of its own
services and `serverAltDNSNames`; a Pooler shows that of its cluster. Our processes know the authority by another
Secret, which holds no key.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from common import clock
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

AUTHORITY = "ruta-postgres-ca"
"""The Secret with `ca.crt` and `ca.key`, for PostgreSQL's operator alone."""
TRUST = "ruta-postgres-trust"
"""The Secret with `ca.crt` alone: what our processes take for the authority, two of them while one follows another."""
_NO_PLAIN_TEXT = "hostnossl all all all reject"
_POOLER = {"client_tls_sslmode": "require", "server_tls_sslmode": "verify-full"}
_DAYS = 3653
Document = Mapping[str, Any]


def new_authority() -> tuple[str, str]:
    """Its certificate, good for ten years, and its key, both as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name.from_rfc4514_string("CN=Ruta databases")
    known_by = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    signs = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(clock.now() - timedelta(days=1))
        .not_valid_after(clock.now() + timedelta(days=_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(signs, critical=True)
        .add_extension(known_by, critical=False)
        .sign(key, hashes.SHA256())
    )
    # The operator reads keys in this form alone ("EC PRIVATE KEY").
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    return made.public_bytes(Encoding.PEM).decode(), secret.decode()


def certified(documents: Iterable[Document]) -> dict[str, set[str]]:
    """By cluster of PostgreSQL's operator: the names that its certificate is for, of those that a client dials."""
    return {
        document["metadata"]["name"]: {
            *_services(document["metadata"]["name"]),
            *document["spec"].get("certificates", {}).get("serverAltDNSNames", []),
        }
        for document in documents
        if document["kind"] == "Cluster"
    }


def faults(documents: Iterable[Document], made: Iterable[Document]) -> Iterator[tuple[str, str]]:
    """What is not as it must be: its kind and name, and what. `made`: the Secrets that the overlay reads.

    Where PostgreSQL is the embedded one, which knows no TLS, nobody may ask for it.
    """
    known = list(documents)
    to_dial = _to_dial(known)
    sources = {
        (each["kind"], each["metadata"]["name"]): each.get("stringData") or each.get("data") or {}
        for each in (*known, *made)
        if each["kind"] in {"Secret", "ConfigMap"}
    }
    for document in known:
        for what in _faults(document, sources, to_dial):
            yield f"{document['kind']}/{document['metadata']['name']}", what


def _to_dial(documents: list[Document]) -> set[str]:
    """Names under which a server is found that shows a certificate for them."""
    names = certified(documents)
    found = {service for cluster in names for service in _services(cluster)}
    for document in documents:
        name = document["metadata"]["name"]
        if document["kind"] == "Pooler" and name in names[document["spec"]["cluster"]["name"]]:
            found.add(name)
    return found


def _services(cluster: str) -> set[str]:
    return {f"{cluster}-{which}" for which in ("rw", "r", "ro")}


def _faults(
    document: Document, sources: Mapping[tuple[str, str], Document], to_dial: set[str]
) -> Iterator[str]:
    spec = document.get("spec", {})
    match document["kind"]:
        case "Cluster":
            if spec.get("certificates", {}).get("serverCASecret") != AUTHORITY:
                yield f"its certificate is not signed by {AUTHORITY}"
            if spec["postgresql"].get("pg_hba", [""])[0] != _NO_PLAIN_TEXT:
                yield "lets in who comes without TLS"
        case "Pooler":
            said = spec["pgbouncer"].get("parameters", {})
            for key, value in _POOLER.items():
                if said.get(key) != value:
                    yield f"must say {key}: {value}"
        case "Deployment" | "StatefulSet" | "DaemonSet" | "Job":
            yield from _of_pod(spec["template"]["spec"], sources, to_dial)


def _of_pod(
    pod: Document, sources: Mapping[tuple[str, str], Document], to_dial: set[str]
) -> Iterator[str]:
    if _names(pod, AUTHORITY):
        yield f"names {AUTHORITY}, which holds the authority's key"
    trusted = {
        volume["name"]
        for volume in pod.get("volumes", [])
        if volume.get("secret", {}).get("secretName") == TRUST
    }
    for container in (*pod.get("initContainers", []), *pod["containers"]):
        environment = _environment(container, sources)
        dialled = {
            urlsplit(value).hostname
            for value in environment.values()
            if value.startswith("postgresql")
        }
        files = {
            f"{mount['mountPath']}/ca.crt"
            for mount in container.get("volumeMounts", [])
            if mount["name"] in trusted and mount.get("readOnly") and "subPath" not in mount
        }
        said = {name for name in environment if name.startswith("PGSSL")}
        if not (dialled and to_dial):
            if said or any(m["name"] in trusted for m in container.get("volumeMounts", [])):
                yield f"{container['name']} dials no PostgreSQL with TLS, and is told of its certificates"
            continue
        if environment.get("PGSSLMODE") != "verify-full":
            yield f"{container['name']} dials PostgreSQL without PGSSLMODE=verify-full"
        if environment.get("PGSSLROOTCERT") not in files:
            yield f"{container['name']} finds no certificate of {TRUST} at PGSSLROOTCERT"
        for host in sorted(str(host) for host in dialled if host not in to_dial):
            yield f"{container['name']} dials {host}, which no certificate names"


def _names(node: Any, name: str) -> bool:
    if isinstance(node, Mapping):
        return any(_names(value, name) for value in node.values())
    return any(_names(each, name) for each in node) if isinstance(node, list) else node == name


def _environment(
    container: Document, sources: Mapping[tuple[str, str], Document]
) -> dict[str, str]:
    """As far as its documents tell; what is read of a Secret key by key is left out."""
    found: dict[str, str] = {}
    for source in container.get("envFrom", []):
        kind = "Secret" if "secretRef" in source else "ConfigMap"
        reference = source.get("secretRef") or source["configMapRef"]
        found |= sources.get((kind, reference["name"]), {})
    return found | {each["name"]: each.get("value", "") for each in container.get("env", [])}
