"""The shape: imports point one way, and the door stays light."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
STUDIO = ROOT / "studio"

# room -> other rooms it may import (errors and settings are free to all but errors and settings)
MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "settings": set(),
    "audio": set(),
    "work": set(),
    "engines": {"audio"},
    "db": set(),
    "privacy": {"db"},
    "spoken": set(),
    "evaluation": {"audio", "spoken"},
    "listening": {"audio", "db", "privacy", "consent", "voices", "synthesis", "provenance", "work"},
    "models": {"db", "privacy", "engines", "work"},
    "consent": {"audio", "db", "privacy", "engines", "evaluation"},
    "voices": {"audio", "db", "privacy", "consent", "engines", "evaluation", "work"},
    "synthesis": {
        *("audio", "db", "privacy", "consent", "voices", "engines", "evaluation", "spoken", "provenance"),
        "work",
    },
    "scores": {"audio", "db", "privacy", "consent", "voices", "synthesis", "engines", "evaluation", "work"},
    "provenance": {"audio"},
    "datasets": {"audio", "db", "privacy", "consent", "voices", "evaluation", "spoken", "work"},
    "training": {
        *("audio", "db", "privacy", "consent", "voices", "datasets", "engines", "evaluation", "models"),
        *("synthesis", "scores", "provenance", "work"),
    },
    "bootstrap": {
        *(
            "datasets",
            "provenance",
            "training",
            "consent",
            "db",
            "engines",
            "evaluation",
            "listening",
            "models",
            "privacy",
            "scores",
            "synthesis",
            "voices",
        ),
        "work",
    },
    "ui": {
        "bootstrap",
        "datasets",
        "provenance",
        "training",
        "audio",
        "consent",
        "listening",
        "models",
        "privacy",
        "scores",
        "synthesis",
        "voices",
        "work",
    },
    "web": {
        "bootstrap",
        "datasets",
        "provenance",
        "training",
        "audio",
        "consent",
        "listening",
        "models",
        "privacy",
        "scores",
        "synthesis",
        "voices",
        "work",
        "ui",
    },
    "terminal": {
        *(
            "bootstrap",
            "datasets",
            "provenance",
            "training",
            "audio",
            "consent",
            "listening",
            "models",
            "privacy",
            "scores",
            "synthesis",
            "voices",
            "work",
            "web",
            "ui",
        )
    },
}
OPEN_TO_ALL = {"errors", "settings"}
# library -> rooms that may import it
ONLY_IN: dict[str, set[str]] = {
    "gradio": {"ui"},
    "fastapi": {"web"},
    "starlette": {"web"},
    "sqlalchemy": {
        "db",
        "privacy",
        "consent",
        "voices",
        "synthesis",
        "models",
        "scores",
        "listening",
        "datasets",
        "training",
    },
    "torch": {"engines", "evaluation", "provenance", "training"},
    "TTS": {"engines"},
}


def _room(path: Path) -> str:
    part = path.relative_to(STUDIO).parts[0]
    return part.removesuffix(".py")


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


FILES = [path for path in sorted(STUDIO.rglob("*.py")) if path.parent != STUDIO or path.name != "__init__.py"]


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(STUDIO)))
def test_imports_point_one_way(path: Path) -> None:
    room = _room(path)
    allowed = MAY_IMPORT[room] | OPEN_TO_ALL | {room}
    for name in _imports(path):
        parts = name.split(".")
        if parts[0] == "studio" and len(parts) > 1:
            assert parts[1] in allowed, f"{room} must not import {name}"
        if parts[0] in ONLY_IN:
            assert room in ONLY_IN[parts[0]], f"{room} must not import {parts[0]}"


PURE = (
    "datasets/cuts.py",
    "datasets/edges.py",
    "datasets/segmentation.py",
    "datasets/splits.py",
    "datasets/suspicion.py",
    "datasets/corpora.py",
    "datasets/importers/*.py",
    "synthesis/text*.py",
    "spoken/*.py",
    "evaluation/wer.py",
    "evaluation/mcd.py",
    "evaluation/rtf.py",
    "evaluation/similarity.py",
    "evaluation/normalize*.py",
    "listening/stats.py",
    "listening/means.py",
    "listening/gaps.py",
    "listening/differences.py",
    "listening/found.py",
    "listening/needs.py",
    "listening/pairwise.py",
    "listening/choices.py",
    "listening/ranking.py",
    "listening/agreement.py",
    "listening/planning.py",
    "listening/matrices.py",
    "listening/design.py",
    "listening/sessions.py",
    "listening/trials.py",
    "listening/screening.py",
    "listening/answers.py",
    "listening/report.py",
    "listening/exports.py",
    "listening/kinds.py",
    "listening/tokens.py",
    "listening/anchors.py",
    "listening/headphones.py",
    "listening/sounds.py",
    "listening/hearing.py",
    "training/prediction.py",
    "training/presets.py",
    "training/sizes.py",
    "training/plan.py",
    "training/curves.py",
)


@pytest.mark.parametrize("pattern", PURE)
def test_pure_files_know_no_database_no_page_and_no_torch(pattern: str) -> None:
    found = list(STUDIO.glob(pattern))
    assert found, f"no file matches {pattern}"
    for path in found:
        roots = {name.split(".")[0] for name in _imports(path)}
        assert not roots & {"sqlalchemy", "gradio", "fastapi", "torch"}, path


def test_an_engine_spec_imports_no_torch() -> None:
    code = (
        "import sys\nfrom studio.engines.registry import build_registry\n"
        "from studio.engines.base import EngineContext\nfrom pathlib import Path\n"
        "r = build_registry(EngineContext(Path, Path('.')))\n"
        "assert not r.broken(), r.broken()\n"
        "assert len(r.specs()) >= 4\n"
        "assert 'torch' not in sys.modules and 'TTS' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_the_door_loads_neither_torch_nor_gradio() -> None:
    code = (
        "import sys, app\nfrom studio.terminal.main import parser\nparser().format_help()\n"
        "heavy = {'torch', 'gradio', 'numpy', 'sqlalchemy'} & set(sys.modules)\nassert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_no_import_cycle_between_files() -> None:
    graph = {_dotted(path): {n for n in _imports_at_top(path) if n.startswith("studio.")} for path in FILES}
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " -> ".join((*trail[trail.index(name) :], name))
        if name in done or name not in graph:
            return
        for target in graph[name]:
            visit(target, (*trail, name))
        done.add(name)

    for name in graph:
        visit(name, ())


def _dotted(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imports_at_top(path: Path) -> Iterator[str]:
    """Modules loaded together with this one; what only the type checker reads does not count."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            submodules = {f"{node.module}.{alias.name}" for alias in node.names}
            known = {
                name for name in submodules if (ROOT / Path(*name.split("."))).with_suffix(".py").exists()
            }
            yield from known or {node.module}


