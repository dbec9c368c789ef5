# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: rehearsal_nodes
short_description: Makes the rehearsal's simulated nodes
version_added: "0.1.0"
description:
  - Brings the nodes of the rehearsal's API server to those declared, with the labels, annotations and sizes that K3s
    would register. Nodes that are not declared are removed.
  - Waits until the API server and all nodes are ready and pods can be made in the namespace C(default).
  - KWOK keeps the nodes alive; their kubelets' address is the loopback address, the declared one is an annotation.
options:
  state_dir:
    description: The state folder of the rehearsal.
    type: path
    required: true
  api_url:
    description: URL of the API server.
    type: str
    required: true
  authority:
    description: The authority that signed the API server's certificate, as in
      M(srelab.url_shortener.rehearsal_servers).
    type: str
    required: true
  certificate:
    description: The client certificate of an administrator.
    type: str
    required: true
  nodes:
    description: The nodes.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the node.
        type: str
        required: true
      address:
        description: Its address in the lab's network.
        type: str
        required: true
      role:
        description: Whether it would run K3s as a server (control plane and etcd) or as an agent.
        type: str
        choices: [server, agent]
        required: true
      cpus:
        description: Number of CPUs.
        type: int
        required: true
      memory_gb:
        description: Memory in GiB.
        type: int
        required: true
      disk_gb:
        description: Disk in GiB.
        type: int
        required: true
  kubelet_version:
    description: The version that the nodes report.
    type: str
    required: true
  record:
    description: >-
      File in which the nodes are noted as they were last brought about, so that check mode knows them while the API
      server is down.
    type: path
    required: true
  timeout:
    description: Seconds that the API server and the nodes together may take to become ready.
    type: int
    default: 120
attributes:
  check_mode:
    description: Says which nodes would be made, changed or removed; while the API server is down, by the O(record).
    support: full
  diff_mode:
    description: Shows the fields of each node that differ.
    support: full
author:
  - The URL Shortener SRE Lab authors (@srelab)
"""

EXAMPLES = r"""
- name: The nodes are Ready
  srelab.url_shortener.rehearsal_nodes:
    state_dir: "{{ lab_state_dir }}"
    api_url: https://127.0.0.1:26443
    authority: kubernetes
    certificate: admin
    nodes: "{{ lab_nodes }}"
    kubelet_version: v1.36.3+k3s1
    record: "{{ lab_state_dir }}/servers/etcd/nodes.json"
"""

RETURN = r"""
objects:
  description: The nodes that were made, changed or removed, or in check mode would be.
  returned: success
  type: list
  elements: str
  sample: ["node k3s-1", "node k3s-2", "node k3s-3"]
lab_gate:
  description: What the task waited for, and for how many seconds.
  returned: when the nodes were waited for
  type: dict
  sample:
    waited_for: the API server and 3 nodes ready
    seconds: 0.42
"""
