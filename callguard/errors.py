"""Every exception of callguard. Imports nothing.

CallguardError                 exit 1   anything of ours
+-- BadInput                   exit 2   a file, option or value is wrong
|   +-- ConfigError                     callguard.toml or policy.toml; all errors at once
|   +-- BadLog                          an event log line that cannot be read
|   +-- BadAudio                        a sound file or prompt that cannot be used
+-- Unreachable                exit 3   something we need is not there
|   +-- LinkDown                        ARI, AMI: the connection is gone
|   +-- StoreDown                       Postgres is gone or too slow
|   +-- ShelfDown                       the vault's folder or bucket is gone, full or too slow
+-- PbxRefused                 exit 1   the PBX answered no to one request
+-- StoreRefused               exit 1   Postgres answered no: broken chain, unknown word
|   +-- StoreUnfit                      it would say no to any row: a grant, a table or a column is missing
+-- CannotDecrypt              exit 1   a stored value cannot be opened: other master key, damaged or swapped value
+-- BadContainer               exit 1   an encrypted object of the vault is not what was stored; names the chunk
+-- NotThere                   exit 1   an object of the vault that a row names is gone
+-- Held                       exit 1   a legal hold stands against a deletion
"""


class CallguardError(Exception):
    """Root of our errors. `exit_code` is what a command ends with; the text says what, where and what to do."""

    exit_code = 1


class BadInput(CallguardError):
    """A file, option or value given by the user is wrong."""

    exit_code = 2


class ConfigError(BadInput):
    """Configuration that cannot be used. `problems` holds one "dotted.key: what is wrong" each."""

    def __init__(self, where: str, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join([f"{where}: {len(problems)} problem(s)", *(f"  {line}" for line in problems)]))


class BadLog(BadInput):
    """A line of an event log that cannot be read: `line` counts from 1."""

    def __init__(self, line: int, reason: str) -> None:
        self.line, self.reason = line, reason
        super().__init__(f"line {line}: {reason}")


class BadAudio(BadInput):
    """A sound file that cannot be used. The text never names the file: who asked for it does."""


class Unreachable(CallguardError):
    """Something that callguard needs is not reachable."""

    exit_code = 3


class LinkDown(Unreachable):
    """The connection to the PBX is gone or was never made."""


class StoreDown(Unreachable):
    """Postgres is gone, refuses us, or does not answer in time."""


class ShelfDown(Unreachable):
    """Where the vault's objects lie is gone, full, refuses us, or does not answer in time."""


class PbxRefused(CallguardError):
    """The PBX understood a request and said no. `status` is ARI's HTTP status, 0 for AMI."""

    def __init__(self, request: str, reason: str, status: int = 0) -> None:
        self.status, self.reason = status, reason
        super().__init__(f"{request}: {reason}")


class StoreRefused(CallguardError):
    """Postgres understood rows and said no: the chain would break, a word is not in its list."""


class StoreUnfit(StoreRefused):
    """Postgres said no, and would to any row: a grant, a table or a column is missing. Mended, it takes them."""


class CannotDecrypt(CallguardError):
    """A sealed value does not open: it was sealed under another master key, altered, or moved to another row."""


class BadContainer(CallguardError):
    """An object of the vault that is not what was stored. `chunk`: where that shows, None for its header."""

    def __init__(self, reason: str, chunk: int | None = None) -> None:
        self.reason, self.chunk = reason, chunk
        super().__init__(f"{'header' if chunk is None else f'chunk {chunk}'}: {reason}")


class NotThere(CallguardError):
    """A row of the vault names an object that is gone."""


class Held(CallguardError):
    """What was to be deleted is under a legal hold."""
