# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole check: every error of the declared inventory, or the figures that a report shows."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.srelab.url_shortener.plugins.module_utils._input_errors import InputError, InputErrors
from ansible_collections.srelab.url_shortener.plugins.module_utils._preflight import (
    endpoint_rules,
    network_rules,
    node_rules,
    specs,
    version_matrix,
)
from ansible_collections.srelab.url_shortener.plugins.module_utils._preflight.lab import Lab, read_lab

Rule = t.Callable[[Lab], t.Iterator[InputError]]

RULES: tuple[Rule, ...] = (
    node_rules.control_node_is_in_the_inventory,
    node_rules.node_names_are_unique,
    node_rules.nodes_are_in_their_group,
    node_rules.server_count_is_odd,
    node_rules.servers_have_what_k3s_needs,
    node_rules.nodes_fit_the_memory,
    node_rules.nodes_fit_the_cpus,
    node_rules.nodes_fit_the_disk,
    network_rules.addresses_are_inside_the_network,
    network_rules.addresses_can_belong_to_a_machine,
    network_rules.addresses_are_used_once,
    network_rules.name_servers_have_their_own_address,
    network_rules.networks_are_apart,
    network_rules.pool_names_are_unique,
    endpoint_rules.endpoint_names_are_unique,
    endpoint_rules.endpoint_addresses_are_in_a_pool,
    endpoint_rules.ports_are_taken_once,
    version_matrix.releases_go_together,
)


@dataclasses.dataclass(frozen=True)
class Specs:
    """All variables that the roles specify; ``required`` are those that a lab cannot do without."""

    options: t.Mapping[str, specs.Option]
    required: t.Collection[str]

    @property
    def prefixes(self) -> tuple[str, ...]:
        """How the names of specified variables begin ("lab_", "k3s_"): any other variable is the user's own."""
        return tuple(sorted({name.partition("_")[0] + "_" for name in self.options}))


@dataclasses.dataclass(frozen=True)
class Declaration:
    """What one host sees: ``values`` of the variables with a known prefix, by name.

    A template that fails reads ``None`` and has its cause in ``errors``. ``scopes`` are the host's groups and its own
    name.
    """

    values: t.Mapping[str, t.Any]
    errors: t.Sequence[InputError]
    scopes: t.Collection[str]


@dataclasses.dataclass(frozen=True)
class Report:
    """The outcome: errors, and when there are none the budget's lines and the releases by name."""

    errors: InputErrors
    budget: list[str]
    versions: dict[str, str]


def check(
    roles: Specs,
    lab_wide: Declaration,
    hosts: t.Sequence[Declaration],
    groups: t.Mapping[str, t.Sequence[str]],
    where: t.Callable[[str, t.Collection[str]], str],
) -> Report:
    """Checks what the lab's own play sees against specs and rules, and what single hosts see against the specs.

    ``where`` answers in which file a variable is set for a host in the given groups.
    """
    values = {name: option.default for name, option in roles.options.items()} | dict(lab_wide.values)
    lab, malformed = read_lab(values, groups)
    errors = InputErrors()

    def note(found: t.Iterable[InputError], scopes: t.Collection[str]) -> None:
        for error in found:
            errors.add(error.variable, error.value, error.allowed, where(error.variable, scopes))

    note([*lab_wide.errors, *_spec_errors(roles, lab_wide), *_missing(roles, lab_wide), *malformed], lab_wide.scopes)
    for rule in RULES:
        note(rule(lab), lab_wide.scopes)
    for host in hosts:
        note([*host.errors, *_spec_errors(roles, host)], host.scopes)
    if errors:
        return Report(errors, [], {})
    return Report(errors, node_rules.budget(lab), version_matrix.versions(lab))


def _spec_errors(roles: Specs, declaration: Declaration) -> t.Iterator[InputError]:
    failed = {error.variable for error in declaration.errors}
    for name, value in declaration.values.items():
        if name in roles.options:
            errors = specs.value_errors(roles.options[name], value, name)
            yield from (error for error in errors if error.variable not in failed)
        else:
            yield specs.unknown_variable(name, roles.options)


def _missing(roles: Specs, declaration: Declaration) -> t.Iterator[InputError]:
    for name in roles.required:
        if name not in declaration.values:
            yield specs.not_set(roles.options[name], name)
