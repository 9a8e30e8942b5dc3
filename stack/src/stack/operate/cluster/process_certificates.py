"""The certificates with which a cluster's processes identify each other, and checks that an overlay uses the
certificates everywhere.

One authority signs a certificate for each service, for the name to which others connect. The authority's key is needed
only for renewals. It is stored with the other secrets, and no pod has it.
"""

from base64 import b64decode
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import yaml
from cryptography import x509

from stack.errors import StackError
from stack.operate.cluster.authorities import Authority
from stack.operate.cluster.documents import (
    Document,
    config_map,
    environment,
    held_values,
    names,
    secret,
    sources,
)

AUTHORITY = "ruta-internal-ca"
"""The Secret with `ca.crt` and `ca.key`, which no cluster needs."""
TRUST = "ruta-internal-trust"
"""The ConfigMap with only `ca.crt`, which processes, the entrance and Prometheus trust."""
BROKER = "nats"
_PEERS = tuple(f"nats-{number}.nats-peers" for number in range(3))
NAMES: Mapping[str, tuple[str, ...]] = {
    **{name: (name,) for name in ("gateway", "directory", "referrals", "reporting", "console")},
    BROKER: (BROKER, *_PEERS),
}
"""Service → names in its certificate, which its workers use too."""
LIFETIME = timedelta(days=365)
# Spans contain only names and ids, and the collector is third-party software.
_IN_CLEAR = frozenset({"otel-collector"})
_FILES = {
    "RUTA_CERTIFICATE_FILE": "tls.crt",
    "RUTA_CERTIFICATE_KEY_FILE": "tls.key",
    "RUTA_TRUST_FILE": "ca.crt",
}
_CLEAR = frozenset({"http", "nats"})
_PROBES = ("startupProbe", "livenessProbe", "readinessProbe")


def certificate_of(service: str) -> str:
    """Return the name of the Secret that contains the service's certificate."""
    return f"ruta-{service}-certificate"


def new_authority() -> Authority:
    return Authority.new("CN=Ruta processes")


def documents(authority: Authority) -> Iterator[dict[str, Any]]:
    """Yield the documents for a cluster: a certificate and key for each service, valid for a year, and the authority's
    certificate."""
    for service, known_as in NAMES.items():
        certificate, key = authority.signed(known_as, LIFETIME)
        yield secret(certificate_of(service), {"tls.crt": certificate, "tls.key": key})
    yield config_map(TRUST, {"ca.crt": authority.certificate})


def kept(authority: Authority) -> dict[str, Any]:
    """Return the Secret that contains the authority itself, for your secret store."""
    return secret(AUTHORITY, {"ca.crt": authority.certificate, "ca.key": authority.key})


def read_authority(text: str) -> Authority:
    """Parse a Secret as YAML or JSON, or only its entries, as some secret stores return them."""
    try:
        document = yaml.safe_load(text)
        values = held_values(document) or document
        if "data" in document:
            values = {name: b64decode(value).decode() for name, value in values.items()}
        return Authority(values["ca.crt"], values["ca.key"]).checked()
    except (yaml.YAMLError, TypeError, KeyError, ValueError, AttributeError):
        raise StackError(
            "there is no certificate authority in that file: it must be the Secret {name} as YAML or JSON, with ca.crt and ca.key",
            name=AUTHORITY,
        ) from None


def faults(documents: Iterable[Document], made: Iterable[Document]) -> Iterator[tuple[str, str]]:
    """Yield each fault as the kind and name of the document, and a description. `made` contains the Secrets and
    ConfigMaps that the overlay reads. If there are no certificates, no client may require them."""
    known, given = list(documents), list(made)
    overlay = _Overlay(known, given)
    for document in known:
        for what in overlay.faults(document):
            yield f"{document['kind']}/{document['metadata']['name']}", what


