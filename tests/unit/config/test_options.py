"""Options: what each may be, and how messages name the one that is wrong."""

from typing import Any

import pytest

from cloud import config
from cloud.config.options import BY_NAME, OPTIONS, ConfigError


@pytest.mark.parametrize(
    ("name", "given", "read"),
    [
        ("num_procs", "2", 2),
        ("num_procs", 2.0, 2),
        ("use_simulator", "yes", True),
        ("use_simulator", 0, False),
        ("api_key", 17, "17"),
        ("api_key", None, ""),
        ("api_key", "None", ""),
        ("log_level", "debug", "DEBUG"),
        ("extra_modules", ("a", "b.c"), ["a", "b.c"]),
        ("extra_modules", "a, b", ["a", "b"]),
        ("url", "https://host/prefix", "https://host/prefix"),
        ("url", "", ""),
    ],
)
def test_values_are_cast_to_the_type_of_the_default(name: str, given: Any, read: Any) -> None:
    found = BY_NAME[name].read(given)
    assert (found, type(found)) == (read, type(read))


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("num_procs", "many"), ("num_procs", -1), ("num_procs", True), ("num_procs", 1.5), ("num_procs", [1]),
        ("use_simulator", "perhaps"), ("use_simulator", 2), ("log_level", "LOUD"), ("log_level", 10),
        ("max_transmit_data", 0), ("url", "localhost:8000"), ("extra_modules", [1]), ("extra_modules", 7),
        ("log_filename", 1.5),
    ],
)  # fmt: skip
def test_an_error_names_the_option_and_the_value(name: str, given: Any) -> None:
    with pytest.raises(ConfigError) as caught:
        setattr(config, name, given)
    assert str(caught.value).startswith(f"{name} is {given!r}; expected ")
    assert isinstance(caught.value, ValueError)


def test_every_option_says_what_it_is_for_and_has_a_default_that_it_accepts() -> None:
    for option in OPTIONS:
        assert option.doc.endswith("."), option.name
        assert option.read(option.default) == option.default


def test_no_option_hides_something_of_the_module() -> None:
    assert set(BY_NAME).isdisjoint(vars(config))


def test_the_types_that_a_checker_sees_are_those_of_the_defaults() -> None:
    import ast
    import inspect

    declared = {
        line.target.id: ast.unparse(line.annotation)
        for block in ast.parse(inspect.getsource(config)).body
        if isinstance(block, ast.If)
        for line in block.body
        if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name)
    }
    kinds = {str: "str", int: "int", bool: "bool", list: "list[str]"}
    expected = {option.name: "bool | str" if option.or_auto else kinds[type(option.default)] for option in OPTIONS}
    assert declared == expected


@pytest.mark.parametrize(
    "address",
    ["localhost:8000", "ftp://x", "http://", "http://[::1", "http://h:99999", "http://a b:1", "http://h/x?y",
     "http://me:hush@h:99999"],
)  # fmt: skip
def test_what_cannot_be_an_address_is_refused_without_its_password(address: str) -> None:
    with pytest.raises(ConfigError, match=r"url is .*; expected an address like http://localhost:8000") as raised:
        BY_NAME["url"].read(address)
    assert "hush" not in str(raised.value)


@pytest.mark.parametrize(
    "address", ["http://h", "https://jobs.example.com:8443/team", "http://[::1]:65535", "http://h:1/", "http://ü.de"]
)
def test_what_can_be_an_address_is_taken(address: str) -> None:
    assert BY_NAME["url"].read(address) == address
