"""The kinds of tasks that rules create; each has a row in `codelists/task_kinds.csv`. Pure."""

from enum import StrEnum

from common.words.choices import words_of


class TaskKind(StrEnum):
    ASK_CONSENT = "ask_consent"
    CASE_REVIEW = "case_review"
    CONFIRM_CONTACT = "confirm_contact"
    DELETE_DISCLOSED_DATA = "delete_disclosed_data"
    OWN_WORK = "own_work"
    PERSON_WITHDREW = "person_withdrew"
    RECONSENT_AT_18 = "reconsent_at_18"
    RECONSENT_CAREGIVER_ENDED = "reconsent_caregiver_ended"
    SERVICE_HANDED_OVER = "service_handed_over"
    STOP_USING_CAREGIVER_CONTACT = "stop_using_caregiver_contact"


_ROWS = words_of("task_kinds", TaskKind)
OF_RECIPIENTS = [kind for kind, row in _ROWS.items() if row["of_recipients"]]
"""Tasks about data that a recipient has read; they stay with it even if it held the case."""
URGENT = [kind for kind, row in _ROWS.items() if row["urgent"]]
"""Until these are done, somebody may use data against the person's wish."""
