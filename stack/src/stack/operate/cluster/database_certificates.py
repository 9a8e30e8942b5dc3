"""The authority that signs a cluster's database certificates, and checks that an overlay uses the certificates
everywhere.

CloudNativePG signs each cluster's certificate with the key in its `serverCASecret`, for the names of its services and
`serverAltDNSNames`. A Pooler uses its cluster's certificate. Our processes read the authority from another Secret,
which does not contain the key.
"""

from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import urlsplit

from stack.operate.cluster.authorities import Authority
from stack.operate.cluster.documents import Document, environment, names, sources

AUTHORITY = "ruta-postgres-ca"
"""The Secret with `ca.crt` and `ca.key`, only for PostgreSQL's operator."""
TRUST = "ruta-postgres-trust"
"""The Secret with only `ca.crt`, which our processes trust; it contains two authorities during a renewal."""
_NO_PLAIN_TEXT = "hostnossl all all all reject"
_POOLER = {"client_tls_sslmode": "require", "server_tls_sslmode": "verify-full"}


def new_authority() -> Authority:
    return Authority.new("CN=Ruta databases")


def certified(documents: Iterable[Document]) -> dict[str, set[str]]:
    """Return, for each PostgreSQL cluster, the names in its certificate to which a client may connect."""
    return {
        document["metadata"]["name"]: {
            *_services(document["metadata"]["name"]),
            *document["spec"].get("certificates", {}).get("serverAltDNSNames", []),
        }
        for document in documents
        if document["kind"] == "Cluster"
    }


def faults(documents: Iterable[Document], made: Iterable[Document]) -> Iterator[tuple[str, str]]:
    """Yield each fault as the kind and name of the document, and a description. `made` contains the Secrets that the
    overlay reads. The embedded PostgreSQL has no TLS, so no client of it may require TLS."""
    known = list(documents)
    to_dial = _to_dial(known)
    held = sources((*known, *made))
    for document in known:
        for what in _faults(document, held, to_dial):
            yield f"{document['kind']}/{document['metadata']['name']}", what


def _to_dial(documents: list[Document]) -> set[str]:
    """Return the names at which a server with a matching certificate is reachable."""
    certificates = certified(documents)
    found = {service for cluster in certificates for service in _services(cluster)}
    for document in documents:
        name = document["metadata"]["name"]
        if (
            document["kind"] == "Pooler"
            and name in certificates[document["spec"]["cluster"]["name"]]
        ):
            found.add(name)
    return found


def _services(cluster: str) -> set[str]:
    return {f"{cluster}-{which}" for which in ("rw", "r", "ro")}


def _faults(
    document: Document, held: Mapping[tuple[str, str], Document], to_dial: set[str]
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
            yield from _of_pod(spec["template"]["spec"], held, to_dial)


def _of_pod(
    pod: Document, held: Mapping[tuple[str, str], Document], to_dial: set[str]
) -> Iterator[str]:
    if names(pod, AUTHORITY):
        yield f"names {AUTHORITY}, which holds the authority's key"
    trusted = {
        volume["name"]
        for volume in pod.get("volumes", [])
        if volume.get("secret", {}).get("secretName") == TRUST
    }
    for container in (*pod.get("initContainers", []), *pod["containers"]):
        told = environment(container, held)
        dialled = {
            urlsplit(value).hostname for value in told.values() if value.startswith("postgresql")
        }
        files = {
            f"{mount['mountPath']}/ca.crt"
            for mount in container.get("volumeMounts", [])
            if mount["name"] in trusted and mount.get("readOnly") and "subPath" not in mount
        }
        said = {name for name in told if name.startswith("PGSSL")}
        if not (dialled and to_dial):
            if said or any(m["name"] in trusted for m in container.get("volumeMounts", [])):
                yield f"{container['name']} dials no PostgreSQL with TLS, and is told of its certificates"
            continue
        if told.get("PGSSLMODE") != "verify-full":
            yield f"{container['name']} dials PostgreSQL without PGSSLMODE=verify-full"
        if told.get("PGSSLROOTCERT") not in files:
            yield f"{container['name']} finds no certificate of {TRUST} at PGSSLROOTCERT"
        for host in sorted(str(host) for host in dialled if host not in to_dial):
            yield f"{container['name']} dials {host}, which no certificate names"
