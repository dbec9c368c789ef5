# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides about memberships of roles, which are lists of grants too, with options since PostgreSQL 16.

Follows PostgreSQL 16's src/backend/commands/user.c: a superuser's grants are recorded as those of the role made by
initdb, which is in the place that an owner has elsewhere; earlier versions do not say who granted.
"""

from __future__ import annotations

import collections
import typing as t

from ansible_collections.srelab.url_shortener.plugins.module_utils._grants import acl
from ansible_collections.srelab.url_shortener.plugins.module_utils._grants.catalog import Cluster, Member
from ansible_collections.srelab.url_shortener.plugins.module_utils._grants.model import (
    MEMBER,
    Item,
    Key,
    Kind,
    MemberOptions,
    Right,
    quoted,
    shown,
)
from ansible_collections.srelab.url_shortener.plugins.module_utils._grants.resolve import Wishes
from ansible_collections.srelab.url_shortener.plugins.module_utils._grants.sql import role_names
from ansible_collections.srelab.url_shortener.plugins.module_utils._plan import Change

OPTIONS_SINCE = 16
_Options = dict[str, MemberOptions]


class MembershipPlan(t.NamedTuple):
    """The changes, one for each group, and the statements."""

    changes: list[Change]
    statements: list[str]


def plan(cluster: Cluster, wishes: Wishes, exclusive_for: t.Collection[str]) -> MembershipPlan:
    """What to change about the members of all roles."""
    result = MembershipPlan([], [])
    rows: dict[str, list[Member]] = collections.defaultdict(list)
    for row in cluster.members:
        rows[row.group].append(row)
    wished = {key.name for key in (*wishes.present, *wishes.absent) if key.kind is Kind.ROLE}
    for group in sorted(wished | rows.keys()):
        key = Key(Kind.ROLE, "", group)
        changed = _of_group(key, cluster, rows[group], wishes, exclusive_for)
        result.changes.extend(changed.changes)
        result.statements.extend(changed.statements)
    return result


def _of_group(
    key: Key, cluster: Cluster, rows: list[Member], wishes: Wishes, exclusive_for: t.Collection[str]
) -> MembershipPlan:
    root = cluster.bootstrap
    tracked = cluster.version >= OPTIONS_SINCE
    items = frozenset(Item(row.grantor if tracked else root, row.member, MEMBER, row.admin) for row in rows)
    wish = wishes.wish(key)
    rest = frozenset(one for one in acl.held(items, root) - wish.present if one.grantee in exclusive_for)
    wish = acl.Wish(wish.present, wish.absent | rest)
    existing = _effective(rows)
    declared = {member: said for (group, member), (said, _path) in wishes.options.items() if group == key.name}
    wanted = {member: _merged(declared.get(member), existing.get(member)) for member in {*declared, *existing}}
    differing = {
        one.grantee for one in wish.present if one.grantee in existing and wanted[one.grantee] != existing[one.grantee]
    }
    # What somebody else granted cannot be changed in place.
    handed_on = {row.member for row in rows if tracked and row.grantor != root}
    rights = acl.plan(items, root, wish, rebuilt=frozenset({MEMBER} if differing & handed_on else ()))
    after = {one.grantee: wanted.get(one.grantee, MemberOptions()) for one in rights.after}
    before_text, after_text = _text(rights.before, existing), _text(rights.after, after)
    changes = [Change(key.label(""), before_text, after_text)] if before_text != after_text else []
    return MembershipPlan(changes, _statements(key.name, rights, after, differing))


def _effective(rows: list[Member]) -> _Options:
    """What a member can do by any of its grants."""
    found: dict[str, MemberOptions] = {}
    for row in rows:
        known = found.get(row.member, MemberOptions())
        found[row.member] = MemberOptions(
            *(None if new is None else bool(new or old) for old, new in zip(known, (row.inherit, row.set), strict=True))
        )
    return found


def _merged(declared: MemberOptions | None, existing: MemberOptions | None) -> MemberOptions:
    """The options wanted: those said, else those that are."""
    pairs = zip(declared or MemberOptions(), existing or MemberOptions(), strict=True)
    return MemberOptions(*(was if said is None else said for said, was in pairs))


def _statements(group: str, rights: acl.AclPlan, after: _Options, differing: set[str]) -> list[str]:
    name = quoted(group)
    statements = [
        *(f"GRANT {name} TO {roles} WITH ADMIN OPTION" for roles in _names(rights.enable, option=True)),
        *(f"REVOKE ADMIN OPTION FOR {name} FROM {roles} CASCADE" for roles in _names(rights.cut, option=True)),
        *(f"REVOKE ADMIN OPTION FOR {name} FROM {roles}" for roles in _names(rights.revoke, option=True)),
        *(f"REVOKE {name} FROM {roles}" for roles in _names(rights.revoke, option=False)),
    ]
    by_options: dict[str, list[str]] = collections.defaultdict(list)
    for member in {one.grantee for one in rights.grant} | differing:
        by_options[_clause(Right(member, MEMBER, True) in rights.grant, after[member])].append(member)
    return [
        *statements,
        *(f"GRANT {name} TO {role_names(some)}{clause}" for clause, some in sorted(by_options.items())),
    ]


def _clause(admin: bool, options: MemberOptions) -> str:
    """The WITH clause; one that only speaks of ADMIN is written as all versions understand it."""
    said = [f"{name.upper()} {str(value).upper()}" for name, value in options._asdict().items() if value is not None]
    if not said:
        return " WITH ADMIN OPTION" if admin else ""
    return " WITH " + ", ".join([*(["ADMIN TRUE"] if admin else []), *said])


def _names(rights: acl.Rights, *, option: bool) -> list[str]:
    """The roles of those rights as one text, or nothing."""
    names = [one.grantee for one in rights if one.option is option]
    return [role_names(names)] if names else []


def _text(rights: acl.Rights, options: _Options) -> str:
    """Each member with its options, a line each."""
    lines = []
    for member in sorted({one.grantee for one in rights}):
        said = [
            f"{name} {str(value).lower()}" for name, value in options[member]._asdict().items() if value is not None
        ]
        admin = ["admin"] if Right(member, MEMBER, True) in rights else []
        lines.append(": ".join([shown(member), ", ".join(["member", *admin, *said])]))
    return "\n".join(lines)
