"""Bodies of the pathway endpoints, as the API description shows them."""

from datetime import date, datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from common.events.codes import CapacityState
from common.http import Strict
from common.words.each import Each
from common.words.enums import enum_of
from pydantic import BaseModel, Field, model_validator

from directory.ground.hsds.extensions import AorCode, FunctionalCode
from directory.pathways.definition.graph import Pathway, Sentence, Urgency
from directory.pathways.definition.profile import PLACE, Aor, Profile

BATCH_LIMIT = 100
SIMULATION_LIMIT = 50

VersionState = Literal["draft", "submitted", "returned", "published"]
UrgencyCode = Annotated[str, enum_of(Urgency)]


class Said(Each[str]):
    """A sentence in Spanish and English."""


class FindingOut(BaseModel):
    code: str
    severity: str
    step: str | None = None
    pointer: str
    says: Said


class VersionOut(BaseModel):
    """One version of a pathway. `effective` includes the steps that it inherits from wider areas."""

    pathway_id: UUID
    aor: AorCode
    area: str
    number: int
    state: VersionState
    pathway: dict[str, Any] = Field(description="As written: a `Pathway`.")
    effective: dict[str, Any] | None = None
    findings: list[FindingOut] = []
    written_by: str | None = None
    written_at: datetime | None = None
    submitted_at: datetime | None = None
    published_at: datetime | None = None
    returned_because: str | None = None
    possible_steps: list[str] | None = Field(
        None,
        description="Only when you read the draft or the newest published version: what you can do "
        "with it now (draft, submit, return, publish).",
    )


class PathwayListed(BaseModel):
    """A pathway in a list. Only people who may draft this AoR's pathways see `open_*`."""

    id: UUID
    aor: AorCode
    area: str
    published_number: int | None = None
    open_state: VersionState | None = None
    open_number: int | None = None


class FromProposal(Strict):
    """Starts a draft from the shipped proposal of an AoR."""

    area: Annotated[str, Field(pattern=PLACE)]


class Returned(Strict):
    because: Sentence


class FieldChangeOut(BaseModel):
    field: str
    old: Any = None
    new: Any = None


class StepChangeOut(BaseModel):
    step: str
    kind: str
    need: str
    changes: list[FieldChangeOut] = []


class DifferenceOut(BaseModel):
    """A change of one field. `old` is absent if there was no version before."""

    old: int | None = None
    new: int
    pathway: list[FieldChangeOut]
    steps: list[StepChangeOut]
    reordered: bool


class ReasonOut(BaseModel):
    """A reason. `weighs` is for, against, excludes or check. The `points` of all reasons add up to the service's
    total."""

    code: str
    weighs: str
    points: int
    says: Said


class ReferralOut(BaseModel):
    """The way to refer, as codes of the referral attribute lists."""

    method: str | None = None
    response_delay: str | None = None
    next_step: str | None = None
    feedback_mechanism: str | None = None
    focal_role: str | None = None
    hours: str | None = None
    intermediary: str | None = None


class ServiceOut(BaseModel):
    service_id: UUID
    name: str
    organisation: str | None = None
    area: str | None = Field(None, description="P-code of the site, as exact as you may see it.")
    kilometres: int | None = None
    approximate: bool = False
    capacity_state: CapacityState | None = None
    functional_status: FunctionalCode
    valid_until: date | None = None
    open: Said | None = None
    opens: Said | None = Field(None, description="When it opens next, where it is closed now.")
    ways: list[str] = Field(
        [],
        description="By which ways it is reached: call and walk_in need no referral; referral.",
    )
    referral: ReferralOut


class RankedOut(ServiceOut):
    points: int
    reasons: list[ReasonOut]


class MissedOut(ServiceOut):
    excluded_by: list[ReasonOut]
    late: bool = Field(False, description="It fits in everything but its time: it may be asked.")


class ExcludedOut(BaseModel):
    code: str
    services: int


class GapOut(BaseModel):
    """A gap. `nearest` contains services that would fit in another area. `near_misses` contains those that fail the
    fewest conditions here; those that are only late come first."""

    nearest: MissedOut | None = None
    near_misses: list[MissedOut]
    excluded: list[ExcludedOut]


class SourceOut(BaseModel):
    """The pathway that contains the step, and the facts to check."""

    aor: AorCode
    step: str
    urgency: UrgencyCode
    to_check: list[str] = []
    note: Said | None = None


