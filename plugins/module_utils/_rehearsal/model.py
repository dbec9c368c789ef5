# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the rehearsal is made of, as the role declares it, and where its state lies."""

from __future__ import annotations

import dataclasses
import json
import typing as t
from pathlib import Path


class RehearsalError(Exception):
    """A rehearsal that cannot be had; the text is fit for the user."""


@dataclasses.dataclass(frozen=True)
class Certificate:
    """A leaf certificate: user ``common_name`` in group ``organization`` for Kubernetes, ``names`` for a server.

    ``authority`` names the certificate authority that signs it; an authority exists because a certificate names it.
    """

    name: str
    authority: str
    common_name: str
    organization: str
    names: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class File:
    """A file under the state folder (or a server's own folder) with its whole content."""

    path: str
    content: str
    mode: int
    secret: bool


@dataclasses.dataclass(frozen=True)
class Ready:
    """The question that tells whether a server is ready: HTTPS GET, answered 200 with ``text`` in the body."""

    url: str
    authority: str
    certificate: str
    text: str


@dataclasses.dataclass(frozen=True)
class Server:
    """One supervised program.

    ``ports`` maps the variable that sets a port to the port; ``pki`` names the certificates and keys it reads, which
    restart it when they change; ``after`` names the servers that must be ready before it starts.
    """

    name: str
    command: tuple[str, ...]
    environment: t.Mapping[str, str]
    files: tuple[File, ...]
    ports: t.Mapping[str, int]
    pki: tuple[str, ...]
    ready: Ready
    after: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Layout:
    """Where everything lies under the state folder."""

    state: Path

    @property
    def pki(self) -> Path:
        """Certificates and keys."""
        return self.state / "pki"

    @property
    def servers(self) -> Path:
        """One folder a server: its start script, files, data and log."""
        return self.state / "servers"

    @property
    def supervisor(self) -> Path:
        """supervisord's configuration and log."""
        return self.state / "supervisor"

    @property
    def configuration(self) -> Path:
        """supervisord's configuration file."""
        return self.supervisor / "supervisord.conf"

    def server(self, name: str) -> Path:
        """The folder of one server, in which it also runs."""
        return self.servers / name

    def certificate(self, name: str) -> Path:
        """The certificate (PEM) of a leaf."""
        return self.pki / f"{name}.crt"

    def key(self, name: str) -> Path:
        """The private key (PEM) of a leaf, or a signing key."""
        return self.pki / f"{name}.key"

    def authority(self, name: str) -> Path:
        """The certificate (PEM) of an authority."""
        return self.certificate(authority_stem(name))


@dataclasses.dataclass(frozen=True)
class Rehearsal:
    """The declared whole."""

    layout: Layout
    supervisor_port: int
    certificates: tuple[Certificate, ...]
    signing_keys: tuple[str, ...]
    files: tuple[File, ...]
    servers: tuple[Server, ...]

    @property
    def authorities(self) -> tuple[str, ...]:
        """The authorities that the certificates name, in order of first mention."""
        return tuple(dict.fromkeys(certificate.authority for certificate in self.certificates))


def authority_stem(name: str) -> str:
    """The file name, without its ending, of an authority's certificate and key."""
    return f"ca-{name}"


def layout_of(state_dir: str) -> Layout:
    """The layout of a state folder; a relative path starts at the working directory."""
    return Layout(Path(plain(state_dir)).absolute())


def plain(value: t.Any) -> t.Any:
    """The value in Python's own types; Ansible's carry tags, and XML-RPC refuses them."""
    return json.loads(json.dumps(value))


def from_arguments(arguments: t.Mapping[str, t.Any]) -> Rehearsal:
    """The declaration as types, from the validated arguments of the action.

    Raises RehearsalError when servers depend on something that does not come before them: a mistake in the role, not
    in a user's input.
    """
    components = arguments["components"]
    servers = tuple(_server(raw) for component in components for raw in component["servers"])
    seen: set[str] = set()
    for server in servers:
        for name in server.after:
            if name not in seen:
                raise RehearsalError(f"server {server.name} starts after {name}, which is not declared before it")
        seen.add(server.name)
    return Rehearsal(
        layout=layout_of(arguments["state_dir"]),
        supervisor_port=arguments["supervisor_port"] or 0,
        certificates=tuple(_certificate(raw) for component in components for raw in component["certificates"]),
        signing_keys=tuple(name for component in components for name in component["signing_keys"]),
        files=tuple(_file(raw) for raw in arguments["files"]),
        servers=servers,
    )


def _certificate(raw: t.Mapping[str, t.Any]) -> Certificate:
    return Certificate(
        name=raw["name"],
        authority=raw["authority"],
        common_name=raw["common_name"],
        organization=raw["organization"],
        # An empty list of names would be a critical extension that says nothing: Go's TLS refuses that.
        names=tuple(raw["names"] or [raw["name"]]),
    )


def _file(raw: t.Mapping[str, t.Any]) -> File:
    return File(path=raw["path"], content=raw["content"], mode=int(raw["mode"], 8), secret=raw["secret"])


def _server(raw: t.Mapping[str, t.Any]) -> Server:
    return Server(
        name=raw["name"],
        command=tuple(raw["command"]),
        environment={key: str(value) for key, value in raw["environment"].items()},
        files=tuple(_file(file) for file in raw["files"]),
        ports={variable: int(port) for variable, port in raw["ports"].items()},
        pki=tuple(raw["pki"]),
        ready=Ready(**raw["ready"]),
        after=tuple(raw["after"]),
    )
