"""Pages for people."""

from drills.mutations.change import File, Replaces
from drills.mutations.row import Row

ROWS = (
    Row(
        "dialled-codes",
        "codes-are-not-called",
        "console.referrals.views:_to_call",
        Replaces("not {'*', '#'} & set(phone)", "True"),
        "tests/services/console/test_refer.py::test_a_code_that_a_phone_carries_out_is_not_offered_to_be_called",
    ),
    Row(
        "left-screens",
        "left-screen",
        "",
        File(
            "services/console/src/console/static/console.js",
            "      if (left <= 0 || forgotten()) end();\n      else if",
            "      if",
        ),
        "tests/services/console/test_left_screens.py::test_a_screen_that_was_left_is_empty_once_the_session_is_over",
    ),
    Row(
        "spell-checker",
        "written-for-the-corrector",
        "",
        File("services/console/src/console/templates/base.html", ' spellcheck="false"', ""),
        "tests/services/console/test_left_screens.py::test_what_is_on_a_page_is_sent_to_no_translator_and_what_is_written_to_no_corrector",
    ),
    Row(
        "unanswered",
        "nothing-that-is-not-known",
        "console.screens.renderer:draw",
        Replaces("'part.unknown' if missed else none", "none"),
        "tests/services/console/test_unanswered.py::test_no_page_says_that_there_is_nothing_where_nobody_answered",
    ),
    Row(
        "not-offered",
        "what-stands-and-is-not-offered",
        "",
        File(
            "services/console/src/console/templates/ui.html",
            "{% for code in chosen if code not in options",
            "{% for code in () if code not in options",
        ),
        "tests/services/console/test_unanswered.py::test_what_stands_and_is_not_offered_is_not_taken_away_by_sending_the_form",
    ),
    Row(
        "approved-unseen",
        "approved-unseen",
        "console.curation.api:entry",
        Replaces("step == 'approve' and review.answered", "step == 'approve'"),
        "tests/services/console/test_unanswered.py::test_nothing_is_approved_or_published_by_whoever_was_not_shown_what_it_changes",
    ),
    Row(
        "leading-names",
        "name-that-leads-elsewhere",
        "console.calls:Gateway.file",
        Replaces("{'.', '..'} & set(path.split('/'))", "False"),
        "tests/services/console/test_unanswered.py::test_a_name_in_an_address_leads_nowhere_but_to_its_own_place",
    ),
    Row(
        "case-record",
        "copy-without-comments",
        "console.cases.copy_api:_kept",
        Replaces("each['kind'] not in _STAYING", "True"),
        "tests/pages/console/test_day.py::test_a_person_gets_a_copy_of_her_case_in_her_language_without_a_supervisors_comment",
    ),
    Row(
        "unanswered",
        "copy-without-a-part",
        "console.cases.copy_api:_kept",
        Replaces("shown(entries)['items']", "entries.items"),
        "tests/services/console/test_papers.py::test_a_copy_with_a_missing_part_is_not_printed",
    ),
    Row(
        "unanswered",
        "pack-that-claims-nothing",
        "console.meeting.api:meeting_file",
        Replaces("'part.unknown' if visit.calls.missed else key", "key"),
        "tests/services/console/test_papers.py::test_a_pack_says_which_part_is_missing_and_claims_nothing_of_it",
    ),
)
