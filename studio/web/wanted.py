"""What the web asks of the studio: the parts of it that stand behind an address."""

from collections.abc import Iterator
from typing import Protocol

from studio.consent.service import ConsentService
from studio.listening.service import ListeningService
from studio.privacy.access import Actor
from studio.privacy.accounts import AccountService
from studio.privacy.api_keys import ApiKeyService
from studio.privacy.audit import AuditLog
from studio.privacy.dossier import DossierDesk
from studio.privacy.retention import RetentionDesk
from studio.provenance.marking import Marker
from studio.scores.service import EvaluationService
from studio.settings import Settings
from studio.synthesis.speech import SpeechService
from studio.voices.speakers import SpeakerDesk

Served = tuple[bytes, str, str]  # the file, its media type, its name


class Takes(Protocol):
    """Generated sounds. Each raises NotFound for what is not there or not the actor's."""

    def audio(self, actor: Actor, take_id: str, format_name: str) -> Served: ...
    def live(self, actor: Actor, token: str) -> Iterator[bytes]: ...


class Batches(Protocol):
    """Batches of takes as a zip, made while it is read; likewise."""

    def zip(self, actor: Actor, batch_id: str, format_name: str = ...) -> Iterator[bytes]: ...


class Clips(Protocol):
    """Reference clips, likewise."""

    def clip_audio(self, actor: Actor, clip_id: str) -> Served: ...
    def consent_audio(self, actor: Actor, consent_id: str) -> Served: ...


class Exports(Protocol):
    """What was trained, taken out: an adapter, or a checkpoint with it merged; likewise."""

    def adapter(self, actor: Actor, adapter_id: str) -> Served: ...
    def merged_zip(self, actor: Actor, adapter_id: str) -> tuple[Iterator[bytes], str]: ...


class Samples(Protocol):
    """Sample sentences of training checkpoints, likewise."""

    @property
    def exports(self) -> Exports: ...

    def sample_audio(self, actor: Actor, checkpoint_id: str, number: int) -> Served: ...


class Utterances(Protocol):
    """Clips of datasets, likewise."""

    def clip_audio(self, actor: Actor, utterance_id: str) -> Served: ...


class Passages(Protocol):
    """Clips of datasets with what is around them, likewise."""

    def passage_audio(self, actor: Actor, utterance_id: str) -> Served: ...


class Studio(Protocol):
    """The studio as the web sees it."""

    @property
    def settings(self) -> Settings: ...
    @property
    def accounts(self) -> AccountService: ...
    @property
    def audit(self) -> AuditLog: ...
    @property
    def api_keys(self) -> ApiKeyService: ...
    @property
    def speech(self) -> SpeechService: ...
    @property
    def synthesis(self) -> Takes: ...
    @property
    def batches(self) -> Batches: ...
    @property
    def evaluations(self) -> EvaluationService: ...
    @property
    def listening(self) -> ListeningService: ...
    @property
    def voices(self) -> Clips: ...
    @property
    def marker(self) -> Marker: ...
    @property
    def speakers(self) -> SpeakerDesk: ...
    @property
    def dossiers(self) -> DossierDesk: ...
    @property
    def consent(self) -> ConsentService: ...
    @property
    def retention(self) -> RetentionDesk: ...
    @property
    def datasets(self) -> Utterances: ...
    @property
    def dataset_review(self) -> Passages: ...
    @property
    def training(self) -> Samples: ...
