"""The nouns of the studio as tables (SQLAlchemy mapped dataclasses); times are UTC, ISO 8601 text."""

from studio.db.tables.accounts import Account, AuditEntry, LicenceAcceptance, SignInLink, SignInSession
from studio.db.tables.base import Base, new_id, now
from studio.db.tables.listening import Listener, ListeningTest, Rating, Stimulus, System, Trial
from studio.db.tables.synthesis import EvaluationRun, MetricScore, Synthesis
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
    "Asset",
    "AuditEntry",
    "Base",
    "ConsentRecord",
    "EncodedVoice",
    "EvaluationRun",
    "LicenceAcceptance",
    "Listener",
    "ListeningTest",
    "MetricScore",
    "Rating",
    "ReferenceClip",
    "SignInLink",
    "SignInSession",
    "Speaker",
    "SpeakerIdentity",
    "SpeakerKeyset",
    "Stimulus",
    "Synthesis",
    "System",
    "Trial",
    "Voice",
    "new_id",
    "now",
]
