"""The settings of the FreeSWITCH adapter."""

from __future__ import annotations

import pytest

from callguard.pbx.freeswitch.site import EslAddress, is_loopback, password_problem


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "[::1]", "localhost"])
def test_this_machine_alone_is_loopback(host: str) -> None:
    assert is_loopback(host)
    assert not is_loopback("192.0.2.1") and not is_loopback("::") and not is_loopback("pbx.example")


@pytest.mark.parametrize("password", ["", "ClueCon"])
def test_everybodys_password_is_named_and_worse_where_everybody_can_come(password: str) -> None:
    here, there = password_problem("127.0.0.1", password), password_problem("192.0.2.1", password)
    assert here and there.startswith(here) and "any command" in there
    assert password_problem("192.0.2.1", "a word of our own") == ""


def test_a_password_does_not_show() -> None:
    assert "hunter2" not in repr(EslAddress(host="127.0.0.1", password="hunter2"))
