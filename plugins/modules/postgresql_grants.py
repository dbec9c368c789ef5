# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: postgresql_grants
short_description: Makes a PostgreSQL server's privileges, memberships and owners agree with a list
version_added: "0.1.0"
description:
  - Compares one list with one snapshot of each database's catalogs and executes the fewest statements that make them
    agree - first those about databases and memberships in one transaction, then one transaction for each database.
  - Each transaction looks at the catalogs again before it is committed and is rolled back if anything is left to do.
  - What the list does not mention stays as it is, unless O(exclusive=true). In particular, if a role loses a grant
    option, those to whom it handed the privilege on keep it, as granted by the object's owner.
  - PostgreSQL's built-in privileges, such as C(EXECUTE) of PUBLIC on functions, count as granted.
  - It creates and drops no roles, databases or other objects.
options:
  grants:
    description:
      - The list. Names are written as they are in the catalogs, without quotation marks, and are quoted where needed.
      - Two entries may speak of the same object, but must not contradict each other.
    type: list
    elements: dict
    required: true
    suboptions:
      type:
        description:
          - What the entry is about. V(table) includes views, materialized views, foreign and partitioned tables,
            V(function) includes procedures and aggregates, V(type) includes domains.
          - V(default_privileges) are those of objects that O(grants[].creators) will create.
          - V(membership) puts O(grants[].roles) into O(grants[].groups).
        type: str
        required: true
        choices: [database, schema, table, sequence, function, type, default_privileges, membership]
      state:
        description: Whether O(grants[].roles) shall have the privileges or the membership, or shall not.
        type: str
        choices: [present, absent]
        default: present
      database:
        description: The database of the objects; required but for V(database) and V(membership).
        type: str
      schema:
        description:
          - The schema of the objects; required for V(table), V(sequence), V(function) and V(type).
          - Default privileges with a schema hold for objects created in it, without one in all of the database.
        type: str
      names:
        description:
          - The names of the objects.
          - A function can be named with the types of its arguments, in any spelling that PostgreSQL knows, as in
            V(add(int, text[])); it must be if there are several of one name. Types outside of C(pg_catalog) and of the
            function's own schema need their schema.
        type: list
        elements: str
      all_in_schema:
        description: In place of O(grants[].names), all objects of the type that are in the schema when the task runs.
        type: bool
        default: false
      columns:
        description: The columns of the tables which the privileges are about, in place of the whole tables.
        type: list
        elements: str
      objects:
        description: What the default privileges are about.
        type: str
        choices: [tables, sequences, functions, types, schemas]
      creators:
        description: The roles whose future objects the default privileges are about.
        type: list
        elements: str
      privileges:
        description:
          - The privileges in SQL's words, in any case, or V(ALL) for all that the server knows for such an object.
          - C(MAINTAIN) on tables needs PostgreSQL 17 or later.
        type: list
        elements: str
      roles:
        description:
          - The roles that get or lose the privileges or the membership. V(PUBLIC) stands for all roles.
          - Required, together with O(grants[].privileges), unless the entry has an O(grants[].owner).
        type: list
        elements: str
      grant_option:
        description:
          - With O(grants[].state=present), whether the roles can also hand the privileges on.
          - With O(grants[].state=absent), whether they only lose this option and keep the privileges.
        type: bool
        default: false
      owner:
        description:
          - The role that shall own the objects. Their other privileges stay.
          - A sequence that belongs to a column of a table follows the table.
        type: str
      groups:
        description: The roles to be members of.
        type: list
        elements: str
      admin:
        description: Whether the members can put others into the groups. Without it, this stays as it is.
        type: bool
      inherit:
        description:
          - Whether the members have the groups' privileges without C(SET ROLE). Without it, this stays as it is.
          - Needs PostgreSQL 16 or later.
        type: bool
      set:
        description:
          - Whether the members can C(SET ROLE) to the groups. Without it, this stays as it is.
          - Needs PostgreSQL 16 or later.
        type: bool
  dsn:
    description:
      - How to connect, as a connection string or URI of libpq. The password can also come from a file that it names
        (C(passfile), C(service)).
      - Its database is where the transaction about databases and memberships takes place; the databases in the list
        are connected to with all else as here.
      - The role should be a superuser, or own all objects in the list.
    type: str
    required: true
  exclusive:
    description:
      - Whether roles lose what the list does not name. It is about the roles that get something by the list, in the
        databases that the list names, on objects of all types that it can name, and about their memberships.
      - Objects in system schemas and those of extensions keep their privileges, and owners keep theirs.
      - A list that gives something to PUBLIC takes all else from it, built-in privileges included. Built-in default
        privileges go if the list names their creating role, or somebody has changed them.
    type: bool
    default: false
  absent:
    description:
      - What to do about roles, databases and objects of the list that do not exist. V(fail) fails with all of them in
        one message before anything is changed, V(skip) leaves them out and returns them.
    type: str
    choices: [fail, skip]
    default: fail
  timeout:
    description:
      - Seconds to wait for a lock, and for the server if it goes away after the first answer, as in a fail-over. It
        then starts again with new snapshots.
    type: int
    default: 60
