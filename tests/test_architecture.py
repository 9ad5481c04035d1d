"""The shape of the house: small modules, short signatures, and imports that go one way."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src/miface"
MODULES = sorted(PACKAGE.rglob("*.py"))
STAGES = sorted((ROOT / "stages").glob("*.py"))

MOST_LINES, MOST_PARAMETERS = 250, 6

# From the ground up: each may import what stands before it, and its own.
ROOMS = [
    "params", "faces", "training", "recognisers", "targets", "countermeasures", "attack",
    "evaluation", "report",
]  # fmt: skip
# Small things that every room uses; they import no room.
GROUND = {"discovery", "errors", "files", "progress"}
# It composes the groups of all rooms, so that no room may import it.
SCHEMA = "params.schema"


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(path: Path) -> Iterator[str]:
    """What a file imports, anywhere in it and in this order, by full name."""
    found: list[tuple[int, str]] = []
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{named(path)}:{node.lineno}: a relative import"
            found += [(node.lineno, f"{node.module}.{alias.name}") for alias in node.names]
    return (name for _, name in sorted(found))


def within_miface(path: Path) -> set[str]:
    """What a file imports of miface, without that word: ``params.schema.load_params``."""
    return {n.removeprefix("miface.") for n in imports(path) if n.startswith("miface.")}


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_no_module_is_long(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= MOST_LINES, f"{lines} lines"


@pytest.mark.parametrize("path", [*MODULES, *STAGES], ids=named)
def test_no_function_takes_many_parameters(path: Path) -> None:
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            taken = node.args.posonlyargs + node.args.args + node.args.kwonlyargs
            names = [argument.arg for argument in taken if argument.arg not in ("self", "cls")]
            assert len(names) <= MOST_PARAMETERS, f"line {node.lineno}: {', '.join(names)}"


def test_no_two_modules_have_the_same_name() -> None:
    paths = defaultdict(list)
    for path in MODULES:
        if path.name != "__init__.py":
            paths[path.name].append(named(path))
    assert [alike for alike in paths.values() if len(alike) > 1] == []


def test_every_room_has_its_place() -> None:
    assert {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()} == set(
        ROOMS
    )


@pytest.mark.parametrize("path", [p for p in MODULES if p.parent != PACKAGE], ids=named)
def test_imports_go_one_way(path: Path) -> None:
    room = path.relative_to(PACKAGE).parts[0]
    below = {*ROOMS[: ROOMS.index(room) + 1], *GROUND}
    if path == PACKAGE / "params/schema.py":
        below = {*ROOMS, *GROUND}
    for name in within_miface(path):
        assert name.split(".")[0] in below, name
        assert not f"{name}.".startswith(f"{SCHEMA}."), name


@pytest.mark.parametrize("name", sorted(GROUND))
def test_what_every_room_uses_imports_none(name: str) -> None:
    assert {n.split(".")[0] for n in within_miface(PACKAGE / f"{name}.py")} <= GROUND


@pytest.mark.parametrize(
    "path", [p for p in STAGES if p.stem not in ("project", "run", "warm")], ids=named
)
def test_a_stage_runs_the_code_beside_it_and_no_other_stage(path: Path) -> None:
    names = [name.split(".")[0] for name in imports(path)]
    shared = {stage.stem for stage in STAGES} & set(names)
    assert shared in (
        {"project"},
        {"project", "trials"},
    )  # trials: of the stages in stages/dvc.yaml
    assert "miface" in names[names.index("project") :]
    assert "miface" not in names[: names.index("project")]


def test_what_starts_stages_has_no_code_of_theirs() -> None:
    """Or a fork would run the code of the checkout that started it."""
    names = {name.split(".")[0] for name in imports(ROOT / "stages/warm.py")}
    assert not names & {"miface", *(stage.stem for stage in STAGES)}
