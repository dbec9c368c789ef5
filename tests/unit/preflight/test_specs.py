# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values against argument specs: strict types, the path to each error, nothing shown that may be secret."""

from __future__ import annotations

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.srelab.url_shortener.plugins.module_utils._preflight import specs
from hypothesis import given
from hypothesis import strategies as st

SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.sampled_from("ab"))
KEYS = st.sampled_from(["a", "b", "c"])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)),
    max_leaves=8,
)
SCALAR_SPECS = st.one_of(
    st.fixed_dictionaries(
        {"type": st.sampled_from(["str", "int", "float", "bool", "path", "raw"]), "required": st.booleans()}
    ),
    st.fixed_dictionaries({"type": st.just("str"), "choices": st.just(["a", "b"]), "required": st.booleans()}),
    st.fixed_dictionaries({"type": st.just("list"), "elements": st.sampled_from(["str", "int"])}),
)
SPECS = st.recursive(
    SCALAR_SPECS,
    lambda inner: st.builds(
        lambda options, of_list, required: {
            "options": options,
            "required": required,
            **({"type": "list", "elements": "dict"} if of_list else {"type": "dict"}),
        },
        st.dictionaries(KEYS, inner, min_size=1, max_size=3),
        st.booleans(),
        st.booleans(),
    ),
    max_leaves=6,
)


def errors(raw: dict, value: object) -> list[str]:
    (option,) = specs.read_options({"x": raw}).values()
    return [str(error) for error in specs.value_errors(option, value, "x")]


@given(raw=SPECS, value=VALUES)
def test_what_passes_here_passes_ansibles_own_validation(raw, value) -> None:
    if not errors(raw, value):
        given_values = {} if value is None else {"x": value}
        assert ArgumentSpecValidator({"x": raw}).validate(given_values).error_messages == []


@pytest.mark.parametrize("value", [5, {7: "b"}])
def test_numbers_that_stop_ansibles_own_validation_are_errors_here(value) -> None:
    raw = {"type": "dict", "options": {"a": {"type": "str"}}}
    with pytest.raises(TypeError):
        ArgumentSpecValidator({"x": raw}).validate({"x": value})
    assert len(errors(raw, value)) == 1


@given(raw=SPECS, value=VALUES)
def test_a_refused_value_has_a_path_into_it(raw, value) -> None:
    assert all(error.startswith("x") for error in errors(raw, value))


@pytest.mark.parametrize(
    ("kind", "value", "allowed"),
    [
        ("int", "four", "a whole number"),
        ("int", "4", "a whole number"),
        ("int", 4.5, "a whole number"),
        ("int", True, "a whole number"),
        ("float", "1.5", "a number"),
        ("bool", "yes", "true or false"),
        ("bool", 1, "true or false"),
        ("str", 1.36, "a text"),
        ("path", 5, "a path"),
        ("dict", ["a"], "a mapping"),
        ("list", "a,b", "a list of any value"),
    ],
)
def test_a_value_of_the_wrong_type_is_refused_even_if_it_could_be_converted(kind, value, allowed) -> None:
    assert errors({"type": kind}, value) == [f"x is {value!r}; allowed: {allowed}"]


def test_a_whole_number_is_a_number() -> None:
    assert errors({"type": "float"}, 2) == []


def test_a_value_outside_the_choices_is_refused_and_one_that_cannot_be_hashed_too() -> None:
    raw = {"choices": ["server", "agent"]}
    assert errors(raw, "master") == ["x is 'master'; allowed: server or agent"]
    assert errors({"type": "raw", "choices": ["server"]}, [["server"]]) == ["x is [['server']]; allowed: server"]


def test_errors_deep_inside_carry_their_whole_path() -> None:
    ports = {"type": "list", "elements": "dict", "options": {"port": {"type": "int", "required": True}}}
    raw = {"type": "list", "elements": "dict", "options": {"ports": ports}}
    assert errors(raw, [{"ports": [{"port": 1}]}, {"ports": [{"port": 1}, {"port": "http"}, 7, {}]}]) == [
        "x[1].ports[1].port is 'http'; allowed: a whole number",
        "x[1].ports[2] is 7; allowed: a mapping with port",
        "x[1].ports[3].port is not set; allowed: a whole number",
    ]


def test_an_unknown_key_is_refused_with_the_nearest_known_one() -> None:
    raw = {"type": "dict", "options": {"cpus": {"type": "int"}, "memory_gb": {"type": "int"}}}
    assert errors(raw, {"cpu": 4}) == ["x.cpu is an unknown key; allowed: cpus, memory_gb; the nearest is cpus"]
    assert errors(raw, {7: 4}) == ["x.7 is an unknown key; allowed: cpus, memory_gb"]


def test_a_missing_value_is_explained_by_the_options_description() -> None:
    raw = {"required": True, "description": "C(server) or not."}
    assert errors(raw, None) == ["x is not set; allowed: a text. server or not"]


def test_an_empty_value_does_not_pass_for_a_default() -> None:
    assert errors({"default": "v1"}, None) == ["x is not set; allowed: a text"]
    assert errors({}, None) == []


@pytest.mark.parametrize(("required", "count"), [(True, 1), (False, 0)])
def test_a_required_list_is_not_empty(required, count) -> None:
    assert len(errors({"type": "list", "elements": "str", "required": required}, [])) == count


def test_an_unknown_variable_is_refused_without_its_value() -> None:
    error = str(specs.unknown_variable("lab_node", ["lab_nodes", "k3s_version"]))
    assert error == "lab_node is an unknown variable; allowed: variables of the roles; the nearest is lab_nodes"


def test_the_value_of_an_option_with_no_log_is_never_shown() -> None:
    assert errors({"type": "int", "no_log": True}, "hunter2") == ["x is (hidden); allowed: a whole number"]
    nested = {"type": "dict", "no_log": True, "options": {"a": {"type": "int", "required": True}}}
    assert errors(nested, {"a": "hunter2"}) == ["x.a is (hidden); allowed: a whole number"]
    assert errors(nested, {}) == ["x.a is not set; allowed: a whole number"]
