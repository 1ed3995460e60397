"""callguard.toml and policy.toml: every problem at once, with its key, and never a secret."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from callguard.errors import BadInput, ConfigError
from callguard.settings import ENVIRONMENT, load_policy, load_settings, read_toml

GOOD = """
data_dir = "data"
[database]
url = "postgresql://callguard_app:s3cret-url@127.0.0.1/callguard"
[asterisk]
ari_url = "http://127.0.0.1:8088/ari"
ari_user = "callguard"
ari_password = "s3cret-ari"
ami_user = "callguard"
ami_secret = "s3cret-ami"
[recordings]
directory = "recordings"
"""


@pytest.fixture(autouse=True)
def no_environment() -> Iterator[None]:
    """Whoever runs the tests may have a callguard of their own."""
    before = {name: os.environ.pop(name) for name in ENVIRONMENT if name in os.environ}
    yield
    for name in ENVIRONMENT:
        os.environ.pop(name, None)
    os.environ.update(before)


def written(folder: Path, text: str, name: str = "callguard.toml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def problems(path: Path) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_settings(path)
    assert caught.value.exit_code == 2 and "s3cret" not in str(caught.value)
    return caught.value.problems


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    own = load_settings(written(tmp_path, GOOD))
    assert own.data == tmp_path / "data" and own.path("/abs") == Path("/abs")
    assert (own.tenant, own.on_asterisk.ami_port, own.guard.patience) == ("default", 5038, 1.0)


def test_every_problem_is_reported_at_once_with_its_key(tmp_path: Path) -> None:
    text = GOOD.replace('ami_secret = "s3cret-ami"', "ami_secret = 7\nami_port = 70000\nshoe = 1").replace(
        'ari_url = "http://127.0.0.1:8088/ari"', 'ari_url = "s3cret-no-url"'
    )
    text = text.replace('data_dir = "data"', 'base = "/"\ntenant = "a b"\nhat = 1') + 'floor_mb = "many"\n'
    found = problems(written(tmp_path, text + "[guard]\npatience = 9.0\n"))
    keys = {line.split(":")[0] for line in found}
    assert keys == {
        "base", "tenant", "hat", "data_dir", "recordings.floor_mb", "guard.patience",
        "asterisk.ami_secret", "asterisk.ami_port", "asterisk.shoe", "asterisk.ari_url",
    }  # fmt: skip
    assert "tenant: must be letters, digits, - and _" in found
    assert "asterisk.ari_url: must be an http(s) address such as http://127.0.0.1:8088/ari" in found
    assert "asterisk.shoe: unknown key" in found and "data_dir: is missing" in found


def test_what_a_place_looks_like_is_said_in_words_not_as_an_expression(tmp_path: Path) -> None:
    text = 'agents = {"PJSIP/*" = "Texas"}\nregion = "USA"\nagent_in_name = "PJSIP/x"\n'
    found = problems(written(tmp_path, f"{GOOD}\n[places]\n{text}"))
    assert found[0] == "places.agents.PJSIP/*: must be an ISO 3166 code such as US-TX or DE"
    assert len(found) == 3 and not any("^" in line for line in found)


def test_a_table_that_is_none(tmp_path: Path) -> None:
    os.environ["CALLGUARD_DATABASE_URL"] = "postgresql://x"
    text = GOOD.replace('[database]\nurl = "postgresql://callguard_app:s3cret-url@127.0.0.1/callguard"', "")
    found = problems(written(tmp_path, "database = 3\n" + text))
    assert [line.split(":")[0] for line in found] == ["database"]


def test_the_environment_stands_over_the_file(tmp_path: Path) -> None:
    for name in ENVIRONMENT:
        os.environ[name] = f"from {name}"
    own = load_settings(written(tmp_path, GOOD))
    for name, (table, key) in ENVIRONMENT.items():
        assert getattr(getattr(own, table), key) == f"from {name}"


def test_a_data_directory_too_long_for_its_sockets(tmp_path: Path) -> None:
    assert problems(written(tmp_path, GOOD.replace('"data"', f'"{"d" * 100}"')))[0].startswith("data_dir: too long")


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b'data_dir = "x"\n= 3\n', "line 2, column 1"),
        (b'data_dir = "s3cret', "end of document"),
        (b"\xff\xfe", "is not UTF-8 from byte 0 on"),
    ],
)
def test_what_is_not_toml(tmp_path: Path, content: bytes, part: str) -> None:
    path = tmp_path / "callguard.toml"
    path.write_bytes(content)
    with pytest.raises(BadInput) as caught:
        read_toml(path)
    assert part in str(caught.value) and str(path) in str(caught.value) and "s3cret" not in str(caught.value)


def test_a_file_that_is_not_there_or_a_folder(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no such file"):
        read_toml(tmp_path / "none.toml")
    with pytest.raises(BadInput, match="Is a directory"):
        read_toml(tmp_path)


def test_the_policy_is_checked_as_a_whole_too(tmp_path: Path) -> None:
    own = load_settings(written(tmp_path, GOOD))
    written(tmp_path, 'x = 1\n[call_type.a]\nmode = "maybe"\nshoe = 1\n[call_type.B]\npurpose = 3\n', "policy.toml")
    with pytest.raises(ConfigError) as caught:
        load_policy(own)
    assert {line.split(":")[0] for line in caught.value.problems} == {
        "x", "call_type.a.mode", "call_type.a.shoe", "call_type.B", "call_type.B.purpose",
    }  # fmt: skip
    assert str(tmp_path / "policy.toml") in str(caught.value)


def test_a_good_policy(tmp_path: Path) -> None:
    own = load_settings(written(tmp_path, GOOD))
    written(tmp_path, '[call_type.support]\npurpose = "qa"\n', "policy.toml")
    assert list(load_policy(own).call_types) == ["support"]


def test_least_privilege_wants_a_path_that_the_snippet_lets_through(tmp_path: Path) -> None:
    least = GOOD.replace("ari_user =", "least_privilege = true\nari_user =")
    assert load_settings(written(tmp_path, least)).on_asterisk.least_privilege
    spaced = least.replace('"recordings"', '"my recordings"')
    assert [line.split(":")[0] for line in problems(written(tmp_path, spaced))] == ["recordings.directory"]
    assert not load_settings(written(tmp_path, spaced.replace("true", "false"))).on_asterisk.least_privilege


FREESWITCH = """
data_dir = "data"
[pbx]
kind = "freeswitch"
[freeswitch]
password = "s3cret-esl"
[database]
url = "postgresql://callguard_app:s3cret-url@127.0.0.1/callguard"
[recordings]
directory = "recordings"
"""


def test_freeswitch_has_a_table_of_its_own(tmp_path: Path) -> None:
    own = load_settings(written(tmp_path, FREESWITCH)).on_freeswitch
    assert (own.host, own.port, own.listen, own.in_band_digits) == ("127.0.0.1", 8021, "127.0.0.1:8084", False)
    os.environ["CALLGUARD_ESL_PASSWORD"] = "from outside"
    assert load_settings(written(tmp_path, FREESWITCH)).on_freeswitch.password == "from outside"
    assert not load_settings(written(tmp_path, FREESWITCH)).starts_by_dialplan
    with pytest.raises(BadInput, match="knows Asterisk alone"):
        _ = load_settings(written(tmp_path, FREESWITCH)).on_asterisk
    with pytest.raises(BadInput, match="asterisk"):
        _ = load_settings(written(tmp_path, GOOD)).on_freeswitch


def test_the_table_of_the_pbx_that_is_named_has_to_be_there(tmp_path: Path) -> None:
    assert "freeswitch: is missing" in problems(written(tmp_path, GOOD + '[pbx]\nkind = "freeswitch"\n'))
    assert "asterisk: is missing" in problems(written(tmp_path, FREESWITCH.replace('"freeswitch"', '"asterisk"')))
    text = FREESWITCH.replace('"freeswitch"', '"avaya"').replace("password", 'listen = "nowhere"\npassword')
    found = {line.split(":")[0] for line in problems(written(tmp_path, text))}
    assert found == {"pbx.kind", "freeswitch.listen"}


def test_a_file_that_is_nested_too_deep_to_be_read(tmp_path: Path) -> None:
    path = tmp_path / "deep.toml"
    path.write_text("a = " + "[" * 5000)
    with pytest.raises(BadInput, match=r"deep\.toml: nested too deep"):
        read_toml(path)
