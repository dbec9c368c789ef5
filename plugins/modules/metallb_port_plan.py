# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: metallb_port_plan
short_description: Plans the addresses and ports of LoadBalancer Services as MetalLB would give them
version_added: "0.1.0"
description:
  - Gives every Service of type C(LoadBalancer) its address out of MetalLB's pools, before anything is deployed, and
    returns the annotations that make MetalLB give it just that address, whatever the order of creation.
  - Names what MetalLB would refuse - two Services that want the same port on one address, sharing keys that differ, an
    address outside every pool - each with a remedy.
  - Against a live cluster it names Services and pools that contradict the plan, and Services outside the plan that are
    on a planned address.
  - Follows the rules of MetalLB v0.15.2, installed without C(--lb-class). Services that ask for addresses are planned
    first, then those that have some in the cluster and may keep them, then the rest in the order of the list, each on
    the first address that MetalLB would allow it. To force several Services onto one address, give them all that
    address and the same sharing key.
  - It never changes anything.
options:
  services:
    description:
      - The Services to plan. Without it, those of the cluster.
    type: list
    elements: dict
    suboptions:
      name:
        description: Name of the Service.
        type: str
        required: true
      namespace:
        description: Namespace of the Service.
        type: str
        required: true
      ports:
        description: The Service's ports, as on the load balancer address.
        type: list
        elements: dict
        required: true
        suboptions:
          port:
            description: Number of the port, from 1 to 65535.
            type: int
            required: true
          protocol:
            description: Protocol of the port.
            type: str
            choices: [TCP, UDP, SCTP]
            default: TCP
      address:
        description: The address it asks for, or an IPv4 and an IPv6 address with a comma between them.
        type: str
      load_balancer_ip:
        description:
          - The address it asks for by C(spec.loadBalancerIP), where something else, such as a chart, sets that field.
          - MetalLB refuses a Service that asks both ways.
        type: str
      pool:
        description: The pool whose addresses it wants.
        type: str
      sharing_key:
        description: Services with the same key may share an address if their ports differ; none may without a key.
        type: str
      external_traffic_policy:
        description: With V(Local), only Services with the same policy and O(services[].selector) share an address.
        type: str
        choices: [Cluster, Local]
        default: Cluster
      selector:
        description: The Service's pod selector.
        type: dict
      labels:
        description: The Service's labels, which O(pools[].service_selectors) may select.
        type: dict
      ip_families:
        description:
          - The families of the Service's cluster IPs, V(IPv4), V(IPv6) or both, the first one first.
          - V([IPv4]) where it is not given, or both with O(services[].ip_family_policy=RequireDualStack).
        type: list
        elements: str
      ip_family_policy:
        description: The Service's C(spec.ipFamilyPolicy).
        type: str
        choices: [SingleStack, PreferDualStack, RequireDualStack]
        default: SingleStack
      load_balancer_class:
        description: The Service's C(spec.loadBalancerClass). MetalLB leaves Services that have one alone.
        type: str
  pools:
    description:
      - MetalLB's pools. Without it, the C(IPAddressPool) objects of the cluster.
    type: list
    elements: dict
    suboptions:
      name:
        description: Name of the pool.
        type: str
        required: true
      addresses:
        description: Its addresses, as CIDRs or ranges C(first-last).
        type: list
        elements: str
        required: true
      auto_assign:
        description: Whether a Service that asks for nothing may get one of these.
        type: bool
        default: true
      avoid_buggy_ips:
        description: Whether IPv4 addresses that end in .0 or .255 are kept back.
        type: bool
        default: false
      priority:
        description:
          - Of the pools with a C(serviceAllocation) that serve a Service, that with the lowest number is tried first.
          - V(0) comes after all others.
          - This and the following options make up C(serviceAllocation).
        type: int
      namespaces:
        description: The namespaces that the pool serves.
        type: list
        elements: str
      namespace_selectors:
        description: Label selectors (C(matchLabels), C(matchExpressions)) of namespaces that the pool serves.
        type: list
        elements: dict
      service_selectors:
        description: Label selectors (C(matchLabels), C(matchExpressions)) of Services that the pool serves.
        type: list
        elements: dict
  namespaces:
    description:
      - Labels of namespaces by name, for O(pools[].namespace_selectors), in addition to those that the cluster has.
      - Each namespace has the label C(kubernetes.io/metadata.name) anyway.
    type: dict
  kubeconfig:
    description: Kubeconfig of the cluster to read. Without it and O(context), no cluster is read.
    type: path
  context:
    description: Context of the kubeconfig, if not its current one.
    type: str
  metallb_namespace:
    description: Namespace of the C(IPAddressPool) objects.
    type: str
    default: metallb-system
  on_conflict:
    description: Whether conflicts fail the task, with all of them in the message, or are only returned.
    type: str
    choices: [fail, report]
    default: fail
