# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal's file: private, flushed line by line, limited in number, never a reason to fail."""

from __future__ import annotations

import errno
import json
import os
import stat

import pytest
from ansible_collections.srelab.url_shortener.plugins.plugin_utils import _journal
from ansible_collections.srelab.url_shortener.plugins.plugin_utils._journal import Journal


@pytest.fixture
def warnings():
    return []


@pytest.fixture
def journal(warnings):
    journal = Journal(warnings.append)
    yield journal
    journal.close()


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(params=[0o000, 0o022, 0o077], ids=oct)
def umask(request):
    before = os.umask(request.param)
    yield
    os.umask(before)


@pytest.mark.usefixtures("umask")
def test_only_the_owner_can_read_the_state_folder_and_the_journal(tmp_path, journal):
    journal.open(tmp_path / ".state")
    assert mode(tmp_path / ".state") == 0o700
    assert mode(tmp_path / ".state" / "journal") == 0o700
    assert mode(journal.path) == 0o600


def test_a_line_is_in_the_file_before_the_journal_is_closed(tmp_path, journal):
    journal.open(tmp_path)
    journal.write({"event": "run_start", "playbook": "site.yml"})
    line = json.loads(journal.path.read_text(encoding="utf-8"))
    assert line.pop("at").endswith("+00:00")
    assert line == {"event": "run_start", "playbook": "site.yml"}


def test_text_that_is_no_valid_unicode_is_written_escaped(tmp_path, journal, warnings):
    journal.open(tmp_path)
    journal.write({"message": "bad \udcff byte"})
    assert json.loads(journal.path.read_text(encoding="utf-8"))["message"] == "bad \udcff byte"
    assert warnings == []


def test_the_newest_50_journals_stay_and_other_files_are_left_alone(tmp_path, journal):
    folder = tmp_path / "journal"
    folder.mkdir()
    old = [folder / f"2020010{day}T000000.{n:06}Z-1.jsonl" for day in (1, 2) for n in range(30)]
    for path in [*old, folder / "notes.txt"]:
        path.touch()
    journal.open(tmp_path)
    assert sorted(folder.glob("*.jsonl")) == [*old[-49:], journal.path]
    assert (folder / "notes.txt").exists()


def test_a_state_folder_that_cannot_be_made_is_one_warning_and_later_lines_are_dropped(tmp_path, journal, warnings):
    (tmp_path / "file").touch()
    journal.open(tmp_path / "file" / ".state")
    journal.write({"event": "run_start"})
    assert journal.path is None
    assert len(warnings) == 1
    assert "Not a directory" in warnings[0]
    assert str(tmp_path / "file" / ".state" / "journal") in warnings[0]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write to a read-only folder")
def test_a_read_only_state_folder_is_one_warning(tmp_path, journal, warnings):
    tmp_path.chmod(0o500)
    journal.open(tmp_path)
    assert len(warnings) == 1
    assert "Permission denied" in warnings[0]


def test_a_disk_that_fills_up_is_one_warning(tmp_path, journal, warnings):
    class Full:
        def write(self, line):  # noqa: ARG002
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        def close(self):
            pass

    journal.open(tmp_path)
    journal.close()
    journal._file = Full()
    journal.write({"event": "changed"})
    journal.write({"event": "changed"})
    assert len(warnings) == 1
    assert "No space left on device" in warnings[0]


def test_a_name_sorts_by_time_and_carries_the_process(tmp_path, warnings):
    first, second = Journal(warnings.append), Journal(warnings.append)
    first.open(tmp_path)
    second.open(tmp_path)
    first.close()
    second.close()
    assert first.path.name < second.path.name
    assert first.path.name.endswith(f"Z-{os.getpid()}.jsonl")
    assert _journal.KEPT == 50
