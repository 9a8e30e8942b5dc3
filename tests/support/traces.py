"""Reads the spans that processes exported over OTLP, by trace."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True)
class ReadSpan:
    service: str
    name: str
    trace: str
    span: str
    parent: str


def spans_of(bodies: Iterable[bytes]) -> Iterator[ReadSpan]:
    """Yield every exported span. Ids are hexadecimal, and a root span has an empty `parent`."""
    for body in bodies:
        request = ExportTraceServiceRequest()
        request.ParseFromString(body)
        for resource in request.resource_spans:
            service = next(
                (
                    a.value.string_value
                    for a in resource.resource.attributes
                    if a.key == "service.name"
                ),
                "",
            )
            for scope in resource.scope_spans:
                for span in scope.spans:
                    yield ReadSpan(
                        service,
                        span.name,
                        span.trace_id.hex(),
                        span.span_id.hex(),
                        span.parent_span_id.hex(),
                    )
