"""Commands for an open screening. Pure."""

from common.words.choices import offered

from console.commands import Command, Field

_SCREENING = "/referrals/v1/screenings/{screening_id}"
STOP = Command(
    "stop",
    f"{_SCREENING}/stop",
    (
        Field("reason", "choice", offered("stop", "screening")),
        Field("keep_answers", "agreed"),
    ),
)
CONCLUDE = Command(
    "conclude",
    f"{_SCREENING}/conclude",
    (
        Field("judgement", "choice"),
        Field("exploitation_types", "several"),
        Field("rationale", "area"),
    ),
)
ATTACH = Command("attach", f"{_SCREENING}/case", (Field("case_id", "pick"),))
ERASE = Command("forget", f"{_SCREENING}/erase", (Field("confirm", "text"),))
JUDGEMENTS = ("no_indication", "insufficient_information", "possible_victim", "presumed_victim")
EXPLOITATION = tuple(
    f"purpose.{kind}"
    for kind in (
        "prostitution_others", "sexual", "forced_labour", "slavery", "servitude", "debt_bondage",
        "organs", "begging", "irregular_adoption", "servile_marriage", "criminal", "armed_groups",
        "mining",
    )
)  # fmt: skip
