"""The card that travels with an adapter: what it was made of, whose consent covers it, what it may be used for."""

import json
from collections.abc import Mapping
from typing import Any

from studio.db.tables import Checkpoint, TrainingJob, now
from studio.engines.base import EngineSpec
from studio.engines.weights import with_metadata

_NAMED = frozenset({"name", "voice_id"})  # of a dataset: people write their names into these


def card_of(
    job: TrainingJob, checkpoint: Checkpoint, spec: EngineSpec, consent_id: str, base_hash: str
) -> dict[str, Any]:
    """Numbers, ids and hashes; no name and no word of the speaker.

    The licence is the engine's: what is trained from a model inherits it.
    """
    licence = {"id": spec.licence.id, "name": spec.licence.name, "commercial": spec.licence.commercial}
    return {
        "engine": spec.id, "base_model": spec.models[0] if spec.models else spec.id, "base_hash": base_hash,
        "method": job.plan["method"], "licence": licence, "consent_record": consent_id,
        "dataset": _nameless(job.dataset), "plan": job.plan, "job": job.id, "step": checkpoint.step,
        "scores": dict(checkpoint.scores), "training_s": round(job.seconds, 1), "device": job.device,
        "made_at": now(),
    }  # fmt: skip


def with_card(weights: bytes, card: Mapping[str, Any]) -> bytes:
    """Safetensors with the card in the header, under "card": a file that was passed on still says what it is."""
    return with_metadata(weights, {"card": json.dumps(card, sort_keys=True, ensure_ascii=False)})


def _nameless(dataset: Mapping[str, Any]) -> dict[str, Any]:
    plain = {key: value for key, value in dataset.items() if key not in _NAMED}
    return (
        plain | {"replay": [_nameless(one) for one in dataset["replay"]]} if dataset.get("replay") else plain
    )
