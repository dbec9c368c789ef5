# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps each generated secret on the control node as one Ansible-Vault file under the user's vault id.

It lives in plugin_utils because it uses Ansible's vault, which code that modules share must not import.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import fcntl
import hashlib
import os
import re
import secrets
import shlex
import tempfile
import typing as t
from pathlib import Path

from ansible import constants as C  # noqa: N812
from ansible.errors import AnsibleError
from ansible.parsing.vault import AnsibleVaultFormatError, VaultLib, VaultSecret, VaultSecretsContext
from ansible_collections.srelab.url_shortener.plugins.module_utils._plan import Change, Plan

_SUFFIX = ".vault"
_TEMPORARY = ".tmp"
_HEADER = "$ANSIBLE_VAULT"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_NOT_YET_GENERATED = "a value yet to be generated"
_FINGERPRINT_ROUNDS = 100_000
# More characters than any secret that is kept, so that room for the probe is room for the secret.
_PROBE_BYTES = 4096

_REMEDIES = {
    errno.ENOSPC: "its disk is full; free some space and run again",
    errno.EDQUOT: "this user's disk quota is used up; free some space and run again",
    errno.EROFS: "its file system is read-only; make it writable or set lab_state_dir to another folder",
    errno.EACCES: "this user has no right to it; run as the folder's owner or mend its owner and mode",
    errno.EPERM: "this user has no right to it; run as the folder's owner or mend its owner and mode",
}


class KeyStoreError(AnsibleError):
    """One sentence fit for the user: what is wrong and what to do; it never holds a secret or a password."""