def test_every_message_exists_in_both_languages_with_the_same_facts() -> None:
    import string
    import tomllib

    for file in sorted((STUDIO / "messages").glob("*.toml")):
        for name, texts in tomllib.loads(file.read_text(encoding="utf-8")).items():
            assert set(texts) == {"en", "it"}, f"{file.stem}.{name}"
            facts = {}
            for language, parts in texts.items():
                # A line of the report card has a label and a text for each severity instead.
                assert "label" in parts or set(parts) >= {"what", "why", "next"}, (
                    f"{file.stem}.{name}.{language}"
                )
                pieces = string.Formatter().parse(" ".join(parts.values()))
                facts[language] = {field for _, field, _, _ in pieces if field}
            assert facts["en"] == facts["it"], f"{file.stem}.{name}: {facts}"
            assert set(texts["en"]) == set(texts["it"]), f"{file.stem}.{name}"


def test_every_error_that_is_raised_has_its_message() -> None:
    import tomllib

    from studio import errors

    kinds = {n for n, v in vars(errors).items() if isinstance(v, type) and issubclass(v, errors.StudioError)}
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in kinds):
                continue
            if node.args and isinstance(node.args[0], ast.Constant) and isinstance(node.args[0].value, str):
                room, _, name = node.args[0].value.partition(".")
                file = STUDIO / "messages" / f"{room}.toml"
                assert file.exists(), f"{path}: {room}.toml"
                assert name in tomllib.loads(file.read_text(encoding="utf-8")), f"{path}: {room}.{name}"