attributes:
  action:
    description: Indicates this has a corresponding action plugin, so it runs on the control node.
    support: full
  check_mode:
    description: Can run in check_mode and return changed status prediction without modifying target.
    support: full
    details: It then only opens read-only transactions.
  diff_mode:
    description: Will return details on what has changed (or possibly needs changing in check_mode), when in diff mode.
    support: full
requirements:
  - psycopg >= 3.1 on the control node
  - PostgreSQL >= 15
author:
  - The URL Shortener SRE Lab authors (@srelab)
"""

EXAMPLES = r"""
- name: The application can create its tables, and reports can read them
  srelab.url_shortener.postgresql_grants:
    dsn: host=localhost user=postgres dbname=postgres passfile={{ lab_state_dir }}/pgpass
    grants:
      - type: schema
        database: shlink
        names: [public]
        privileges: [USAGE, CREATE]
        roles: [shlink]
      - type: table
        database: shlink
        schema: public
        all_in_schema: true
        privileges: [SELECT]
        roles: [reports]
      - type: default_privileges
        database: shlink
        schema: public
        objects: tables
        creators: [shlink]
        privileges: [SELECT]
        roles: [reports]

- name: Nobody but the application can connect, and it has nothing else
  srelab.url_shortener.postgresql_grants:
    dsn: service=lab
    exclusive: true
    grants:
      - type: database
        names: [shlink]
        privileges: [CONNECT]
        roles: [PUBLIC]
        state: absent
      - type: database
        names: [shlink]
        privileges: [CONNECT]
        roles: [shlink]
        owner: postgres
      - type: function
        database: shlink
        schema: public
        names: ["visits_since(timestamptz)"]
        privileges: [EXECUTE]
        roles: [shlink]
      - type: membership
        groups: [writers]
        roles: [shlink]
        inherit: true
        admin: false
"""

RETURN = r"""
objects:
  description: The objects whose owner, privileges or members change.
  returned: success
  type: list
  elements: str
  sample: [schema public in shlink, members of writers]
statements:
  description: The statements executed (in check mode, those that would be), in their order.
  returned: success
  type: list
  elements: dict
  contains:
    database:
      description: The database of the transaction; empty for the one about databases and memberships.
      type: str
      sample: shlink
    statement:
      description: The statement.
      type: str
      sample: GRANT CREATE, USAGE ON SCHEMA "public" TO "shlink"
skipped_absent:
  description: What was left out with O(absent=skip) since it does not exist.
  returned: success
  type: list
  elements: str
  sample: ["grants[2].roles is 'reports'; allowed: a role that exists"]
"""
