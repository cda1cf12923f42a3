"""How close an encoding came to its recordings: judged by an encoder that took no part in making it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from studio.audio.clip import AudioClip
from studio.engines.base import Engine, Utterance, VoiceState
from studio.errors import AudioRefused
from studio.evaluation.similarity import cosine, mean_embedding, same_speaker

Vector = NDArray[np.float32]
Embed = Callable[[AudioClip], Vector]

# About five seconds each; said for the judge alone, never stored and never heard.
SAID = {
    "it": "Buongiorno, questa è una prova della mia voce. Domani ci vediamo alle nove davanti alla stazione.",
    "en": "Good morning, this is a test of my voice. We meet tomorrow at nine in front of the station.",
    "es": "Buenos días, esta es una prueba de mi voz. Mañana nos vemos a las nueve delante de la estación.",
    "fr": "Bonjour, ceci est un essai de ma voix. Demain on se retrouve à neuf heures devant la gare.",
    "de": "Guten Morgen, dies ist eine Probe meiner Stimme. Wir sehen uns morgen um neun vor dem Bahnhof.",
    "pt": "Bom dia, este é um teste da minha voz. Amanhã nos vemos às nove em frente à estação.",
}
# WeSpeaker ResNet34 on real recordings: 87 pairs of one speaker, 696 of two (docs/clone-scores.md).
SAME_SPEAKER, OTHER_SPEAKER = 0.82, 0.11
PIECE_S = 4.0  # recordings are compared in pieces about as long as what is said


@dataclass(frozen=True)
class Likeness:
    """Cosines: of the clone to its recordings, of the recordings among themselves, of different people.

    `own` False: there was too little to compare the recordings with themselves, `same` is the usual figure.
    """

    value: float
    same: float
    other: float = OTHER_SPEAKER
    own: bool = True

    @property
    def facts(self) -> dict[str, str]:
        """As they are kept with the encoding."""
        told = {"likeness": self.value, "likeness_same": self.same, "likeness_other": self.other}
        return {name: f"{value:.3f}" for name, value in told.items()} | {"likeness_own": str(self.own)}

    @classmethod
    def read(cls, facts: Mapping[str, str]) -> "Likeness | None":
        """What `facts` wrote; None where nothing was measured."""
        if "likeness" not in facts:
            return None
        value, same, other = (float(facts[f"likeness{name}"]) for name in ("", "_same", "_other"))
        return cls(value, same, other, facts["likeness_own"] == "True")


def language_of(spoken: Sequence[str], wished: str) -> str:
    """The language to be judged in: the voice's own where the engine speaks it; "" when there is no sentence."""
    return next((code for code in (wished, *spoken) if code in spoken and code in SAID), "")


def likeness(
    engine: Engine, state: VoiceState, clips: Sequence[AudioClip], language: str, embed: Embed
) -> Likeness:
    """Let the voice say a sentence and compare it with its recordings. Raises what engine or judge raise."""
    asked = [Utterance(SAID[language], language)]
    chunks = [chunk.clip for chunk in engine.synthesize(asked, state, engine.spec.options())]
    if not chunks:
        raise AudioRefused("synthesis.no_sound")
    said = AudioClip(np.concatenate([chunk.samples for chunk in chunks]), chunks[0].sample_rate_hz)
    pieces = [*_embedded(clips, embed)] or [embed(clip) for clip in clips]
    among = same_speaker({"own": pieces})
    value = cosine(embed(said), mean_embedding(pieces))
    return Likeness(value, float(np.mean(among)) if among else SAME_SPEAKER, own=bool(among))


def _embedded(clips: Sequence[AudioClip], embed: Embed) -> Iterator[Vector]:
    """Of every whole piece of the recordings; a piece without speech is left out."""
    for clip in clips:
        size = int(PIECE_S * clip.sample_rate_hz)
        for start in range(0, len(clip.samples) - size + 1, size):
            try:
                yield embed(AudioClip(clip.samples[start : start + size], clip.sample_rate_hz))
            except AudioRefused:
                continue
