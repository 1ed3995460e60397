"""Small FreeSWITCH configurations, and what lint says about them.

What belongs here: text into findings. What does not: any rule.
"""

from __future__ import annotations

from pathlib import Path

from callguard.lab.asterisk import dialplan_dir
from callguard.lint.examine import Options
from callguard.lint.freeswitch.examine import lint
from callguard.lint.freeswitch.plan import Plan, build
from callguard.lint.freeswitch.tree import read_tree

SNIPPET = dialplan_dir().parent / "freeswitch" / "callguard.xml"
SAID = "".join(
    f'<action application="set" data="callguard_{name}={value}"/>'
    for name, value in {
        "type": "support", "direction": "inbound", "dialled": "${destination_number}", "home": "${context}",
    }.items()
)  # fmt: skip
ASK = SAID + '<action application="execute_extension" data="callguard XML callguard"/>'
BRIDGE = '<action application="bridge" data="user/1000@lab"/>'


def act(app: str, data: str = "", tag: str = "action") -> str:
    return f'<{tag} application="{app}" data="{data}"/>'


def extension(
    actions: str, number: str = "^100$", name: str = "own", more: str = "", field: str = "destination_number"
) -> str:
    condition = f'<condition field="{field}" expression="{number}">{actions}</condition>'
    return f'<extension name="{name}" {more}>{condition}</extension>\n'


def context(*extensions: str, name: str = "public") -> str:
    return f'<context name="{name}">\n{"".join(extensions)}</context>\n'


def written(folder: Path, *parts: str, name: str = "public.xml") -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"<include>\n{''.join(parts)}</include>\n")
    return path


def found(folder: Path, *parts: str, snippet: bool = True, options: Options | None = None) -> list[tuple[str, str]]:
    """(severity, rule) of everything that is said about PARTS."""
    paths = [written(folder, *parts), *([SNIPPET] if snippet else [])]
    return [(finding.severity.value, finding.rule) for finding in lint(paths, options).findings]


def plan_of(folder: Path, *parts: str) -> Plan:
    return build(read_tree([written(folder, *parts)]))


RECORD_ALL = '<action application="record_session" data="/all.wav"/>'
