# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of a run's events: lines of the journal, rows and text of the table."""

from __future__ import annotations

import pathlib
import re

import pytest
from ansible_collections.srelab.url_shortener.plugins.plugin_utils import _journal
from ansible_collections.srelab.url_shortener.plugins.plugin_utils._journal import Gate, Layer, Outcome, Run, table
from hypothesis import given
from hypothesis import strategies as st

PLAYBOOKS = pathlib.Path(__file__).parents[3] / "playbooks"


class Followed:
    """A run whose lines are kept and whose clock shows what the test sets."""

    def __init__(self) -> None:
        self.now = 0.0
        self.lines: list[dict] = []
        self.run = Run(self.lines.append, lambda: self.now)

    def task(self, task="t", host="localhost", status="ok", result=None, **more):
        self.run.begin()
        self.run.task(Outcome(host=host, task=task, status=status, result=result or {}, **more))

    def events(self, name):
        return [line for line in self.lines if line["event"] == name]


@pytest.fixture
def followed():
    return Followed()


def test_a_play_belongs_to_the_layer_whose_tag_it_carries():
    assert _journal.layer_of("Preflight", ["always", "preflight"]) == "preflight"
    assert _journal.layer_of("K6", ["never", "load"]) == "load"


def test_a_play_without_a_layers_tag_goes_by_its_own_name():
    assert _journal.layer_of("Restore the data", ["nightly"]) == "Restore the data"


def test_every_layer_of_the_site_playbook_is_known_in_its_order():
    imported = re.findall(r"import_playbook: (\w+)\.yml", (PLAYBOOKS / "site.yml").read_text(encoding="utf-8"))
    assert imported
    assert imported == [layer for layer in _journal.LAYERS if layer in imported]


def test_seconds_of_a_layer_run_from_its_first_play_to_the_next_layers_first_play(followed):
    followed.run.play("a", ["preflight"])
    followed.now = 1.0
    followed.task()
    followed.now = 2.0
    followed.run.play("b", ["host"])
    followed.now = 3.0
    followed.task()
    followed.run.play("b2", ["host"])
    followed.now = 7.0
    followed.task()
    layers = followed.run.end([])
    assert [(layer.name, layer.seconds) for layer in layers] == [("preflight", 2.0), ("host", 5.0)]
    assert [line["layer"] for line in followed.events("layer_start")] == ["preflight", "host"]


def test_a_play_in_which_no_task_began_appears_nowhere(followed):
    followed.run.play("a", ["preflight"])
    followed.run.task(Outcome("localhost", "Validating arguments", "ok", {}))
    followed.run.play("b", ["host"])
    followed.task()
    assert [layer.name for layer in followed.run.end([])] == ["host"]
    assert "preflight" not in str(followed.lines)


def test_failure_before_the_first_task_of_a_layer_makes_the_layer_appear(followed):
    followed.run.play("a", ["preflight"])
    followed.run.task(Outcome("localhost", "Validating arguments", "failed", {"msg": "wrong type"}))
    assert [(layer.name, layer.result) for layer in followed.run.end(["localhost"])] == [("preflight", "failed")]


def test_objects_of_a_plan_are_listed_and_counted(followed):
    followed.run.play("a", ["rehearsal"])
    followed.task("Servers run", result={"changed": True, "objects": ["server etcd", "server kwok"]}, seconds=1.23456)
    (line,) = followed.events("changed")
    assert line == {
        "event": "changed",
        "layer": "rehearsal",
        "host": "localhost",
        "task": "Servers run",
        "objects": ["server etcd", "server kwok"],
        "seconds": 1.235,
    }
    (layer,) = followed.run.end([])
    assert (layer.result, layer.changed) == ("changed", 2)


def test_changed_items_of_a_loop_are_listed_by_label_and_unchanged_ones_are_not():
    items = [
        {"changed": True, "_ansible_item_label": "alice"},
        {"changed": False, "_ansible_item_label": "bob"},
        {"changed": True, "_ansible_item_label": {"user": "carol", "password": "canary"}},
        {"changed": True, "_ansible_item_label": "dave", "objects": ["role dave", "grant dave"]},
    ]
    assert _journal.changed_objects({"changed": True, "results": items}) == [
        "alice",
        "item 3",
        "role dave",
        "grant dave",
    ]


def test_a_task_that_names_no_object_counts_as_one_change(followed):
    followed.run.play("a", ["host"])
    followed.task(result={"changed": True})
    assert followed.run.end([])[0].changed == 1


def test_failure_mended_by_a_rescue_is_in_the_journal_but_does_not_fail_the_layer(followed):
    followed.run.play("a", ["host"])
    followed.task(status="failed", result={"msg": "no"})
    followed.task()
    (layer,) = followed.run.end(lost_hosts=[])
    assert layer.result == "ok"
    assert followed.events("failed")[0]["message"] == "no"


