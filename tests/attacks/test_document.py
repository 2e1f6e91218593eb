"""Each promise of docs/security.md is kept by a test or an attack that is named here; one without is taken back."""

from __future__ import annotations

import re
from pathlib import Path

from autograder.audit.attacks.campaign import catalogue_folder
from autograder.audit.attacks.catalogue import load_catalogue

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
    "Below `submitted/`": "test_a_link_at_any_step_is_not_followed linked_assignment_folder",
    "`autograder doctor` tries": "test_the_doctor_prints_every_layer test_a_missing_layer_is_named_with_its_remedy",
    "A layer that is missing": "test_with_a_layer_missing_that_was_not_named_nothing_is_graded",
    "| bubblewrap": "files_by_path tcp environments_of_processes",
    "| another user": "another_user test_another_sandbox_is_another_user_with_readable_folders_of_its_own",
    "| Landlock": "folders_of_others unix_sockets",
    "| seccomp": "fork_bomb programs signals debugging",
    "| limits": "loop_in_a_cell memory_at_once disk_full thread_bomb many_empty_tensors outputs_in_many_cells",
    "Hidden parts of checks run": "inputs_kept_for_later",
    "While they run": "test_quiet_passes_nothing_on_that_a_student_chose printed_inputs inputs_in_names_of_errors",
    "Messages of hidden checks": "test_a_hidden_check_says_what_kind_of_input_failed_and_no_value inputs_as_results",
    "Each hidden test carries": "printed_inputs displayed_inputs",
    "A picture that a student draws": (
        "test_a_decoder_that_goes_wild_is_stopped test_nothing_is_decoded_without_its_walls "
        "test_a_photograph_is_turned_upright_and_made_smaller test_what_is_no_sound_picture_is_refused "
        "test_what_cannot_be_shown_says_why test_only_so_many_are_shown"
    ),
    "Metadata, further frames": "test_the_pixels_stay_and_nothing_else",
    "Nothing is fetched.": "test_what_cannot_be_shown_says_why html_addresses",
    "The gradebook, results": "test_no_other_account_reads_grades_or_hidden_tests",
    "Of outputs, text": "test_only_harmless_kinds_of_data_are_kept html_script svg_script",
    "Text cells are shown": "markup_in_text attachments",
    "Written answers appear on the desk": "test_hostile_answers_and_comments_stay_text test_a_hostile_answer_is_text",
    "The desk's own policy": "test_every_page_of_the_desk_forbids_the_rest",
    "It listens on the loopback": "test_only_the_printed_address_leads_in test_the_desk_listens_on_the_loopback_alone",
    "A form that did not come": "test_a_form_from_elsewhere_is_refused",
    "The page of likeness": "test_the_page_of_likeness_stands_alone test_the_page_is_for_its_writer_alone",
    "Who hands in to": "test_who_hands_in_is_who_the_session_says_whatever_the_form_says "
    "test_a_files_name_leads_nowhere",
    "A session is a cookie": "test_a_cookie_that_was_changed_is_nobodys "
    "test_a_link_opens_a_session_only_when_it_is_confirmed",
    "Another student's attempt": "test_another_students_attempt_is_not_there "
    "test_nobody_acts_on_anothers_attempt_by_a_form test_what_is_told_of_an_attempt_is_told_to_its_student_alone",
    "A form is refused": "test_a_form_without_its_token_or_with_anothers_is_refused "
    "test_a_form_of_another_site_is_refused",
    "A personal link opens": "test_a_link_opens_a_session_only_when_it_is_confirmed "
    "test_a_link_that_has_expired_or_was_revoked_lets_nobody_in",
    "In nbgrader's exchange": "test_a_folder_of_somebody_else_is_not_believed "
    "test_the_time_is_the_file_systems_and_not_the_students",
    "The size of files": "test_a_file_that_is_too_large_is_refused_before_it_is_read test_who_comes_too_often_waits "
    "test_only_so_much_runs_at_the_same_time",
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
