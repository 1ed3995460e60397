"""What the tests of lint stand on: dialplans as text, and a large one of the shape that FreePBX generates."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from callguard.lint.examine import Options, Report, lint
from callguard.lint.finding import Finding
from callguard.lint.graph import Graph
from callguard.lint.model import Dialplan, Step, build
from callguard.lint.tree import read_tree

ROOT = Path(__file__).resolve().parents[2]
SNIPPET = ROOT / "dialplan" / "asterisk" / "callguard.conf"
ASK = "Gosub(callguard,s,1(support,inbound))"


def written(folder: Path, text: str, name: str = "extensions.conf") -> Path:
    """TEXT as a file of FOLDER."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def plan(folder: Path, text: str) -> Dialplan:
    """TEXT as a dialplan, without the snippet."""
    return build(read_tree([written(folder, text)]).sections)


def graph(folder: Path, text: str) -> Graph:
    """TEXT with its ways, without the snippet."""
    return Graph(plan(folder, text))


def step(dialplan: Dialplan, context: str, exten: str, priority: int = 1) -> Step:
    """One step."""
    return dialplan.contexts[context].extensions[exten].steps[priority]


def examined(folder: Path, text: str, options: Options | None = None) -> Report:
    """TEXT beside the shipped snippet, looked through."""
    return lint([SNIPPET, written(folder, text)], options)


def found(folder: Path, text: str, options: Options | None = None) -> list[Finding]:
    """What is found in TEXT beside the shipped snippet."""
    return list(examined(folder, text, options).findings)


def rules(folder: Path, text: str, options: Options | None = None) -> list[tuple[str, int]]:
    """[(rule, line)] of what is found."""
    return [(finding.rule, finding.place.line) for finding in found(folder, text, options)]


# A tree of FreePBX's shape


def freepbx(
    folder: Path, extensions: int = 600, routes: int = 200, *, asks: bool, override: str = "; nothing\n"
) -> Path:
    """A folder as FreePBX fills it: generated contexts, macros, hooks. ASKS: calls are handed to callguard."""
    folder.mkdir(parents=True, exist_ok=True)
    files = "extensions_override_freepbx extensions_additional extensions_custom".split()
    head = "".join(f"#include {name}.conf\n" for name in files)
    written(folder, f"{head}#tryinclude local/*.conf\n{_FIXED}")
    written(folder, override, "extensions_override_freepbx.conf")
    written(folder, "".join(_additional(extensions, routes, asks=asks)), "extensions_additional.conf")
    custom = "#include callguard.conf\n[from-internal-custom]\nexten => 1234,1,Playback(demo-congrats)\n"
    written(folder, custom if asks else custom.partition("\n")[2], "extensions_custom.conf")
    if asks:
        written(folder, SNIPPET.read_text(), "callguard.conf")
    return folder


_FIXED = """
[from-trunk]
include => from-trunk-custom
include => from-pstn

[from-pstn]
include => from-pstn-custom
include => ext-did
include => ext-did-post-custom
exten => fax,1,Goto(ext-fax,in_fax,1)

[from-internal]
include => from-internal-noxfer
include => from-internal-xfer
include => bad-number

[from-internal-noxfer]
include => from-internal-custom

[from-internal-xfer]
include => from-internal-additional
"""

