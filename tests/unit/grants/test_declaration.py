# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A list is read without a server, and all that is wrong with it is said at once."""

from __future__ import annotations

import pytest
import yaml
from ansible_collections.srelab.url_shortener.plugins.module_utils._grants.declaration import read_grants
from ansible_collections.srelab.url_shortener.plugins.module_utils._grants.model import PUBLIC, Kind
from ansible_collections.srelab.url_shortener.plugins.module_utils._grants.signature import Signature, parse
from ansible_collections.srelab.url_shortener.plugins.module_utils._input_errors import InputErrors
from ansible_collections.srelab.url_shortener.plugins.modules import postgresql_grants as documentation

TABLE = {
    "type": "table",
    "database": "lab",
    "schema": "public",
    "names": ["t"],
    "privileges": ["SELECT"],
    "roles": ["a"],
}
MEMBERSHIP = {"type": "membership", "groups": ["g"], "roles": ["a"]}
DEFAULTS = {
    "type": "default_privileges",
    "database": "lab",
    "objects": "tables",
    "creators": ["c"],
    "privileges": ["ALL"],
    "roles": ["a"],
}


def read(*grants):
    errors = InputErrors()
    return read_grants(list(grants), errors), [str(error) for error in errors]


def test_documented_examples_are_valid():
    for task in yaml.safe_load(documentation.EXAMPLES):
        _declaration, errors = read(*task["srelab.url_shortener.postgresql_grants"]["grants"])
        assert errors == []


def test_privileges_are_read_in_any_case_and_without_abbreviations():
    declaration, errors = read({"type": "database", "names": ["d"], "privileges": ["temp", "Connect"], "roles": ["a"]})
    assert errors == []
    assert declaration.entries[0].privileges == ("TEMPORARY", "CONNECT")


def test_public_is_no_role_of_that_name():
    declaration, _errors = read({**TABLE, "roles": ["PUBLIC", "a"]})
    assert declaration.entries[0].roles == (PUBLIC, "a")


def test_columns_make_a_table_entry_one_about_columns():
    declaration, errors = read({**TABLE, "columns": ["c"]})
    assert (declaration.entries[0].kind, errors) == (Kind.COLUMN, [])


def test_owner_alone_needs_no_privileges():
    only = {key: TABLE[key] for key in ("type", "database", "schema", "names")}
    assert read({**only, "owner": "a"})[1] == []
    assert read(only)[1] == [
        "grants[0].roles is not set; allowed: a list with at least one item",
        "grants[0].privileges is not set; allowed: a list with at least one item",
    ]


def test_databases_are_named_once_in_the_order_of_the_list():
    of_databases = {"type": "database", "names": ["other", "lab"], "privileges": ["ALL"], "roles": ["a"]}
    assert read(TABLE, of_databases, DEFAULTS)[0].databases == ["lab", "other"]


def test_roles_that_only_lose_something_are_no_grantees():
    declaration, _errors = read({**TABLE, "state": "absent", "roles": ["b"]}, MEMBERSHIP)
    assert declaration.grantees == {"a"}


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("text", "grants[0].type is not set; allowed: one of database, schema, table"),
        ({"type": "tabel"}, "grants[0].type is 'tabel'; allowed: one of"),
        ({**TABLE, "table": "t"}, "grants[0].table is 't'; allowed: the keys"),
        ({**TABLE, "privilege": ["SELECT"]}, "(did you mean privileges?)"),
        ({**TABLE, "privileges": ["EXECUTE"]}, "grants[0].privileges is 'EXECUTE'; allowed: for a table: SELECT"),
        ({**TABLE, "columns": ["c"], "privileges": ["DELETE"]}, "is 'DELETE'; allowed: for a column: SELECT, INSERT"),
        ({**TABLE, "privileges": ["ALL", "SELECT"]}, "grants[0].privileges is ALL, SELECT; allowed: ALL alone"),
        ({**TABLE, "roles": []}, "grants[0].roles is []; allowed: a list with at least one item"),
        (
            {**TABLE, "roles": ["PUBLIC"], "grant_option": True},
            "grants[0].grant_option is True; allowed: false for PUBLIC",
        ),
        ({**TABLE, "names": ["a\0b"]}, "without NUL characters"),
        ({**TABLE, "names": [""]}, "not empty"),
        ({**TABLE, "all_in_schema": True}, "grants[0].names is ['t']; allowed: nothing with all_in_schema"),
        ({**TABLE, "state": "absent", "owner": "b"}, "grants[0].owner is 'b'; allowed: a role, with state=present"),
        ({**TABLE, "owner": "PUBLIC"}, "grants[0].owner is 'PUBLIC'; allowed: a role"),
        ({**TABLE, "schema": None}, "grants[0].schema is not set; allowed: a name"),
        ({**TABLE, "database": None}, "grants[0].database is not set; allowed: a name"),
        ({**TABLE, "type": "function", "names": ["f(int"], "privileges": ["ALL"]}, ""),
        (
            {**TABLE, "type": "function", "names": ["f(int,)"], "privileges": ["ALL"]},
            "'f(int,)'; allowed: a name, or name(",
        ),
        ({**DEFAULTS, "objects": None}, "grants[0].objects is not set; allowed: one of tables"),
        (
            {**DEFAULTS, "objects": "schemas", "schema": "s"},
            "grants[0].schema is 's'; allowed: nothing with objects=schemas",
        ),
        ({**DEFAULTS, "privileges": ["USAGE"]}, "grants[0].privileges is 'USAGE'; allowed: for a table: SELECT"),
        ({**MEMBERSHIP, "roles": ["PUBLIC"]}, "grants[0].roles is ['PUBLIC']; allowed: names of roles"),
        (
            {**MEMBERSHIP, "state": "absent", "admin": True},
            "grants[0].admin is True; allowed: nothing with state=absent",
        ),
        ({**MEMBERSHIP, "inherit": "maybe"}, "grants[0].inherit is 'maybe'; allowed: true or false"),
    ],
)
def test_what_is_wrong_is_named_with_what_is_allowed(entry, message):
    _declaration, errors = read(entry)
    assert any(message in error for error in errors) if message else not errors


def test_all_errors_come_at_once():
    assert len(read({"type": "x"}, {**TABLE, "roles": None, "privileges": ["NONE"]}, "no")[1]) == 4


def test_list_that_is_none_is_an_error():
    errors = InputErrors()
    read_grants({"type": "table"}, errors)
    assert [str(error).split(";")[1] for error in errors] == [" allowed: a list of grants"]


@pytest.mark.parametrize(
    ("text", "name", "types"),
    [
        ("f", "f", None),
        ("f()", "f", ()),
        ("f ( int , text )", "f", ("int", "text")),
        ('f("a,b)"."c", numeric(10,2))', "f", ('"a,b)"."c"', "numeric(10,2)")),
        ("f(x(integer)", "f(x", ("integer",)),
        ("f(x", "f(x", None),
    ],
)
def test_signature_is_cut_at_its_outer_brackets_and_commas(text, name, types):
    assert parse(text) == Signature(name, types)


@pytest.mark.parametrize("text", ["(int)", "f(int,)", "f)", ")"])
def test_signature_that_cannot_be_cut_is_none(text):
    assert parse(text) is None
