from __future__ import annotations

import json
import shutil
from importlib.resources import files
from pathlib import Path

import pytest

from callguard.errors import BadInput
from callguard.store.pack import LARGEST, read_pack, read_toml, shipped_pack

SHIPPED = Path(str(files("callguard").joinpath("data", "rules")))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SHIPPED, tmp_path / "pack"))


def test_the_shipped_folder_is_the_shipped_pack(folder: Path) -> None:
    assert read_pack(folder) == shipped_pack()


def test_a_log_may_carry_a_pack(tmp_path: Path) -> None:
    file = tmp_path / "pack.json"
    file.write_text(json.dumps(shipped_pack().as_data()))
    assert read_pack(file) == shipped_pack()


def test_rows_alone_go_with_the_shipped_area_codes(folder: Path) -> None:
    for name in ("nanp_npa.csv", "pack.toml"):
        (folder / name).unlink()
    pack = read_pack(folder)
    assert (pack.dated, pack.rows, pack.npa) == ("", shipped_pack().rows, shipped_pack().npa) and "471" in pack.npa
    assert read_pack(folder / "jurisdictions.csv") == pack


@pytest.mark.parametrize(
    ("name", "content", "part"),
    [
        ("jurisdictions.csv", b"\xff\xfe", "not UTF-8"),
        ("jurisdictions.csv", b"", "no column iso_code"),
        ("jurisdictions.csv", b"x" * (LARGEST + 1), "larger than"),
        ("nanp_npa.csv", b"a,b\n", "no column npa"),
        ("pack.toml", b"dated = ", "not TOML"),
        ("pack.toml", b"dated = " + b"[" * 5000, "nested too deep"),
        ("pack.toml", b"dated = 2026-11-01", "must hold one line"),
        ("pack.toml", b"dated = 'x'\nother = 1", "must hold one line"),
        ("pack.toml", b"dated = 'soon'", "YYYY-MM"),
    ],
)
def test_a_broken_folder(folder: Path, name: str, content: bytes, part: str) -> None:
    (folder / name).write_bytes(content)
    with pytest.raises(BadInput, match=part):
        read_pack(folder)


def test_what_is_no_pack(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"jurisdictions\.csv: cannot be read"):
        read_pack(tmp_path)
    with pytest.raises(BadInput, match="cannot be read"):
        read_pack(tmp_path / "none")
    (tmp_path / "x.json").write_text("hello")
    with pytest.raises(BadInput, match="neither a folder"):
        read_pack(tmp_path / "x.json")
    (tmp_path / "x.json").write_text("[]")
    with pytest.raises(BadInput, match="format"):
        read_pack(tmp_path / "x.json")
    with pytest.raises(BadInput, match="cannot be read"):
        read_toml(tmp_path)
