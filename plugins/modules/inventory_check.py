# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: inventory_check
short_description: Check the declared inventory of the lab
version_added: "0.1.0"
author:
  - The URL Shortener SRE Lab authors (@srelab)
description:
  - Checks the lab's variables, as the inventory, the command line and role defaults set them, against the argument
    specs of all roles of this collection, and against each other. Names, addresses, sizes, ports and releases have to
    fit together.
  - All errors are listed in one message, each with the variable, its value, what is allowed and the file to set it in.
  - It reads declarations only. It opens no connection and changes nothing.
attributes:
  check_mode:
    description: Can run in check mode and return what it returns otherwise.
    support: full
  diff_mode:
    description: Returns a diff of what it changes.
    support: none
    details: It changes nothing.
notes:
  - It runs on the control node. The host C(localhost) has to be in the inventory.
"""

EXAMPLES = r"""
- name: The declared lab is valid
  srelab.url_shortener.inventory_check:
"""

RETURN = r"""
budget:
  description: The nodes' memory, virtual CPUs and disk summed beside what the machine has, a line each.
  returned: when the inventory is valid
  type: list
  elements: str
  sample:
    - "memory: k3s-1 10 + k3s-2 10 + k3s-3 10 = 30 GB, of 64 GB installed - 4 graphics - 4 host"
versions:
  description: The declared releases by name, and the line of Kubernetes that the K3s release brings.
  returned: when the inventory is valid
  type: dict
  sample:
    argocd: v3.6.1
    k3s: v1.36.3+k3s1
    kubernetes: "1.36"
    metallb: v0.15.2
"""
