# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The property that the sample and the long walk share."""

from __future__ import annotations

import contextlib
import os
import typing as t

import grants_world
from ansible_collections.srelab.url_shortener.plugins.module_utils._grants.model import quoted
from hypothesis import HealthCheck, Phase, given, note, seed, settings
from hypothesis import strategies as st

if t.TYPE_CHECKING:
    from grants_lab import Lab

SEED = int(os.environ.get("SEED", "20261123"))


def walk(lab: Lab, steps: int) -> None:
    """Random states and lists; of each: check mode foresees, the account of rights agrees, a second run is idle."""

    @seed(SEED)
    @settings(
        max_examples=steps,
        deadline=None,
        database=None,
        print_blob=False,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )
    @given(world=grants_world.worlds(), entries=grants_world.lists(), exclusive=st.booleans())
    def step(world: list[tuple[str, str]], entries: list[grants_world.Entry], exclusive: bool) -> None:
        exclusive = exclusive and grants_world.names_the_database(entries)
        lab.reset()
        enact(lab, world)
        before, owned = grants_world.rights(lab.sql), grants_world.owners(lab.sql)
        note(f"before: {sorted(before)}")
        result = lab.settle(entries, exclusive=exclusive)
        note("\n".join(one["statement"] for one in result["statements"]))
        wanted = grants_world.expected(before, owned, entries, exclusive=exclusive)
        found = grants_world.rights(lab.sql)
        assert (sorted(found - wanted), sorted(wanted - found)) == ([], [])
        assert bool(result["objects"]) == (before != wanted)
        agree(lab, entries)

    step()


def enact(lab: Lab, world: list[tuple[str, str]]) -> None:
    """Executes each statement as its role; those that the role may not execute change nothing."""
    import psycopg

    with psycopg.connect(lab.server.dsn("lab"), autocommit=True) as connection:
        for actor, statement in world:
            connection.execute(f"SET ROLE {quoted(actor)}".encode())
            with contextlib.suppress(psycopg.Error):
                connection.execute(statement.encode())


def agree(lab: Lab, entries: list[grants_world.Entry]) -> None:
    """has_*_privilege says yes to all that the list gives."""
    for entry in entries:
        kind = entry["type"]
        if entry.get("state") == "absent" or kind in ("default_privileges", "membership"):
            continue
        name = entry["names"][0] if kind in ("database", "schema") else f"public.{entry['names'][0]}"
        suffix = " WITH GRANT OPTION" if entry["grant_option"] else ""
        for role in entry["roles"]:
            for privilege in entry["privileges"]:
                columns = entry.get("columns", [])
                function = f"has_{'column' if columns else kind}_privilege"
                asked = "public" if role == "PUBLIC" else role
                assert lab.may(function, asked, name, *columns, privilege + suffix), (role, name, privilege)
