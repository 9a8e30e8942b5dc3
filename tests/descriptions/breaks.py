"""Finds changes in a new API description that would break a client of an older one.

The check is pure: it takes two OpenAPI 3.1 documents and returns findings. The API must still accept everything that a
client sends, and responses must stay as described. Responses may grow, because clients must ignore unknown members and
values, as with events.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum, StrEnum
from typing import Any

Json = Mapping[str, Any]

_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_NAME = "$name"
# Requests break if one of these limits becomes stricter.
_AT_MOST = ("maxLength", "maximum", "exclusiveMaximum", "maxItems", "maxProperties")
_AT_LEAST = ("minLength", "minimum", "exclusiveMinimum", "minItems", "minProperties")
_EXACTLY = ("pattern", "format", "multipleOf", "uniqueItems")


class Remedy(StrEnum):
    """The remedy for a finding."""

    KEEP = "keep it and mark it deprecated; it may go in the next version of the path"
    OPTIONAL = "let it be left out, with a default that means what its absence meant"
    ACCEPT = "keep accepting what was accepted; a narrower rule belongs to the next version"
    PROMISE = "keep the promise; say something new in a new, optional member"
    ACCESS = "keep the access; who may no longer do this needs the next version"
    NAME = "keep the name: generated clients call it"


@dataclass(frozen=True)
class Break:
    """A breaking change. `where` names the operation and the place in it."""

    where: str
    what: str
    remedy: Remedy

    def __str__(self) -> str:
        return f"{self.where}: {self.what}. {self.remedy.value.capitalize()}."


class _Way(Enum):
    """The side that writes the data that a schema describes."""

    SENT = "sent by the client"
    ANSWERED = "answered to the client"


def breaks(old: Json, new: Json) -> list[Break]:
    """Return everything in `new` that breaks a promise to clients of `old`, by place."""
    now = {(_shape(path), method): (path, o) for path, method, o in _operations(new)}
    found: list[Break] = []
    for path, method, operation in _operations(old):
        where = f"{method.upper()} {path}"
        path_now, kept = now.get((_shape(path), method), ("", None))
        if kept is None:
            found.append(Break(where, "the operation is gone", Remedy.KEEP))
            continue
        renamed = dict(zip(_names_in(path), _names_in(path_now), strict=True))
        found += _Comparison(old, new).operation(where, operation, kept, renamed)
    return found


def skeleton(document: Json) -> dict[str, Any]:
    """Return the parts of a document that `breaks` reads, small enough to store for each release."""
    paths: dict[str, dict[str, Any]] = {}
    for path, method, operation in _operations(document):
        paths.setdefault(path, {})[method] = {
            **{key: operation[key] for key in ("operationId", "x-ruta-access") if key in operation},
            "parameters": [_bare(_resolved(document, p)) for p in operation["parameters"]],
            **(
                {"requestBody": _bare(operation["requestBody"])}
                if "requestBody" in operation
                else {}
            ),
            "responses": {
                status: _bare(answer) for status, answer in _answers_of(operation).items()
            },
        }
    schemas = document.get("components", {}).get("schemas", {})
    bare = {name: _bare(schema) for name, schema in schemas.items()}
    return {"paths": paths, "components": {"schemas": bare}}


_WORDS_FOR_READERS = {"description", "title", "summary", "example", "examples", "links", _NAME}


def _bare(node: Any, *, named: bool = False) -> Any:
    """Remove the parts that only people read. With `named`, the keys are names from the description."""
    if isinstance(node, list):
        return [_bare(each) for each in node]
    if not isinstance(node, dict):
        return node
    maps = {"properties", "content", "responses"}
    return {
        # The API promises only a header's name.
        key: {name: {} for name in value}
        if key == "headers" and not named
        else _bare(value, named=key in maps and not named)
        for key, value in node.items()
        if named or (key not in _WORDS_FOR_READERS and not key.startswith("x-"))
    }


def _operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    for path, item in document.get("paths", {}).items():
        shared = item.get("parameters", [])
        for method in _METHODS:
            if method in item:
                own = item[method]
                yield path, method, {**own, "parameters": [*shared, *own.get("parameters", [])]}


def _answers_of(operation: Json) -> Json:
    """Return the successful responses. A refusal is a problem detail, and only its code is promised (`./ruta docs
    errors`)."""
    answers = operation.get("responses", {})
    return {status: answer for status, answer in answers.items() if status[0] in "23"}


def _shape(path: str) -> str:
    return re.sub(r"{[^}]*}", "{}", path)


def _names_in(path: str) -> list[str]:
    return re.findall(r"{([^}]*)}", path)


@dataclass
class _Comparison:
    old: Json
    new: Json
    within: frozenset[tuple[str, str, _Way]] = frozenset()
    """Pairs of references that are being compared: a schema may hold itself."""

    def operation(
        self, where: str, old: Json, new: Json, renamed: Mapping[str, str]
    ) -> Iterator[Break]:
        if old.get("operationId", "") != new.get("operationId", ""):
            gone = f"the operation's id {old.get('operationId')} became {new.get('operationId')}"
            yield Break(where, gone, Remedy.NAME)
        yield from _access(where, old, new)
        yield from self._parameters(where, old, new, renamed)
        yield from self._body(where, old, new)
        yield from self._answers(where, old, new)

    def _parameters(
        self, where: str, old: Json, new: Json, renamed: Mapping[str, str]
    ) -> Iterator[Break]:
        before = {self._key(p, renamed): p for p in self._each(self.old, old["parameters"])}
        now = {self._key(p, {}): p for p in self._each(self.new, new["parameters"])}
        for key, parameter in before.items():
            place = f"{where} → {key[0]} parameter {key[1]}"
            if key not in now:
                yield Break(place, "the parameter is gone", Remedy.KEEP)
                continue
            if now[key].get("required") and not parameter.get("required"):
                yield Break(place, "the parameter became required", Remedy.OPTIONAL)
            one, other = parameter.get("schema", {}), now[key].get("schema", {})
            if one.get("default") != other.get("default"):
                changed = f"the default {one.get('default')!r} became {other.get('default')!r}"
                yield Break(place, changed, Remedy.PROMISE)
            yield from self._schema(place, one, other, _Way.SENT)
        for key in now.keys() - before.keys():
            if now[key].get("required"):
                place = f"{where} → {key[0]} parameter {key[1]}"
                yield Break(place, "a new parameter is required", Remedy.OPTIONAL)

    @staticmethod
    def _key(parameter: Json, renamed: Mapping[str, str]) -> tuple[str, str]:
        place, name = parameter["in"], parameter["name"]
        if place == "header":
            name = name.lower()
        return place, renamed.get(name, name) if place == "path" else name

    def _each(self, document: Json, parts: list[Json]) -> Iterator[Json]:
        for part in parts:
            yield _resolved(document, part)

    def _body(self, where: str, old: Json, new: Json) -> Iterator[Break]:
        place = f"{where} → body"
        before = _resolved(self.old, old.get("requestBody", {}))
        now = _resolved(self.new, new.get("requestBody", {}))
        if now.get("required") and not before.get("required"):
            yield Break(place, "a body became required", Remedy.OPTIONAL)
        for kind, media in before.get("content", {}).items():
            if kind not in now.get("content", {}):
                yield Break(place, f"{kind} is no longer accepted", Remedy.KEEP)
                continue
            other = now["content"][kind]
            yield from self._schema(
                place, media.get("schema", {}), other.get("schema", {}), _Way.SENT
            )

    def _answers(self, where: str, old: Json, new: Json) -> Iterator[Break]:
        for status, answer in _answers_of(old).items():
            place = f"{where} → answer {status}"
            if status not in new.get("responses", {}):
                yield Break(place, "the answer is gone", Remedy.KEEP)
                continue
            before = _resolved(self.old, answer)
            now = _resolved(self.new, new["responses"][status])
            for name in before.get("headers", {}).keys() - now.get("headers", {}).keys():
                yield Break(place, f"the header {name} is gone", Remedy.KEEP)
            for kind, media in before.get("content", {}).items():
                if kind not in now.get("content", {}):
                    yield Break(place, f"{kind} is no longer answered", Remedy.KEEP)
                    continue
                other = now["content"][kind]
                yield from self._schema(
                    place, media.get("schema", {}), other.get("schema", {}), _Way.ANSWERED
                )

    def _schema(self, where: str, old: Json, new: Json, way: _Way) -> Iterator[Break]:
        """Yield a break for each type that the writer may use but the reader does not accept."""
        before, now = _kinds(self.old, old), _kinds(self.new, new)
        written, read = (before, now) if way is _Way.SENT else (now, before)
        for one in written:
            near = [other for other in read if _same_type(one, other)]
            if not near:
                yield Break(where, _foreign(one, way), _remedy(way))
                continue
            pairs = [(one, other) if way is _Way.SENT else (other, one) for other in near]
            # Report the differences from the nearest type, which shows what needs to change.
            yield from min((list(self._one(where, *pair, way)) for pair in pairs), key=len)

    def _one(self, where: str, old: Json, new: Json, way: _Way) -> Iterator[Break]:
        pair = (old.get(_NAME, ""), new.get(_NAME, ""), way)
        if pair in self.within:
            return
        inner = replace(self, within=self.within | {pair}) if all(pair[:2]) else self
        yield from _values(where, old, new, way)
        yield from inner._members(where, old, new, way)
        if isinstance(old.get("items"), dict) and isinstance(new.get("items"), dict):
            yield from inner._schema(f"{where}/[]", old["items"], new["items"], way)

    def _members(self, where: str, old: Json, new: Json, way: _Way) -> Iterator[Break]:
        before, now = old.get("properties", {}), new.get("properties", {})
        required, required_now = set(old.get("required", ())), set(new.get("required", ()))
        for name in before:
            if name not in now:
                yield Break(f"{where}/{name}", "the member is gone", Remedy.KEEP)
            else:
                yield from self._schema(f"{where}/{name}", before[name], now[name], way)
        if way is _Way.SENT:
            for name in sorted(required_now - required):
                yield Break(f"{where}/{name}", "the member is now required", Remedy.OPTIONAL)
        else:
            for name in sorted((required - required_now) & now.keys()):
                yield Break(f"{where}/{name}", "the member may now be absent", Remedy.PROMISE)
        other, other_now = (s.get("additionalProperties", True) for s in (old, new))
        if isinstance(other, dict) and isinstance(other_now, dict):
            yield from self._schema(f"{where}/*", other, other_now, way)
        elif way is _Way.SENT and other_now is False and other is not False:
            yield Break(where, "members of other names are now refused", Remedy.ACCEPT)


def _access(where: str, old: Json, new: Json) -> Iterator[Break]:
    before, now = old.get("x-ruta-access", {}), new.get("x-ruta-access", {})
    if before.get("anonymous") and not now.get("anonymous"):
        yield Break(where, "a token is now needed", Remedy.ACCESS)
        return
    if now.get("scope") not in (None, before.get("scope")):
        told = f"the scope {before.get('scope')} became {now['scope']}"
        yield Break(where, told, Remedy.ACCESS)
    if now.get("roles") is None:
        return
    if before.get("roles") is None:
        told = f"only the roles {', '.join(now['roles'])} may do it now"
        yield Break(where, told, Remedy.ACCESS)
    elif gone := sorted(set(before["roles"]) - set(now["roles"])):
        yield Break(where, f"{', '.join(gone)} may no longer do it", Remedy.ACCESS)


def _values(where: str, old: Json, new: Json, way: _Way) -> Iterator[Break]:
    before, now = _listed(old), _listed(new)
    if way is _Way.ANSWERED:
        if before is not None and now is not None and not set(before) & set(now):
            yield Break(where, f"none of {', '.join(before)} is answered any more", Remedy.PROMISE)
        if old.get("format") and old["format"] != new.get("format"):
            told = f"the format {old['format']} became {new.get('format')}"
            yield Break(where, told, Remedy.PROMISE)
        return
    if before is not None:
        refused = [value for value in before if now is not None and value not in now]
        if refused:
            yield Break(where, f"{', '.join(refused)} is no longer accepted", Remedy.ACCEPT)
        return  # An enum already lists every accepted value, so bounds add nothing.
    if now is not None:
        yield Break(where, f"only {', '.join(now)} is accepted now", Remedy.ACCEPT)
    for word in (*_AT_MOST, *_AT_LEAST, *_EXACTLY):
        if _narrower(word, old.get(word), new.get(word)):
            told = f"{word} {old.get(word, 'unsaid')} became {new[word]}"
            yield Break(where, told, Remedy.ACCEPT)


def _narrower(word: str, old: Any, new: Any) -> bool:
    if new is None or new == old:
        return False
    if old is None or word in _EXACTLY:
        return word != "uniqueItems" or bool(new)
    return bool(new < old if word in _AT_MOST else new > old)


def _listed(schema: Json) -> list[str] | None:
    if "const" in schema:
        return [str(schema["const"])]
    return [str(value) for value in schema["enum"]] if "enum" in schema else None


def _kinds(document: Json, schema: Json) -> list[Json]:
    """Return a schema's alternatives with their names, each with at most one type."""
    node = _resolved(document, schema)
    if "allOf" in node:
        return [_merged(document, node)]
    inner = [*node.get("anyOf", ()), *node.get("oneOf", ())]
    if inner:
        return [kind for each in inner for kind in _kinds(document, each)]
    if isinstance(node.get("type"), list):
        return [{**node, "type": one} for one in node["type"]]
    return [node]