attributes:
  action:
    description: Indicates this has a corresponding action plugin, so it runs on the control node.
    support: full
  check_mode:
    description: Can run in check_mode and return changed status prediction without modifying target.
    support: full
    details: It never changes anything.
  diff_mode:
    description: Will return details on what has changed (or possibly needs changing in check_mode), when in diff mode.
    support: none
requirements:
  - netaddr >= 1.3.0 on the control node
  - kubernetes on the control node, to read a cluster
author:
  - The URL Shortener SRE Lab authors (@srelab)
seealso:
  - plugin: srelab.url_shortener.metallb_services
    plugin_type: filter
  - plugin: srelab.url_shortener.metallb_annotations
    plugin_type: filter
"""

EXAMPLES = r"""
- name: The port plan is free of conflicts
  srelab.url_shortener.metallb_port_plan:
    services:
      - name: gateway
        namespace: istio-ingress
        ports:
          - port: 80
          - port: 443
        address: 192.0.2.240
        external_traffic_policy: Local
      - name: argocd-server
        namespace: argocd
        ports:
          - port: 30080
        address: 192.0.2.241
        sharing_key: consoles
      - name: grafana
        namespace: monitoring
        ports:
          - port: 3000
        address: 192.0.2.241
        sharing_key: consoles
    pools:
      - name: lab
        addresses:
          - 192.0.2.240-192.0.2.249
  register: port_plan

- name: The lab's endpoints are planned, conflicts are only reported
  srelab.url_shortener.metallb_port_plan:
    services: "{{ lab_endpoints | srelab.url_shortener.metallb_services }}"
    pools: "{{ lab_address_pools }}"
    on_conflict: report

- name: The cluster is compared with the plan
  srelab.url_shortener.metallb_port_plan:
    services: "{{ lab_endpoints | srelab.url_shortener.metallb_services }}"
    pools: "{{ lab_address_pools }}"
    kubeconfig: ~/.kube/config
  register: comparison
  failed_when: comparison is failed or comparison.drift + comparison.squatters != []
"""

RETURN = r"""
assignments:
  description: The Services with a planned address, in the order of O(services). One in conflict has none.
  returned: when the input is valid
  type: list
  elements: dict
  contains:
    service:
      description: Namespace and name of the Service.
      type: str
      sample: argocd/argocd-server
    addresses:
      description: Its addresses, IPv4 first unless it asked in another order.
      type: list
      elements: str
      sample: [192.0.2.241]
    pool:
      description: The pool that has them.
      type: str
      sample: lab
    sharing_key:
      description: Its sharing key, or null.
      type: str
      sample: consoles
    annotations:
      description: The annotations to put on the Service, so that MetalLB gives it these addresses.
      type: dict
      sample:
        metallb.io/loadBalancerIPs: 192.0.2.241
        metallb.io/allow-shared-ip: consoles
    determined:
      description: Whether MetalLB could give it nothing but these addresses even without the planned annotations.
      type: bool
      sample: true
    possible:
      description:
        - What MetalLB may give it without the planned annotations, all Services being created in any order; an empty
          list of addresses stands for none.
        - Null where there are too many orders to look at.
      type: list
      elements: list
      sample: [[192.0.2.241]]
