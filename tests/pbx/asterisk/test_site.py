from __future__ import annotations

from callguard.pbx.asterisk.site import AmiAddress, AriAddress


def test_secrets_do_not_show() -> None:
    shown = repr(AriAddress(url="u", user="u", password="hidden")) + repr(
        AmiAddress(host="h", user="u", secret="hidden")
    )
    assert "hidden" not in shown
