"""Text to token ids with upstream's cleaners and vocabulary, never past the model's limits."""

from dataclasses import dataclass
from typing import Any

from studio.engines.xtts import text as texts
from studio.engines.xtts.spec import CHARACTER_LIMITS
from studio.errors import EngineTrouble, TextRefused

_SHORTEST_PIECE = 8


@dataclass(frozen=True)
class Piece:
    """What the GPT speaks in one go: `spoken` is the cleaned text that `ids` encode."""

    spoken: str
    ids: list[int]


def pieces(tokenizer: Any, text: str, language: str, max_ids: int) -> list[Piece]:
    """The text without quotes, in pieces within the language's character limit and under `max_ids` tokens.

    Raises TextRefused when nothing is left to say or the cleaners cannot read it, EngineTrouble when the
    language needs a package that is not installed.
    """
    bare = texts.without_quotes(text)
    if not any(character.isalnum() for character in bare):
        raise TextRefused("xtts.nothing_to_say")
    return _within(tokenizer, bare, language, max_ids, CHARACTER_LIMITS[language])


def _within(tokenizer: Any, text: str, language: str, max_ids: int, limit: int) -> list[Piece]:
    found = []
    for part in texts.split_to_limit(text, limit):
        piece = encode(tokenizer, part, language)
        # Numbers written out can turn few characters into many tokens.
        if len(piece.ids) >= max_ids and len(part) > _SHORTEST_PIECE:
            found += _within(tokenizer, part, language, max_ids, max(_SHORTEST_PIECE, len(part) // 2))
        elif len(piece.ids) >= max_ids:
            raise TextRefused("xtts.unreadable", text=part, reason=f"{len(piece.ids)} tokens")
        else:
            found.append(piece)
    return [piece for piece in found if any(character.isalnum() for character in piece.spoken)]


def encode(tokenizer: Any, text: str, language: str) -> Piece:
    """The whole text as ids, however long; TextRefused when the cleaners cannot read it."""
    try:
        spoken = tokenizer.preprocess_text(text.lower(), language)
    except ImportError as error:  # pypinyin for Chinese, cutlet for Japanese
        raise EngineTrouble("xtts.language_package", language=language, reason=str(error)) from error
    except (NotImplementedError, ValueError, OverflowError, KeyError, IndexError) as error:  # from num2words
        raise TextRefused("xtts.unreadable", text=text, reason=str(error) or type(error).__name__) from error
    tag = "zh-cn" if language == "zh" else language
    return Piece(spoken, tokenizer.tokenizer.encode(f"[{tag}]{spoken}".replace(" ", "[SPACE]")).ids)