class _Overlay:
    def __init__(self, documents: list[Document], made: list[Document]) -> None:
        self.documents = documents
        self.sources = sources((*documents, *made))
        self.wanted = ("ConfigMap", TRUST) in self.sources
        self.certified = {
            service: _known_as(values["tls.crt"])
            for service in NAMES
            if (values := self.sources.get(("Secret", certificate_of(service))))
        }
        self.behind = {
            document["metadata"]["name"]: self._service_of(document["spec"]["selector"])
            for document in documents
            if document["kind"] == "Service"
        }

    def faults(self, document: Document) -> Iterator[str]:
        spec = document.get("spec", {})
        match document["kind"]:
            case "Deployment" | "StatefulSet" | "Job":
                yield from self._of_pod(document)
            case "PodMonitor" if self.wanted:
                yield from self._of_monitor(spec)
            case "HTTPRoute" | "Ingress" if self.wanted:
                yield from self._of_entrance(document["kind"])

    def _service_of(self, selector: Mapping[str, str]) -> str | None:
        for document in self.documents:
            if document["kind"] in {"Deployment", "StatefulSet"}:
                labels = document["spec"]["template"]["metadata"]["labels"]
                if selector.items() <= labels.items():
                    return str(labels["ruta.service"])
        return None

    def _of_pod(self, document: Document) -> Iterator[str]:
        template = document["spec"]["template"]
        pod, labels = template["spec"], template["metadata"]["labels"]
        service = labels.get("ruta.service", "")
        yield from self._could_pass(pod, service)
        first = pod["containers"][0]
        said = environment(first, self.sources)
        if _serves(document) and self.wanted:
            yield from self._shows(pod, first, said, service)
            yield from self._probed(first)
        elif labels.get("ruta.job") == "streams":
            yield from self._operates(pod, first, said)
        elif _FILES.keys() & said.keys():
            yield f"{first['name']} is told of certificates, and there are none for it"
        if document["kind"] != "Job" and self.wanted:
            yield from self._dials(first, said)
        if service == BROKER and self.wanted:
            places = _places(pod, first, service)
            for file in ("/etc/ruta/certificate/tls.key", "/etc/ruta/trust/ca.crt"):
                if file not in places:
                    yield f"{first['name']} finds no {file}"

    def _shows(
        self, pod: Document, container: Document, said: Mapping[str, str], service: str
    ) -> Iterator[str]:
        places = _places(pod, container, service)
        for variable, file in _FILES.items():
            if places.get(said.get(variable, "")) != file:
                yield f"{container['name']} finds no {file} of its own at {variable}"
        if service not in self.certified:
            yield f"nothing makes {certificate_of(service)}"

    def _could_pass(self, pod: Document, service: str) -> Iterator[str]:
        if names(pod, AUTHORITY):
            yield f"names {AUTHORITY}, which holds the authority's key"
        for other in NAMES:
            if other != service and names(pod, certificate_of(other)):
                yield f"names {certificate_of(other)}: it could pass for {other}"

    def _operates(
        self, pod: Document, container: Document, said: Mapping[str, str]
    ) -> Iterator[str]:
        """Check the Job that creates the streams. It connects to the broker, and no process connects to it."""
        if _places(pod, container, "").get(said.get("RUTA_TRUST_FILE", "")) != "ca.crt":
            yield f"{container['name']} finds no ca.crt at RUTA_TRUST_FILE"
        yield from self._dials(container, said)

    def _probed(self, container: Document) -> Iterator[str]:
        for probe in _PROBES:
            if container.get(probe, {}).get("httpGet", {}).get("scheme") != "HTTPS":
                yield f"its {probe} asks without TLS"

    def _dials(self, container: Document, said: Mapping[str, str]) -> Iterator[str]:
        for variable, value in sorted(said.items()):
            for address in value.replace(",", " ").split():
                parts = urlsplit(address)
                host = parts.hostname
                if host not in self.behind or host in _IN_CLEAR:
                    continue
                if parts.scheme in _CLEAR:
                    yield f"{container['name']} dials {host} in clear ({variable})"
                elif parts.scheme in {"https", "tls"}:
                    service = self.behind[host]
                    if host not in self.certified.get(str(service), set()):
                        yield f"{container['name']} dials {host}, which no certificate names"

    def _of_monitor(self, spec: Document) -> Iterator[str]:
        for service in sorted(self._watched(spec["selector"])):
            for endpoint in spec["podMetricsEndpoints"]:
                tls = endpoint.get("tlsConfig", {})
                if endpoint.get("scheme") != "https":
                    yield f"asks {service} without TLS"
                elif tls.get("ca") != {"configMap": {"name": TRUST, "key": "ca.crt"}}:
                    yield f"takes anybody for {service}"
                elif tls.get("serverName") not in self.certified.get(service, set()):
                    yield f"asks {service} for a name that its certificate is not for"

    def _watched(self, selector: Document) -> set[str]:
        """Return the services with certificates whose processes the monitor scrapes. The broker's exporter has no
        certificate."""
        found = set()
        for document in self.documents:
            if document["kind"] != "Deployment":
                continue
            labels = document["spec"]["template"]["metadata"]["labels"]
            service = labels.get("ruta.service")
            if service in NAMES and _selects(selector, labels):
                found.add(str(service))
        return found

    def _of_entrance(self, kind: str) -> Iterator[str]:
        wanted = {
            "targetRefs": [{"group": "", "kind": "Service", "name": "gateway"}],
            "validation": {
                "caCertificateRefs": [{"group": "", "kind": "ConfigMap", "name": TRUST}],
                "hostname": "gateway",
            },
        }
        policies = [d["spec"] for d in self.documents if d["kind"] == "BackendTLSPolicy"]
        if kind == "Ingress" or wanted not in policies:
            yield "reaches the front without TLS"


def _serves(document: Document) -> bool:
    tier = document["spec"]["template"]["metadata"]["labels"].get("ruta.tier")
    return document["kind"] == "Deployment" and tier in {"service", "worker"}


def _places(pod: Document, container: Document, service: str) -> dict[str, str]:
    """Return the container's files, by path, that contain its own certificate and the authority, and that are kept up
    to date."""
    held = {
        ("secret", "secretName", certificate_of(service)): ("tls.crt", "tls.key"),
        ("configMap", "name", TRUST): ("ca.crt",),
    }
    files = {
        volume["name"]: found
        for volume in pod.get("volumes", [])
        for (kind, key, name), found in held.items()
        if volume.get(kind, {}).get(key) == name
    }
    return {
        f"{mount['mountPath']}/{file}": file
        for mount in container.get("volumeMounts", [])
        if mount.get("readOnly") and "subPath" not in mount
        for file in files.get(mount["name"], ())
    }


def _selects(selector: Document, labels: Mapping[str, str]) -> bool:
    if not selector.get("matchLabels", {}).items() <= labels.items():
        return False
    return all(
        (labels.get(each["key"]) in each["values"]) == (each["operator"] == "In")
        for each in selector.get("matchExpressions", [])
    )


def _known_as(certificate: str) -> set[str]:
    read = x509.load_pem_x509_certificate(certificate.encode())
    alternatives = read.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return set(alternatives.get_values_for_type(x509.DNSName))
