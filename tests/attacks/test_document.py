"""Each promise of docs/security.md is kept by a test or an attack that is named here; one without is taken back."""

from __future__ import annotations

import re
from pathlib import Path

from autograder.audit.attacks.campaign import catalogue_folder
from autograder.audit.attacks.catalogue import load_catalogue
from autograder.collecting.collection import _MOST_BYTES, _MOST_FILES, _MOST_NOTEBOOKS
from autograder.gradebook.sanitising import _MOST as _MOST_PICTURES
from autograder.gradebook.sanitising import _MOST_BYTES as _MOST_PICTURE_BYTES
from autograder.grading.student_session import _MOST_LINES
from autograder.isolation.codec import MAX_KEYS
from autograder.isolation.guest.kernel import MAX_FILES
from autograder.isolation.guest.lockdown import _DESCRIPTORS
from autograder.isolation.leaves import MAX_EMPTY_ROWS
from autograder.isolation.lending import _LIMITS as LENT
from autograder.isolation.lending import LENT_BYTES
from autograder.isolation.limits import Allowance
from autograder.isolation.sandbox import FOLDER_BYTES, THREADS
from autograder.redrawing import MAX_PIXELS
from autograder.submission.notebook_reader import MAX_BYTES, MAX_PARTS
from autograder.submission.pictures import MAX_PICTURE_BYTES
from autograder.submission.raw_cells import MAX_CELLS, MAX_TEXT

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "security.md"

