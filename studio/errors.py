"""Every error a person can meet: what happened, why, and what to do next, in Italian and English.

The tree (catch the branch you can answer for)::

    StudioError
    ├── InputRefused          the request cannot be right: text, options, form fields
    │   ├── AudioRefused      a recording or file that cannot be used
    │   └── TextRefused       a text that cannot be spoken
    ├── NotPermitted          who asks may not do this
    │   ├── ConsentMissing    no valid consent covers this use of the voice
    │   ├── LicenceForbids    the engine's licence forbids the purpose
    │   └── SignInRequired    nobody is signed in, or the link or session has ended
    ├── TooMany               more at once than the studio takes from one asker; `seconds` says when to come back
    ├── NotFound              no such voice, clip, take, model ... (or not yours: the answer is the same)
    ├── ModelMissing          the model's files are not here yet
    ├── ModelBroken           the files are here and are not what the catalogue says
    ├── SourceUnavailable     no source of a model could be reached
    ├── Cancelled             somebody pressed cancel
    ├── StorageTrouble        disk full, unreadable store, wrong key
    └── EngineTrouble         the engine failed on input that looked right
"""

import functools
import tomllib
from pathlib import Path

LANGUAGES = ("it", "en")
_FOLDER = Path(__file__).parent / "messages"


@functools.cache
def _messages(room: str) -> dict[str, dict[str, dict[str, str]]]:
    with (_FOLDER / f"{room}.toml").open("rb") as file:
        return tomllib.load(file)


class StudioError(Exception):
    """An error with a message of three parts, kept in `studio/messages/<room>.toml`.

    `key` is ``room.name``; `facts` fill the message's ``{placeholders}``.
    """

    def __init__(self, key: str, **facts: object) -> None:
        super().__init__(key)
        self.key = key
        self.facts = facts

    def part(self, name: str, language: str = "en") -> str:
        """One part of the message: ``what``, ``why`` or ``next``; English where `language` has none."""
        room, _, entry = self.key.partition(".")
        texts = _messages(room)[entry]
        return texts.get(language, texts["en"])[name].format(**self.facts)

    def text(self, language: str = "en") -> str:
        """The whole message as one paragraph."""
        return " ".join(self.part(name, language) for name in ("what", "why", "next"))

    def __str__(self) -> str:
        return self.text()


class InputRefused(StudioError): ...


class AudioRefused(InputRefused): ...


class TextRefused(InputRefused): ...


class NotPermitted(StudioError): ...


class ConsentMissing(NotPermitted): ...


class LicenceForbids(NotPermitted): ...


class SignInRequired(NotPermitted): ...


class TooMany(StudioError): ...


class NotFound(StudioError): ...


class ModelMissing(StudioError): ...


class ModelBroken(StudioError): ...


class SourceUnavailable(StudioError): ...


class Cancelled(StudioError): ...


class StorageTrouble(StudioError): ...


class EngineTrouble(StudioError): ...
