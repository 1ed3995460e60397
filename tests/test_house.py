"""The house rules that a reader of the repository relies on, checked on the files themselves.

What belongs here: layout, links, packaging, the shape of the code, what the core may touch. What does not: behaviour.
"""

from __future__ import annotations

import ast
import importlib
import os
import pkgutil
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import callguard
from callguard.settings import load_policy, load_settings
from tests import requirement

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "callguard"
LOCAL = {".git", ".venv", "__pycache__", "build", "dist", "htmlcov", "var", ".cache", ".coverage", ".hypothesis"}
CACHES = re.compile(r"\.(mypy|pytest|ruff|import_linter)_cache|callguard\.toml|policy\.toml|.*\.key|\.coverage\..*")
TOP = set(
    "pyproject.toml README.md CHANGELOG.md LICENSE requirements.lock docker-compose.yml Dockerfile .dockerignore "
    ".gitignore .ci dev callguard dialplan migrations tests docs".split()
)
TEXT = {".py", ".md", ".toml", ".yml", ".conf", ".sql", ".lock", ".csv", ".txt", ".json", ".jsonl", ".mako", ".xml", ""}
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def is_ours(name: str, path: Path) -> bool:
    local = name in LOCAL or (path.parent == ROOT and CACHES.fullmatch(name)) or name.endswith("_cache")
    return not local


def files(folder: Path = ROOT) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if is_ours(path.name, path):
            yield from files(path) if path.is_dir() else [path]


def sources(folder: Path) -> dict[str, ast.Module]:
    return {
        path.relative_to(ROOT).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
        for path in files(folder)
        if path.suffix == ".py"
    }


