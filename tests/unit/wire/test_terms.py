"""The terms of submissions as bytes."""

import pytest

from cloud.api import Part
from cloud.model import Environment, Spec
from cloud.wire.calls import read_submit, submit
from cloud.wire.message import decode
from cloud.wire.terms import spec_from_terms, terms_to_bytes

ENVIRONMENT = Environment("cpython-311", directory="/here")


def spec(**fields: object) -> Spec:
    return Spec("call", "d" * 64, "m.f at m.py:1", ENVIRONMENT, **fields)  # type: ignore[arg-type]


def test_a_spec_comes_back_as_it_was() -> None:
    sent = spec(label="a label", os_env_vars={"A": "1"}, depends_on=(range(3, 5),), shown_arguments=("1", "2"))
    assert spec_from_terms(terms_to_bytes(sent), ENVIRONMENT, list(sent.shown_arguments)) == sent


def test_specs_that_show_other_arguments_have_the_same_terms() -> None:
    one = spec(shown_arguments=("1",))
    two = one.showing(("2",))
    assert (two.shown_arguments, two.showing(("1",)) == one) == (("2",), True)
    assert terms_to_bytes(two) is terms_to_bytes(one)
    assert spec_from_terms(terms_to_bytes(one), ENVIRONMENT, ["2"]) == two


def test_the_same_terms_in_another_environment_are_another_spec() -> None:
    terms, elsewhere = terms_to_bytes(spec()), Environment("cpython-311", directory="/there")
    for environment in (ENVIRONMENT, elsewhere, ENVIRONMENT):
        assert spec_from_terms(terms, environment, []).environment is environment


@pytest.mark.parametrize("shown", [None, 7, [7], ["x" * (3 << 20)]])
def test_shown_arguments_that_are_no_texts_or_too_long_are_refused(shown: object) -> None:
    with pytest.raises(Exception, match="shown"):
        spec_from_terms(terms_to_bytes(spec()), ENVIRONMENT, shown)


def test_terms_of_the_wrong_kind_are_refused_each_time() -> None:
    terms = terms_to_bytes(spec()).replace(b'"call"', b'"cull"')
    for _ in range(2):
        with pytest.raises(ValueError, match="kind"):
            spec_from_terms(terms, ENVIRONMENT, [])


def test_what_jobs_depend_on_may_be_in_very_many_pieces() -> None:
    pieces = tuple(range(jid, jid + 1) for jid in range(10**9, 10**9 + 300_000, 2))
    part = Part("t", spec(depends_on=pieces), [b"function"], [], 1)
    read = read_submit(*decode(b"".join(submit(part))))
    assert read.spec == part.spec


@pytest.mark.parametrize("terms", [b"[]", b"7", b"null", b"{}"])
def test_what_are_no_terms_is_refused(terms: bytes) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        spec_from_terms(terms, ENVIRONMENT, [])