_MACROS = """
[globals]
ASTETCDIR = /etc/asterisk
DIAL_OPTIONS = HhTtr
TRUNK_OPTIONS = T
OUT_1 = PJSIP
OUTNAME_1 = carrier

[macro-user-callerid]
exten => s,1,Set(TOUCH_MONITOR=${UNIQUEID})
exten => s,n,Set(AMPUSER=${IF($["${AMPUSER}" = ""]?${CALLERID(number)}:${AMPUSER})})
exten => s,n,GotoIf($["${CALLERID(name):0:3}" = "id:"]?report)
exten => s,n(report),ExecIf($["${REALCALLERIDNUM}" = ""]?Set(REALCALLERIDNUM=${CALLERID(number)}))
exten => s,n,Return()

[macro-exten-vm]
exten => s,1,Gosub(macro-user-callerid,s,1())
exten => s,n,Set(RingGroupMethod=none)
exten => s,n,Gosub(sub-record-check,s,1(exten,${EXTTOCALL},dontcare))
exten => s,n,Gosub(macro-dial-one,s,1(${RT},${DIAL_OPTIONS},${EXTTOCALL}))
exten => s,n,GotoIf($["${DIALSTATUS}" = "ANSWER"]?exit)
exten => s,n,Goto(s-${DIALSTATUS},1)
exten => s,n(exit),Return()
exten => s-BUSY,1,Return()
exten => s-NOANSWER,1,Return()
exten => _s-.,1,Return()

[macro-dial-one]
exten => s,1,Set(DEXTEN=${ARG3})
exten => s,n,GosubIf($["${DB(AMPUSER/${EXTTOCALL}/cidname)}" != ""]?dstring,1())
exten => s,n,GotoIf($["${DSTRING}" = ""]?nodial)
exten => s,n(dial),Dial(${DSTRING},${ARG1},${D_OPTIONS}b(func-apply-sipheaders^s^1))
exten => s,n(nodial),Return()
exten => dstring,1,Set(DSTRING=PJSIP/${DEXTEN})
exten => dstring,n,Return()

[macro-dialout-trunk]
exten => s,1,Set(DIAL_TRUNK=${ARG1})
exten => s,n,Set(OUTNUM=${FILTER(0-9*#,${ARG2})})
exten => s,n,GosubIf($[${DIALPLAN_EXISTS(macro-dialout-trunk-predial-hook,s,1)}]?macro-dialout-trunk-predial-hook,s,1())
exten => s,n,ExecIf($["${PREDIAL_HOOK_RET}" = "BYPASS"]?Return())
exten => s,n,Dial(${OUT_${DIAL_TRUNK}}/${OUTNUM}@${OUTNAME_1},300,${DIAL_TRUNK_OPTIONS}b(func-apply-sipheaders^s^1))
exten => s,n,Goto(s-${DIALSTATUS},1)
exten => s-BUSY,1,Busy(20)
exten => _s-.,1,Return()

[func-apply-sipheaders]
exten => s,1,Set(SIPHEADERKEYS=${HASHKEYS(SIPHEADERS)})
exten => s,n,While($["${SET(sipkey=${SHIFT(SIPHEADERKEYS)})}" != ""])
exten => s,n,ExecIf($["${sipkey}" = "x"]?Set(PJSIP_HEADER(remove,${sipkey})=))
exten => s,n,EndWhile()
exten => s,n,Return()

[sub-record-check]
exten => s,1,GotoIf($["${REC_POLICY_MODE_SAVE}" != ""]?initialized)
exten => s,n,Set(__REC_STATUS=INITIALIZED)
exten => s,n(initialized),Gosub(record-enable,s,1(${ARG1}))
exten => s,n,Return()
exten => recordcheck,1,Goto(${ARG1})
exten => recordcheck,n(dontcare),Return()
exten => recordcheck,n(force),Gosub(record-enable,s,1())
exten => recordcheck,n,Return()

[record-enable]
exten => s,1,Set(__CALLFILENAME=${ARG1}-${UNIQUEID})
exten => s,n,MixMonitor(${MIXMON_DIR}${YEAR}/${CALLFILENAME}.${MON_FMT},abi(LOCAL_MIXMON_ID),${MIXMON_POST})
exten => s,n,Return()

[ext-fax]
exten => in_fax,1,Dial(PJSIP/fax)

[from-did-direct]
include => ext-findmefollow
include => ext-local

[bad-number]
exten => _X.,1,Playback(ss-noservice)
exten => _X.,n,Hangup()
"""


