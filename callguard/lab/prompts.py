"""Make the prompts that are shipped: every text of a language for the default policy, spoken by a free voice.

Belongs here: which voice speaks which language, at build time. Does not: how a program is made to speak
(audio/voice.py), a site's own prompts (`callguard prompts render`). Usage: python -m callguard.lab.prompts [FOLDER]
"""

from __future__ import annotations

from pathlib import Path

import click

from callguard.audio.prompt import shipped_prompts
from callguard.audio.voice import Voice
from callguard.core.policy import CallType, Policy
from callguard.core.purpose import Basis, Output, Purpose, Use
from callguard.core.wording import Wording, text_of
from callguard.engine.render import Job, render
from callguard.engine.wording import load_wordings
from callguard.errors import BadInput, Unreachable

VOICES = {
    "en": "flite -voice slt -t {text} -o {wav}",
    "es": "espeak-ng -v es -s 180 -p 45 -f {text_file} -w {wav}",
}
"""Programs of Debian main, by language."""
DEFAULT = CallType(
    name="default",
    purpose=Purpose.QA,
    uses=(Use.TRAINING,),
    basis=Basis.CONSENT,
    listen=("qa",),
    retention={Output.AUDIO: 90},
)
"""What the shipped prompts say: the purpose of the policy that `callguard init` writes."""


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=shipped_prompts)
def main(folder: Path) -> None:
    """Speak every text anew into FOLDER, one folder a language in it."""
    wordings = load_wordings(None, VOICES)
    try:
        count = sum(
            render(work(language, wordings), Voice.parse(VOICES[language]).speak, folder) for language in VOICES
        )
    except (BadInput, Unreachable) as error:
        raise click.ClickException(f"{error}. Debian has the voices: apt-get install flite espeak-ng") from error
    click.echo(f"{count} prompts made")


def work(language: str, wordings: dict[str, Wording]) -> list[Job]:
    """Every text of LANGUAGE, as the default policy has it."""
    policy = Policy({DEFAULT.name: DEFAULT}, "")
    own = wordings[language]
    return [Job(language, "", name, text_of(name, DEFAULT, policy, wordings, language), "") for name in own.scripts]


if __name__ == "__main__":
    main()
