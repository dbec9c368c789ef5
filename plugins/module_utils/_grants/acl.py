# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides about one access control list: what to grant and to revoke so that it says what is wanted.

Follows PostgreSQL's src/backend/utils/adt/acl.c and src/backend/catalog/aclchk.c: each entry has a grantor; only the
object's owner, and who holds a grant option, can grant; a grant option goes away with all that was granted by it
(CASCADE) or not at all. Every statement here is executed as the owner. To take away what somebody else granted,
that grantor's option is revoked with CASCADE, and the owner grants again what shall stay.
"""

from __future__ import annotations

import dataclasses

from ansible_collections.srelab.url_shortener.plugins.module_utils._grants.model import Item, Right

Rights = frozenset[Right]


@dataclasses.dataclass(frozen=True)
class Wish:
    """What a declaration says about one object; the two sets share no right."""

    present: Rights = frozenset()
    absent: Rights = frozenset()


@dataclasses.dataclass(frozen=True)
class AclPlan:
    """The rights before and after, and the steps between them in the order of execution.

    ``enable`` are grant options given to former grantors, for ``cut`` to find something to revoke; ``cut`` are grant
    options to revoke with CASCADE; ``revoke`` and ``grant`` are single rights.
    """

    before: Rights
    after: Rights
    enable: Rights = frozenset()
    cut: Rights = frozenset()
    revoke: Rights = frozenset()
    grant: Rights = frozenset()

    def __bool__(self) -> bool:
        return bool(self.enable or self.cut or self.revoke or self.grant)


def held(items: frozenset[Item], owner: str) -> Rights:
    """All rights of a list. The owner may hand on whatever it is, entry or not, so that is no right of its own here."""
    plain = {Right(one.grantee, one.privilege) for one in items}
    return frozenset(
        plain | {Right(one.grantee, one.privilege, True) for one in items if one.grantable and one.grantee != owner}
    )


def owned_by(items: frozenset[Item], old: str, new: str) -> frozenset[Item]:
    """The list after ALTER ... OWNER TO, which puts the new owner's name in the old one's place (aclnewowner)."""
    merged: dict[tuple[str, str, str], bool] = {}
    for one in items:
        grantor, grantee = (new if name == old else name for name in (one.grantor, one.grantee))
        place = (grantor, grantee, one.privilege)
        merged[place] = merged.get(place, False) or one.grantable
    return frozenset(Item(*place, grantable) for place, grantable in merged.items())


def plan(
    items: frozenset[Item],
    owner: str,
    wish: Wish,
    lost: Rights = frozenset(),
    rebuilt: frozenset[str] = frozenset(),
) -> AclPlan:
    """The steps from ``items`` to what ``wish`` says; rights that it does not mention stay as they are.

    ``lost`` are rights that another statement takes away on its way (a table's REVOKE reaches its columns).
    ``rebuilt`` are privileges that the owner itself must have granted in the end.
    """
    before = held(items, owner)
    present = frozenset(one for one in wish.present if not (one.option and one.grantee == owner))
    after = (before - wish.absent) | present
    gone = before - after
    direct = frozenset(one for one in items if one.grantor == owner)
    indirect = items - direct
    cut_privileges = rebuilt | _to_cut(indirect, owner, gone | (lost & before), after)
    indirect_cut = frozenset(one for one in indirect if one.privilege in cut_privileges)
    cut = frozenset(Right(one.grantor, one.privilege, True) for one in indirect_cut)
    of_owner = held(direct, owner)
    enable = frozenset(one for one in cut if one not in before)
    # Who got an option for this only got the privilege with it.
    borrowed = frozenset(one._replace(option=False) for one in enable) - after
    revoke = (gone & of_owner - cut) | borrowed
    # An option goes with its privilege.
    revoke = frozenset(one for one in revoke if not one.option or one._replace(option=False) not in revoke)
    untouched = held(items - indirect_cut, owner) - cut - gone - lost
    return AclPlan(
        before=before,
        after=after,
        enable=enable,
        cut=cut,
        revoke=revoke,
        grant=after - untouched,
    )


def _to_cut(indirect: frozenset[Item], owner: str, gone: Rights, after: Rights) -> frozenset[str]:
    """The privileges of which somebody else's grants cannot stay as they are."""
    return frozenset(
        one.privilege
        for one in indirect
        if Right(one.grantor, one.privilege, True) in gone or not held(frozenset({one}), owner) <= after
    )