def test_of_a_lost_host_only_the_layer_of_its_last_failure_has_failed(followed):
    followed.run.play("a", ["host"])
    followed.task(host="n1", status="failed", result={"msg": "rescued"})
    followed.run.play("b", ["cluster"])
    followed.task(host="n1", status="unreachable", result={"msg": "gone"})
    followed.task(host="n2")
    assert [layer.result for layer in followed.run.end(lost_hosts=["n1"])] == ["ok", "failed"]


def test_a_layer_of_which_every_task_was_skipped_is_skipped(followed):
    followed.run.play("a", ["host"])
    followed.task(status="skipped")
    assert followed.run.end([])[0].result == "skipped"


def test_what_changed_before_a_task_failed_is_journalled_too(followed):
    followed.run.play("a", ["host"])
    items = [
        {"changed": True, "_ansible_item_label": "a"},
        {"changed": False, "failed": True, "msg": "disk full", "_ansible_item_label": "b"},
    ]
    followed.task(status="failed", result={"msg": "One or more items failed", "changed": True, "results": items})
    assert followed.events("changed")[0]["objects"] == ["a"]
    assert followed.events("failed")[0]["message"] == "One or more items failed\nb: disk full"


def test_message_of_a_no_log_task_is_hidden():
    result = {"censored": "hidden", "results": [{"censored": "hidden", "failed": True}]}
    assert _journal.message(result) == "(hidden)\nitem 1: (hidden)"


def test_message_is_cut_to_its_first_lines_and_1000_characters():
    assert _journal.message({"msg": "\n".join(str(n) for n in range(30))}).splitlines()[-1] == "9"
    assert len(_journal.message({"msg": "x" * 5000})) == 1000


def test_gates_of_a_task_and_of_its_items_are_journalled_and_reach_the_layer(followed):
    followed.run.play("a", ["gitops"])
    gate = {"waited_for": "application crds Synced", "seconds": 12.25}
    followed.task("Wait", result={"results": [{"lab_gate": gate}]})
    followed.task("Wait again", status="failed", result={"lab_gate": {"waited_for": "Healthy", "seconds": 3}})
    (layer,) = followed.run.end([])
    assert layer.gates == [Gate("application crds Synced", 12.25), Gate("Healthy", 3.0)]
    assert followed.events("gate")[0] == {
        "event": "gate",
        "layer": "gitops",
        "host": "localhost",
        "task": "Wait",
        **gate,
    }


def test_last_line_sums_up_the_run(followed):
    followed.run.play("a", ["host"])
    followed.task(result={"changed": True, "objects": ["a", "b"]})
    followed.now = 2.0
    followed.run.end([])
    assert followed.lines[-1] == {
        "event": "run_end",
        "seconds": 2.0,
        "changed": 2,
        "layers": [{"name": "host", "result": "changed", "changed": 2, "seconds": 2.0, "gates": []}],
    }


def test_table_is_aligned_and_gives_each_gate_a_line():
    layers = [
        Layer("preflight", "ok", 0, 0.42),
        Layer("rehearsal", "changed", 12, 41.0, [Gate("API ready", 12.1), Gate("nodes Ready", 2.0)]),
    ]
    assert table(layers, check=False) == [
        "layer      result   changes  seconds  waited for",
        "preflight  ok             0      0.4",
        "rehearsal  changed       12     41.0  API ready (12.1 s)",
        "                                      nodes Ready (2.0 s)",
    ]


def test_in_check_mode_the_table_says_would_change():
    assert "would change" in table([Layer("host", "changed", 1, 0.0)], check=True)[1]


layers_of_any_size = st.builds(
    Layer,
    name=st.text(min_size=1, max_size=200),
    result=st.sampled_from(["ok", "changed", "failed", "skipped"]),
    changed=st.integers(0, 10**6),
    seconds=st.floats(0, 10**6),
    gates=st.lists(st.builds(Gate, st.text(max_size=300), st.floats(0, 10**5)), max_size=3),
)


@given(st.lists(layers_of_any_size, min_size=1, max_size=5), st.booleans())
def test_no_line_of_the_table_is_wider_than_100_columns(layers, check):
    lines = table(layers, check)
    assert max(map(len, lines)) <= 100
    assert not any("\n" in line for line in lines)


def test_a_long_wait_is_wrapped_and_not_cut():
    words = " ".join(f"word{n}" for n in range(60))
    shown = " ".join(table([Layer("x", gates=[Gate(words, 1)])], check=False)).split()
    assert [word for word in shown if word.startswith("word")] == words.split()