# How each sentence of "How it is built" begins, and what keeps it: names of tests (test_...) and of attacks.
KEPT = {
    "The student's cells run in one process": "frames objects_of_the_collector",
    "Between them goes data": "test_data_comes_back_the_same test_what_is_no_data_is_a_handle",
    "There is no pickle": "test_arbitrary_bytes_are_refused_or_are_data array_of_objects",
    "The grader's side never asks": "test_a_handle_never_judges always_equal_objects agreeable_numbers",
    "So patched numpy": "patched_numpy patched_torch answers_in_advance",
    "All students' processes": "test_graders_that_share_a_warm_process_do_not_meet memory_of_its_own",
    "Each fork confines itself": "test_it_cannot_read test_it_cannot_write",
    "It is the first process": "test_every_worker_sees_the_same_of_itself threads_that_are_left",
    "Its files lie in a file system": "test_the_folder_is_bounded_in_bytes_and_in_files inode_of_the_next",
    "Devices that everybody may write to": "touched_devices_next touched_devices_neighbour",
    "What it could read of the machine's state": "test_what_counts_for_the_whole_machine_is_not_told mounts_next",
    "Where a machine gives forks no namespaces": "test_a_sandbox_that_cannot_keep_workers_apart_is_not_shared",
    "A submission finds torch": "test_whether_the_warm_process_holds_torch_is_hidden_from_work_that_does_not_name_it",
    "Neither the commands nor": (
        "test_nothing_is_imported_from_the_folder_that_it_is_started_in test_neither_do_the_processes_that_it_starts"
    ),
    "Only where a file": "test_only_a_file_called_autograder_is_run_and_not_by_the_command",
    "The command `autograder` does not": "test_only_a_file_called_autograder_is_run_and_not_by_the_command",
    "Below `submitted/`, a folder": (
        "test_a_folder_whose_name_is_nobodys_is_left_aside_and_reported_on_one_line "
        "test_a_folder_whose_name_is_nobodys_stops_no_board_and_is_on_none"
    ),
    "No message asks": "test_every_odd_result_gets_a_plain_verdict_and_only_right_ones_pass shape_of_an_object",
    "A submission is one process": "fork_bomb thread_bomb memory_in_small_steps",
    "They would also count": "many_files thread_bomb",
    "Functions that a check hands": "test_a_lent_function_answers_as_it_does_here lent_a_million_weights",
    "It knows nothing but": "test_a_lent_function_has_its_closure_its_layers_and_only_the_solutions_that_it_uses",
    "They take their declared": "test_only_declared_parameters_are_taken_by_position_and_only_data lent_enormous_calls",
    "A library's own function": "test_a_bare_function_is_refused_with_its_place_and_the_way_out",
    "The exceptions are functions": "test_in_a_hidden_part_only_what_was_said_to_be_no_secret_travels",
    "They travel as source": "test_a_published_function_runs_in_the_students_process",
    "What a student's process makes": "edited_given_cells patched_lab",
    "Of a submitted notebook": "outputs_in_the_file replaced_checks",
    "Order, checks, points": "moved_checks raised_points skipped_checks",
    "A file of more than": (
        "test_more_code_and_text_than_anybody_writes_is_refused_before_it_is_looked_at "
        "test_an_old_notebook_of_very_many_cells_is_refused_before_it_is_converted statements_in_text ten_million_lists"
    ),
    "Where a hidden check": "test_a_given_function_that_runs_at_the_students_is_the_notebooks_own",
    "Of one sender's files": (
        "a_hundred_archives fifteen_hundred_notebooks unfolding_by_bzip2 "
        "test_a_method_of_packing_that_has_no_bound_is_refused"
    ),
    "Below `submitted/`": (
        "test_a_link_at_any_step_is_not_followed linked_assignment_folder test_nothing_is_written_where_a_link_leads "
        "test_what_lies_where_a_students_linked_folder_leads_is_not_looked_at"
    ),
    "With the course's configuration": (
        "test_nbgrader_collects_nothing_that_a_link_leads_to test_nbgrader_copies_nothing_that_lies_beside_a_submission"
    ),
    "`autograder doctor` tries": "test_the_doctor_prints_every_layer test_a_missing_layer_is_named_with_its_remedy",
    "A layer that is missing": "test_with_a_layer_missing_that_was_not_named_nothing_is_graded",
    "| bubblewrap": "files_by_path tcp environments_of_processes",
    "| another user": "another_user test_another_sandbox_is_another_user_with_readable_folders_of_its_own",
    "| Landlock": "folders_of_others unix_sockets",
    "| seccomp": "fork_bomb programs signals debugging",
    "| limits": "loop_in_a_cell memory_at_once disk_full thread_bomb many_empty_tensors outputs_in_many_cells",
    "An answer is compared with": "wide_results rows_of_nothing",
    "What is written into a message": "long_lists_of_tensors long_lists_of_arrays tensors_of_many_sides",
    "An empty array of more": "rows_of_nothing_sent colliding_long_keys colliding_large_numbers",
    "Hidden parts of checks run": "inputs_kept_for_later",
    "While they run": "test_quiet_passes_nothing_on_that_a_student_chose printed_inputs inputs_in_names_of_errors",
    "Messages of hidden checks": "test_a_hidden_check_says_what_kind_of_input_failed_and_no_value inputs_as_results",
    "Each hidden test carries": "printed_inputs displayed_inputs",
    "A picture that a student draws": (
        "test_a_decoder_that_goes_wild_is_stopped test_nothing_is_decoded_without_its_walls "
        "test_a_photograph_is_turned_upright_and_made_smaller test_what_is_no_sound_picture_is_refused "
        "test_what_cannot_be_shown_says_why test_only_so_many_are_shown "
        "test_after_two_that_take_too_long_no_more_are_decoded"
    ),
    "Metadata, further frames": "test_the_pixels_stay_and_nothing_else",
    "Nothing is fetched.": "test_what_cannot_be_shown_says_why html_addresses",
    "The gradebook, results": "test_no_other_account_reads_grades_or_hidden_tests",
    "Of outputs, text": "test_only_harmless_kinds_of_data_are_kept html_script svg_script",
    "Text cells are shown": "markup_in_text attachments",
    "Characters that a terminal": (
        "controls_as_entities unseen_words piled_up_marks results_that_a_terminal_obeys formulas_that_cover_others "
        "cells_of_sixty_thousand_rows test_what_is_not_seen_is_not_there test_a_length_is_a_modest_one "
        "test_a_terminal_does_not_obey_the_name_of_a_file_in_nbgraders_log "
        "test_no_terminal_obeys_what_is_told test_a_notebook_of_somebody_else_commands_no_terminal"
    ),
    "Written answers appear on the desk": "test_hostile_answers_and_comments_stay_text test_a_hostile_answer_is_text",
    "The desk's own policy": "test_every_page_of_the_desk_forbids_the_rest",
    "It listens on the loopback": "test_only_the_printed_address_leads_in test_the_desk_listens_on_the_loopback_alone",
    "A form that did not come": "test_a_form_from_elsewhere_is_refused",
    "The similarity page": "test_the_similarity_page_stands_alone test_the_page_is_for_its_writer_alone",
    "Who hands in to": "test_who_hands_in_is_who_the_session_says_whatever_the_form_says "
    "test_a_files_name_leads_nowhere",
    "A session is a cookie": "test_a_cookie_that_was_changed_is_nobodys "
    "test_a_link_opens_a_session_only_when_it_is_confirmed",
    "Another student's attempt": "test_another_students_attempt_is_not_there "
    "test_nobody_acts_on_anothers_attempt_by_a_form test_what_is_told_of_an_attempt_is_told_to_its_student_alone",
    "Where groups hand in together": "test_the_roster_says_who_hands_in_together "
    "test_what_one_member_hands_in_counts_for_all_and_is_graded_once",
    "A form is refused": "test_a_form_without_its_token_or_with_anothers_is_refused "
    "test_a_form_of_another_site_is_refused",
    "A personal link opens": "test_a_link_opens_a_session_only_when_it_is_confirmed "
    "test_a_link_that_has_expired_or_was_revoked_lets_nobody_in",
    "In nbgrader's exchange": "test_a_folder_of_somebody_else_is_not_believed "
    "test_neither_is_a_file_of_mine_in_a_folder_of_somebody_else "
    "test_a_link_that_is_exchanged_for_a_file_does_not_lend_its_owner "
    "test_the_time_is_the_file_systems_and_not_the_students",
    "The size of files": "test_a_file_that_is_too_large_is_refused_before_it_is_read test_who_comes_too_often_waits "
    "test_only_so_much_runs_at_the_same_time "
    "test_another_cookie_or_session_brings_no_allowance_of_its_own test_what_is_no_file_is_small "
    "test_only_where_a_file_is_handed_in_is_one_taken test_refused_requests_that_send_nothing_hold_few_places",
    "A connection that asks": "test_connections_that_ask_for_nothing_give_way_to_those_that_do "
    "test_the_service_may_open_as_many_files_as_it_has_connections_and_more",
    "An answer that nobody": "test_a_student_who_takes_no_answer_holds_few_of_them_and_only_for_a_while",
    "The service's pages run": "test_no_page_has_a_script_or_a_style_of_its_own "
    "test_feedback_is_the_page_without_anything_that_runs test_a_boards_script_runs_apart_from_the_cookies",
    "Attempts are graded in turn": "test_a_flood_of_one_student_delays_nobody_else",
    "An acknowledged attempt": "test_a_kill_at_any_moment_loses_nothing_and_doubles_nothing "
    "test_an_upload_is_in_the_queue_once_it_is_answered",
    "Where the grader itself fails": "test_killed_before_any_question_a_submission_is_not_graded",
    "Every path has": "test_a_child_past_its_deadline_is_killed test_nbgrader_grades_in_a_child_with_a_deadline",
    "Killing the grader": "test_a_kill_at_a_random_moment_changes_no_grade",
}