conflicts:
  description: What MetalLB would refuse, or do otherwise than planned.
  returned: when the input is valid
  type: list
  elements: dict
  contains:
    kind:
      description:
        - V(port_taken), V(sharing_key_missing), V(sharing_key_empty), V(sharing_key_different) and V(traffic_policy)
          are between Services on one address.
        - V(address_outside_pools), V(addresses_in_two_pools), V(overlapping_pools), V(pool_exhausted), V(no_pool),
          V(pool_not_allowed), V(pool_mismatch) and V(unknown_pool) are about pools.
        - V(family_mismatch), V(second_family_missing) and V(dual_stack_unstable) are about IPv4 and IPv6.
        - V(requested_twice), V(malformed_request) and V(load_balancer_class) are about the Service alone.
      type: str
      sample: port_taken
    services:
      description: The Services concerned, the one that is refused first.
      type: list
      elements: str
      sample: [monitoring/grafana, istio-ingress/gateway]
    pools:
      description: The pools concerned.
      type: list
      elements: str
      sample: []
    address:
      description: The address concerned, or null.
      type: str
      sample: 192.0.2.240
    port:
      description: The port concerned, or null.
      type: int
      sample: 80
    protocol:
      description: The protocol of the port, or null.
      type: str
      sample: TCP
    message:
      description: What is wrong.
      type: str
      sample: monitoring/grafana and istio-ingress/gateway both want port 80/TCP on 192.0.2.240
    remedy:
      description: What to do about it.
      type: str
      sample: give one of them another address, or another port and the same sharing_key
free:
  description: The addresses of each pool that nobody is on.
  returned: when the input is valid
  type: list
  elements: dict
  contains:
    pool:
      description: The pool.
      type: str
      sample: lab
    addresses:
      description: Its free addresses, alone or as ranges.
      type: list
      elements: str
      sample: [192.0.2.242-192.0.2.249]
    count:
      description: How many they are.
      type: int
      sample: 8
absent:
  description: The planned Services that the cluster does not have (yet); all of them where no cluster is read.
  returned: when the input is valid
  type: list
  elements: str
  sample: [monitoring/grafana]
drift:
  description: Where Services and IPAddressPools of the cluster contradict the plan.
  returned: when the input is valid
  type: list
  elements: dict
  contains:
    object:
      description: The object.
      type: str
      sample: Service monitoring/grafana
    field:
      description: What differs.
      type: str
      sample: status.loadBalancer
    planned:
      description: What the plan says; empty for nothing.
      type: str
      sample: 192.0.2.241
    found:
      description: What the cluster says; empty for nothing.
      type: str
      sample: 192.0.2.245
    message:
      description: The difference in words.
      type: str
      sample: "Service monitoring/grafana: status.loadBalancer is 192.0.2.245, the plan says 192.0.2.241"
squatters:
  description: Services of the cluster outside the plan that are on a planned address and cannot share it.
  returned: when the input is valid
  type: list
  elements: dict
  contains:
    service:
      description: The unplanned Service.
      type: str
      sample: default/web
    planned:
      description: The planned Service in whose place it is.
      type: str
      sample: istio-ingress/gateway
    address:
      description: The address.
      type: str
      sample: 192.0.2.240
    port:
      description: The port that both want, or null if it is not about a port.
      type: int
      sample: 80
    protocol:
      description: The protocol of the port, or null.
      type: str
      sample: TCP
    holds:
      description: Whether it has the address; if not, it only asks for it.
      type: bool
      sample: true
    message:
      description: The same in words.
      type: str
      sample: default/web is not in the plan and holds port 80/TCP on 192.0.2.240, planned for istio-ingress/gateway
    remedy:
      description: What to do about it.
      type: str
      sample: take default/web into the plan, or give it another address or port
"""
