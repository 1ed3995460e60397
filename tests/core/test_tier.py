"""Classes of data: the voice is guarded most strictly, and nothing is of no class."""

from __future__ import annotations

import pytest

from callguard.core.purpose import Output
from callguard.core.retention import OUTPUTS
from callguard.core.tier import CONTROLS, KINDS, TABLES, Sealed, Tier, unclassed


@pytest.mark.requirement("S30")
def test_the_voice_is_of_the_strictest_tier_and_what_is_stricter_is_never_guarded_less() -> None:
    voices = [name for name, control in CONTROLS.items() if control.tier is max(Tier)]
    assert voices == ["audio"] == [KINDS[kind] for kind, output in OUTPUTS.items() if output is Output.AUDIO][:1]
    order = [Sealed.NOT, Sealed.PARTY_KEY, Sealed.OWN_KEY]
    matrix = sorted((control.tier, order.index(control.sealed)) for control in CONTROLS.values())
    assert [sealed for _, sealed in matrix] == sorted(sealed for _, sealed in matrix)
    assert not any(control.leaves for control in CONTROLS.values() if control.tier >= Tier.CONTENT)


@pytest.mark.requirement("S28")
def test_every_class_holds_something_and_what_is_of_none_is_named() -> None:
    assert {*KINDS.values(), *TABLES.values()} == {*CONTROLS} and {*KINDS} == {*OUTPUTS}
    assert unclassed(TABLES, KINDS) == ()
    assert unclassed([*TABLES, "voiceprint"], [*KINDS, "embedding"]) == ("voiceprint", "embedding")
