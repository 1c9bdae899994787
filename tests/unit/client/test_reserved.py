"""Reserved keywords: what each accepts, and what its refusal says."""

from typing import Any

import pytest

from cloud.client.reserved import take_reserved
from cloud.client.session import Session
from cloud.errors import CloudException
from tests.support.scripted_api import ScriptedApi

REFUSED = [
    ("_priority", "high", TypeError, r"cloud\.call: _priority must be an integer, not 'high'"),
    ("_priority", True, TypeError, "_priority must be an integer"),
    ("_cores", 0, TypeError, "_cores must be a positive integer"),
    ("_cores", "2", TypeError, "_cores must be a positive integer"),
    ("_cores", 2, ValueError, r"_cores=2 is not available with _type='c1', which has: 1"),
    ("_type", "z 9", ValueError, "_type is 'z 9'; expected a name like: c1, c2"),
    ("_type", "z 9", CloudException, "_type is 'z 9'"),
    ("_type", 3, TypeError, "_type must be the name of a core type"),
    ("_depends_on", "3", TypeError, r"_depends_on: jid\(s\) must be integers"),
    ("_depends_on", [1, "2"], TypeError, r"_depends_on: jid\(s\) must be integers"),
    ("_depends_on", 1.5, TypeError, "_depends_on"),
    ("_depends_on_errors", "skip", ValueError, "_depends_on_errors must be 'abort' or 'ignore', not 'skip'"),
    ("_depends_on_errors", 1, TypeError, "_depends_on_errors must be"),
    ("_fast_serialization", True, TypeError, "_fast_serialization must be an integer"),
    ("_fast_serialization", -1, ValueError, "_fast_serialization must be at least 0"),
    ("_label", 5, TypeError, "_label must be text, not 5"),
    ("_label", b"x", TypeError, "_label must be text"),
    ("_label", 1001 * "x", ValueError, "_label has 1,001 characters; at most 1,000 may be"),
    ("_max_runtime", 0, ValueError, "_max_runtime must be a positive number of minutes"),
    ("_max_runtime", -1, ValueError, "_max_runtime"),
    ("_max_runtime", float("nan"), ValueError, "_max_runtime"),
    ("_max_runtime", "5", TypeError, "_max_runtime must be a number of minutes"),
    ("_max_runtime", True, TypeError, "_max_runtime"),
    ("_os_env_vars", "HOME", TypeError, "_os_env_vars must be a dict, or an iterable of names"),
    ("_os_env_vars", [1], TypeError, "_os_env_vars"),
    ("_os_env_vars", {"A": 1}, TypeError, r"_os_env_vars\['A'\] must be text, not 1"),
    ("_os_env_vars", ["A=B"], ValueError, "'A=B' cannot be the name"),
    ("_restartable", 1, TypeError, "_restartable must be True or False, not 1"),
    ("_callback", 5, CloudException, "All callbacks must be callable, 5 is not"),
    ("_callback", [print, 5], CloudException, r"All callbacks must be callable, number 2 \(5\) is not"),
    ("_callback_on_error", "f", TypeError, "_callback_on_error: All callbacks must be callable"),
    ("_env", "precise", CloudException, "_env='precise' cannot be used: this version of picloud has no environments"),
    ("_env", 5, TypeError, "_env must be text"),
    ("_vol", ["data"], CloudException, "no volumes yet"),
    ("_vol", [5], TypeError, "_vol must be text or a list of texts"),
]


@pytest.mark.parametrize(("name", "value", "error", "message"), REFUSED)
def test_a_wrong_keyword_is_refused_by_name_before_anything_is_submitted(
    api: ScriptedApi, session: Session, name: str, value: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        session.call(abs, 1, **{name: value})
    with pytest.raises(error, match=message.replace(r"cloud\.call", r"cloud\.map")):
        session.map(abs, [1], **{name: value})
    assert api.parts == []


def test_every_keyword_reaches_the_spec(api: ScriptedApi, session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRESENT", "here")
    first = session.call(abs, 1)
    session.call(
        abs, 1, _cores=4, _depends_on=[first], _depends_on_errors="ignore", _fast_serialization=1, _kill_process=1,
        _label="naïve ☃", _max_runtime=0.5, _os_env_vars=["PRESENT", "ABSENT_SURELY"], _priority=-3, _profile=True,
        _restartable=False, _type="m1", _env=None, _vol=[],
    )  # fmt: skip
    spec = api.parts[-1].spec
    assert spec is not None
    assert (spec.cores, spec.core_type) == (4, "m1")
    assert (spec.depends_on, spec.depends_on_errors) == ((range(first, first + 1),), "ignore")
    assert (spec.fast_serialization, spec.kill_process, spec.profile, spec.restartable) == (1, True, True, False)
    assert (spec.label, spec.priority, spec.max_runtime_seconds) == ("naïve ☃", -3, 30.0)
    assert spec.os_env_vars == {"PRESENT": "here"}


def test_a_dict_of_environment_variables_is_taken_as_it_is() -> None:
    assert take_reserved({"_os_env_vars": {"A": "b"}}, "cloud.call").os_env_vars == {"A": "b"}


def test_dependencies_may_be_a_jid_a_range_or_both_mixed() -> None:
    def ranges(value: Any) -> Any:
        return take_reserved({"_depends_on": value}, "cloud.call").depends_on

    assert ranges(3) == (range(3, 4),)
    assert ranges(range(3, 9)) == (range(3, 9),)
    assert ranges([1, range(2, 5), 9]) == (range(1, 5), range(9, 10))
    assert ranges(None) == ranges([]) == ()


def test_high_cpu_is_deprecated_and_means_core_type_c2(api: ScriptedApi, session: Session) -> None:
    with pytest.warns(DeprecationWarning, match="_high_cpu is deprecated, use _type='c2'") as warned:
        session.call(abs, 1, _high_cpu=True)
    assert warned[0].filename == __file__, "the warning points to the user's line"
    spec = api.parts[-1].spec
    assert spec is not None
    assert spec.core_type == "c2"


def test_a_local_cloud_ignores_environments_and_volumes(api: ScriptedApi) -> None:
    local = Session(lambda: api, "mp", where="cloud.mp", local=True)
    assert local.call(abs, 1, _env="precise", _vol="data") == 1


def test_other_keywords_go_to_the_function() -> None:
    keywords = {"_label": "x", "_unknown": 1, "plain": 2}
    take_reserved(keywords, "cloud.call")
    assert keywords == {"_unknown": 1, "plain": 2}