def promises() -> list[str]:
    """Every sentence, and every row of a table, of the part on how it is built; headings and examples left out."""
    text = DOCUMENT.read_text(encoding="utf-8")
    part = text[text.index("## How it is built") : text.index("## How it is tested")]
    found = []
    for block in part.split("\n\n")[1:]:
        if block.startswith("|"):
            found += [row for row in block.split("\n")[2:] if row.strip()]
        else:
            found += re.split(r"(?<=[.:]) (?=[A-Z`*])|(?<=\.\*\*) ", " ".join(block.split()))
    return [each for each in found if each and not each.startswith("**")]


def test_each_promise_has_what_keeps_it_and_nothing_else_is_listed() -> None:
    said = promises()
    assert [each for each in said if not any(each.startswith(begins) for begins in KEPT)] == []
    assert [begins for begins in KEPT if not any(each.startswith(begins) for each in said)] == []


def test_what_keeps_a_promise_is_there() -> None:
    attacks = {attack.name for attack in load_catalogue(catalogue_folder())}
    files = (ROOT / "tests").rglob("test_*.py")
    tests = {name for path in files for name in re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE)}
    named = {name for names in KEPT.values() for name in names.split()}
    assert sorted(named - attacks - tests) == []


def test_the_numbers_of_the_page_are_those_of_the_code() -> None:
    said = " ".join(DOCUMENT.read_text(encoding="utf-8").split())
    whole = Allowance()
    for phrase in (
        f"holds at most {FOLDER_BYTES >> 20} MiB and {MAX_FILES:,} entries",
        f"limits of {_DESCRIPTORS} descriptors, {THREADS} threads and {MAX_FILES:,} files",
        f"in calls of at most {LENT_BYTES >> 20} MiB; their limits are five seconds and {LENT.memory_bytes >> 20} MiB",
        f"more than {MAX_BYTES >> 20} MB, {MAX_PARTS:,} lists and objects, {MAX_CELLS:,} cells,"
        f" or {MAX_TEXT:,} characters",
        f"the first {_MOST_NOTEBOOKS} notebooks and {_MOST_FILES:,} other files are read,"
        f" and at most {_MOST_BYTES >> 20} MiB",
        f"An empty array of more than {MAX_EMPTY_ROWS:,} rows",
        f"at most {MAX_KEYS:,} keys",
        f"at most {MAX_PIXELS // 10**6} megapixels, {MAX_PICTURE_BYTES >> 20} MB for a file,"
        f" {_MOST_PICTURES} pictures and {_MOST_PICTURE_BYTES >> 20} MB for a submission",
        f"in a notebook of more than {_MOST_LINES:,}",
        f"may take {whole.bytes >> 20} MiB in all and its outputs {whole.output_bytes >> 20} MiB",
    ):
        assert phrase in said
    assert LENT.call_seconds == 5