class StepOut(BaseModel):
    """A step of the plan. `remaining_hours` is the remainder of a clinical window. `fitting` counts all services that
    fit."""

    order: int
    stage: int
    need: str
    label: Said
    urgency: UrgencyCode
    urgency_says: Said
    window_hours: int | None = None
    remaining_hours: int | None = None
    safety: bool
    requested: bool
    after: list[str]
    because: list[SourceOut]
    coverage: str
    coverage_says: Said
    intermediaries: list[Said] = []
    services: list[RankedOut]
    fitting: int
    folded: bool = Field(False, description="Not among the first five actions: show it on demand.")
    gap: GapOut | None = None
    meanwhile: Said | None = Field(
        None, description="What to do where coverage is gap_in_time: a service, but too late."
    )
    fallbacks: list["StepOut"] = []


class InForceOut(BaseModel):
    """The pathway in force. `version` lists the version of each layer, widest area first, or is "proposal"."""

    aor: AorCode
    version: str
    pathway_ids: list[UUID]
    title: Said
    proposal: bool
    because: str
    because_says: Said
    focal_point: Said | None = None


class DoubtOut(BaseModel):
    aor: AorCode
    to_check: list[str]


class EmergencyNumberOut(BaseModel):
    number: str
    says: Said


class Resolution(BaseModel):
    """`directory_version` is a digest of the documents that were read. Together with the pathways' versions and
    `as_of`, it determines the response."""

    as_of: date
    directory_version: str
    area: str
    pathways: list[InForceOut]
    doubts: list[DoubtOut]
    notices: list[Said]
    emergency_numbers: list[EmergencyNumberOut] = Field(
        [], description="Of the area's country. Call only if it is safe for the person."
    )
    steps: list[StepOut]
    gaps: list[str]


class Batch(Strict):
    profiles: Annotated[list[Profile], Field(min_length=1, max_length=BATCH_LIMIT)]


class BatchResolution(BaseModel):
    """The results, in the order of the profiles."""

    items: list[Resolution]


class Simulation(Strict):
    """Profiles for comparing the open draft with the published version: these profiles, or those of a stored set."""

    profiles: Annotated[list[Profile], Field(default_factory=list, max_length=SIMULATION_LIMIT)]
    profile_set: UUID | None = Field(None, description="Id of a stored set, instead of `profiles`.")

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if bool(self.profiles) == (self.profile_set is not None):
            raise ValueError("give either profiles or a profile_set")
        return self


class MovedOut(BaseModel):
    need: str
    before: int
    after: int


class TurnedOut(BaseModel):
    need: str
    before: str
    after: str


class EffectOut(BaseModel):
    """The changes that the draft would make to the plan of one profile."""

    profile: int
    changes: bool
    gained: list[str]
    lost: list[str]
    moved: list[MovedOut]
    coverage: list[TurnedOut]
    urgency: list[TurnedOut]


class SimulationOut(BaseModel):
    draft: int
    published: str
    affected: int
    items: list[EffectOut]


class CodeOut(BaseModel):
    code: str
    says: Said


class Codes(BaseModel):
    items: list[CodeOut]


class ProposalOut(BaseModel):
    aor: AorCode
    pathway: dict[str, Any]
    notice: Said


class Proposals(BaseModel):
    items: list[ProposalOut]


class Endorse(Strict):
    """Records that the AoR's coordination endorses a service."""

    service_id: UUID
    aor: Aor


class EndorsementOut(BaseModel):
    service_id: UUID
    aor: AorCode
    endorsed_at: datetime | None = None


class SuggestedEndorsement(BaseModel):
    """A service that would fill a gap of the pathway if it were endorsed."""

    service_id: UUID
    name: str
    organisation: str | None = None
    need: str
    areas: list[str]
    also_needed: list[ReasonOut]


class SuggestedEndorsements(BaseModel):
    aor: AorCode
    items: list[SuggestedEndorsement]


class PathwayBody(Pathway):
    """A coordinator's pathway for one area, in both languages."""

    @model_validator(mode="before")
    @classmethod
    def _not_a_proposal(cls, data: Any) -> Any:
        # Only pathways that ship with Ruta are proposals, never a coordinator's draft.
        if isinstance(data, dict):
            return {key: value for key, value in data.items() if key != "proposal"}
        return data
