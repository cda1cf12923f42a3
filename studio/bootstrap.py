"""build_studio(settings) -> Studio: the only wiring."""

import contextlib
import shutil
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from studio.consent.gate import standing
from studio.consent.limits import Offer
from studio.consent.service import ConsentService
from studio.datasets.building import Rooms as DatasetRooms
from studio.datasets.readings import readings
from studio.datasets.removal import sweep_unfinished
from studio.datasets.review import ReviewService
from studio.datasets.service import DatasetService
from studio.datasets.telling import DatasetTeller
from studio.db.database import Database
from studio.engines.base import EngineContext
from studio.engines.registry import Registry, build_registry
from studio.errors import NotFound
from studio.evaluation.judges import Judges
from studio.listening.ratings_of_takes import RatingsOfTakes
from studio.listening.service import ListeningService
from studio.listening.telling import ListeningTeller
from studio.models.by_hand import HandShelf
from studio.models.catalogue import load_catalogue
from studio.models.downloads import ModelDesk
from studio.models.folders import ModelFolders
from studio.models.licences import LicenceAcceptances
from studio.models.store import ModelStore
from studio.privacy import rotation
from studio.privacy.accounts import AccountService
from studio.privacy.api_keys import ApiKeyService
from studio.privacy.audit import AuditLog, sign_heads
from studio.privacy.backup import BackupService
from studio.privacy.dossier import DossierDesk
from studio.privacy.erasure import Erasure
from studio.privacy.heads import Heads
from studio.privacy.keyring import open_keyring
from studio.privacy.retention import RetentionDesk
from studio.privacy.vault import Vault
from studio.provenance.certificate import open_credentials
from studio.provenance.manifest import VERSION, Signer
from studio.provenance.marking import Marker
from studio.provenance.perth import PerthWatermarker
from studio.provenance.watermark import Watermarker
from studio.scores.books import Rooms
from studio.scores.recognisers import Recognisers
from studio.scores.service import EvaluationService
from studio.scores.store import ScoreStore, mark_interrupted
from studio.scores.telling import ScoreTeller
from studio.settings import Settings
from studio.synthesis.batch import BatchService
from studio.synthesis.choices import Choices
from studio.synthesis.scoring import Scorer
from studio.synthesis.service import SynthesisService
from studio.synthesis.speech import SpeechService
from studio.training.launching import Ground
from studio.training.service import TrainingService
from studio.training.shelf import AdapterShelf
from studio.training.supervisor import Supervisor
from studio.training.telling import TrainingTeller
from studio.voices.enrolment import EnrolmentService
from studio.voices.floor import FloorDesk
from studio.voices.service import VoiceService
from studio.voices.speakers import SpeakerDesk
from studio.work.presence import Presence
from studio.work.scratch import sweep_uploads
from studio.work.turns import Turns


@dataclass(frozen=True)
class Studio:
    """Everything the pages, the terminal and the web need; made once."""

    settings: Settings
    database: Database
    vault: Vault
    audit: AuditLog
    accounts: AccountService
    licences: LicenceAcceptances
    models: ModelStore
    engines: Registry
    judges: Judges
    consent: ConsentService
    voices: VoiceService
    speakers: SpeakerDesk
    floors: FloorDesk
    dossiers: DossierDesk
    retention: RetentionDesk
    erasure: Erasure
    enrolment: EnrolmentService
    synthesis: SynthesisService
    batches: BatchService
    evaluations: EvaluationService
    choices: Choices
    datasets: DatasetService
    dataset_review: ReviewService
    training: TrainingService
    listening: ListeningService
    marker: Marker
    model_desk: ModelDesk
    device: str
    presence: Presence
    api_keys: ApiKeyService
    backups: BackupService
    speech: SpeechService

    def close(self) -> None:
        """Unload engines and close the database; processes that train go on."""
        self.training.supervisor.close()
        self.engines.unload_all()
        self.judges.close()
        self.database.close()
        self.presence.close()


