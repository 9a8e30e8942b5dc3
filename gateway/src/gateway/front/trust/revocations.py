"""What the issuer has withdrawn before its time: clients, people, organisations, sign-ins, tokens."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from common.auth import Principal


@dataclass
class Revocations:
    """Each mapping: id → second since 1970; tokens issued until then are void. `known`: whether the list was read at
    all; a front that has just started knows of none, and believes nobody."""

    known: bool = False
    clients: dict[str, float] = field(default_factory=dict)
    subjects: dict[str, float] = field(default_factory=dict)
    organisations: dict[str, float] = field(default_factory=dict)
    tokens: frozenset[str] = frozenset()
    sign_ins: frozenset[str] = frozenset()

    def cover(self, principal: Principal, token_id: str, issued: float, sign_in: str = "") -> bool:
        """Whether a token with these names and this `iat` is void."""
        return (
            issued <= self.clients.get(principal.client_id, -1)
            or issued <= self.subjects.get(principal.subject, -1)
            or (
                # Writing an id out takes longer than all the rest, and hardly ever is one withdrawn.
                len(self.organisations) > 0
                and issued <= self.organisations.get(str(principal.organisation_id), -1)
            )
            or (token_id != "" and token_id in self.tokens)
            or (sign_in != "" and sign_in in self.sign_ins)
        )

    def replace(self, document: Mapping[str, Any]) -> None:
        """Take over what the issuer says now; ValueError if it is no such document."""
        try:
            clients = {str(k): float(v) for k, v in document["clients"].items()}
            subjects = {str(k): float(v) for k, v in document["subjects"].items()}
            organisations = {str(k): float(v) for k, v in document["organisations"].items()}
            tokens = frozenset(str(t) for t in document["tokens"])
            sign_ins = frozenset(str(s) for s in document.get("sign_ins", ()))
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError("not a document of revocations") from error
        self.clients, self.subjects = clients, subjects
        self.organisations = organisations
        self.tokens, self.sign_ins = tokens, sign_ins
        self.known = True
