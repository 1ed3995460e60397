"""What a site leaves behind: processes that name its folder."""

from __future__ import annotations

from pathlib import Path


def processes(folder: Path) -> set[int]:
    """Those whose command line names FOLDER."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found |= {int(path.parent.name)} if str(folder).encode() in path.read_bytes() else set()
        except OSError:  # ended meanwhile
            continue
    return found
