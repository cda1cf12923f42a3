"""From a checkpoint to a blind A/B test: the voice before training and with it, on the sample sentences."""

from studio.listening.forms import ListeningForm, SpokenBy, SystemForm
from studio.listening.kinds import Kind
from studio.privacy.access import Actor
from studio.synthesis.requests import VoiceChoice
from studio.training.service import TrainingService
from studio.ui.words import Words


def blind_form(words: Words, training: TrainingService, actor: Actor, checkpoint_id: str) -> ListeningForm:
    """The form of the test; NotFound for a checkpoint that is gone."""
    adapter = training.use(
        actor, checkpoint_id
    )  # a checkpoint may go with its job: the test keeps the adapter
    job = training.job(actor, adapter.job_id or "")
    key = VoiceChoice(voice_id=adapter.voice_id).key
    systems = (
        SystemForm(words("jobs.zero_shot"), SpokenBy(key, adapter.engine_id)),
        SystemForm(adapter.name, SpokenBy(key, adapter.engine_id, adapter_id=adapter.id)),
    )
    name = words("jobs.blind_name", name=adapter.name)
    return ListeningForm(
        name[:80], Kind.AB, systems, tuple(training.sample_texts(actor, job.id)), job.plan.language
    )