@dataclasses.dataclass(frozen=True)
class KeyStore:
    """The secrets in ``folder``, one file each.

    ``vault_id`` is the id that new files are encrypted under, ``passwords`` are the run's vault ids with their
    passwords: each of them may open a file. Every method raises `KeyStoreError` for what goes wrong here.
    """

    folder: Path
    vault_id: str
    passwords: t.Sequence[tuple[str, VaultSecret]] = dataclasses.field(repr=False)

    @classmethod
    def open(cls, state_dir: str | Path, vault_id: str = "") -> KeyStore:
        """The key store under ``state_dir``, for the vault ids that this Ansible run was given.

        ``vault_id`` is lab_key_store_vault_id; empty leaves the choice to `choose_vault_id`. The ids come from
        the context that ansible-core (2.19 and later) decrypts variables with.
        """
        context = VaultSecretsContext.current(optional=True)
        passwords = list(context.secrets) if context else []
        chosen = choose_vault_id([name for name, _password in passwords], vault_id, C.DEFAULT_VAULT_ENCRYPT_IDENTITY)
        return cls(Path(state_dir) / "keys", chosen, passwords)

    def names(self) -> list[str]:
        """The names of the stored secrets, sorted; none when the folder does not exist yet."""
        with _explained("read", self.folder):
            files = self.folder.iterdir() if self.folder.is_dir() else ()
            return sorted(file.stem for file in files if file.suffix == _SUFFIX and _NAME.fullmatch(file.stem))

    def get(self, name: str) -> str:
        """The stored secret."""
        value = self._stored(name)
        if value is None:
            raise KeyStoreError(
                f"The secret {name} is not in the key store {self.folder}; run the layer that generates it,"
                " or restore the folder from a backup."
            )
        return value

    def put(self, name: str, value: str, *, replace: bool = False) -> None:
        """Stores ``value``; a secret that exists already is an error unless ``replace`` is set."""
        if not self._store(name, value, replace=replace):
            raise KeyStoreError(
                f"The secret {name} is already in the key store {self.folder} and is not overwritten;"
                " move its file away first if it is really to be made anew."
            )

    def get_or_create(self, name: str, factory: t.Callable[[], str]) -> str:
        """The stored secret, else what ``factory`` makes, once it is stored.

        Of two runs that create at once one wins, and both return the winner's value.
        """
        value = self._stored(name)
        if value is None:
            self._store(name, factory(), replace=False)
            value = self.get(name)
        return value

    def plan(self, name: str, value: str | None = None) -> Plan:
        """What storing ``value``, or with None what creating the secret where it is missing, would change.

        A stored secret that cannot be opened is an error here already, thus in check mode too.
        """
        stored = self._stored(name)
        if stored is not None and value in (None, stored):
            return Plan()
        before = "" if stored is None else fingerprint(name, stored)
        after = _NOT_YET_GENERATED if value is None else fingerprint(name, value)
        return Plan((Change(f"secret {name}", before, after),))

    def fingerprint(self, name: str) -> str:
        """The fingerprint of the stored secret."""
        return fingerprint(name, self.get(name))

    def prove_writable(self) -> None:
        """Writes a probe the way a secret is written, reads it back and removes it.

        For callers whose secret is given out once, before they ask for it.
        """
        with self._written("the probe", secrets.token_hex(_PROBE_BYTES)):
            pass

    def _path(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise KeyStoreError(
                f"{name!r} cannot name a secret in the key store; allowed: a small letter, then up to 62 small letters,"
                " digits and underscores."
            )
        return self.folder / f"{name}{_SUFFIX}"

    def _stored(self, name: str) -> str | None:
        path = self._path(name)
        with _explained("read", self.folder):
            return self._decrypted(path) if path.exists() else None

    def _store(self, name: str, value: str, *, replace: bool) -> bool:
        """Whether ``value`` was stored: it is not when ``name`` exists and may not be replaced."""
        path = self._path(name)
        with self._written(f"the secret {name}", value) as temporary:
            if path.exists() and not replace:
                return False
            temporary.replace(path)
            _sync_folder(self.folder)
            self._read_back(path, value)
        return True

    @contextlib.contextmanager
    def _written(self, what: str, value: str) -> t.Iterator[Path]:
        """A synced and proven temporary file that holds ``value``, while no other run writes to the folder.

        It is removed at the end, unless it was renamed.
        """
        data = self._encrypted(what, value)
        with _explained("written", self.folder):
            _make_private_folder(self.folder)
            with _locked(self.folder):
                self._refuse_another_password()
                # Nobody else writes now, so these are what killed runs left.
                for stray in self.folder.glob(f".*{_TEMPORARY}"):
                    stray.unlink()
                descriptor, temporary_name = tempfile.mkstemp(prefix=".", suffix=_TEMPORARY, dir=self.folder)
                temporary = Path(temporary_name)
                try:
                    _write_synced(descriptor, data)
                    self._read_back(temporary, value)
                    yield temporary
                finally:
                    temporary.unlink(missing_ok=True)

    def _refuse_another_password(self) -> None:
        """Opens one stored secret: after a mistyped password, a new secret would be lost to the next run."""
        for name in self.names()[:1]:
            self.get(name)

    def _read_back(self, path: Path, value: str) -> None:
        if self._decrypted(path) != value:
            raise KeyStoreError(f"{path} does not read back as it was written; check the disk of the key store.")

    def _encrypted(self, what: str, value: str) -> bytes:
        password = next(password for name, password in self.passwords if name == self.vault_id)
        # Own salt: a fixed one from ansible.cfg (vault_encrypt_salt) would encrypt all secrets with one key stream.
        salt = secrets.token_bytes(32)
        encrypted: bytes = VaultLib().encrypt(_plaintext(what, value), password, self.vault_id, salt=salt)
        return encrypted

    def _decrypted(self, path: Path) -> str:
        data = path.read_bytes()
        if data and not data.startswith(_HEADER.encode()):
            raise KeyStoreError(
                f"{path} is not vault-encrypted; encrypt it with: ansible-vault encrypt --encrypt-vault-id"
                f" {self.vault_id} {shlex.quote(str(path))}"
            )
        try:
            plaintext = VaultLib(self.passwords).decrypt(data) if VaultLib.is_encrypted(data) else b""
        except AnsibleVaultFormatError:
            plaintext = b""
        except AnsibleError:
            tried = ", ".join(name for name, _password in self.passwords)
            raise KeyStoreError(
                f"{path} does not open with the vault ids of this run ({tried}); give the password that it was"
                " encrypted with, or restore it from a backup if that password is given and the file is damaged."
            ) from None
        value = _value(plaintext)
        if not value:
            raise KeyStoreError(f"{path} is damaged or holds no text; restore it from a backup.")
        return value


def choose_vault_id(loaded: t.Sequence[str], wanted: str, configured: str | None) -> str:
    """The vault id that new secrets are encrypted under.

    That is ``wanted`` (lab_key_store_vault_id), else ``configured`` (ansible.cfg's vault_encrypt_identity), else the
    only one in ``loaded``; what is chosen must be loaded.
    """
    if not loaded:
        raise KeyStoreError(
            "The key store encrypts what it keeps, but this run was given no vault id; add"
            f" --vault-id {wanted or configured or 'lab'}@prompt or @FILE, or set vault_identity_list in ansible.cfg"
            " (`make lab` does it for the rehearsal)."
        )
    ids = list(dict.fromkeys(loaded))
    chosen = wanted or configured or (ids[0] if len(ids) == 1 else "")
    if not chosen:
        raise KeyStoreError(
            f"This run was given several vault ids ({', '.join(ids)}); set lab_key_store_vault_id to the one that the"
            " key store encrypts with."
        )
    if chosen not in ids:
        source = "lab_key_store_vault_id" if wanted else "vault_encrypt_identity"
        raise KeyStoreError(
            f"{source} is {chosen!r}, but this run was given the vault ids {', '.join(ids)} only;"
            f" add --vault-id {chosen}@prompt or @FILE, or name one of those."
        )
    return chosen


def fingerprint(name: str, value: str) -> str:
    """Twelve hex digits that tell two values of the secret ``name`` apart in diffs and results.

    Stretched (PBKDF2-HMAC-SHA-256) and salted with the name, for it is shown: a guessable value cannot be looked up,
    and two secrets of the same value do not show it.
    """
    digest = hashlib.pbkdf2_hmac("sha256", value.encode(errors="surrogatepass"), name.encode(), _FINGERPRINT_ROUNDS)
    return digest.hex()[:12]


def _plaintext(what: str, value: str) -> bytes:
    """What is encrypted: the value and a newline, which editors add anyway, in UTF-8."""
    encoded = None
    # Suppressed rather than chained: the error of a failed encoding or decoding holds the text.
    with contextlib.suppress(UnicodeEncodeError):
        encoded = f"{value}\n".encode()
    if not value:
        problem = "is empty"
    elif value.startswith(_HEADER):
        problem = "is vault-encrypted already"
    elif encoded is None:
        problem = "is not valid Unicode text"
    else:
        return encoded
    raise KeyStoreError(f"The value of {what} {problem}, so it is not stored; give it as plain text.")


def _value(plaintext: bytes) -> str:
    """The value in a decrypted file; empty when it is not text."""
    with contextlib.suppress(UnicodeDecodeError):
        return plaintext.decode().removesuffix("\n")
    return ""


@contextlib.contextmanager
def _explained(done: str, folder: Path) -> t.Iterator[None]:
    """Turns the system's refusals into sentences."""
    try:
        yield
    except OSError as error:
        number = error.errno or 0
        remedy = _REMEDIES.get(number, f"{os.strerror(number)} ({error.filename or folder})")
        raise KeyStoreError(f"The key store {folder} cannot be {done}: {remedy}.") from None


def _make_private_folder(folder: Path) -> None:
    missing = [path for path in (folder, *folder.parents) if not path.is_dir()]
    for path in reversed(missing):
        path.mkdir(mode=0o700, exist_ok=True)
        path.chmod(0o700)
        _sync_folder(path.parent)
    mode = folder.stat().st_mode
    if mode & 0o077:
        folder.chmod(mode & 0o700)


@contextlib.contextmanager
def _locked(folder: Path) -> t.Iterator[None]:
    descriptor = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.fchmod(descriptor, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _write_synced(descriptor: int, data: bytes) -> None:
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, 0o600)
        file.write(data)
        file.flush()
        os.fsync(descriptor)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
