# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: rehearsal_servers
short_description: Runs the rehearsal's servers on the control node
version_added: "0.1.0"
description:
  - Makes certificates and keys, writes the servers' files and runs the servers under supervisord, as the user who runs
    the play, until each is ready. Servers start in the order in which they are declared; one whose command, files or
    certificates changed is restarted alone.
  - A server that dies is started again by supervisord. When supervisord itself dies, the kernel ends its servers, and
    the next run starts all.
  - Before anything is started, every port that another process holds is reported, with the variable that sets it.
  - When a server exits or is not ready in time, the error shows the end of its log.
  - Two runs on one state folder take turns.
options:
  state:
    description:
      - V(started) has the servers run and ready.
      - V(stopped) ends them and supervisord; data and certificates stay.
      - V(absent) also removes the data, the certificates and the O(files).
    type: str
    choices: [started, stopped, absent]
    default: started
  state_dir:
    description: The folder for all that is written. It is made for this user alone.
    type: path
    required: true
  supervisor_port:
    description: Port on the loopback address on which supervisord takes orders. Required for O(state=started).
    type: int
  components:
    description: What belongs together, in start order. Required for O(state=started).
    type: list
    elements: dict
    default: []
    suboptions:
      build:
        description: Taken by M(srelab.url_shortener.rehearsal_binaries); of no meaning here.
        type: dict
      certificates:
        description: Certificates, which serve clients and servers alike.
        type: list
        elements: dict
        default: []
        suboptions:
          name:
            description: Name of the files, C(pki/NAME.crt) and C(pki/NAME.key).
            type: str
            required: true
          authority:
            description: The authority that signs it, C(pki/ca-AUTHORITY.crt). It is made when a certificate names it.
            type: str
            required: true
          common_name:
            description: Common name; to Kubernetes, the user.
            type: str
            required: true
          organization:
            description: Organization; to Kubernetes, the group.
            type: str
            default: rehearsal
          names:
            description: Host names and addresses of a server. Without any, the certificate is for its own name.
            type: list
            elements: str
            default: []
      signing_keys:
        description: Names of keys without a certificate, C(pki/NAME.key).
        type: list
        elements: str
        default: []
      servers:
        description: Programs to run.
        type: list
        elements: dict
        default: []
        suboptions:
          name:
            description: Name of the server and of its folder, C(servers/NAME), in which it runs.
            type: str
            required: true
          command:
            description: Absolute path of the program, and its arguments. Relative paths start at the server's folder.
            type: list
            elements: str
            required: true
          environment:
            description: Environment variables.
            type: dict
            default: {}
          files:
            description: Files in the server's folder.
            type: list
            elements: dict
            default: []
            suboptions: &files
              path:
                description: Path under the folder.
                type: str
                required: true
              content:
                description: The whole content.
                type: str
                required: true
              mode:
                description: Permission bits, octal.
                type: str
                default: "0600"
              secret:
                description: Keeps the content out of the diff.
                type: bool
                default: false
          ports:
            description: The ports on which it listens, by the name of the variable that sets each.
            type: dict
            default: {}
          pki:
            description: Names of the certificates and keys that it reads; it is restarted when one changes.
            type: list
            elements: str
            default: []
          ready:
            description: The question that tells whether it is ready.
            type: dict
            required: true
            suboptions:
              url:
                description: HTTPS URL that answers 200 once the server is ready.
                type: str
                required: true
              authority:
                description: The authority that signed the server's certificate.
                type: str
                required: true
              certificate:
                description: The client certificate to ask with.
                type: str
                required: true
              text:
                description: A text that the answer must contain.
                type: str
                default: ""
          after:
            description: Servers, declared before, that must be ready before it starts.
            type: list
            elements: str
            default: []
  files:
    description: Files in the state folder.
    type: list
    elements: dict
    default: []
    suboptions: *files
  timeout:
    description: Seconds that each server may take to become ready.
    type: int
    default: 120
attributes:
  check_mode:
    description: Says what would be made, written, started or stopped, and reports taken ports; does nothing.
    support: full
  diff_mode:
    description: Shows certificates by subject and end, files with their content unless secret, servers by command.
    support: full
author:
  - The URL Shortener SRE Lab authors (@srelab)
"""

EXAMPLES = r"""
- name: etcd runs
  srelab.url_shortener.rehearsal_servers:
    state_dir: "{{ lab_state_dir }}"
    supervisor_port: 26440
    components:
      - certificates:
          - name: etcd
            authority: etcd
            common_name: etcd
            names: [127.0.0.1, localhost]
        servers:
          - name: etcd
            command:
              - /usr/local/bin/etcd
              - --data-dir=data
              - --listen-client-urls=https://127.0.0.1:26441
              - --advertise-client-urls=https://127.0.0.1:26441
              - --cert-file=../../pki/etcd.crt
              - --key-file=../../pki/etcd.key
            ports:
              rehearsal_etcd_client_port: 26441
            pki: [etcd]
            ready:
              url: https://127.0.0.1:26441/health
              authority: etcd
              certificate: etcd

- name: The servers are stopped
  srelab.url_shortener.rehearsal_servers:
    state: stopped
    state_dir: "{{ lab_state_dir }}"
"""

RETURN = r"""
objects:
  description: What changed, or in check mode would change.
  returned: success
  type: list
  elements: str
  sample: ["certificate authority etcd", "certificate etcd", "supervisord", "server etcd"]
lab_gate:
  description: What the task waited for, and for how many seconds.
  returned: when the servers were waited for
  type: dict
  sample:
    waited_for: 5 servers ready
    seconds: 6.52
"""
