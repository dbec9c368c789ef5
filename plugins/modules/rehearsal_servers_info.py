# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: rehearsal_servers_info
short_description: Lists the rehearsal's servers
version_added: "0.1.0"
description:
  - Prints a table of the servers that run under the supervisord of a state folder, and returns it as data.
options:
  state_dir:
    description: The state folder of the rehearsal.
    type: path
    required: true
attributes:
  check_mode:
    description: Nothing is ever changed.
    support: full
author:
  - The URL Shortener SRE Lab authors (@srelab)
seealso:
  - module: srelab.url_shortener.rehearsal_servers
"""

EXAMPLES = r"""
- name: The servers are listed
  srelab.url_shortener.rehearsal_servers_info:
    state_dir: "{{ lab_state_dir }}"
  register: rehearsal_servers
"""

RETURN = r"""
servers:
  description: The servers in start order; none when supervisord does not run.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name of the server.
      type: str
      returned: always
    state:
      description: State as supervisord names it, in lower case.
      type: str
      returned: always
      sample: running
    pid:
      description: Its process, 0 when it does not run.
      type: int
      returned: always
    since:
      description: Local time of its start, empty when it does not run.
      type: str
      returned: always
      sample: "2026-11-23 22:54:48+00:00"
    ports:
      description: The ports on which the process listens.
      type: list
      elements: int
      returned: always
    restarts:
      description: How often it was started again after an exit that nobody asked for, since supervisord started.
      type: int
      returned: always
"""
