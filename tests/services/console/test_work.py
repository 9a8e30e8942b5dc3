"""Work outside of cases as rows of the work list: whose task it is, when it is due, and how long it counts as new."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from babel.dates import format_date, format_datetime, format_time
from common.auth import Principal, Role
from common.words.languages import LANGUAGES
from console.answers import Answer
from console.codes import Codes
from console.figures.views import last_months
from console.moments import Moments
from console.referral_views import left
from console.texts import wording
from console.visitors import Visitor
from console.work import beside
from console.work.views import code_of, groups, path_of
from referrals.ground.tasks.kinds import TaskKind

OWN, OTHER = "0190a000-0000-7000-8000-000000000001", "0190a000-0000-7000-8000-000000000002"
# In Caracas it is still the evening of the 27th.
NOW = datetime(2026, 11, 28, 2, tzinfo=UTC)
MOMENTS = Moments("es", ZoneInfo("America/Caracas"), NOW)


def visitor(role: Role, *scopes: str) -> Visitor:
    principal = Principal("p", "p", OWN, roles=frozenset({role}), scopes=frozenset(scopes))  # type: ignore[arg-type]
    return Visitor(principal, "token", "csrf", "name", "organisation", 0)


def rows(part: str, who: Visitor, *items: Any) -> list[beside.Item]:
    (source,) = (each for each in beside.sources(who) if each.part == part)
    return beside.rows(source, Answer(200, {"items": list(items)}), who, MOMENTS)


COORDINATOR = visitor(
    Role.COORDINATOR,
    "referrals:read",
    "directory:read",
    "directory:write",
    "directory:curate",
    "reports:read",
)
OFFICER = visitor(Role.IM, "directory:curate", "reports:read", "reports:publish")
SUPERVISOR = visitor(Role.SUPERVISOR, "referrals:read", "reports:read")


def test_each_list_is_asked_for_by_whoever_does_what_is_in_it() -> None:
    assert [one.part for one in beside.sources(COORDINATOR)] == [
        "entries",
        "verification",
        "bulletins",
    ]
    assert [one.part for one in beside.sources(OFFICER)] == ["bulletins", "releases", "imports"]
    assert [one.part for one in beside.sources(SUPERVISOR)] == ["releases"]
    assert beside.sources(visitor(Role.AUDITOR, "referrals:read", "reports:read")) == []
    assert beside.sources(visitor(Role.READER, "directory:read")) == []


def test_a_coordinator_is_reminded_of_what_they_curate_and_others_of_their_own() -> None:
    partner = visitor(Role.PARTNER, "directory:read", "directory:write")
    for who, of in ((COORDINATOR, "curated"), (partner, "own")):
        (source,) = (each for each in beside.sources(who) if each.part == "verification")
        assert source.query(who)["of"] == of


def test_organisations_that_are_late_are_counted_and_no_referral_is_named() -> None:
    counted = [
        {"aor": "GBV", "urgency": "emergency", "organisations": 1},
        {"aor": "CP", "urgency": "routine", "organisations": 3},
    ]
    found = list(beside.to_call(counted))
    late, then = groups(found, wording("es"), Codes("es"), MOMENTS, {})
    assert (late.name, then.name) == ("first", "routine")
    (first,), (second,) = late.rows, then.rows
    assert {first.verb, second.verb} == {"Llamar a la organización"}
    assert first.late
    assert first.what.startswith("1 organización con remisiones fuera de plazo · Violencia")
    assert second.what.startswith("3 organizaciones con remisiones fuera de plazo · Protección")
    assert (first.urgency, first.code, first.path) == ("emergency", "", "/console/late")


def test_a_thing_has_one_code_on_every_page() -> None:
    """A case shows its own code if the reader has it; referrals and reports show the end of their id."""
    ids = {"grant_id": "0" * 24 + "aaaaaaaa", "case_id": "0" * 24 + "bbbbbbbb"}
    assert code_of(ids, "4N2K7-QW3ER") == "4N2K7-QW3ER"
    assert code_of(ids, None) == "AAAAAAAA"
    assert code_of({**ids, "referral_id": "0" * 24 + "cccccccc"}, "4N2K7-QW3ER") == "CCCCCCCC"
    assert (
        code_of({"exception_id": "1" * 32, "report_id": "0" * 24 + "dddddddd"}, None) == "DDDDDDDD"
    )


@pytest.mark.parametrize(
    ("due", "group"),
    [
        ("2026-11-26", "overdue"),
        ("2026-11-27", "today"),
        ("2026-11-28", "week"),
        ("2026-12-03", "week"),
        ("2026-12-04", "later"),
    ],
)
def test_a_verification_is_due_on_a_day_at_home(due: str, group: str) -> None:
    one = {"service_id": OTHER, "name": "Casa", "kind": "verification_due", "due_on": due}
    (row,) = rows("verification", COORDINATOR, one)
    assert (row["group"], row["verb"]) == (group, "verify")
    assert path_of(row["kind"], row["ids"]) == f"/console/entries/{OTHER}"


@pytest.mark.parametrize(
    ("due", "said"),
    [
        ("2026-11-28T00:00:00Z", "28 nov. 2026"),
        ("2026-11-28T00:00:00+00:00", "28 nov. 2026"),
        ("2026-11-28T14:30:00Z", "28 nov., 10:30"),
        (None, ""),
    ],
)
def test_a_deadline_that_is_a_day_is_that_day_and_not_the_evening_before(
    due: str | None, said: str
) -> None:
    assert MOMENTS.due(due) == said


@pytest.mark.parametrize(
    ("due", "said"),
    [
        ("2026-11-26T00:00:00Z", "vencido desde hace 1 día"),
        ("2026-11-27T00:00:00Z", "vence hoy"),
        ("2026-11-28T00:00:00Z", "queda 1 día"),
        ("2026-11-30T00:00:00Z", "quedan 3 días"),
        ("2026-11-28T03:30:00Z", "queda 1 h"),
    ],
)
def test_what_is_left_of_days_is_told_by_the_day_at_home(due: str, said: str) -> None:
    assert left(due, wording("es"), MOMENTS, late=due < "2026-11-27") == said


@pytest.mark.parametrize(
    ("zone", "now", "last"),
    [
        (
            "America/Caracas",
            datetime(2026, 12, 1, 1, tzinfo=UTC),
            "2026-12",
        ),  # 30 November at home.
        ("Asia/Dhaka", datetime(2026, 11, 30, 19, tzinfo=UTC), "2026-11"),  # 1 December at home.
    ],
)
def test_the_months_that_stand_beside_each_other_are_those_that_are_counted_in(
    zone: str, now: datetime, last: str
) -> None:
    months = last_months(Moments("es", ZoneInfo(zone), now).counted_on)
    assert (len(months), months[-1]) == (12, last)


@pytest.mark.parametrize(
    ("period", "es", "en"),
    [
        ("2026-10b", "16–31 de octubre de 2026", "16–31 October 2026"),
        ("2026-02a", "1–15 de febrero de 2026", "1–15 February 2026"),
        ("2028-02b", "16–29 de febrero de 2028", "16–29 February 2028"),
        ("2026-10", "octubre de 2026", "October 2026"),
        ("2026-Q4", "4.º trimestre de 2026", "Q4 2026"),
        ("2026", "2026", "2026"),
    ],
)
def test_a_period_is_told_in_words(period: str, es: str, en: str) -> None:
    said = [Moments(each, MOMENTS.zone, NOW).period(period) for each in ("es", "en")]
    assert said == [es, en]


@pytest.mark.parametrize("language", LANGUAGES)
def test_days_and_times_are_written_as_babel_writes_them(language: str) -> None:
    said = Moments(language, MOMENTS.zone, NOW)
    locale = {"es": "es_VE", "en": "en_GB"}[language]
    for ordinal in range(NOW.toordinal() - 400, NOW.toordinal() + 400):
        moment = datetime.combine(date.fromordinal(ordinal), time(ordinal % 24, 5, tzinfo=UTC))
        local = moment.astimezone(MOMENTS.zone)
        pattern = "d MMM, HH:mm" if local.year == 2026 else "d MMM y, HH:mm"
        assert said.at(moment.isoformat()) == format_datetime(local, pattern, locale=locale)
        day = moment.date()
        assert said.day(day.isoformat()) == format_date(day, "d MMM y", locale=locale)
        assert said.clock(moment.timestamp()) == format_time(local, "HH:mm", locale=locale)


def test_an_entry_that_was_doubted_three_times_waits_once_since_the_first() -> None:
    """The entry appears once, next to its verification, which is a separate task."""
    one = {"service_id": OTHER, "name": "Casa", "kind": "capacity_doubted"}
    doubts = [{**one, "due_on": f"2026-11-{day:02}"} for day in (4, 11, 10)]
    verification = {**one, "kind": "verification_due", "due_on": "2026-11-12"}
    waiting = rows("verification", COORDINATOR, *doubts, verification)
    assert sorted((row["kind"], row["due"][:10]) for row in waiting) == [
        ("capacity_doubted", "2026-11-04"),
        ("verification", "2026-11-12"),
    ]


def test_figures_wait_for_the_organisations_that_have_not_agreed() -> None:
    def release(number: int, organisation: str, **said: bool) -> dict[str, Any]:
        answer = {"organisation_id": organisation, "signed_off": False, "waived": False, **said}
        who = [answer]
        return {"id": str(number), "programme": "p", "period": "2026-10a", "contributors": who}

    found = rows(
        "releases",
        SUPERVISOR,
        release(1, OWN),
        release(2, OWN, signed_off=True),
        release(3, OWN, waived=True),
        release(4, OTHER),
    )
    assert [row["ids"]["release_id"] for row in found] == ["1"]


def test_the_report_of_an_import_is_news_for_a_week_if_something_is_to_be_done_with_it() -> None:
    def imported(state: str, *, dry: bool = False, refused: int = 0, days: int = 0) -> Any:
        return {
            "id": f"{state}-{dry}-{refused}-{days}",
            "file_name": f"{state}-{dry}-{refused}-{days}",
            "state": state,
            "dry_run": dry,
            "rows": {"refused": refused},
            "created_at": (NOW - timedelta(days=days)).isoformat(),
        }

    found = rows(
        "imports",
        OFFICER,
        imported("running"),
        imported("finished"),
        imported("finished", refused=3),
        imported("finished", dry=True),
        imported("failed"),
        imported("refused", refused=1, days=8),
    )
    assert [row["ids"]["import_id"] for row in found] == [
        "finished-False-3-0",
        "finished-True-0-0",
        "failed-False-0-0",
    ]


def test_of_a_file_that_was_sent_several_times_the_newest_is_news() -> None:
    def sent(number: int, *, dry: bool) -> dict[str, Any]:
        at = (NOW - timedelta(hours=number)).isoformat()
        counts = {"refused": 0}
        return {"id": str(number), "file_name": "f", "state": "finished", "dry_run": dry,
                "rows": counts, "created_at": at}  # fmt: skip

    assert rows("imports", OFFICER, sent(1, dry=False), sent(2, dry=True)) == []
    assert len(rows("imports", OFFICER, sent(1, dry=True), sent(2, dry=True))) == 1


def test_the_page_keeps_the_order_of_the_work_list_and_upkeep_comes_last() -> None:
    dues = ["2026-12-01T00:00:00Z", None, "2026-11-20T08:00:00Z"]
    upkeep: list[Any] = [{"rank": "upkeep", "due": due} for due in dues]
    first = {"rank": "first", "due": "2026-12-09T00:00:00Z"}
    ordered = beside.in_order([*upkeep, first])
    assert ordered == [first, upkeep[2], upkeep[0], upkeep[1]]


def test_what_a_report_of_the_line_is_about_is_told_in_words() -> None:
    report = {"kind": "report_handed_over", "verb": "register", "rank": "routine", "group": "no_deadline", "due": None,
              "ids": {"report_id": OTHER}, "about": "gender_violence"}  # fmt: skip
    words = {"gender_violence": "Violencia por su género"}
    (late,) = groups([report], wording("es"), Codes("es"), MOMENTS, words)
    assert late.rows[0].what.endswith("Violencia por su género")


@pytest.mark.parametrize("kind", TaskKind)
def test_a_task_is_named_in_words_in_the_list(kind: str) -> None:
    for language in LANGUAGES:
        assert wording(language).has(f"about.{kind}")


def test_a_day_is_the_one_at_home() -> None:
    assert MOMENTS.day("2026-11-29T01:03:00+00:00") == "28 nov. 2026"
    assert MOMENTS.day("2026-11-29T00:00:00+00:00") == "29 nov. 2026", "a midnight tells a day"
    assert MOMENTS.day("2026-11-29") == "29 nov. 2026"
    assert MOMENTS.day(None) == ""
