# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One access control list: what is granted, what is revoked, and what a grantor's loss takes with it."""

from __future__ import annotations

from ansible_collections.srelab.url_shortener.plugins.module_utils._grants.acl import Wish, held, owned_by, plan
from ansible_collections.srelab.url_shortener.plugins.module_utils._grants.model import Item, Right

P = "SELECT"


def item(grantor, grantee, *, grantable=False):
    return Item(grantor, grantee, P, grantable)


def right(grantee, *, option=False):
    return Right(grantee, P, option)


def planned(items, present=(), absent=(), lost=()):
    return plan(frozenset(items), "owner", Wish(frozenset(present), frozenset(absent)), frozenset(lost))


CHAIN = [item("owner", "app", grantable=True), item("app", "bob")]


def test_what_is_held_needs_nothing():
    assert not planned([item("owner", "app")], present=[right("app")])


def test_missing_right_is_granted_and_others_stay():
    result = planned([item("owner", "bob")], present=[right("app")])
    assert (result.grant, result.revoke) == ({right("app")}, frozenset())
    assert result.after == {right("app"), right("bob")}


def test_right_granted_by_somebody_else_is_held():
    assert not planned(CHAIN, present=[right("bob")])


def test_owner_needs_no_grant_option():
    assert not planned([item("owner", "owner")], present=[right("owner"), right("owner", option=True)])


def test_absent_right_goes_with_its_option_in_one_revoke():
    absent = [right("app"), right("app", option=True)]
    assert planned([item("owner", "app", grantable=True)], absent=absent).revoke == {right("app")}


def test_grantor_that_loses_the_option_is_cut_and_the_owner_grants_to_those_who_stay():
    result = planned(CHAIN, absent=[right("app"), right("app", option=True)])
    assert result.cut == {right("app", option=True)}
    assert result.revoke == {right("app")}
    assert result.grant == {right("bob")}


def test_right_handed_on_is_cut_at_its_grantor_who_gets_the_option_back():
    result = planned(CHAIN, absent=[right("bob")])
    assert (result.cut, result.revoke, result.grant) == (
        {right("app", option=True)},
        frozenset(),
        {right("app", option=True)},
    )


def test_right_by_a_grantor_without_option_is_cut_after_lending_it():
    """A column's privilege can come from a table's grant option, which the column's list does not show."""
    result = planned([item("app", "bob")], absent=[right("bob")])
    assert result.enable == result.cut == {right("app", option=True)}
    assert result.revoke == {right("app")}
    assert not result.grant


def test_right_lost_to_another_statement_is_granted_again():
    result = planned([item("owner", "app")], lost=[right("app")])
    assert (result.grant, result.before == result.after) == ({right("app")}, True)


def test_new_owner_takes_the_old_ones_place_and_entries_merge():
    items = frozenset([item("old", "old"), item("old", "new", grantable=True), item("old", "app")])
    assert owned_by(items, "old", "new") == {item("new", "new", grantable=True), item("new", "app")}


def test_owners_option_is_no_right_of_its_own():
    assert held(frozenset([item("owner", "owner", grantable=True)]), "owner") == {right("owner")}
