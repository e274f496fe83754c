"""`make prove`: the four promises, each by the proofs that would fail if it were broken, and a table of what they say.

Every line of the table is the sentence that a test states; the test runs now, on this machine, with real peers where a
user would have them. Exit code 1 when one of them does not hold.
"""

import ast
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
PROMISES: dict[str, list[str]] = {
    "Nothing is lost": [
        "tests/test_recovery.py::test_nothing_is_lost_or_doubled_by_kill_9",
        "tests/chaos/test_kill_points.py::test_nothing_is_lost_doubled_or_answered_twice_wherever_it_dies",
        "tests/intake/test_ledger.py::test_a_real_mailbox_is_compared",
        "tests/journeys/test_mail_journey.py::test_the_whole_way",
        "tests/channels/test_contract.py::test_a_crash_before_the_acknowledgement_doubles_nothing",
        "tests/channels/test_contract.py::test_repeated_delivery_changes_nothing",
        "tests/channels/test_contract.py::test_a_replay_means_the_same",
        "tests/channels/email/test_imap.py::test_mail_that_others_read_is_not_lost",
        "tests/channels/email/test_imap.py::test_a_new_uidvalidity_loses_nothing",
        "tests/channels/telephony/test_tail.py::test_written_piecemeal_with_rotations",
        "tests/channels/telephony/test_recordings.py::test_all_recordings_at_once",
        "tests/intake/test_books.py::test_the_books_balance_at_every_moment",
        "tests/test_drill.py::test_a_backup_under_load_is_one_moment",
        "tests/test_mail_import.py::test_a_run_that_was_killed_goes_on",
        "tests/tickets/test_regrouping.py::test_whatever_is_split_and_merged_balances",
        "tests/journeys/test_desk_journey.py::test_what_is_written_without_a_network_goes_up_later",
    ],
    "Nothing is repeated": [
        "tests/journeys/test_one_person_journey.py::test_one_person_on_four_channels",
        "tests/tickets/test_threading.py::test_the_order_of_arrival_plays_no_part",
        "tests/channels/telephony/test_intake.py::test_any_order_of_lines_is_the_same_history",
        "tests/channels/telephony/test_intake.py::test_one_callback_however_often_they_try",
        "tests/contacts/test_merging.py::test_any_merge_can_be_taken_back",
        "tests/contacts/test_identity.py::test_two_first_mails_at_once_make_one_contact",
        "tests/test_drill.py::test_yesterdays_backup_beside_todays_mailbox",
        "tests/routing/test_matcher.py::test_nothing_goes_to_two_and_nobody_gets_what_they_may_not",
        "tests/chaos/test_offers_killed.py::test_nothing_stays_on_offer_and_nobody_is_stuck",
        "tests/automation/test_kill.py::test_a_rule_acts_once_wherever_the_process_dies",
    ],
    "Nothing is missed live": [
        "tests/journeys/test_live_journey.py::test_a_minute_without_network",
        "tests/console/test_agreement.py::test_every_event_keeps_the_console_right",
        "tests/console/test_agreement.py::test_the_catalogue_is_covered",
        "tests/console/test_live.py::test_resume_replays_exactly_what_was_missed",
        "tests/console/test_wire.py::test_a_dropped_console_comes_back_to_all_it_missed",
        "tests/store/test_journal.py::test_a_later_commit_never_gets_a_smaller_number",
        "tests/store/test_journal.py::test_a_tailing_reader_sees_every_event_once_and_in_order",
        "tests/routing/test_matcher.py::test_no_agent_stands_idle_beside_work_they_could_do",
        "tests/tickets/test_clocks.py::test_risk_and_breach_are_said_once",
    ],
    "Nothing is wrong on the board": [
        "tests/store/test_board.py::test_the_board_equals_a_recount_by_hand",
        "tests/api/test_board.py::test_figures_follow_what_happens",
        "tests/api/test_board.py::test_the_board_says_what_the_registry_says",
        "tests/api/test_board.py::test_a_board_shows_the_readers_queues",
        "tests/routing/test_team.py::test_everybody_counts_once_in_all_and_in_each_queue",
        "tests/store/test_calls.py::test_the_golden_row_through_the_database",
        "tests/store/test_calls.py::test_a_call_that_is_handed_on_is_the_work_of_both",
        "tests/store/test_figures.py::test_a_report_equals_a_recount_by_hand",
        "tests/store/test_rollups.py::test_folded_is_rebuilt_is_counted_by_hand",
        "tests/store/test_other_figures.py::test_what_was_seen_is_what_is_counted",
        "tests/store/test_promise_figures.py::test_promises",
        "tests/store/test_promise_figures.py::test_surveys",
        "tests/store/test_agent_time.py::test_time_equals_a_recount_step_by_step",
        "tests/model/test_sla.py::test_due_is_the_instant_at_which_the_target_is_spent",
        "tests/tickets/test_clocks.py::test_clocks_follow_any_history",
    ],
}
WIDTH = 110


