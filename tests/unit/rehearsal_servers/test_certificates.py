# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which certificates are made again, and what is made."""

from __future__ import annotations

import dataclasses
import datetime
import subprocess

import pytest
from ansible_collections.srelab.url_shortener.plugins.module_utils._rehearsal import certificates
from cryptography import x509

NOW = datetime.datetime(2026, 6, 1, tzinfo=datetime.UTC)
ALL = [
    "certificate authority etcd",
    "certificate authority kubernetes",
    "certificate etcd",
    "certificate admin",
    "key service-account",
]


@pytest.fixture
def made(make_rehearsal):
    rehearsal = make_rehearsal()
    certificates.apply(rehearsal, plan(rehearsal), NOW)
    return rehearsal


def plan(rehearsal, now=NOW):
    return certificates.plan(rehearsal, certificates.snapshot(rehearsal), now)


def with_certificate(rehearsal, name, **replaced):
    changed = tuple(
        dataclasses.replace(certificate, **replaced) if certificate.name == name else certificate
        for certificate in rehearsal.certificates
    )
    return dataclasses.replace(rehearsal, certificates=changed)


def test_everything_is_made_from_nothing_and_then_nothing(make_rehearsal):
    rehearsal = make_rehearsal()
    wanted = plan(rehearsal)
    assert wanted.objects == ALL
    assert not rehearsal.layout.state.exists()
    certificates.apply(rehearsal, wanted, NOW)
    assert not plan(rehearsal)


def test_private_keys_never_show_in_a_plan(make_rehearsal, made):
    keys = [path.read_text().splitlines()[1] for path in made.layout.pki.glob("*.key")]
    made.layout.key("service-account").unlink()
    shown = str(plan(make_rehearsal()).result())
    assert "(hidden)" in shown
    assert not any(key in shown for key in keys)


@pytest.mark.parametrize(("days", "renewed"), [(334, False), (336, True), (366, True)])
def test_leaf_is_renewed_thirty_days_ahead(made, days, renewed):
    wanted = plan(made, NOW + datetime.timedelta(days=days))
    assert wanted.objects == (["certificate etcd", "certificate admin"] if renewed else [])


@pytest.mark.parametrize(
    "replaced", [{"common_name": "other"}, {"organization": "other"}, {"names": ("127.0.0.1",)}, {"names": ("a", "b")}]
)
def test_changed_subject_or_names_make_that_certificate_again(made, replaced):
    changed = with_certificate(made, "etcd", **replaced)
    assert plan(changed).objects == ["certificate etcd"]
    certificates.apply(changed, plan(changed), NOW)
    assert not plan(changed)


def test_other_spelling_of_an_address_is_the_same_name(make_rehearsal):
    rehearsal = with_certificate(make_rehearsal(), "etcd", names=("::1", "0:0:0:0:0:0:0:1", "127.0.0.1"))
    certificates.apply(rehearsal, plan(rehearsal), NOW)
    assert not plan(rehearsal)


def test_lost_authority_is_made_again_with_its_leaves_alone(made):
    made.layout.authority("etcd").unlink()
    wanted = plan(made)
    assert wanted.objects == ["certificate authority etcd", "certificate etcd"]
    certificates.apply(made, wanted, NOW)
    assert not plan(made)


def test_leaf_of_another_authority_of_the_same_name_is_made_again(made):
    authority = made.layout.authority("etcd")
    kept = (made.layout.certificate("etcd").read_text(), made.layout.key("etcd").read_text())
    authority.unlink()
    certificates.apply(made, plan(made), NOW)
    made.layout.certificate("etcd").write_text(kept[0])
    made.layout.key("etcd").write_text(kept[1])
    assert plan(made).objects == ["certificate etcd"]


def test_leaf_moved_to_another_authority_is_made_again(made):
    changed = with_certificate(made, "admin", authority="etcd")
    assert plan(changed).objects == ["certificate admin"]


@pytest.mark.parametrize("damage", [lambda path: path.unlink(), lambda path: path.write_text("nonsense")])
@pytest.mark.parametrize("file", ["etcd.crt", "etcd.key"])
def test_damaged_half_of_a_pair_makes_the_pair_again(made, damage, file):
    damage(made.layout.pki / file)
    assert plan(made).objects == ["certificate etcd"]


def test_foreign_private_key_makes_the_pair_again(made):
    made.layout.key("etcd").write_text(made.layout.key("admin").read_text())
    assert plan(made).objects == ["certificate etcd"]


def test_private_key_that_others_may_read_is_replaced(made):
    made.layout.key("etcd").chmod(0o644)
    assert plan(made).objects == ["certificate etcd"]
    certificates.apply(made, plan(made), NOW)
    assert made.layout.key("etcd").stat().st_mode & 0o777 == 0o600


def test_kubernetes_reads_user_and_group_from_the_subject(made):
    subject = x509.load_pem_x509_certificate(made.layout.certificate("admin").read_bytes()).subject
    assert subject.rfc4514_string() == "CN=kubernetes-admin,OU=admin,O=system:masters"


def test_another_library_accepts_the_chain(made):
    for name, authority in (("etcd", "etcd"), ("admin", "kubernetes")):
        command = ["openssl", "verify", "-attime", str(int(NOW.timestamp())), "-CAfile"]
        subprocess.run(
            [*command, made.layout.authority(authority), made.layout.certificate(name)], check=True, capture_output=True
        )
