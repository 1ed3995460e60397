"""The site that the trials on a real FreeSWITCH call: its dialplan, and the same words as on Asterisk (tests/e2e).

What belongs here: what is FreeSWITCH's own. What does not: what must come of a call (the tests).
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Self, cast

from callguard.lab.freeswitch_stand import FreeSwitchStand, switch_policy
from callguard.store.keys import load_master_key
from callguard.store.postgres import PostgresLog
from tests.e2e.quick import LANGUAGE, write_prompts
from tests.e2e.site import POLICY, Site, Talk, _make

AGENTS = 15

ENTRY = """\
        <action application="set" data="callguard_direction=inbound"/>
        <action application="set" data="callguard_dialled=${destination_number}"/>
        <action application="set" data="callguard_home=${context}"/>
        <action application="execute_extension" data="callguard XML callguard"/>
"""
ELSEWHERE = """\
    <!-- where an attended transfer's second call goes -->
    <extension name="outside">
      <condition field="destination_number" expression="^outside$">
        <action application="bridge" data="sofia/lab/15125550199@${trunk}"/>
      </condition>
    </extension>
    <extension name="plain">
      <condition field="destination_number" expression="^plain_([0-9]+)$">
        <action application="bridge" data="${agent$1}"/>
      </condition>
    </extension>
"""
# `support_3` is a call of type support to agent3
DIALPLAN = f"""\
<include>
  <context name="inbound">
    <!-- people of a place, each with a number of their own -->
    <extension name="texans" continue="true">
      <condition field="destination_number" expression="^survey_" break="never">
        <action application="set_profile_var" data="caller_id_number=+15125550147"/>
      </condition>
      <condition field="destination_number" expression="^regular_" break="never">
        <action application="set_profile_var" data="caller_id_number=+15125550148"/>
      </condition>
      <condition field="destination_number" expression="^card_">
        <action application="set_profile_var" data="caller_id_number=+15125550149"/>
      </condition>
    </extension>
    <extension name="typed">
      <condition field="destination_number" expression="^(?!plain)([a-z]+)_([0-9]+)$">
        <action application="set" data="callguard_type=$1"/>
        <action application="set" data="callguard_place=US-TX"/>
{ENTRY}        <action application="bridge" data="${{agent$2}}"/>
      </condition>
    </extension>
    <extension name="user">
      <condition field="destination_number" expression="^user_([a-z]+)_([0-9]+)$">
        <action application="set" data="callguard_type=$1"/>
        <action application="set" data="callguard_place=US-TX"/>
{ENTRY}        <action application="bridge" data="user/agent$2@lab.example"/>
      </condition>
    </extension>
    <!-- an agent behind a loopback channel, whose halves go (looptrue) or stay (loopfalse) when it is answered -->
    <extension name="loop">
      <condition field="destination_number" expression="^loop(true|false)_([a-z]+)_([0-9]+)$">
        <action application="set" data="callguard_type=$2"/>
        <action application="set" data="callguard_place=US-TX"/>
{ENTRY}        <action application="bridge" data="{{loopback_bowout=$1}}loopback/plain_$3/inbound"/>
      </condition>
    </extension>
    <extension name="queue">
      <condition field="destination_number" expression="^queue$">
        <action application="set" data="callguard_type=support"/>
        <action application="set" data="callguard_place=US-TX"/>
{ENTRY}        <action application="answer"/>
        <action application="callcenter" data="support@lab.example"/>
      </condition>
    </extension>
    <extension name="room">
      <condition field="destination_number" expression="^room_([a-z0-9]+)$">
        <action application="answer"/>
        <action application="conference" data="$1@default"/>
      </condition>
    </extension>
    <extension name="emergency">
      <condition field="destination_number" expression="^(911|5000)$">
        <action application="set" data="callguard_type=support"/>
{ENTRY}        <action application="bridge" data="${{agent${{last}}}}"/>
      </condition>
    </extension>
    <extension name="listener">
      <condition field="destination_number" expression="^eavesdrop_([0-9a-f-]+)$">
        <action application="answer"/>
        <action application="eavesdrop" data="$1"/>
      </condition>
    </extension>
    <extension name="third">
      <condition field="destination_number" expression="^three_way_([0-9a-f-]+)$">
        <action application="answer"/>
        <action application="three_way" data="$1"/>
      </condition>
    </extension>
    <!-- where a transfer to the outside goes that has a gate -->
    <extension name="gate">
      <condition field="destination_number" expression="^gate$">
        <action application="set" data="callguard_direction=outbound"/>
        <action application="set" data="callguard_when=gate"/>
        <action application="set" data="callguard_dialled=15125550199"/>
        <action application="set" data="callguard_home=${{context}}"/>
        <action application="execute_extension" data="callguard XML callguard"/>
        <action application="bridge" data="sofia/lab/15125550199@${{trunk}}"/>
      </condition>
    </extension>
{ELSEWHERE}  </context>
  <context name="internal">
    <!-- 9_NUMBER says nothing of when; told_NUMBER and bridged_NUMBER do -->
    <extension name="out">
      <condition field="destination_number" expression="^(9|told|bridged)_([0-9]+)$">
        <action application="set" data="callguard_type=support"/>
        <action application="set" data="callguard_place=US-TX"/>
        <action application="set" data="callguard_direction=outbound"/>
        <action application="set" data="callguard_when=$1"/>
        <action application="set" data="callguard_dialled=$2"/>
        <action application="set" data="callguard_home=${{context}}"/>
        <action application="execute_extension" data="callguard XML callguard"/>
        <action application="bridge" data="sofia/lab/$2@${{trunk}}"/>
      </condition>
    </extension>
{ELSEWHERE}    <extension name="colleague">
      <condition field="destination_number" expression="^(helpdesk|support)_([0-9]+)$">
        <action application="set" data="callguard_type=$1"/>
        <action application="set" data="callguard_direction=internal"/>
        <action application="set" data="callguard_dialled=$2"/>
        <action application="set" data="callguard_home=${{context}}"/>
        <action application="execute_extension" data="callguard XML callguard"/>
        <action application="bridge" data="user/agent$2@lab.example"/>
      </condition>
    </extension>
  </context>