def _additional(extensions: int, routes: int, *, asks: bool) -> Iterator[str]:
    yield _MACROS
    names = ("ext-queues", "ext-local", "outrt-1", "app-pickup")
    yield "[from-internal-additional]\n" + "".join(f"include => {name}\n" for name in names)
    yield "\n[outrt-1]\n"
    for pattern in ("_NXXNXXXXXX", "_1NXXNXXXXXX", "911"):
        yield f"exten => {pattern},1,Gosub(macro-user-callerid,s,1(LIMIT,EXTERNAL,))\n"
        yield f"exten => {pattern},n,Gosub(callguard,s,1(sales,outbound,told))\n" if asks else ""
        yield f"exten => {pattern},n,Set(DIAL_TRUNK_OPTIONS=${{CALLGUARD_DIAL}})\n" if asks else ""
        yield f"exten => {pattern},n,Gosub(macro-dialout-trunk,s,1(1,${{EXTEN}},,off))\n"
        yield f"exten => {pattern},n,Hangup()\n"
    yield "\n[app-pickup]\nexten => _*8.,1,Pickup(${EXTEN:2}@PICKUPMARK)\nexten => _*8.,n,Hangup()\n"
    yield "\n[ext-local]\n" + "".join(_local(number) for number in range(2000, 2000 + extensions))
    yield "\n[ext-findmefollow]\n"
    yield "\n[ext-queues]\n" + "".join(_queue(number) for number in range(6000, 6020))
    yield "\n[ext-did]\ninclude => ext-did-0002\ninclude => ext-did-catchall\n\n[ext-did-0002]\n"
    yield "".join(_route(number, asks=asks) for number in range(routes))
    yield "\n[ext-did-catchall]\nexten => _.,1,Answer()\nexten => _.,n,Playback(ss-noservice)\n"


def _local(number: int) -> str:
    lines = [
        "1,Set(__RINGTIMER=${IF($[${DB(AMPUSER/NUMBER/ringtimer)} > 0]?${DB(AMPUSER/NUMBER/ringtimer)}:15)})",
        "n,Gosub(macro-exten-vm,s,1(novm,NUMBER,0,0,0))",
        "n(dest),Set(__PICKUPMARK=)",
        "n,GotoIf($[${IVR_CONTEXT_EXISTS}]?${IVR_CONTEXT},return,1)" if number % 100 == 0 else "n,NoOp()",
        "n,Goto(vmret,1)",
        "hint,PJSIP/NUMBER&Custom:DNDNUMBER,CustomPresence:NUMBER",
    ]
    return "".join(f"exten => {number},{line.replace('NUMBER', str(number))}\n" for line in lines)


def _queue(number: int) -> str:
    lines = [
        "1,Gosub(macro-user-callerid,s,1())",
        "n,Answer()",
        "n,Gosub(sub-record-check,s,1(q,NUMBER,dontcare))",
        "n(qcall),Queue(NUMBER,tR,,,,,,,)",
        "n,Goto(ext-local,2000,1)",
    ]
    return "".join(f"exten => {number},{line.replace('NUMBER', str(number))}\n" for line in lines)


def _route(number: int, *, asks: bool) -> str:
    did, goal = 5550000 + number, ("ext-queues,6000,1", "from-did-direct,2001,1", "ext-local,2002,1")[number % 3]
    lines = [
        "1,Set(__DIRECTION=INBOUND)",
        "n,Gosub(sub-record-check,s,1(in,${EXTEN},dontcare))",
        "n,Set(__FROM_DID=${EXTEN})",
        "n,Set(CDR(did)=${FROM_DID})",
        'n,ExecIf($["${CALLERID(name)}" = ""]?Set(CALLERID(name)=${CALLERID(num)}))',
        f"n,{ASK}" if asks else "n,NoOp(no hook)",
        f"n(dest-ext),Goto({goal})",
    ]
    return "".join(f"exten => {did},{line}\n" for line in lines)
