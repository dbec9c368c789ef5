# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One HTTPS question to a server on this machine, by client certificate."""

from __future__ import annotations

import dataclasses
import http.client
import json
import ssl
import typing as t
import urllib.parse
from pathlib import Path

TIMEOUT = 5.0


@dataclasses.dataclass(frozen=True)
class Credentials:
    """Whom to trust and who asks: paths of PEM files."""

    authority: Path
    certificate: Path
    key: Path

    def context(self) -> ssl.SSLContext:
        """A TLS context that trusts this authority alone. Raises OSError when a file cannot be read."""
        context = ssl.create_default_context(cafile=str(self.authority))
        context.load_cert_chain(self.certificate, self.key)
        return context


def ask(
    url: str, credentials: Credentials, method: str = "GET", body: t.Any = None, content_type: str = "application/json"
) -> tuple[int, str]:
    """Status and text of the answer. ``body`` is sent as JSON. Raises OSError when there is no answer."""
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPSConnection(
        parts.hostname or "", parts.port, timeout=TIMEOUT, context=credentials.context()
    )
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    headers = {"Content-Type": content_type} if body is not None else {}
    try:
        connection.request(method, target, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode(errors="replace")
    except http.client.HTTPException as error:
        raise OSError(f"no HTTP answer ({type(error).__name__})") from error
    finally:
        connection.close()