</include>
"""


OWN_POLICY = f'{POLICY}\n[call_type.helpdesk]\nlanguage = "{LANGUAGE}"\ninternal = "ask"\n'


class LiveSite(Site):
    """A site whose PBX is the FreeSWITCH of this machine."""

    @property
    def live_stand(self) -> FreeSwitchStand:
        """The stand, as what it is."""
        return cast(FreeSwitchStand, self.stand)

    @classmethod
    async def raise_on(
        cls,
        work: Path,
        *,
        controller: bool = True,
        floor_mb: int = 50,
        before: str = "",
        directory_is: Path | None = None,
        policy: str = OWN_POLICY,
    ) -> Self:
        """A site in the folder WORK. `before`: dialplan that runs before ours; `directory_is`: where recordings really
        lie.
        """
        _make(work)
        dialplan = DIALPLAN.replace(ENTRY, before + ENTRY)
        stand = FreeSwitchStand(work, dialplan=dialplan, agents=AGENTS, policy=switch_policy(policy))
        try:
            await stand.start(controller=False)
            stand.write_config(floor_mb=floor_mb)
            with stand.config.open("a") as config:
                config.write(f'\n[prompts]\ndirectory = "{write_prompts(work / "prompts")}"\n')
            if directory_is:
                stand.recordings.rmdir()
                stand.recordings.symlink_to(directory_is)
            if controller:
                await stand.start_controller()
            return cls(stand, await PostgresLog.open(stand.postgres.app_dsn, load_master_key(work / "master.key")))
        except BaseException:
            await stand.stop()
            raise

    async def channels(self) -> str:
        """What FreeSWITCH has up: its list lags behind, so each is asked for."""
        listed = json.loads(await self.api("show channels as json")).get("rows", [])
        ids = [str(row["uuid"]) for row in listed]
        return " ".join([own for own in ids if await self.api(f"uuid_exists {own}") == "true"])

    def far(self, talk: Talk) -> str:
        """The caller's channel."""
        assert talk.stored is not None
        return talk.stored.events[0].channel_id

    def near(self, talk: Talk) -> str:
        """The agent's channel."""
        assert talk.stored is not None
        seen = (row for row in talk.stored.events if row.type == "channel_seen" and row.data["role"] == "agent")
        return next(seen).channel_id

    async def api(self, command: str) -> str:
        """A command of an admin's own."""
        return await self.live_stand.freeswitch.cli(command)


@contextlib.asynccontextmanager
async def live_site(work: Path) -> AsyncIterator[LiveSite]:
    """A site, up while it is entered."""
    async with await LiveSite.raise_on(work) as site:
        yield site
