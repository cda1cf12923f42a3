"""The catalogue of models: what each file must be, where it can be had, and what its licence permits."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any, Literal, cast, get_args

from studio.engines.base import Licence
from studio.errors import NotFound

BUILT_IN = Path(__file__).with_name("catalogue.toml")

Kind = Literal["speech", "voices", "speaker-encoder", "recogniser"]
Registry = Literal["npm", "pypi"]
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_SHA256 = re.compile(r"[0-9a-f]{64}")


class CatalogueFault(ValueError):
    """The catalogue itself is wrong: a fault of the studio (or of who edited the file), not of a person."""


@dataclass(frozen=True)
class ModelFile:
    """One file as it must be: size in bytes and SHA-256 (hex). Nothing unpinned is ever fetched."""

    name: str
    size: int
    sha256: str

    def __post_init__(self) -> None:
        if not _FILE_NAME.fullmatch(self.name):
            raise CatalogueFault(f"{self.name!r} is not a plain file name")
        if self.size <= 0 or not _SHA256.fullmatch(self.sha256):
            raise CatalogueFault(f"{self.name}: a positive size and a SHA-256 are needed")


@dataclass(frozen=True)
class Part:
    """Bytes of `file` (all of them, or the next stretch) inside one package: `member` of its archive."""

    file: str
    package: str
    version: str
    member: str

    def __post_init__(self) -> None:
        path = PurePosixPath(self.member)
        if path.is_absolute() or ".." in path.parts or "\\" in self.member:
            raise CatalogueFault(f"{self.member!r} leaves its archive")


@dataclass(frozen=True)
class HubSource:
    """A repository of the model hub; `paths` maps file name to path in the repository."""

    repo: str
    revision: str
    paths: Mapping[str, str]

    @property
    def label(self) -> str:
        return f"hub {self.repo}"


@dataclass(frozen=True)
class PackageSource:
    """Packages of a registry that carry the same bytes; the parts of a file are joined in their order."""

    registry: Registry
    parts: tuple[Part, ...]

    @property
    def label(self) -> str:
        return f"{self.registry} " + " + ".join(dict.fromkeys(part.package for part in self.parts))


Source = HubSource | PackageSource


@dataclass(frozen=True)
class Model:
    """A model as the catalogue knows it."""

    id: str
    name: str
    engine: str  # engine id, or the room that uses it ("evaluation")
    kind: Kind
    languages: tuple[str, ...]  # ISO 639-1; empty where language does not matter
    licence: Licence
    attribution: str
    summary: Mapping[str, str]  # one honest sentence in "en" and "it"
    needs_acceptance: bool
    embedded: bool  # fetched by `make run` and `make test`
    files: tuple[ModelFile, ...]
    sources: tuple[Source, ...]

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(file.size for file in self.files)


@dataclass(frozen=True)
class Catalogue:
    """All models, in the order of the file."""

    models: tuple[Model, ...]

    @cached_property
    def _by_id(self) -> dict[str, Model]:
        return {model.id: model for model in self.models}

    def model(self, model_id: str) -> Model:
        """The model of that id; raises NotFound."""
        if model_id not in self._by_id:
            raise NotFound("models.unknown", model=model_id, known=", ".join(self._by_id))
        return self._by_id[model_id]

    @property
    def embedded(self) -> tuple[Model, ...]:
        return tuple(model for model in self.models if model.embedded)


def load_catalogue(path: Path = BUILT_IN) -> Catalogue:
    """Read a catalogue file; unknown or missing keys raise CatalogueFault and name the place."""
    with path.open("rb") as file:
        document = tomllib.load(file)
    _check_keys(document, {"model"}, set(), path.name)
    models = tuple(_model(entry) for entry in document["model"])
    if len({model.id for model in models}) != len(models):
        raise CatalogueFault("two models share an id")
    return Catalogue(models)


def _model(entry: dict[str, Any]) -> Model:
    place = f"model {entry.get('id', '?')}"
    required = {"id", "name", "engine", "kind", "languages", "licence", "attribution", "summary"}
    _check_keys(entry, required | {"file", "source"}, {"needs_acceptance", "embedded"}, place)
    if entry["kind"] not in get_args(Kind):
        raise CatalogueFault(f"{place}: kind is one of {get_args(Kind)}")
    if not _FILE_NAME.fullmatch(entry["id"]):
        raise CatalogueFault(f"{place}: the id is the name of its folder")
    _check_keys(entry["licence"], {"id", "name", "commercial", "url"}, set(), f"{place}, licence")
    _check_keys(entry["summary"], {"en", "it"}, set(), f"{place}, summary")
    for file in entry["file"]:
        _check_keys(file, {"name", "size", "sha256"}, set(), f"{place}, file")
    files = tuple(ModelFile(**file) for file in entry["file"])
    names = tuple(file.name for file in files)
    return Model(
        id=entry["id"],
        name=entry["name"],
        engine=entry["engine"],
        kind=entry["kind"],
        languages=tuple(entry["languages"]),
        licence=Licence(**entry["licence"]),
        attribution=entry["attribution"],
        summary=entry["summary"],
        needs_acceptance=entry.get("needs_acceptance", False),
        embedded=entry.get("embedded", False),
        files=files,
        sources=tuple(_source(source, names, place) for source in entry["source"]),
    )


def _source(entry: dict[str, Any], names: tuple[str, ...], place: str) -> Source:
    kind = entry.get("kind")
    if kind == "hub":
        _check_keys(entry, {"kind", "repo", "revision", "paths"}, set(), f"{place}, hub source")
        paths = _for_each_file(entry["paths"], names)
        _check_covers(set(paths), names, place)
        return HubSource(entry["repo"], entry["revision"], paths)
    if kind in get_args(Registry):
        _check_keys(entry, {"kind", "parts"}, set(), f"{place}, {kind} source")
        parts = tuple(part for line in entry["parts"] for part in _parts(line, names, place))
        _check_covers({part.file for part in parts}, names, place)
        return PackageSource(cast(Registry, kind), parts)
    raise CatalogueFault(f"{place}: a source is of kind hub, npm or pypi, not {kind!r}")


def _parts(line: dict[str, str], names: tuple[str, ...], place: str) -> list[Part]:
    """One line of a package source: a part of one file, or (file = "*") one part of each file."""
    _check_keys(line, {"file", "package", "version", "member"}, set(), f"{place}, part")
    members = _for_each_file({line["file"]: line["member"]}, names)
    return [Part(file, line["package"], line["version"], member) for file, member in members.items()]


def _for_each_file(paths: Mapping[str, str], names: tuple[str, ...]) -> dict[str, str]:
    """Spell out ``"*" = "folder/{file}"`` for every file."""
    if set(paths) == {"*"}:
        return {name: paths["*"].replace("{file}", name) for name in names}
    return dict(paths)


def _check_covers(offered: set[str], names: tuple[str, ...], place: str) -> None:
    if offered != set(names):
        raise CatalogueFault(f"{place}: a source names {sorted(offered ^ set(names))} wrongly or not at all")


def _check_keys(entry: Mapping[str, Any], required: set[str], optional: set[str], place: str) -> None:
    unknown, missing = set(entry) - required - optional, required - set(entry)
    if unknown or missing:
        raise CatalogueFault(
            f"{place}: unknown keys {sorted(unknown)}, missing keys {sorted(missing)}; "
            f"it takes {sorted(required | optional)}"
        )
