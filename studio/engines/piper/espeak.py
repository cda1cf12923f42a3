"""Text to the phonemes Piper voices were trained on, by espeak-ng. Loaded only in Piper's own process."""

import ctypes
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

_SYNCHRONOUS = 2  # no sound device is opened
_DO_NOT_EXIT = 0x8000
_UTF8 = 1
_IPA = 0x02

# What espeak-ng takes for the end of a clause, as Piper's training wrote it down. Dashes count as semicolons.
_MARKS = {
    **dict.fromkeys(".。．।", "."),
    **dict.fromkeys("?？؟", "?"),
    **dict.fromkeys("!！", "!"),
    **dict.fromkeys(",，、،", ","),
    **dict.fromkeys(";；؛–—", ";"),
    **dict.fromkeys(":：", ":"),
    "…": "",
}
_SENTENCE_ENDS = frozenset(".?!")
_END = re.compile(rf"(\.{{3}}|[{''.join(_MARKS)}])[^\w]*$")
_END_BEFORE_NEXT = re.compile(rf"(\.{{3}}|[{''.join(_MARKS)}])[^\w]*\w?$")
_PARAGRAPH = re.compile(r"\n\s*\n\W*\w?$")
_LANGUAGE_SWITCH = re.compile(r"\([^)]+\)")  # "(en)" around a foreign word


@dataclass(frozen=True)
class Clause:
    """A stretch of phonemes, the mark that ends it ("" for none), and whether a sentence ends there."""

    phonemes: str
    mark: str
    ends_sentence: bool


class Espeak:
    """The espeak-ng library of the `espeakng-loader` wheel. It has one global state: one object a process."""

    def __init__(self) -> None:
        import espeakng_loader

        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        self._library.espeak_TextToPhonemes.restype = ctypes.c_char_p
        self._library.espeak_TextToPhonemes.argtypes = [
            ctypes.POINTER(ctypes.c_void_p),
            ctypes.c_int,
            ctypes.c_int,
        ]
        data = str(espeakng_loader.get_data_path()).encode()
        if self._library.espeak_Initialize(_SYNCHRONOUS, 0, data, _DO_NOT_EXIT) < 0:
            raise RuntimeError("espeak-ng does not start: its data folder is missing or of another version")

    def sentences(self, text: str, voice: str) -> list[list[str]]:
        """The phonemes of each sentence, one code point each, punctuation kept. ValueError: unknown voice."""
        if self._library.espeak_SetVoiceByName(voice.encode()) != 0:
            raise ValueError(f"espeak-ng has no voice called {voice!r}")
        sentences: list[list[str]] = [[]]
        for clause in self._clauses(text):
            pause = " " if clause.mark in (",", ":", ";") else ""
            spoken = _LANGUAGE_SWITCH.sub("", clause.phonemes) + clause.mark + pause
            sentences[-1].extend(unicodedata.normalize("NFD", spoken))
            if clause.ends_sentence:
                sentences.append([])
        return [sentence for sentence in sentences if any(symbol.isalpha() for symbol in sentence)]

    def _clauses(self, text: str) -> Iterator[Clause]:
        """espeak-ng takes one clause a call and moves the pointer: what it passed over tells how it ended."""
        raw = text.replace("\0", " ").encode()
        buffer = ctypes.create_string_buffer(raw)
        base = ctypes.addressof(buffer)
        position, pointer = 0, ctypes.c_void_p(base)
        while pointer.value:
            phonemes = self._library.espeak_TextToPhonemes(ctypes.byref(pointer), _UTF8, _IPA)
            reached = pointer.value - base if pointer.value else len(raw)
            passed = raw[position:reached].decode(errors="ignore")
            at_end = reached >= len(raw)
            yield clause_of((phonemes or b"").decode(), passed, at_end=at_end)
            position = reached


def clause_of(phonemes: str, passed: str, *, at_end: bool) -> Clause:
    """How a clause ended, from the text it `passed` over (which reaches one letter into the next clause)."""
    if not at_end and _PARAGRAPH.search(passed):
        return Clause(phonemes, "", True)
    found = (_END if at_end else _END_BEFORE_NEXT).search(passed)
    mark = _MARKS.get(found.group(1), "") if found else ""  # three dots have no mark, and end no sentence
    return Clause(phonemes, mark, mark in _SENTENCE_ENDS)
