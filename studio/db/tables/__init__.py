"""The nouns of the studio as tables (SQLAlchemy mapped dataclasses); times are UTC, ISO 8601 text."""

from studio.db.tables.access import ApiKey, ExternalIdentity, Password
from studio.db.tables.accounts import Account, AuditEntry, LicenceAcceptance, SignInLink, SignInSession
from studio.db.tables.base import Base, new_id, now
from studio.db.tables.datasets import Dataset, DatasetSource, DatasetUtterance
from studio.db.tables.listening import Listener, ListeningTest, Rating, Stimulus, System, Trial
from studio.db.tables.privacy import (
    ConsentChallenge,
    ConsentDocument,
    ConsentLink,
    ConsentSample,
    ErasureReceipt,
    NoticeVersion,
    RetentionRule,
)
from studio.db.tables.synthesis import EvaluationRun, MetricScore, Synthesis
from studio.db.tables.training import Adapter, Checkpoint, TrainingJob
from studio.db.tables.voices import (
    Asset,
    ConsentRecord,
    EncodedVoice,
    ReferenceClip,
    Speaker,
    SpeakerIdentity,
    SpeakerKeyset,
    Voice,
)

__all__ = [
    "Account",
    "Adapter",
    "ApiKey",
    "Asset",
    "AuditEntry",
    "Base",
    "Checkpoint",
    "ConsentChallenge",
    "ConsentDocument",
    "ConsentLink",
    "ConsentRecord",
    "ConsentSample",
    "Dataset",
    "DatasetSource",
    "DatasetUtterance",
    "EncodedVoice",
    "ErasureReceipt",
    "EvaluationRun",
    "ExternalIdentity",
    "LicenceAcceptance",
    "Listener",
    "ListeningTest",
    "MetricScore",
    "NoticeVersion",
    "Password",
    "Rating",
    "ReferenceClip",
    "RetentionRule",
    "SignInLink",
    "SignInSession",
    "Speaker",
    "SpeakerIdentity",
    "SpeakerKeyset",
    "Stimulus",
    "Synthesis",
    "System",
    "TrainingJob",
    "Trial",
    "Voice",
    "new_id",
    "now",
]
