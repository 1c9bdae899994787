"""The configuration of a server: read as a whole, and every mistake told with its place and what to write."""

from pathlib import Path

import pytest

from cloud.config import ConfigError
from cloud.server.configuration.lines import lines_of
from cloud.server.configuration.reading import Given, read_configuration
from cloud.server.configuration.sections import Configuration
from cloud.server.places import places_of


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "server.toml"


def read(file: Path, text: str, **environment: str) -> Configuration:
    file.write_text(text)
    return read_configuration(str(file), environment=environment)


def mistakes(file: Path, text: str, **environment: str) -> list[str]:
    """Without the path."""
    with pytest.raises(ConfigError) as caught:
        read(file, text, **environment)
    lines = str(caught.value.parameter).splitlines()
    return [line.strip().removeprefix(f"{file}:") for line in (lines[1:] if len(lines) > 1 else lines)]


def test_an_empty_file_is_all_defaults(file: Path) -> None:
    assert read(file, "") == Configuration() == read_configuration(None)


def test_units_are_understood(file: Path) -> None:
    told = read(file, '[retention]\nmax_age = "14 days"\nmax_bytes = "1.5 GB"\n[engine]\nworkers = 3\n')
    assert (told.retention.max_age, told.retention.max_bytes, told.engine.workers) == (1209600.0, 1500000000, 3)


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file(file: Path) -> None:
    text = """# the team's
[server]
prot = 80
port = 99999
names = [
  "a b",
]
[stor]
url = "x"
[engine]
kind = "Ray"
"""
    assert mistakes(file, text) == [
        '3: [server] has no setting "prot"; did you mean "port"?',
        "4: [server] port is 99999; expected a port number from 0 to 65535",
        "5: [server] names is ['a b']; expected a list of host names, like [\"jobs.example.com\"]",
        '8: the file has no section "stor"; did you mean "store"?',
        '11: [engine] kind is "Ray"; expected one of "local", "ray"',
    ]


def test_what_is_no_toml_is_told_with_its_line(file: Path) -> None:
    (told,) = mistakes(file, "[server]\nport = = 80\n")
    assert told.startswith("2: this is not TOML: ")


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        read_configuration(str(tmp_path / "none.toml"))


def test_secrets_come_from_the_environment_and_from_files_beside_this_one(file: Path) -> None:
    (file.parent / "password").write_text("s3cret/@\n")
    told = read(
        file,
        '[server]\nmetrics_token = "${TOKEN}"\n[store]\nurl = "postgresql://u@db/jobs"\npassword_file = "password"\n'
        '[blobs]\nurl = "s3://b/p?region=x"\naccess_key_id = "${KEY}"\nsecret_access_key = "${SECRET}"\n',
        TOKEN="t0ken", KEY="k", SECRET="s",
    )  # fmt: skip
    assert (told.server.metrics_token, told.store.password) == ("t0ken", "s3cret/@")
    places = places_of(told, "/home")
    assert places.store == "postgresql://u:s3cret%2F%40@db/jobs"
    assert places.blobs == "s3://b/p?region=x&access_key_id=k&secret_access_key=s"
    assert "s3cret" not in repr(places)
    assert "access_key" not in repr(places)


def test_a_variable_or_a_file_that_is_missing_is_a_mistake(file: Path) -> None:
    text = '[server]\nmetrics_token = "${NOPE}"\n[store]\nurl = "postgresql://u@db/j"\npassword_file = "none"\n'
    assert mistakes(file, text) == [
        "2: [server] metrics_token names the variable NOPE, which is not set",
        "5: [store] password_file cannot be read from 'none': No such file or directory",
    ]


def test_a_secret_is_never_in_a_message(file: Path) -> None:
    (told,) = mistakes(file, "[server]\nmetrics_token = 12345\n")
    assert "12345" not in told
    (told,) = mistakes(file, '[store]\nurl = "mysql://me:hush@db/jobs"\n')
    assert "hush" not in told