def _merged(document: Json, node: Json) -> Json:
    parts: list[Json] = [{k: v for k, v in node.items() if k != "allOf"}]
    parts += [kind for part in node["allOf"] for kind in _kinds(document, part)]
    whole: dict[str, Any] = {}
    for part in parts:
        whole |= {k: v for k, v in part.items() if k not in {"properties", "required"}}
    whole["properties"] = {k: v for p in parts for k, v in p.get("properties", {}).items()}
    whole["required"] = sorted({name for p in parts for name in p.get("required", ())})
    return whole


def _same_type(written: Json, read: Json) -> bool:
    one, other = _type(written), _type(read)
    return other in (one, "") or (one, other) == ("integer", "number")


def _type(schema: Json) -> str:
    """Return the schema's only type, or an empty text if any type is allowed."""
    if "type" in schema:
        return str(schema["type"])
    values = [*schema.get("enum", ()), *([schema["const"]] if "const" in schema else [])]
    if values and all(isinstance(value, str) for value in values):
        return "string"
    return "object" if "properties" in schema else ""


def _foreign(schema: Json, way: _Way) -> str:
    kind = _type(schema) or "any value"
    return (
        f"{kind} is no longer accepted" if way is _Way.SENT else f"{kind} may now be answered, too"
    )


def _remedy(way: _Way) -> Remedy:
    return Remedy.ACCEPT if way is _Way.SENT else Remedy.PROMISE


def _resolved(document: Json, node: Json) -> Json:
    """Return the target of a reference with its name and the members beside the reference."""
    if "$ref" not in node:
        return node
    found: Any = document
    for step in node["$ref"].removeprefix("#/").split("/"):
        found = found[step.replace("~1", "/").replace("~0", "~")]
    beside = {key: value for key, value in node.items() if key != "$ref"}
    return {**_resolved(document, found), **beside, _NAME: node["$ref"]}