@dataclass
class Proof:
    """One test and what became of it, over all its variants."""

    sentence: str
    variants: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0

    @property
    def verdict(self) -> str:
        """One word."""
        if not self.variants or self.failed:
            return "FAILS"
        return "skipped" if self.skipped == self.variants else "holds"


def main() -> int:
    """Run everything and print the table."""
    proofs = {node: Proof(sentence_of(node)) for nodes in PROMISES.values() for node in nodes}
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-n",
            "2",
            "--dist",
            "loadfile",
            "--no-header",
            "-p",
            "no:cacheprovider",
            f"--junitxml={report}",
        ]
        done = subprocess.run([*command, *proofs], cwd=ROOT, capture_output=True, text=True, check=False)
        if not report.is_file():
            print(done.stdout[-3000:] + done.stderr[-3000:])
            return 1
        _read(report, proofs)
    _print(proofs, time.monotonic() - began)
    if any(proof.verdict != "holds" for proof in proofs.values()):
        print(done.stdout[-6000:])
        return 1
    return 0


def sentence_of(node: str) -> str:
    """The rule that a test states: its docstring's first line."""
    path, _, name = node.partition("::")
    for item in ast.parse((ROOT / path).read_text("utf-8")).body:
        if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef) and item.name == name:
            return (ast.get_docstring(item) or name).split("\n", 1)[0]
    raise SystemExit(f"{node}: there is no such test")


def _read(report: Path, proofs: dict[str, Proof]) -> None:
    by_place = defaultdict(list)
    for node, proof in proofs.items():
        path, _, name = node.partition("::")
        by_place[(path.removesuffix(".py").replace("/", "."), name)].append(proof)
    for case in ET.parse(report).iter("testcase"):
        for proof in by_place[(case.get("classname", ""), case.get("name", "").partition("[")[0])]:
            proof.variants += 1
            proof.seconds += float(case.get("time", 0))
            proof.failed += case.find("failure") is not None or case.find("error") is not None
            proof.skipped += case.find("skipped") is not None


def _print(proofs: dict[str, Proof], seconds: float) -> None:
    for promise, nodes in PROMISES.items():
        holds = all(proofs[node].verdict == "holds" for node in nodes)
        print(f"\n{promise.upper()}: {'proven' if holds else 'NOT PROVEN'}")
        for node in nodes:
            proof = proofs[node]
            words = proof.sentence if len(proof.sentence) <= WIDTH else proof.sentence[: WIDTH - 1] + "…"
            print(f"  {proof.verdict:8} {words:{WIDTH}} {proof.variants:4} x {proof.seconds:7.1f} s")
    print(f"\n{sum(p.variants for p in proofs.values())} runs in {seconds:.0f} s")


if __name__ == "__main__":
    sys.exit(main())
