"""Sentences to measure on: sets written for this project, and people's own lists."""

import functools
import hashlib
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from studio.audio.clip import AudioClip
from studio.errors import InputRefused, NotFound
from studio.synthesis.batch import rows_of, safe_name

_FOLDER = Path(__file__).parent / "texts"
MOST_SENTENCES = 500
_ENDINGS = (".wav", ".flac", ".mp3", ".ogg", ".m4a", ".webm", ".opus", ".aac")
OWN = "own"
TAKES = "takes"


@dataclass(frozen=True)
class Sentence:
    """One sentence; `recording` is the same words read by the voice's own speaker, where there is one."""

    name: str
    text: str
    recording: AudioClip | None = None


@dataclass(frozen=True)
class SentenceSet:
    """Sentences of one language. `titles` by interface language; `id` is "own" for people's lists."""

    id: str
    language: str
    titles: Mapping[str, str]
    sentences: tuple[Sentence, ...]

    def title(self, language: str) -> str:
        return self.titles.get(language, self.titles["en"])

    @property
    def content_id(self) -> str:
        """Tells whether two runs read the same sentences."""
        texts = "\n".join([self.language, *(sentence.text for sentence in self.sentences)])
        return hashlib.sha256(texts.encode()).hexdigest()[:16]

    @property
    def recordings(self) -> int:
        return sum(sentence.recording is not None for sentence in self.sentences)


@functools.cache
def built_in() -> tuple[SentenceSet, ...]:
    """The sets that come with the studio, Italian first."""
    return tuple(
        SentenceSet(set_id, language, entry["title"], _numbered(entry["sentences"]))
        for language in ("it", "en")
        for set_id, entry in tomllib.loads((_FOLDER / f"{language}.toml").read_text("utf-8")).items()
    )


def built_in_set(set_id: str) -> SentenceSet:
    """The set of this id; NotFound naming the known ones otherwise."""
    for one in built_in():
        if one.id == set_id:
            return one
    raise NotFound("scores.unknown_set", name=set_id[:64], known=", ".join(one.id for one in built_in()))


def _numbered(texts: Sequence[str]) -> tuple[Sentence, ...]:
    return tuple(Sentence(f"{number:04d}", text) for number, text in enumerate(texts, 1))


def own_list(text: str, language: str, recordings: Mapping[str, AudioClip] | None = None) -> SentenceSet:
    """A list typed or uploaded: one sentence a line, or a CSV with ``text`` and perhaps ``name``.

    `recordings` are clips by file name; the line's name (or its number, ``0001``) says whose they are.
    Raises InputRefused for an empty or too long list, and for a recording that belongs to no line.
    """
    rows = rows_of(text)
    if len(rows) > MOST_SENTENCES:
        raise InputRefused("scores.too_many_sentences", count=len(rows), most=MOST_SENTENCES)
    clips = {_stem(name): clip for name, clip in (recordings or {}).items()}
    sentences = tuple(Sentence(row.name, row.text, clips.pop(_stem(row.name), None)) for row in rows)
    if clips:
        raise InputRefused("scores.stray_recording", name=next(iter(clips)), count=len(clips))
    titles = {"it": "Elenco proprio", "en": "Own list"}
    return SentenceSet(OWN, language, titles, sentences)


def first(chosen: SentenceSet, most: int) -> SentenceSet:
    """The set cut to its first sentences: a quick look instead of a full measurement."""
    return chosen if most <= 0 else replace(chosen, sentences=chosen.sentences[:most])


def _stem(name: str) -> str:
    """A file's or line's name as both are compared: no folder, no ending of a sound file."""
    clean = safe_name(Path(name.replace("\\", "/")).name)
    ending = Path(clean).suffix
    return clean.removesuffix(ending) if ending.lower() in _ENDINGS else clean
