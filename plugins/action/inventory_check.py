# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gathers the declared inventory for ``_preflight.check``: role specs, variables as each host sees them, files."""

from __future__ import annotations

import pathlib
import typing as t

from ansible import context
from ansible.errors import AnsibleError
from ansible.parsing.vault import EncryptedString
from ansible.plugins.action import ActionBase
from ansible.utils.vars import load_extra_vars
from ansible_collections.srelab.url_shortener.plugins.module_utils._input_errors import Hidden, InputError, Words
from ansible_collections.srelab.url_shortener.plugins.module_utils._preflight import check, specs
from ansible_collections.srelab.url_shortener.plugins.module_utils._preflight.sources import Sources, read_inventory

COLLECTION = pathlib.Path(__file__).parents[2]
# The role whose spec describes the variables of the whole lab.
LAB_ROLE = "preflight"
EXAMPLE = COLLECTION / "inventory" / "um790"


class ActionModule(ActionBase):
    """Fails with one message that lists every error of the declared inventory."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Returns ``budget`` and ``versions`` of a valid inventory; never changes anything."""
        super().run(tmp, task_vars)
        self.validate_argument_spec(argument_spec={})
        variables = task_vars or {}
        roles = self._role_specs()
        report = check.check(
            roles,
            self._declared(variables, roles.prefixes, [*variables["group_names"], variables["inventory_hostname"]]),
            list(self._other_hosts(variables, roles.prefixes)),
            variables["groups"],
            self._sources(variables).where,
        )
        if report.errors:
            return {"failed": True, "msg": report.errors.message("The inventory is not valid")}
        return {"changed": False, "budget": report.budget, "versions": report.versions}

    def _role_specs(self) -> check.Specs:
        """The specs of all roles beside this plugin; where two specify a variable, that of the whole lab counts."""
        options: dict[str, specs.Option] = {}
        required: list[str] = []
        for path in sorted(COLLECTION.glob("roles/*/meta/argument_specs.yml")):
            role = path.parts[-3]
            for entry_point in self._loader.load_from_file(str(path))["argument_specs"].values():
                found = specs.read_options(entry_point.get("options", {}))
                options = options | found if role == LAB_ROLE else found | options
                if role == LAB_ROLE:
                    required += [name for name, option in found.items() if option.required]
        return check.Specs(options, required)

    def _declared(
        self, variables: t.Mapping[str, t.Any], prefixes: tuple[str, ...], scopes: t.Collection[str]
    ) -> check.Declaration:
        errors: list[InputError] = []
        values: dict[str, t.Any] = {}
        for name in sorted(name for name in variables if name.startswith(prefixes)):
            try:
                values[name] = self._rendered(variables[name], name, errors)
            except RecursionError:
                values[name] = None
                errors.append(InputError(name, Words("a structure that contains itself"), "a finite structure"))
        return check.Declaration(values, errors, scopes)

    def _rendered(self, value: t.Any, path: str, errors: list[InputError]) -> t.Any:
        """The value with each text in it rendered; one that fails becomes ``None`` and its cause an error."""
        if isinstance(value, dict):
            return {key: self._rendered(item, f"{path}.{key}", errors) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._rendered(item, f"{path}[{index}]", errors) for index, item in enumerate(value)]
        try:
            rendered = self._templar.template(value)
            return Hidden(rendered) if isinstance(value, EncryptedString) else rendered
        except AnsibleError as error:
            failure = Words(f"a template that fails ({_cause(error)})")
            errors.append(InputError(path, failure, "a template that renders"))
            return None

    def _other_hosts(
        self, variables: t.Mapping[str, t.Any], prefixes: tuple[str, ...]
    ) -> t.Iterator[check.Declaration]:
        """What group_vars and host_vars say for single hosts only."""
        hostvars = variables["hostvars"]
        for host in variables["groups"]["all"]:
            raw = hostvars.raw_get(host)
            own = {
                name: value
                for name, value in raw.items()
                if name.startswith(prefixes) and not _same(value, variables.get(name))
            }
            if own:
                yield self._declared(own, prefixes, [*raw["group_names"], host])

    def _sources(self, variables: t.Mapping[str, t.Any]) -> Sources:
        inventories = variables["ansible_inventory_sources"]
        first = pathlib.Path(inventories[0]) if inventories else pathlib.Path.cwd()
        return Sources(
            files=read_inventory(inventories),
            example=read_inventory([str(EXAMPLE)]),
            example_root=EXAMPLE,
            inventory_root=first if first.is_dir() else first.parent,
            extra=load_extra_vars(self._loader) if context.CLIARGS.get("extra_vars") else (),
        )


def _same(one: t.Any, other: t.Any) -> bool:
    """Whether two raw values are equal; encrypted ones without their secret never are."""
    try:
        return bool(one == other)
    except (AnsibleError, RecursionError):
        return False


def _cause(error: BaseException) -> str:
    while error.__cause__:
        error = error.__cause__
    return str(error).partition("\n")[0]
