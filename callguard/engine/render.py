"""Prompts made from a policy: every text that its call types need, spoken, and put in place as a whole.

What belongs here: which texts, and the exchange of the folders. What does not: the texts themselves (core/wording.py),
how one is spoken (audio/voice.py).
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from callguard.audio.prompt import MANIFEST, list_prompts, load_prompts, version_of, write_prompt
from callguard.core.policy import CallType, Policy
from callguard.core.wording import Wording, text_of
from callguard.errors import BadInput, CallguardError

Speak = Callable[[str, str], NDArray[np.int16]]
"""(text, language) -> samples of a prompt."""


@dataclass(frozen=True, slots=True)
class Job:
    """One text to be made. `call_type`: the folder that it goes to, '' for what all call types share."""

    language: str
    call_type: str
    prompt: str
    text: str
    template: str


def jobs(policy: Policy, kinds: Iterable[CallType], language: str, wordings: Mapping[str, Wording]) -> list[Job]:
    """Every text that KINDS need in LANGUAGE: what is the same for all of them once, the rest for each."""
    own, kinds = wordings[language], list(kinds)
    shared = [Job(language, "", name, own.scripts[name], "") for name in own.scripts if not own.depends(name)]
    each = [
        Job(language, kind.name, name, text_of(name, kind, policy, wordings, language), version_of(own.scripts[name]))
        for kind in kinds
        for name in dict.fromkeys((*kind.notices, kind.long_notice, "question"))
        if name in own.scripts and own.depends(name)
    ]
    return shared + each  # fmt: skip


def render(work: Iterable[Job], speak: Speak, out: Path) -> int:
    """Speak all of WORK and put it under OUT, one folder a language; how many prompts were made.

    Other files there stay. Nothing there changes before everything is spoken and listed. Raises Unreachable, BadAudio,
    BadInput.
    """
    work = list(work)
    spoken: dict[tuple[str, str], NDArray[np.int16]] = {}
    for job in work:
        if (job.language, job.text) not in spoken:
            with _naming(job):
                spoken[job.language, job.text] = speak(job.text, job.language)
    with _workshop(out) as folder:
        languages = list(dict.fromkeys(job.language for job in work))
        for language in languages:
            _fill(folder / language, out / language, [job for job in work if job.language == language], spoken)
        for language in languages:
            _exchange(folder / language, out / language)
    return len(work)


@contextmanager
def _naming(job: Job) -> Iterator[None]:
    """Errors inside name the prompt."""
    try:
        yield
    except CallguardError as error:
        raise type(error)(f"{job.language}/{job.call_type or '*'}/{job.prompt}: {error}") from error


@contextmanager
def _workshop(out: Path) -> Iterator[Path]:
    """A folder beside the results that vanishes. On the same disk, so that a rename suffices in the end."""
    folder = out / f".callguard-{secrets.token_hex(8)}.part"
    try:
        folder.mkdir(parents=True)
        yield folder
    except OSError as error:
        raise BadInput(f"{out}: cannot be written ({error.strerror or type(error).__name__})") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _fill(new: Path, old: Path, work: list[Job], spoken: Mapping[tuple[str, str], NDArray[np.int16]]) -> None:
    """What is in OLD, and WORK over it, in NEW. What was listed there has to be as it was listed."""
    if old.exists():
        shutil.copytree(old, new)
    for call_type in dict.fromkeys(["", *(job.call_type for job in work)]):
        folder = new / call_type
        folder.mkdir(parents=True, exist_ok=True)
        listed = load_prompts(new.parent, new.name, call_type) if (folder / MANIFEST).exists() else {}
        templates = {prompt.id: prompt.template for prompt in listed.values()}
        for job in work:
            if job.call_type == call_type:
                write_prompt(folder, job.prompt, job.text, spoken[job.language, job.text])
                templates[job.prompt] = job.template
        list_prompts(folder, new.name, templates)


def _exchange(new: Path, old: Path) -> None:
    """NEW takes the place of OLD, which stays where the second step fails."""
    aside = new.with_name(f"{new.name}.old")
    if old.exists():
        os.rename(old, aside)
    try:
        os.rename(new, old)
    except OSError:
        if aside.exists():
            os.rename(aside, old)
        raise
