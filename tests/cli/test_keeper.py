"""From settings to the vault's adapters."""

from __future__ import annotations

from pathlib import Path

import pytest

from callguard.audio.vault.bucket import Bucket
from callguard.audio.vault.folder import Folder
from callguard.cli.keeper import key_files, public_key, sealable, shelf_of, spool_of
from callguard.errors import BadInput
from callguard.settings import load_settings
from tests.cli.command import site


def test_the_directory_or_the_bucket_that_is_named(tmp_path: Path) -> None:
    config = site(tmp_path)
    settings = load_settings(config)
    assert isinstance(shelf_of(settings), Folder) and spool_of(settings).folder == tmp_path / "recordings"
    with config.open("a") as file:
        file.write('[vault]\nbucket = "calls"\nkeys = "pkcs11:token=x"\n')
    settings = load_settings(config)
    assert isinstance(shelf_of(settings), Bucket)
    with pytest.raises(BadInput, match=r"vault\.keys: PKCS#11 is not shipped"):
        key_files(settings)


@pytest.mark.requirement("S86")
def test_without_the_public_key_nothing_can_be_sealed(tmp_path: Path) -> None:
    settings = load_settings(site(tmp_path))
    there = sealable(settings)
    assert there() and public_key(settings).kid
    (tmp_path / "vault.pub").unlink()
    assert not there()
    with pytest.raises(BadInput, match="nothing is recorded"):
        public_key(settings)
