# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From wishes and catalogs to the plan: what changes, and the statements for each transaction."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.srelab.url_shortener.plugins.module_utils._grants import acl, membership, sql
from ansible_collections.srelab.url_shortener.plugins.module_utils._grants.catalog import Cluster, Database
from ansible_collections.srelab.url_shortener.plugins.module_utils._grants.model import (
    PUBLIC,
    CatalogObject,
    Key,
    Kind,
    Right,
    shown,
)
from ansible_collections.srelab.url_shortener.plugins.module_utils._grants.resolve import Wishes, exclusive
from ansible_collections.srelab.url_shortener.plugins.module_utils._plan import Change, Plan


@dataclasses.dataclass(frozen=True)
class GrantPlan:
    """The changes, and the statements of each transaction in their order; "" is that for the whole cluster."""

    plan: Plan
    statements: dict[str, list[str]]

    def __bool__(self) -> bool:
        return any(self.statements.values())


@dataclasses.dataclass(frozen=True)
class _Step:
    """One object's part of a plan."""

    catalog: CatalogObject
    owner: str
    rights: acl.AclPlan

    def change(self, database: str) -> Change:
        """The object before and after, as texts."""
        key, was, items = self.catalog.key, self.catalog.owner, self.catalog.items
        # Default privileges belong to the role that creates the objects, which their name says.
        before, after = ("", "") if key.kind is Kind.DEFAULT else (was, self.owner)
        return Change(key.label(database), _text(before, acl.held(items, was)), _text(after, self.rights.after))


def build(
    cluster: Cluster,
    databases: t.Mapping[str, Database],
    wishes: t.Mapping[str, Wishes],
    exclusive_for: t.Collection[str] = (),
) -> GrantPlan:
    """The plan for everything; roles in ``exclusive_for`` keep nothing that no wish names."""
    members = membership.plan(cluster, wishes[""], exclusive_for)
    in_scope = {key: one for key, one in cluster.databases.items() if key.name in databases}
    shared = _steps(in_scope, wishes[""], exclusive_for)
    changes = [*_changes(shared, ""), *members.changes]
    statements = {"": [*_statements(shared), *members.statements]}
    for name, database in databases.items():
        steps = _steps(database.objects, wishes[name], exclusive_for)
        changes += _changes(steps, name)
        statements[name] = _statements(steps)
    return GrantPlan(Plan(tuple(changes)), statements)


def _steps(objects: t.Mapping[Key, CatalogObject], wishes: Wishes, exclusive_for: t.Collection[str]) -> list[_Step]:
    """A step for each object, whether it changes or not; columns come after their tables."""
    unset = {
        key: CatalogObject(key, key.name, frozenset())
        for key in (*wishes.present, *wishes.absent)
        if key.kind is Kind.DEFAULT and key not in objects
    }
    steps: dict[Key, _Step] = {}
    known = {**objects, **unset}
    for key in sorted(known, key=lambda key: (key.kind is Kind.COLUMN, key)):
        one = known[key]
        # A column's owner is its table's, and so is that of a sequence which belongs to one.
        table = Key(Kind.TABLE, key.schema, key.name) if key.kind is Kind.COLUMN else one.follows
        owner = wishes.owner(table or key, one.owner)
        items = acl.owned_by(one.items, one.owner, owner)
        wish = exclusive(wishes.wish(key), one, owner, acl.held(items, owner), exclusive_for)
        lost = _lost(steps[table].rights) if key.kind is Kind.COLUMN and table in steps else frozenset()
        steps[key] = _Step(one, owner, acl.plan(items, owner, wish, lost))
    return list(steps.values())


def _lost(table: acl.AclPlan) -> acl.Rights:
    """What a table's REVOKE takes from its columns on its way; a privilege goes with its option."""
    return table.cut | table.revoke | frozenset(one._replace(option=True) for one in table.revoke)


def _changes(steps: list[_Step], database: str) -> list[Change]:
    changes = [step.change(database) for step in steps]
    return [change for change in changes if change.before != change.after]


def _statements(steps: list[_Step]) -> list[str]:
    """Owners first, then what goes, columns before tables (whose REVOKE reaches them), then what comes."""
    moved = [
        sql.owner(step.catalog.key, step.owner)
        for step in steps
        if step.owner != step.catalog.owner and step.catalog.key.kind is not Kind.COLUMN and not step.catalog.follows
    ]
    columns = [step for step in steps if step.catalog.key.kind is Kind.COLUMN]
    others = [step for step in steps if step.catalog.key.kind is not Kind.COLUMN]
    return [
        *moved,
        *(statement for some in (columns, others) for statement in _removals(some)),
        *(statement for some in (others, columns) for statement in sql.grants(_by_key(some, "grant"))),
    ]


def _removals(steps: list[_Step]) -> list[str]:
    return [
        *sql.grants(_by_key(steps, "enable")),
        *sql.revokes(_by_key(steps, "cut"), cascade=True),
        *sql.revokes(_by_key(steps, "revoke")),
    ]


def _by_key(steps: list[_Step], stage: str) -> dict[Key, acl.Rights]:
    return {step.catalog.key: getattr(step.rights, stage) for step in steps}


def _text(owner: str, rights: acl.Rights) -> str:
    """An owner, if there is one, and the rights of each role, a line each."""
    lines = [f"owner: {shown(owner)}"] if owner else []
    for grantee in sorted({one.grantee for one in rights}):
        names = sorted(one.privilege for one in rights if one.grantee == grantee and not one.option)
        worded = [name + (" with grant option" if Right(grantee, name, True) in rights else "") for name in names]
        lines.append(f"{'PUBLIC' if grantee == PUBLIC else shown(grantee)}: {', '.join(worded)}")
    return "\n".join(lines)
