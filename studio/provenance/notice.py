"""The spoken notice at the start of a take: that the voice is synthetic, in the take's own language."""

from studio.errors import InputRefused

# Said by the same engine and voice as the rest, so it needs no second model and no second consent.
NOTICES = {
    "it": "Voce sintetica, generata con intelligenza artificiale.",
    "en": "Synthetic voice, generated with artificial intelligence.",
}


def notice(language: str) -> str:
    """The sentence; InputRefused where there is none in this language."""
    text = NOTICES.get(language.partition("-")[0])
    if text is None:
        raise InputRefused("provenance.notice_language", languages=", ".join(NOTICES))
    return text