def build_studio(
    settings: Settings,
    *,
    registry: Registry | None = None,
    judges: Judges | None = None,
    watermarker: Watermarker | None = None,
) -> Studio:
    """Open the storage, migrate, sweep what a crash left, and wire every service.

    `registry`, `judges` and `watermarker` replace the engines, the loaded judges and Perth (tests bring
    scripted ones).
    """
    presence = Presence(settings.storage)
    database = Database(settings.database_file)
    database.migrate()
    heads = Heads(settings.keys_folder)
    sign_heads(database, heads)
    vault = Vault(settings.storage / "assets", open_keyring(settings))
    _clean_up(settings, database, vault, presence)
    licences = LicenceAcceptances(database)
    models = ModelStore(settings.storage / "models", load_catalogue(), licences)
    device = settings.device if settings.device != "auto" else _best_device()
    folders = ModelFolders(models, settings.storage / "models")
    context = EngineContext(folders.folder, settings.storage / "derived", device, settings.cores)
    registry = registry or build_registry(context)
    judges = judges or Judges(folders.folder, settings.cores)
    signer = Signer(open_credentials(settings), settings.organisation, VERSION)
    marker = Marker(watermarker or PerthWatermarker(), signer, settings.organisation)
    offer = partial(_offer, registry)
    consent = ConsentService(database, vault, judges, offer, settings.organisation, marker)
    erasure = Erasure(database, vault)
    voices = VoiceService(database, vault, consent, judges, erasure, settings.upload_limit_mb * 2**20)
    dossiers = DossierDesk(database, vault, standing)
    speakers = SpeakerDesk(database, voices, consent, dossiers, erasure)
    speaking = Turns()
    enrolment = EnrolmentService(database, vault, voices, registry, judges, speaking)
    floors = FloorDesk(database, vault)
    floors.reads(readings(vault))
    erasure.stops(floors.forget)
    ground_of_datasets = DatasetRooms(database, vault, voices, judges, settings.scratch, marker)
    datasets = DatasetService(ground_of_datasets, settings.import_folder)
    accounts = AccountService(database, settings)
    runs = settings.storage / "runs"
    adapters = AdapterShelf(database, vault, voices, runs)
    ground = Ground(database, vault, datasets, runs, folders.folder, settings.cores)
    supervisor = Supervisor(ground, adapters, registry, accounts.actor_of, device)
    training = TrainingService(ground, adapters, voices, registry, supervisor, device, marker)
    erasure.stops(datasets.stop_speaker)
    erasure.erases(datasets.erase_speaker)
    erasure.stops(training.stop_speaker)
    erasure.erases(training.erase_speaker)
    synthesis = SynthesisService(
        database,
        vault,
        voices,
        enrolment,
        registry,
        Scorer(judges, floors),
        marker,
        text_limit=settings.text_limit,
        device=device,
        turns=speaking,
        trained=adapters,
    )
    erasure.stops(enrolment.stop_speaker)
    erasure.stops(synthesis.stop_speaker)
    erasure.stops(judges.stop_speaker)
    erasure.stops(lambda _: _forget_voices(registry))
    erasure.stops(lambda _: sweep_uploads(settings.scratch))
    for teller in (DatasetTeller(vault), TrainingTeller(adapters, marker), ScoreTeller(), ListeningTeller()):
        dossiers.tells(teller)
    rooms = Rooms(
        database, voices, enrolment, synthesis, registry, judges, Recognisers(judges, settings),
        ScoreStore(database, vault), floors, device, settings.cores,
    )  # fmt: skip
    choices = Choices(voices, registry, folders.present, device)
    by_hand = HandShelf(registry.specs, models.root, lambda engine_id: _let_go(registry, engine_id))
    api_keys = ApiKeyService(database, settings.language, accounts.sessions)
    listening = ListeningService(database, vault, voices, synthesis, choices, judges)
    erasure.erases(listening.erase_speaker)
    erasure.resume()
    return Studio(
        settings=settings,
        database=database,
        vault=vault,
        audit=AuditLog(database, heads),
        backups=BackupService(settings, database, vault),
        accounts=accounts,
        licences=licences,
        models=models,
        engines=registry,
        judges=judges,
        consent=consent,
        voices=voices,
        speakers=speakers,
        floors=floors,
        dossiers=dossiers,
        retention=RetentionDesk(database, vault, erasure),
        erasure=erasure,
        enrolment=enrolment,
        synthesis=synthesis,
        batches=BatchService(synthesis),
        evaluations=EvaluationService(rooms, settings.hour_price, RatingsOfTakes(database)),
        choices=choices,
        datasets=datasets,
        dataset_review=ReviewService(datasets, ground_of_datasets),
        training=training,
        marker=marker,
        listening=listening,
        model_desk=ModelDesk(models, lambda engine_id: _let_go(registry, engine_id), by_hand),
        device=device,
        presence=presence,
        api_keys=api_keys,
        speech=SpeechService(synthesis, choices, registry, api_keys),
    )


def _clean_up(settings: Settings, database: Database, vault: Vault, presence: Presence) -> None:
    """What a crash left, plaintext above all; never under the hands of a process that still works."""
    if presence.alone:
        shutil.rmtree(settings.scratch, ignore_errors=True)
        if rotation.is_unfinished(vault.keyring):
            rotation.rotate(vault.keyring)
        with database.write() as session:
            vault.keyring.upgrade(session)
            vault.sweep(session)
        mark_interrupted(database)
        sweep_unfinished(database, vault)
        presence.settle()
    settings.scratch.mkdir(mode=0o700, exist_ok=True)


def _let_go(registry: Registry, engine_id: str) -> None:
    with contextlib.suppress(NotFound):  # a judge's model: no engine holds it
        registry.unload(engine_id)


def _forget_voices(registry: Registry) -> None:
    """Latents and merged weights of speakers go with the engines that hold them, which load again when asked."""
    for engine_id in registry.loaded():
        spec = registry.spec(engine_id)
        if spec.clones or spec.trains:
            _let_go(registry, engine_id)


def _offer(registry: Registry) -> Offer:
    return Offer.of(registry.specs())


def _best_device() -> str:
    """ "cuda" when the driver's library can be loaded; torch is not imported to find out."""
    return "cuda" if Path("/proc/driver/nvidia/version").exists() else "cpu"
