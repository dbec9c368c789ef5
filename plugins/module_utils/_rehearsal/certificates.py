# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates of the rehearsal: what is there, what must be made, and the making (by the library trustme).

An authority's certificate has no practical end (trustme gives it the year 3000); a leaf lives a year and is renewed
thirty days ahead.
"""

from __future__ import annotations

import dataclasses
import datetime
import ipaddress
import typing as t

from ansible_collections.srelab.url_shortener.plugins.module_utils._plan import MASK, Change, Plan
from ansible_collections.srelab.url_shortener.plugins.module_utils._rehearsal.files import (
    mode_of,
    read_text,
    write_file,
)
from ansible_collections.srelab.url_shortener.plugins.module_utils._rehearsal.model import (
    Certificate,
    Layout,
    Rehearsal,
    RehearsalError,
    authority_stem,
)

try:
    import trustme
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    MISSING_LIBRARY = ""
except ImportError as error:
    MISSING_LIBRARY = str(error)

LIFETIME = datetime.timedelta(days=365)
RENEWED_AHEAD = datetime.timedelta(days=30)
ABSENT = "absent"


@dataclasses.dataclass(frozen=True)
class Found:
    """A certificate as it lies on the disk; ``signed_by`` names the authority whose key signed it, or ""."""

    common_name: str
    organization: str
    names: frozenset[str]
    not_after: datetime.datetime
    signed_by: str
    key_fits: bool
    private: bool


@dataclasses.dataclass(frozen=True)
class Snapshot:
    """What lies in the pki folder: sound authorities, leaves that can be read, keys that can be read."""

    authorities: frozenset[str]
    certificates: t.Mapping[str, Found]
    keys: frozenset[str]


def authority_object(name: str) -> str:
    """The name of an authority in a plan."""
    return f"certificate authority {name}"


def certificate_object(name: str) -> str:
    """The name of a certificate in a plan."""
    return f"certificate {name}"


def key_object(name: str) -> str:
    """The name of a signing key in a plan."""
    return f"key {name}"


def snapshot(rehearsal: Rehearsal) -> Snapshot:
    """Reads the pki folder. A file that is damaged counts as absent. Raises RehearsalError without the library."""
    if MISSING_LIBRARY:
        raise RehearsalError(f"the rehearsal makes its certificates with Python's trustme: {MISSING_LIBRARY}")
    layout = rehearsal.layout
    loaded = {name: _load_pair(layout, authority_stem(name)) for name in rehearsal.authorities}
    authorities = {name: pair for name, pair in loaded.items() if pair and _key_fits(*pair)}
    certificates = {}
    for wanted in rehearsal.certificates:
        pair = _load_pair(layout, wanted.name)
        if pair:
            certificates[wanted.name] = _found(layout, wanted, pair, authorities.get(wanted.authority))
    keys = frozenset(name for name in rehearsal.signing_keys if _load_key(layout, name) is not None)
    return Snapshot(frozenset(authorities), certificates, keys)


def plan(rehearsal: Rehearsal, there: Snapshot, now: datetime.datetime) -> Plan:
    """The authorities, certificates and keys that must be made, each with the reason. ``now`` is aware (UTC)."""
    changes = [
        Change(authority_object(name), ABSENT, "made")
        for name in rehearsal.authorities
        if name not in there.authorities
    ]
    for wanted in rehearsal.certificates:
        reason = _reason(wanted, there, now)
        if reason:
            changes.append(Change(certificate_object(wanted.name), reason, _described(wanted)))
    changes += [Change(key_object(name), ABSENT, MASK) for name in rehearsal.signing_keys if name not in there.keys]
    return Plan(tuple(changes))


def apply(rehearsal: Rehearsal, wanted: Plan, now: datetime.datetime) -> None:
    """Makes what the plan names. Each file appears whole; a run that dies in between is mended by the next."""
    layout = rehearsal.layout
    for name in rehearsal.authorities:
        if authority_object(name) in wanted.objects:
            authority = trustme.CA(organization_name="rehearsal", organization_unit_name=f"{name} authority")
            _write_pair(layout, authority_stem(name), authority.cert_pem, authority.private_key_pem)
    for certificate in rehearsal.certificates:
        if certificate_object(certificate.name) in wanted.objects:
            leaf = _authority(layout, certificate.authority).issue_cert(
                *certificate.names,
                common_name=certificate.common_name,
                organization_name=certificate.organization,
                organization_unit_name=certificate.name,
                not_before=now - datetime.timedelta(hours=1),
                not_after=now + LIFETIME,
            )
            _write_pair(layout, certificate.name, leaf.cert_chain_pems[0], leaf.private_key_pem)
    for name in rehearsal.signing_keys:
        if key_object(name) in wanted.objects:
            write_file(layout.key(name), _new_signing_key())


def _reason(wanted: Certificate, there: Snapshot, now: datetime.datetime) -> str:
    found = there.certificates.get(wanted.name)
    if found is None:
        return ABSENT
    if wanted.authority not in there.authorities or found.signed_by != wanted.authority:
        return f"not signed by the authority {wanted.authority}"
    if not found.key_fits:
        return "its private key is missing or another's"
    if not found.private:
        return "others may read its private key"
    if (found.common_name, found.organization) != (wanted.common_name, wanted.organization):
        return f"subject {found.common_name} in {found.organization}"
    if found.names != {_canonical(name) for name in wanted.names}:
        return f"for {', '.join(sorted(found.names))}"
    if found.not_after - now < RENEWED_AHEAD:
        return f"ends {found.not_after:%Y-%m-%d}"
    return ""


def _described(wanted: Certificate) -> str:
    return (
        f"subject {wanted.common_name} in {wanted.organization}, for {', '.join(sorted(wanted.names))}, "
        f"signed by the authority {wanted.authority}"
    )


def _found(layout: Layout, wanted: Certificate, pair: t.Any, authority: t.Any) -> Found:
    certificate, key = pair
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return Found(
        common_name=_subject(certificate, NameOID.COMMON_NAME),
        organization=_subject(certificate, NameOID.ORGANIZATION_NAME),
        names=frozenset(_canonical(str(name.value)) for name in names),
        not_after=certificate.not_valid_after_utc,
        signed_by=wanted.authority if authority and _signed_by(certificate, authority[0]) else "",
        key_fits=_key_fits(certificate, key),
        private=mode_of(layout.key(wanted.name)) == 0o600,
    )


def _canonical(name: str) -> str:
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        return name


def _subject(certificate: t.Any, oid: t.Any) -> str:
    return ", ".join(str(attribute.value) for attribute in certificate.subject.get_attributes_for_oid(oid))


def _signed_by(certificate: t.Any, authority: t.Any) -> bool:
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _key_fits(certificate: t.Any, key: t.Any) -> bool:
    return key is not None and bool(certificate.public_key() == key.public_key())


def _load_pair(layout: Layout, stem: str) -> t.Any:
    text = read_text(layout.certificate(stem))
    if text is None:
        return None
    try:
        certificate = x509.load_pem_x509_certificate(text.encode())
        certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    except (ValueError, x509.ExtensionNotFound):
        return None
    return certificate, _load_key(layout, stem)


def _load_key(layout: Layout, stem: str) -> t.Any:
    text = read_text(layout.key(stem))
    try:
        return None if text is None else serialization.load_pem_private_key(text.encode(), password=None)
    except ValueError:
        return None


def _authority(layout: Layout, name: str) -> t.Any:
    stem = authority_stem(name)
    return trustme.CA.from_pem(layout.certificate(stem).read_bytes(), layout.key(stem).read_bytes())


def _write_pair(layout: Layout, stem: str, certificate: t.Any, key: t.Any) -> None:
    # The certificate goes last: a pair that is cut in between does not fit, and is made again.
    write_file(layout.key(stem), key.bytes().decode())
    write_file(layout.certificate(stem), certificate.bytes().decode())


def _new_signing_key() -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    pem: bytes = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    return pem.decode()