def texts() -> dict[str, str]:
    chosen = [path for path in files() if path.suffix in TEXT]
    return {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8", errors="replace") for path in chosen}


def test_top_level_holds_what_is_agreed_and_nothing_else() -> None:
    present = {path.name for path in ROOT.iterdir() if is_ours(path.name, path)}
    assert present == TOP


def markdown() -> list[Path]:
    return [path for path in files() if path.suffix == ".md"]


@pytest.mark.parametrize("page", markdown(), ids=lambda page: page.name)
def test_every_relative_link_leads_to_a_file(page: Path) -> None:
    prose = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    links = [target.split("#")[0] for target in re.findall(r"\]\(([^)\s]+)\)", prose)]
    dead = [link for link in links if link and "://" not in link and not (page.parent / link).exists()]
    assert dead == []


def test_readme_names_the_two_commands_and_links_to_the_tests_that_show_it() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "./dev demo" in text and "./dev test" in text
    assert len(re.findall(r"\]\(tests/[^)]+\.py\)", text)) >= 4


def test_readme_configuration_can_be_loaded(tmp_path: Path) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8").replace("\n   ", "\n")
    site, promises = re.findall(r"^```toml\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    (tmp_path / "callguard.toml").write_text(site)
    (tmp_path / "policy.toml").write_text(promises)
    settings = load_settings(tmp_path / "callguard.toml")
    assert load_policy(settings).find("support")


FOREIGN = re.compile(
    r"""(?<![\w.])/(?:root|work|home)/\w    # a path of somebody's machine
      | \.\./shared | \bissue\s\#?\d         # how it came about
      | pypi\.org | pythonhosted | deb\.debian\.org | ftp\..*\.debian\.org   # registries and mirrors
    """,
    re.VERBOSE | re.IGNORECASE,
)


def test_files_speak_of_no_machine_registry_or_mirror() -> None:
    found = {
        name: match.group()
        for name, text in texts().items()
        if name != "tests/test_house.py" and (match := FOREIGN.search(text))
    }
    assert found == {}


# The core


PURE = set(
    "__future__ base64 bisect collections csv dataclasses datetime enum fnmatch functools hashlib itertools json math "
    "operator phonenumbers re types typing uuid".split()
)
IMPURE_CALLS = {"now", "today", "utcnow", "uuid1", "uuid4", "open", "print", "input", "monotonic", "sleep"}


def imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "."


def impurities(tree: ast.Module) -> list[str]:
    ours = ("callguard.core.", "callguard.errors.")
    found = [name for name in imported(tree) if name.split(".")[0] not in PURE and not f"{name}.".startswith(ours)]
    for node in ast.walk(tree):
        if isinstance(node, ast.AsyncFunctionDef | ast.Await | ast.AsyncFor | ast.AsyncWith):
            found.append(f"async in line {node.lineno}")
        elif isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            found += [f"{name}() in line {node.lineno}"] * (name in IMPURE_CALLS)
    return found


def test_core_touches_no_clock_socket_file_or_loop() -> None:
    modules = sources(PACKAGE / "core")
    assert len(modules) > 5
    assert {name: found for name, tree in modules.items() if (found := impurities(tree))} == {}


@pytest.mark.parametrize("line", ["import time", "from os import path", "x = datetime.now()", "async def f(): ..."])
def test_the_check_of_the_core_sees_what_it_is_for(line: str) -> None:
    assert impurities(ast.parse(line))


# The shape of the code


def length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    doc = node.body[0] if ast.get_docstring(node) else None
    words = (doc.end_lineno or 0) - doc.lineno + 1 if doc else 0
    return (node.end_lineno or 0) - node.lineno + 1 - words


def functions(folder: Path) -> Iterator[tuple[str, int]]:
    for name, tree in sources(folder).items():
        for node in ast.walk(tree):
            if isinstance(node, FUNCTIONS):
                yield f"{name}:{node.lineno} {node.name}", length(node)


def test_modules_stay_under_400_lines_and_functions_under_50() -> None:
    long = [name for name in sources(PACKAGE) if len((ROOT / name).read_text(encoding="utf-8").splitlines()) > 400]
    assert long + [name for name, lines in functions(PACKAGE) if lines > 50] == []


def test_at_most_three_broad_excepts_and_none_in_the_core() -> None:
    broad = [
        f"{name}:{node.lineno}"
        for name, tree in sources(PACKAGE).items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or getattr(node.type, "id", "") in ("Exception", "BaseException"))
    ]
    assert len(broad) <= 3, broad
    assert [place for place in broad if place.startswith("callguard/core/")] == []


def test_fakes_are_adapters_not_patches() -> None:
    patched = re.compile(r"unittest\.mock|MagicMock|monkeypatch\.setattr|mocker\.")
    lines = {name: len(patched.findall(text)) for name, text in texts().items() if name.startswith("tests/")}
    del lines["tests/test_house.py"]
    assert sum(lines.values()) <= 5, {name: count for name, count in lines.items() if count}


def test_no_room_for_leftovers() -> None:
    names = {part for name in sources(PACKAGE) for part in Path(name).with_suffix("").parts}
    assert names & {"util", "utils", "helper", "helpers", "manager", "managers", "base", "common", "misc"} == set()


def test_every_module_says_at_its_head_what_it_is_for() -> None:
    silent = [name for name, tree in sources(PACKAGE).items() if tree.body and not ast.get_docstring(tree)]
    assert silent == []


def test_every_module_has_a_test_module_of_its_name() -> None:
    modules = [name for name in sources(PACKAGE) if "__" not in name and "/data/" not in name]
    inside = [Path(name).relative_to("callguard") for name in modules]
    missing = [path.as_posix() for path in inside if not (ROOT / "tests" / path.parent / f"test_{path.name}").exists()]
    assert missing == []


def module_names() -> list[str]:
    found = pkgutil.walk_packages(callguard.__path__, "callguard.")
    return [module.name for module in found if not module.name.endswith("__main__") and ".data." not in module.name]


@pytest.mark.parametrize("name", module_names())
def test_every_module_imports(name: str) -> None:
    assert importlib.import_module(name).__name__ == name


# Packaging


def dependencies() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [str(line) for line in project["dependencies"]]


def pins() -> list[str]:
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8").replace("\\\n", " ")
    return [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]


def test_lock_holds_no_address_and_a_hash_for_every_pin() -> None:
    assert "://" not in (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert [pin.split()[0] for pin in pins() if "==" not in pin or "--hash=sha256:" not in pin] == []


def test_lock_pins_every_dependency_and_no_stranger_of_our_own_name() -> None:
    pinned = {re.split(r"[=\[; ]", pin)[0].lower() for pin in pins()}
    assert {re.split(r"[>=\[; ]", line)[0].lower() for line in dependencies()} - pinned == set()
    assert "callguard" not in pinned


def test_every_dependency_has_a_lower_bound() -> None:
    assert [line for line in dependencies() if ">=" not in line] == []


def test_wheel_carries_dialplan_migrations_and_data(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    outside = [path.relative_to(ROOT) for room in ("dialplan", "migrations") for path in files(ROOT / room)]
    inside = [path.relative_to(PACKAGE) for path in files(PACKAGE)]
    assert len(outside) > 3
    assert {f"callguard/data/{path.as_posix()}" for path in outside} <= names
    assert {f"callguard/{path.as_posix()}" for path in inside} <= names


# docker-compose.yml


def compose() -> dict[str, dict[str, dict[str, Any]]]:
    read: dict[str, dict[str, dict[str, Any]]] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
    return read


def test_compose_brings_up_database_controller_and_guard() -> None:
    services = compose()["services"]
    assert {"db", "controller", "guard"} <= set(services)
    assert all("image" in service for service in services.values())
    assert services["controller"]["command"][0] == "run"
    assert "callguard guard" in services["guard"]["command"][0]
    assert services["controller"]["depends_on"]["guard"]["condition"] == "service_healthy"
    assert "healthcheck" in services["db"] and "healthcheck" in services["controller"]


def test_compose_declares_every_volume_config_and_dependency_that_it_uses() -> None:
    document = compose()
    used = {str(line).split(":")[0] for service in document["services"].values() for line in service.get("volumes", [])}
    assert {name for name in used if re.fullmatch(r"[a-z]\w*", name)} == set(document["volumes"])
    configs = {item["source"] for service in document["services"].values() for item in service.get("configs", [])}
    assert configs == set(document["configs"])
    needed = {name for service in document["services"].values() for name in service.get("depends_on", {})}
    assert needed <= set(document["services"])


def test_compose_holds_no_secret_and_mounts_the_two_files() -> None:
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    secrets = re.findall(r"^ +\w*(?:PASSWORD|SECRET|MASTER_KEY): (.*)$", text, re.MULTILINE)
    assert secrets and all(re.fullmatch(r"\$\{\w+:\?\}", value) for value in secrets)
    for service in ("controller", "guard"):
        mounts = " ".join(map(str, compose()["services"][service]["volumes"]))
        assert "/callguard.toml:" in mounts and "/policy.toml:" in mounts and "RECORDINGS" in mounts


# dev and the list of demands


def test_dev_reads_as_posix_shell_and_can_be_run() -> None:
    assert subprocess.run(["/bin/sh", "-n", ROOT / "dev"], check=False).returncode == 0
    assert os.access(ROOT / "dev", os.X_OK) and os.access(ROOT / ".ci" / "run", os.X_OK)


def test_dev_finds_its_folder_through_a_link_and_a_space(tmp_path: Path) -> None:
    home = tmp_path / "a b"
    home.mkdir()
    shutil.copy(ROOT / "dev", home / "dev")
    (tmp_path / "link").symlink_to("a b/dev")
    run = subprocess.run([tmp_path / "link", "help"], cwd="/", check=True, capture_output=True, text=True)
    assert run.stdout.startswith("usage: ./dev COMMAND")


def test_dev_without_a_python_says_so_in_one_sentence(tmp_path: Path) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("cat", "cksum", "dirname", "readlink", "id"):
        (tools / name).symlink_to(str(shutil.which(name)))
    for name in ("dev", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path / name)
    empty = {"PATH": str(tools)}
    run = subprocess.run([tmp_path / "dev", "check"], env=empty, capture_output=True, text=True, check=False)
    assert run.returncode == 3
    assert "Python 3.11 to 3.14 is needed" in run.stderr and not (tmp_path / ".venv").exists()


MARKED = """
import pytest
pytestmark = pytest.mark.requirement("S1")

@pytest.mark.requirement("S2", "S3")
async def test_one(): ...

@pytest.mark.requirement("S4")
class TestMany:
    def test_two(self): ...
    def not_a_test(self): ...
"""


def test_demands_are_read_from_functions_classes_and_modules() -> None:
    found = sorted(requirement.proofs(ast.parse(MARKED).body, [], "t.py"))
    one = [(number, "t.py::test_one") for number in ("S1", "S2", "S3")]
    assert found == sorted([*one, ("S1", "t.py::TestMany::test_two"), ("S4", "t.py::TestMany::test_two")])


def test_tests_name_only_demands_that_exist() -> None:
    assert set(requirement.collect(ROOT / "tests")) - set(requirement.NUMBERS) == set()


def test_every_fault_of_others_that_freeswitch_md_names_has_a_test_and_the_other_way_round() -> None:
    thread = re.compile(r"[\w.-]+/[\w.-]+#\d+")
    lines = (ROOT / "docs" / "freeswitch.md").read_text(encoding="utf-8").splitlines()
    cells = [line.split("|")[1].strip() for line in lines if line.startswith("| ")]
    told = {name for cell in cells if thread.match(cell) for name in thread.findall(cell)}
    assert told and told == set(requirement.collect(ROOT / "tests", "fault"))