def test_paths_are_relative_to_the_file(file: Path) -> None:
    told = read(file, '[server]\ntls_certificate = "tls/cert.pem"\ntls_key = "/etc/key.pem"\n')
    assert told.server.tls_certificate == str(file.parent / "tls" / "cert.pem")
    assert told.server.tls_key == "/etc/key.pem"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[server]\ntls_key = "k"\n', "2: [server] tls_key is set, and tls_certificate is not; TLS needs both"),
        ('[store]\nurl = "postgresql://u@h/d"\n', "2: [store] url names a database, which holds no large values"),
        ("[engine]\nslots = 4\n", '2: [engine] slots is for kind = "ray"; kind is "local"'),
        ("[types.big]\ncores = 4\n", '1: [types.big] is for agents: [engine] kind = "ray"; kind is "local"'),
        ('[store]\npassword = "x"\n', "2: [store] password is set, and url names no database"),
        ('[server]\nurl = "jobs.example.com"\n', '2: [server] url is "jobs.example.com"; expected an address like'),
        ('[server]\nproxies = ["proxy"]\n', "2: [server] proxies is ['proxy']; expected a list of addresses"),
        ('[server]\nhost = ""\n', '2: [server] host is ""; expected an address or a name of this machine'),
        ('[blobs]\nurl = "s3://"\n', '2: [blobs] url is "s3://", which names no bucket'),
        ('[store]\nurl = "postgresql://u:hush@[db/d"\n', "2: [store] url cannot be read as an address: a ["),
        ("engine = 3\n", "1: engine is a value; expected a section: write [engine] on a line of its own"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_together_is_told(file: Path, text: str, told: str) -> None:
    (mistake,) = mistakes(file, text)
    assert mistake.startswith(told)


def test_a_cluster_needs_a_place_for_blobs_and_an_address_for_jobs_and_a_trial_needs_neither(file: Path) -> None:
    both = mistakes(file, '[engine]\nkind = "ray"\n')
    assert [("blobs" in told, "[server] url" in told) for told in both] == [(True, False), (False, True)]
    read(file, '[engine]\nkind = "ray"\naddress = ""\n')
    told = read(
        file,
        '[server]\nurl = "https://jobs.example.com/"\n[blobs]\nurl = "/shared"\n[engine]\nkind = "ray"\nmost = 8\n'
        '[types.gpu]\ngpus = 1\nmemory = "8 GiB"\n',
    )
    assert (told.types["gpu"].gpus, told.types["gpu"].memory, told.types["gpu"].most) == (1.0, 8 << 30, None)
    assert told.server.url == "https://jobs.example.com"


def test_mistakes_in_types_are_told_as_those_of_sections(file: Path) -> None:
    text = '[engine]\nkind = "ray"\n[types.gpu]\ngpu = 1\n[types.big]\nmemory = "much"\n'
    assert [told.partition(";")[0] for told in mistakes(file, text)] == [
        '4: [types.gpu] has no setting "gpu"',
        '6: [types.big] memory is "much"',
    ]


def test_the_command_line_wins_and_is_named_in_messages(file: Path) -> None:
    file.write_text('[server]\nport = 1\nhost = "::1"\n')
    told = read_configuration(str(file), Given({("server", "port"): 2}, {("server", "port"): "--port"}))
    assert (told.server.port, told.server.host) == (2, "::1")
    with pytest.raises(ConfigError, match=r'^--store is "ftp://x"; expected sqlite'):
        read_configuration(None, Given({("store", "url"): "ftp://x"}, {("store", "url"): "--store"}))


def test_lines_inside_values_are_no_keys() -> None:
    text = '[a]\nx = """\ny = 1\n[b]\n"""\n[b.c]\n"z" = [\n  1,\n]\nw.v = 2\n'
    assert lines_of(text) == {("a",): 1, ("a", "x"): 2, ("b", "c"): 6, ("b", "c", "z"): 7, ("b", "c", "w", "v"): 10}
