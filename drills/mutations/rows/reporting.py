"""Rows for numbers and publications."""

from drills.mutations.change import Drops, Replaces, Returns
from drills.mutations.row import Row

ROWS = (
    Row(
        "stakeholders",
        "presence-ends-at-the-state",
        "reporting.count.stakeholders.rules:_present",
        Replaces("found.level > FINEST", "found.level > 9"),
        "tests/services/reporting/stakeholders/test_stakeholders.py::test_no_entry_shows_an_address_a_number_of_people_or_what_the_directory_keeps",
    ),
    Row(
        "published-after-restore",
        "lost-machine",
        "reporting.protect.releases.service:_joint",
        Replaces("order.lost_until is not None and period.ended(order.lost_until)", "False"),
        "tests/services/reporting/closings/test_closings.py::test_what_a_lost_machine_may_have_published_is_closed_by_nobody_unseen",
    ),
    Row(
        "published-after-restore",
        "lost-machine-file",
        "reporting.settings:Settings.lost_until",
        Replaces("self.record_lost_file.exists()", "False"),
        "tests/services/reporting/closings/test_closings.py::test_what_a_lost_machine_may_have_published_is_closed_by_nobody_unseen",
    ),
    Row(
        "signed-as-read",
        "document-changes-only-the-texts",
        "reporting.publish.bulletins.rendering.docx:changed",
        Returns("[]"),
        "tests/services/reporting/bulletins/test_documents.py::test_a_document_changes_nothing_but_the_texts",
    ),
    Row(
        "stakeholders",
        "partners-that-receive-people-are-not-placed",
        "reporting.publish.bulletins.composing.work:presence",
        Replaces('code.counts != "recipients"', "True"),
        "tests/services/reporting/bulletins/test_sections.py::test_presence_names_partners_but_not_where_people_are_served",
    ),
    Row(
        "small-cells",
        "type-fits-its-code",
        "reporting.count.activities.indicators:is_exact",
        Replaces("activity_type in types_of(activity_code)", "True"),
        "tests/services/reporting/activities/test_allow_list.py::test_sessions_of_care_make_no_training_sessions",
    ),
    Row(
        "small-cells",
        "small-figures-pooled",
        "reporting.ground.protection.protected:ProtectedCube._pooled",
        Replaces("not self.public or not asked", "True"),
        "tests/services/reporting/releases/test_pooled.py::test_everybody_sees_figures_of_detail_from_55_and_the_rest_in_one_row",
    ),
    Row(
        "small-cells",
        "neighbours-pooled",
        "reporting.ground.protection.protected:_unguessable",
        Replaces("guessed and line[~own].any()", "False"),
        "tests/services/reporting/releases/test_pooled.py::test_no_row_or_column_gives_a_pooled_neighbour_away",
    ),
    Row(
        "small-cells",
        "floor-of-detail",
        "reporting.ground.protection.protected:ProtectedCube.allows",
        Returns("True"),
        "tests/services/reporting/releases/test_pooled.py::test_finer_tables_need_more_people_or_an_account",
    ),
    Row(
        "small-cells",
        "intervals-hold",
        "reporting.ground.protection.intervals:HELD",
        Replaces("0.92", "0.5"),
        "tests/services/reporting/attacks/test_coverage.py::test_intervals_contain_nine_of_ten_true_counts",
    ),
    Row(
        "small-cells",
        "finer-tables-pooled-like-coarser-ones",
        "reporting.ground.protection.protected:ProtectedCube._pooled",
        Replaces("len(asked) > 2", "False"),
        "tests/services/reporting/releases/test_pooled.py::test_a_finer_table_gives_away_nothing_that_a_coarser_one_pools",
    ),
    Row(
        "small-cells",
        "totals-of-few-margins",
        "reporting.ground.protection.rounding:profile_of",
        Returns("'J'"),
        "tests/services/reporting/attacks/test_coverage.py::test_totals_of_few_dimensions_hold_what_their_intervals_say",
    ),
    Row(
        "small-cells",
        "intervals-of-spans-follow-their-flows",
        "reporting.ground.protection.protected:ProtectedCube._beyond_flows",
        Returns("0"),
        "tests/services/reporting/attacks/test_coverage.py::test_an_interval_of_a_span_does_without_what_the_span_shows_beyond_its_flows",
    ),
    Row(
        "small-cells",
        "spans-hold-their-parts",
        "reporting.protect.releases.spans:_Span.hold",
        Replaces("self._counts[row] < least[row]", "False"),
        "tests/services/reporting/releases/test_spans.py::test_a_span_holds_its_parts_and_as_many_as_its_flows_add_up_to",
    ),
    Row(
        "small-cells",
        "counts-as-they-are",
        "reporting.ground.protection.rounding:protect",
        Returns("dict(counts)"),
        "tests/services/reporting/releases/test_rounding.py::TestBox::test_each_cell_goes_to_a_neighbouring_multiple_and_zeros_stay",
    ),
    Row(
        "small-cells",
        "rate-over-a-few",
        "reporting.ground.protection.protected:RATE_DENOMINATOR_FACTOR",
        Replaces("2", "1"),
        "tests/services/reporting/protection/test_rate.py::test_there_is_no_rate_over_a_few_people",
    ),
    Row(
        "drafts-by-scope",
        "drafts-by-scope",
        "reporting.protect.releases.queries:_may_see",
        Replaces("not _PREPARING & caller.scopes", "False"),
        "tests/services/reporting/releases/test_story.py::test_an_application_that_was_let_into_the_directory_only_sees_no_draft",
    ),
    Row(
        "contributors",
        "contributors-apart",
        "reporting.protect.releases.api:contributors_of",
        Replaces(
            "Role.IM in caller.roles or each.organisation_id == caller.organisation_id", "True"
        ),
        "tests/services/reporting/releases/test_story.py::test_a_contributor_is_not_told_who_else_recorded_somebody",
    ),
    Row(
        "rounded-twice",
        "rounded-otherwise",
        "reporting.protect.releases.service:_joint",
        Drops(
            "raise PERIOD_CLOSED_APART.because('same_people_were_closed_as_by_another', ', '.join(otherwise))"
        ),
        "tests/services/reporting/releases/test_joint.py::test_people_of_a_closed_period_are_not_rounded_again_by_another_definition",
    ),
    Row(
        "signed-as-read",
        "signed-as-read",
        "reporting.publish.bulletins.service:sign_off.bulletin",
        Replaces(
            "_as_read(session, bulletin_id, read)", "_in_state(session, bulletin_id, 'draft')"
        ),
        "tests/services/reporting/bulletins/test_bulletins_api.py::test_a_coordinator_signs_the_draft_that_they_read",
    ),
    Row(
        "taken-back",
        "beside-taken-back",
        "reporting.publish.bulletins.composing.beside:outdated",
        Replaces("each.id in _ON_WISH and each != _ON_WISH[each.id](period, evidence)", "False"),
        "tests/services/reporting/bulletins/test_bulletins_api.py::test_what_is_taken_back_between_draft_and_publication_is_not_published",
    ),
    Row(
        "taken-back",
        "withdrawn-release-answers-410",
        "reporting.protect.releases.api:query_release",
        Drops("await refuse_withdrawn(session, release_id)"),
        "tests/services/reporting/withdrawals/test_withdrawals.py::test_no_door_gives_the_numbers_of_a_withdrawn_release",
    ),
    Row(
        "taken-back",
        "withdrawn-release-in-no-span",
        "reporting.protect.releases.queries:_PUBLIC",
        Replaces("withdrawals.withdrawn_at(releases.c.id).is_(None)", "sa.true()"),
        "tests/services/reporting/withdrawals/test_withdrawals.py::test_no_door_gives_the_numbers_of_a_withdrawn_release",
    ),
    Row(
        "taken-back",
        "withdrawn-bulletin-answers-410",
        "reporting.publish.bulletins.api:_read",
        Drops("await withdrawals.refuse_withdrawn(session, bulletin_id)"),
        "tests/services/reporting/withdrawals/test_withdrawals.py::test_a_withdrawn_bulletin_leaves_a_tombstone_in_list_feed_and_page",
    ),
    Row(
        "two-people",
        "withdrawal-by-two",
        "reporting.protect.withdrawals.service:agree",
        Replaces("not alone", "False"),
        "tests/services/reporting/withdrawals/test_withdrawals.py::test_two_people_withdraw_and_one_alone_changes_nothing",
    ),
    Row(
        "public-level",
        "figures-as-nobody",
        "reporting.publish.exports.index_api:show_figures.published",
        Replaces("ANONYMOUS", "_anyone"),
        "tests/services/reporting/exports/test_exports_api.py::test_the_page_of_figures_shows_everybody_what_anybody_may_have",
    ),
    Row(
        "counted-once",
        "rebuild-carries-on",
        "reporting.replay.service:_Rebuild.begin",
        Drops("await _carry_over(self._engine)"),
        "tests/services/reporting/replay/test_replay.py::test_where_the_streams_do_not_reach_back_any_more_a_rebuild_carries_on",
    ),
    Row(
        "counted-once",
        "one-writer-of-facts",
        "reporting.recording.consumers:subscriptions",
        Replaces("WRITER_LOCK", "None"),
        "tests/services/reporting/recording/test_consumers.py::test_an_event_waits_for_a_closing_and_then_counts_on_the_day_it_arrived",
    ),
)
