# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Releases that go together, and the words for those that do not."""

from __future__ import annotations

import pytest
from ansible_collections.srelab.url_shortener.plugins.module_utils._preflight import lab, version_matrix


@pytest.mark.parametrize(
    ("k3s", "argocd"),
    [
        ("v1.36.3+k3s1", "v3.6.1"),
        ("v1.34.0+k3s2", "v3.6.0"),
        ("v1.33.1+k3s1", "v3.5.6"),
        ("v1.37.1-rc1+k3s1", "v3.6.1"),
    ],
)
def test_tested_pairs_pass(findings, k3s, argocd) -> None:
    changes = {"k3s_version": k3s, "argocd_version": argocd}
    assert findings(version_matrix.releases_go_together, changes) == []


def test_an_untested_pair_is_refused_and_the_fitting_lines_are_named(findings) -> None:
    assert findings(version_matrix.releases_go_together, {"k3s_version": "v1.33.4+k3s1"}) == [
        (
            "argocd_version is 'v3.6.1'; allowed: with k3s_version v1.33.4+k3s1 a release of Argo CD 3.3, 3.4, 3.5;"
            " Argo CD 3.6 is tested with Kubernetes 1.34, 1.35, 1.36, 1.37"
        )
    ]


@pytest.mark.parametrize(
    ("name", "tag", "allowed"),
    [
        ("k3s_version", "v1.20.0+k3s1", "a release of Kubernetes 1.32, 1.33, 1.34, 1.35, 1.36, 1.37"),
        ("argocd_version", "v2.14.0", "a release of Argo CD 3.3, 3.4, 3.5, 3.6"),
        ("metallb_version", "v0.16.1", "a release of MetalLB 0.15"),
    ],
)
def test_a_line_outside_the_matrix_is_refused_alone(findings, name, tag, allowed) -> None:
    assert findings(version_matrix.releases_go_together, {name: tag}) == [f"{name} is '{tag}'; allowed: {allowed}"]


def test_metallb_on_too_old_a_kubernetes_is_refused(findings, monkeypatch) -> None:
    monkeypatch.setattr(version_matrix, "METALLB", {(0, 15): (1, 37)})
    assert findings(version_matrix.releases_go_together, {}) == [
        (
            "metallb_version is 'v0.15.2'; allowed: with k3s_version v1.36.3+k3s1:"
            " this MetalLB needs Kubernetes 1.37 or later"
        )
    ]


@pytest.mark.parametrize("tag", ["1.36.3+k3s1", "v1.36", "v1.36.3+k3s", "latest", "v1.36.3 ", ""])
def test_what_is_no_release_tag_is_refused(declared, tag) -> None:
    _lab, malformed = lab.read_lab(declared | {"k3s_version": tag}, {})
    assert [error.variable for error in malformed] == ["k3s_version"]


def test_the_report_names_every_release_and_the_kubernetes_it_brings(declared) -> None:
    the_lab, _malformed = lab.read_lab(declared, {})
    assert version_matrix.versions(the_lab) == {
        "k3s": "v1.36.3+k3s1",
        "argocd": "v3.6.1",
        "metallb": "v0.15.2",
        "kubernetes": "1.36",
    }
