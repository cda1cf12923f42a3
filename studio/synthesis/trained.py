"""What synthesis asks of training: which trained voices there are, and a voice's state with one applied."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from sqlalchemy.orm import Session

from studio.db.tables import Voice
from studio.engines.base import Engine, EngineSpec, VoiceState
from studio.errors import NotFound
from studio.privacy.access import Actor

ADAPTER, CHECKPOINT = "adapter", "checkpoint"


@dataclass(frozen=True)
class TrainedChoice:
    """Something trained that a voice can speak with. `kind` is adapter or checkpoint; `method` as in the plan;
    `scores` are the held-out ones; `training_s` the time its training took.
    """

    id: str
    kind: str
    name: str
    voice_id: str
    engine_id: str
    method: str
    step: int
    best: bool
    created_at: str
    training_s: float | None = None
    peak_bytes: int | None = None
    scores: Mapping[str, float] = field(default_factory=dict)

    @property
    def full(self) -> bool:
        """Whether it is a full fine-tuning, not an adapter on the frozen model."""
        return self.method == "full"


class Trained(Protocol):
    """Answered by the training room; wired in bootstrap."""

    def choices(
        self, actor: Actor, voice_id: str, engine_id: str = "", *, checkpoints: bool = False
    ) -> Sequence[TrainedChoice]:
        """What a voice can speak with, adapters first; kept checkpoints, too, on wish. NotFound for the voice."""
        ...

    def choice(self, actor: Actor, trained_id: str) -> TrainedChoice:
        """One of them; NotFound for what is not there or not the actor's."""
        ...

    def check(self, session: Session, actor: Actor, trained_id: str, voice: Voice, spec: EngineSpec) -> None:
        """The gate: NotFound when it is not this voice's and engine's; ConsentMissing without the consent to
        train with this voice, which a trained voice needs for as long as it speaks.
        """
        ...

    def applied(self, trained_id: str, voice: Voice, engine: Engine, state: VoiceState) -> VoiceState:
        """The voice's state, speaking with it."""
        ...


class NothingTrained:
    """The answer of a studio without a training room."""

    def choices(
        self, actor: Actor, voice_id: str, engine_id: str = "", *, checkpoints: bool = False
    ) -> Sequence[TrainedChoice]:
        return ()

    def choice(self, actor: Actor, trained_id: str) -> TrainedChoice:
        raise NotFound("synthesis.adapter_unknown")

    def check(self, session: Session, actor: Actor, trained_id: str, voice: Voice, spec: EngineSpec) -> None:
        raise NotFound("synthesis.adapter_unknown")

    def applied(self, trained_id: str, voice: Voice, engine: Engine, state: VoiceState) -> VoiceState:
        raise NotFound("synthesis.adapter_unknown")
