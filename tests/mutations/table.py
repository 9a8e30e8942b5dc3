"""What is broken on purpose, and which test says so. A new safety mechanism adds a row."""

from dataclasses import dataclass

_REFERRALS = "services/referrals/src/referrals"
_COMMON = "libs/common/src/common"
_REPORTING = "services/reporting/src/reporting"
_DIRECTORY = "services/services-directory/src/services_directory"
_TESTS = "tests/services/referrals"
_REPORTS = "tests/services/reporting"
_IMPORTS = "tests/services/directory/imports"
_CROSSWALKS = "tests/services/directory/crosswalks/test_crosswalks.py"


@dataclass(frozen=True)
class Mutation:
    """`text` stands exactly once in `file`; with `broken` in its place `noticed_by` must fail.

    `rule`: what holds no more, in words; the name of the test says the same.
    """

    name: str
    rule: str
    file: str
    text: str
    broken: str
    noticed_by: str


MUTATIONS = (
    Mutation(
        "cited-is-published",
        "a statement cites figures of published releases only",
        f"{_REPORTING}/releases/queries.py",
        "        releases.c.id.in_(list(release_ids)),\n        publications.c.published_at.is_not(None),\n",
        "        releases.c.id.in_(list(release_ids)),\n",
        f"{_REPORTS}/judgements/test_statements.py::test_a_draft_release_is_no_basis",
    ),
    Mutation(
        "typed-is-cited",
        "a number in a judgement is one that it cites",
        f"{_REPORTING}/judgements/service.py",
        "    wrong = loose(said, cited)\n",
        "    wrong = loose(said, cited)[:0]\n",
        f"{_REPORTS}/judgements/test_statements.py"
        "::test_a_typed_number_is_a_cited_one_with_its_interval",
    ),
    Mutation(
        "presence-ends-at-the-state",
        "no stakeholder is placed finer than a state",
        f"{_REPORTING}/stakeholders/rules.py",
        "        elif found.level > FINEST:\n",
        "        elif found.level > 9:\n",
        f"{_REPORTS}/stakeholders/test_stakeholders.py"
        "::test_no_entry_shows_an_address_a_number_of_people_or_what_the_directory_keeps",
    ),
    Mutation(
        "linked-stays-with-the-directory",
        "a stakeholder of the directory is shown to those who prepare reports alone",
        f"{_REPORTING}/stakeholders/queries.py",
        "    if not PREPARING & caller.roles:\n",
        "    if not caller.roles:\n",
        f"{_REPORTS}/stakeholders/test_stakeholders.py"
        "::test_what_is_linked_to_the_directory_is_shown_to_those_who_prepare_reports_alone",
    ),
    Mutation(
        "held-still",
        "from the marking on a referral stands still in the eyes of an implicated organisation",
        f"{_REFERRALS}/referrals/seeing.py",
        "    if still is not None:\n",
        "    if still is False:\n",
        f"{_TESTS}/test_implicated.py::test_nothing_of_the_case_is_in_any_answer_afterwards",
    ),
    Mutation(
        "access-ends-at-marking",
        "an open access ends when its organisation is marked as implicated",
        f"{_REFERRALS}/breakglass/following.py",
        "        await service.end_for(session, happening.case_id, happening.implicated)\n",
        "        pass\n",
        f"{_TESTS}/test_break_glass.py"
        "::test_an_open_access_ends_when_its_organisation_is_implicated",
    ),
    Mutation(
        "access-ends-at-hand-over",
        "an open access ends when the case is handed over",
        f"{_REFERRALS}/breakglass/service.py",
        '        if access.status == "open" or access.organisation_id == new_holder:\n',
        "        if access.organisation_id == new_holder:\n",
        f"{_TESTS}/test_break_glass.py"
        "::test_a_transfer_ends_what_is_open_and_gives_the_new_holder_the_decision",
    ),
    Mutation(
        "independent-of-who-asks",
        "nobody of the organisation that asks decides on breaking the glass",
        f"{_REFERRALS}/breakglass/independence.py",
        "own == sought.asking or ",
        "",
        f"{_TESTS}/test_break_glass.py"
        "::test_a_coordinator_of_the_organisation_that_asks_does_not_decide",
    ),
    Mutation(
        "independent-of-the-implicated",
        "nobody of an implicated organisation decides on breaking the glass",
        f"{_REFERRALS}/breakglass/independence.py",
        " or own in sought.implicated:",
        ":",
        f"{_TESTS}/test_break_glass.py::test_people_of_an_implicated_organisation_decide_nothing",
    ),
    Mutation(
        "reporting-word",
        "who takes back being counted is counted no more",
        f"{_REFERRALS}/consents/counting.py",
        'status=found["status"],',
        'status="active",',
        f"{_TESTS}/test_over_time.py"
        "::test_who_takes_back_being_counted_is_not_counted_under_an_older_consent",
    ),
    Mutation(
        "tombstones-are-signed",
        "a list of the erased that was edited is not believed",
        f"{_REFERRALS}/keys/tombstones.py",
        "            signer.check(line)\n",
        "",
        f"{_TESTS}/test_tombstones.py::test_whatever_is_done_to_a_list_is_noticed",
    ),
    Mutation(
        "erased-stays-erased",
        "what was erased is erased again after a restore",
        f"{_REFERRALS}/cases/retention.py",
        "    for case_id in sorted(tombstones - in_cases):\n",
        "    for case_id in ():\n",
        f"{_TESTS}/test_confidentiality.py"
        "::test_erasing_destroys_the_key_and_a_restored_backup_stays_unreadable",
    ),
    Mutation(
        "key-checks",
        "a start with another key than the data was written with ends",
        f"{_COMMON}/key_checks.py",
        "if wrong := sorted(name for name in values if known.get(name) != values[name]):",
        "if wrong := []:",
        "tests/common/test_key_checks.py"
        "::test_a_new_installation_records_its_keys_and_holds_to_them",
    ),
    Mutation(
        "rule-of-sight",
        "a restricted service is seen by its own people and its coordinators only",
        f"{_COMMON}/sight.py",
        "        if own or self._shares(self.coordinates, entry):\n",
        "        if True:\n",
        f"{_TESTS}/test_hidden_services.py::test_who_sees_what",
    ),
    Mutation(
        "stored-answers-ask-again",
        "a stored answer is given only to whom may still read what it is about",
        f"{_REFERRALS}/answers.py",
        "        for subject in subjects:\n            if subject.kind",
        "        for subject in subjects[:0]:\n            if subject.kind",
        f"{_TESTS}/test_stored_answers.py"
        "::test_a_former_holder_reads_nothing_by_repeating_old_commands",
    ),
    Mutation(
        "stored-answers-are-sealed",
        "a stored answer is sealed under the key of its case and goes with it",
        f"{_REFERRALS}/answers.py",
        "        return main.id if alone else main.record, told\n",
        "        return None, told\n",
        f"{_TESTS}/test_stored_answers.py::test_answers_are_sealed_under_the_key_of_their_case",
    ),
    Mutation(
        "shown-once",
        "a secret is shown once, also to a repeated command",
        f"{_COMMON}/web/shown_once.py",
        "    if not secrets or response.status_code >= 300:\n",
        "    if True:\n",
        f"{_TESTS}/test_stored_answers.py"
        "::test_the_code_of_a_consent_is_shown_once_and_another_makes_it_void",
    ),
    Mutation(
        "lists-equal-single-reads",
        "what a single read refuses, no audit and no feed shows",
        f"{_REFERRALS}/readable_queries.py",
        "    return sa.case(*whens, else_=sa.false())\n",
        "    return sa.true()\n",
        f"{_TESTS}/test_lists.py"
        "::test_a_former_holder_finds_nothing_of_the_case_in_audit_feed_and_tasks",
    ),
    Mutation(
        "acting-as-service-ends",
        "a refusal inside a block of the service's rights ends them",
        f"{_REFERRALS}/row_security.py",
        "            await _end(session)\n        raise\n",
        "            pass\n        raise\n",
        f"{_TESTS}/test_lists.py::test_a_refusal_inside_a_service_block_ends_it",
    ),
    Mutation(
        "given-up-is-done-again",
        "what the database gives up for the sake of another is done again",
        f"{_COMMON}/database.py",
        "            if sqlstate(error) not in _GIVEN_UP:\n",
        "            if True:\n",
        f"{_TESTS}/test_given_up.py::test_a_victim_is_done_again[notices-fanned_out]",
    ),
    Mutation(
        "sendings-are-waited-for",
        "what is sent while its service stops is flagged, or refused",
        f"{_REFERRALS}/referrals/following.py",
        "        await wait_for_sendings(session)\n",
        "        pass\n",
        f"{_TESTS}/test_racing_pairs.py"
        "::test_what_is_sent_while_its_service_stops_is_flagged_or_refused",
    ),
    Mutation(
        "intervals-hold",
        "nine of ten intervals hold the true count",
        f"{_REPORTING}/protection/posterior.py",
        "CERTAIN = 0.94\n",
        "CERTAIN = 0.80\n",
        f"{_REPORTS}/attacks/test_coverage.py::test_intervals_hold_nine_of_ten_true_counts",
    ),
    Mutation(
        "a-minus-excludes",
        "what a searcher excludes is excluded in both languages",
        f"{_DIRECTORY}/reading/full_text.py",
        "&& !!{_in_either(excluded, s)})",
        "|| !!{_in_either(excluded, s)})",
        "tests/services/directory/search/test_relevance.py"
        "::test_what_a_minus_excludes_is_not_found",
    ),
    Mutation(
        "inbox-dedupe",
        "an event that comes again has no second effect",
        f"{_COMMON}/messaging/consumer.py",
        "for id_, each in received.items() if id_ in first]",
        "for id_, each in received.items()]",
        "tests/common/test_messaging.py"
        "::test_an_event_that_comes_again_after_the_brokers_window_has_no_second_effect",
    ),
    Mutation(
        "relay-lock",
        "of a service's relays only one publishes at a time",
        f"{_COMMON}/messaging/relay.py",
        "SELECT pg_try_advisory_lock($1, hashtext($2))",
        "SELECT $1::int IS NOT NULL AND $2::text IS NOT NULL",
        "tests/common/test_messaging.py"
        "::test_only_the_relay_that_holds_the_lock_publishes_and_the_next_takes_over",
    ),
    Mutation(
        "drain",
        "a request that was begun is answered before the service ends",
        f"{_COMMON}/server.py",
        "timeout_graceful_shutdown=settings.graceful_seconds,",
        "timeout_graceful_shutdown=0,",
        "tests/common/test_drain.py"
        "::test_a_request_that_was_begun_is_answered_before_the_service_ends",
    ),
    Mutation(
        "durability",
        "a database that forgets at a loss of power is named",
        f"{_COMMON}/durability.py",
        'if settings.get(name) == "off"]',
        'if settings.get(name) == "never"]',
        "tests/common/test_durability.py::test_ready_names_a_database_that_forgets",
    ),
    Mutation(
        "unpublished-stays",
        "an event that was not published does not end, however old",
        f"{_COMMON}/endings.py",
        "EVENTS_KEPT, outbox.c.published_at.is_not(None)),",
        "EVENTS_KEPT),",
        "tests/services/test_endings.py::test_what_has_no_end_yet_stays",
    ),
    Mutation(
        "rebuild-carries-on",
        "a rebuild loses nothing of what the streams do not hold any more",
        "services/reporting/src/reporting/replay/service.py",
        "            await _carry_over(self._engine)\n",
        "            pass\n",
        "tests/services/reporting/replay/test_replay.py"
        "::test_where_the_streams_do_not_reach_back_any_more_a_rebuild_carries_on",
    ),
    Mutation(
        "closings-two-people",
        "whoever closed a period alone does not publish it alone",
        "services/reporting/src/reporting/releases/service.py",
        "    if not alone:\n        refuse_alone(",
        "    if False:\n        refuse_alone(",
        "tests/services/reporting/closings/test_closings.py"
        "::test_whoever_closed_alone_publishes_only_what_a_contributor_signed",
    ),
    Mutation(
        "search-bounds",
        "what would put everything in order is refused",
        f"{_DIRECTORY}/search/page_queries.py",
        "    if total > found.most:\n",
        "    if False:\n",
        "tests/services/directory/search/test_bounds.py"
        "::test_what_would_put_everything_in_order_is_refused_with_the_reason",
    ),
    Mutation(
        "search-depth",
        "a page too deep is refused before anything is read",
        f"{_DIRECTORY}/search/page_queries.py",
        "    if number * per_page - per_page >= DEEPEST:\n",
        "    if False:\n",
        "tests/services/directory/search/test_bounds.py"
        "::test_a_page_too_deep_is_refused_before_anything_is_read[services]",
    ),
    Mutation(
        "cors-without-credentials",
        "a foreign page reads the public view as nobody, and nothing with somebody's credentials",
        "gateway/src/gateway/front/app.py",
        '    if route is None or b"authorization" in own or b"cookie" in own:\n',
        "    if route is None:\n",
        "tests/gateway/test_limits_and_failures.py"
        "::test_the_public_view_is_open_to_any_page_without_credentials",
    ),
    Mutation(
        "fidelity-counts-once",
        "a row that several services share is accounted for once",
        f"{_DIRECTORY}/imports/outcomes/fidelity.py",
        "            if self.has(row):\n                continue\n",
        "",
        "tests/services/directory/imports/test_fidelity.py"
        "::test_a_shared_row_is_counted_once_and_many_fields_are_gathered",
    ),
    Mutation(
        "hidden-columns",
        "what was withdrawn is in no column that others are answered from",
        f"{_DIRECTORY}/documents/storing.py",
        'row.state in {"withdrawn", "merged"}:\n        return {}, Facts(today)',
        'row.state in {"merged"}:\n        return {}, Facts(today)',
        "tests/services/directory/test_hidden_columns.py"
        "::test_every_column_that_a_hidden_service_reaches_has_its_rule[withdrawn]",
    ),
    Mutation(
        "nothing-compressed-beside-a-secret",
        "an answer that holds a secret is never compressed, so that its length tells nothing",
        "gateway/src/gateway/front/relaying.py",
        " and not route.holds_secrets(exchange.method, exchange.path)",
        "",
        "tests/gateway/test_compression.py::test_an_answer_of_a_secret_route_goes_as_it_is",
    ),
    Mutation(
        "account-form-token",
        "a form of the account page counts only with the token of this browser's session",
        "gateway/src/gateway/issuer/account/api.py",
        "        if not expected or not hmac.compare_digest(given.encode(), expected.encode()):\n",
        "        if not hmac.compare_digest(given.encode(), given.encode()):\n",
        "tests/gateway/test_account.py::test_a_form_of_somebody_else_changes_nothing",
    ),
    Mutation(
        "step-up",
        "what can do much harm asks a person for a sign-in of a moment ago",
        f"{_COMMON}/web/routing.py",
        "                check_step_up(principal, context.settings.step_up_minutes)\n",
        "                pass\n",
        "tests/descriptions/test_step_up.py::test_an_old_sign_in_is_not_enough_for_a_marked_act",
    ),
    Mutation(
        "recovery-code-once",
        "a recovery code signs in once",
        "gateway/src/gateway/issuer/people/service.py",
        "            table.used_at.is_(None),\n",
        "",
        "tests/gateway/test_account.py::test_each_recovery_code_signs_in_once_and_the_page_tells",
    ),
    Mutation(
        "passkey-question-once",
        "an answer of a passkey is taken once, and none to an older question",
        "gateway/src/gateway/issuer/people/service.py",
        '    if key["asked_at"] is not None and answer.asked_at <= key["asked_at"]:\n',
        "    if False:\n",
        "tests/gateway/test_passkeys.py"
        "::test_an_answer_that_was_given_before_or_to_another_question_is_not_taken",
    ),
    Mutation(
        "form-of-no-origin",
        "a form that names no origin counts only where the browser says that it is ours",
        "gateway/src/gateway/front/sessions.py",
        '(origin == b"null" and site is not None)',
        'origin == b"null"',
        "tests/gateway/test_passkeys.py::test_forms_of_other_pages_change_no_passkey",
    ),
    Mutation(
        "another-person-decides",
        "who asked for an exception does not decide it",
        "libs/common/src/common/two_people.py",
        "    if caller.doer in earlier:\n",
        "    if False:\n",
        "tests/services/referrals/test_line_desk.py::test_an_exception_needs_a_second_person",
    ),
    Mutation(
        "nobody-publishes-alone",
        "a release is published by two people",
        "libs/common/src/common/two_people.py",
        "    if not set(earlier) - {None, caller.doer}:\n",
        "    if False:\n",
        "tests/services/reporting/releases/test_story.py"
        "::test_a_release_that_one_person_closed_signed_off_and_waived_waits_for_another",
    ),
    Mutation(
        "passkey-of-this-person",
        "a passkey signs in the person whose it is, and nobody else",
        "gateway/src/gateway/issuer/people/queries.py",
        "        passkeys.c.person_id == person_id, passkeys.c.credential_id == credential\n",
        "        passkeys.c.credential_id == credential\n",
        "tests/gateway/test_passkeys.py"
        "::test_the_key_of_another_person_and_a_key_without_the_password_sign_nobody_in",
    ),
    Mutation(
        "passkey-copied",
        "a passkey that did not count on is refused",
        "gateway/src/gateway/issuer/people/service.py",
        '    if is_copied(key["sign_count"], count):\n',
        "    if False:\n",
        "tests/gateway/test_passkeys.py::test_a_key_that_did_not_count_on_is_refused_and_told",
    ),
    Mutation(
        "passkey-fresh-sign-in",
        "a session left open adds and removes no passkey",
        "gateway/src/gateway/issuer/account/passkeys_api.py",
        "    return minutes == 0 or is_fresh(visit.caller, time.time(), minutes * 60)\n",
        "    return minutes >= 0\n",
        "tests/gateway/test_passkeys.py"
        "::test_a_session_left_open_adds_and_removes_nothing_and_a_passkey_is_a_fresh_sign_in",
    ),
    Mutation(
        "own-change-ends-others",
        "a person's change of their own credentials ends every other sign-in of theirs",
        "gateway/src/gateway/issuer/people/own_service.py",
        '    await end_others_of_person(session, row["id"], _own(by))\n    await record(session, by, what,',
        "    await record(session, by, what,",
        "tests/gateway/test_account.py"
        "::test_a_new_password_ends_every_other_sign_in_and_keeps_this_one",
    ),
    Mutation(
        "vanished-and-edited",
        "what somebody changed here by hand is told apart among the entries that vanished from a file",
        f"{_DIRECTORY}/entries/queries.py",
        "            h.source.is_(None),\n",
        "            sa.true(),\n",
        f"{_IMPORTS}/test_vanished.py"
        "::test_they_end_by_choice_but_not_what_somebody_changed_here_unless_that_is_chosen_too",
    ),
    Mutation(
        "package-shrunk",
        "a package in which half of its publisher's entries are missing is refused unconfirmed",
        f"{_DIRECTORY}/imports/publishers/vanished.py",
        "and not choice.confirmed:",
        "and choice.most > 1:",
        f"{_IMPORTS}/test_vanished.py"
        "::test_a_package_that_shrank_by_half_is_refused_until_somebody_confirms_it",
    ),
    Mutation(
        "foreign-code",
        "a code that looks like ours in another taxonomy gives no category",
        f"{_DIRECTORY}/imports/package/assembly.py",
        "                foreign.append(attribute)\n",
        '                foreign.append(attribute)\n                codes += [c for c in (term.get("code"),) if c in known]\n',
        f"{_CROSSWALKS}::test_nothing_is_guessed_not_even_from_a_code_that_looks_like_ours",
    ),
    Mutation(
        "foreign-shelter",
        "a place that a foreign code calls a safe house is hidden before anybody decided",
        f"{_DIRECTORY}/imports/package/assembly.py",
        '        guard_visibility(document, notes, "visibility", perhaps)\n        document, withheld',
        '        guard_visibility(document, notes, "visibility")\n        document, withheld',
        f"{_CROSSWALKS}::test_nothing_is_guessed_not_even_from_a_code_that_looks_like_ours",
    ),
    Mutation(
        "decided-shelter",
        "a service that a decision makes a shelter takes the level that this demands",
        f"{_DIRECTORY}/crosswalks/terms.py",
        "    return without_unstorable(raised(result))[0], added\n",
        "    return result, added\n",
        f"{_CROSSWALKS}::test_a_level_that_was_raised_stays_when_the_decision_goes",
    ),
    Mutation(
        "hidden-terms",
        "what a service that the caller may not read calls its terms is hidden with it",
        f"{_DIRECTORY}/crosswalks/queries.py",
        "    return sa.or_(read, sa.not_(carried))\n",
        "    return sa.or_(carried, sa.not_(read))\n",
        f"{_CROSSWALKS}::test_the_term_of_a_service_that_went_to_others_is_hidden_with_it",
    ),
)

# Broken where they stand, by the tests themselves.
IN_PROCESS = (
    f"{_TESTS}/test_decision.py::test_each_clause_refuses_what_no_other_does",
    f"{_TESTS}/test_hidden_columns.py::test_without_the_rule_the_copy_would_say_it",
    f"{_TESTS}/test_hidden_services.py::test_without_the_rule_hidden_ids_would_answer_otherwise",
    f"{_TESTS}/test_racing_pairs.py::test_without_the_lock_a_command_is_caught",
)
