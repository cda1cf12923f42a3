"""Speakers who answer for themselves: invited by a link, they consent, look, take their data, and withdraw."""

from collections.abc import Iterator
from dataclasses import dataclass

from studio.audio.clip import AudioClip
from studio.consent.challenge import Challenge
from studio.consent.documents import may_see
from studio.consent.forms import ConsentForm
from studio.consent.gate import current_consent
from studio.consent.limits import Offer
from studio.consent.links import Guest, LinkDesk
from studio.consent.purposes import Category, Purpose
from studio.consent.service import ConsentService
from studio.consent.statements import Notice
from studio.consent.views import ConsentView
from studio.db.database import Database
from studio.db.tables import Speaker
from studio.errors import InputRefused, NotFound
from studio.privacy.access import Actor, Permission
from studio.privacy.dossier import Dossier, DossierDesk
from studio.privacy.erasure import Erasure, Receipt
from studio.voices.forms import CheckedClip, Upload, VoiceForm
from studio.voices.service import VoiceService

MOST_BY_LINK = 6  # recordings a speaker sends; ten to thirty seconds are asked for


@dataclass(frozen=True)
class Invitation:
    """Whom a producer invites."""

    voice_name: str
    language: str
    category: Category
    real_name: str = ""
    contact: str = ""


@dataclass(frozen=True)
class Answer:
    """What a speaker sends: the recordings (none when renewing) and the statement."""

    purposes: frozenset[Purpose]
    attestations: frozenset[str]
    challenge: str
    statement: Upload
    clips: tuple[Upload, ...] = ()
    engines: frozenset[str] | None = None  # as in ConsentForm
    languages: frozenset[str] | None = None


@dataclass(frozen=True)
class SpeakerPage:
    """What the link shows. `phase`: "invited", "granted", "review", "refused", "expired", "erased"."""

    phase: str
    guest: Guest
    notice: Notice
    offer: Offer
    consent: ConsentView | None = None
    agreed: Notice | None = None  # the notice that the consent was given on
    dossier: Dossier | None = None
    receipt: Receipt | None = None


class SpeakerDesk:
    """Everything behind a speaker's link, and the making of links."""

    def __init__(
        self,
        database: Database,
        voices: VoiceService,
        consent: ConsentService,
        dossiers: DossierDesk,
        erasure: Erasure,
    ) -> None:
        self._database = database
        self._voices = voices
        self._consent = consent
        self._dossiers = dossiers
        self._erasure = erasure
        self.links = LinkDesk(database)

    # The producer's side

    def invite(self, actor: Actor, invitation: Invitation) -> str:
        """A new speaker, who has agreed to nothing yet; returns the token of their link, shown this once."""
        actor.require(Permission.VOICES)
        with self._database.write() as session:
            speaker = self._voices.add_speaker(
                session, actor.account_id, invitation.category.value, invitation.real_name, invitation.contact
            )
            name, language = invitation.voice_name, invitation.language
            return self.links.add(session, speaker, name, language, actor.account_id)

    def link_for(self, actor: Actor, voice_id: str) -> str:
        """A new link for the speaker of a voice: to look, renew, download, withdraw; earlier ones stay."""
        with self._database.write() as session:
            voice = self._voices.find(session, actor, voice_id)
            speaker = session.get_one(Speaker, voice.speaker_id)
            if speaker.withdrawn_at is not None:
                raise NotFound("voices.unknown")
            return self.links.add(session, speaker, voice.name, actor.language, actor.account_id)

    def link_to(self, actor: Actor, speaker_id: str) -> str:
        """The same for a speaker; NotFound for one that is not the actor's to see, or has no voice yet."""
        with self._database.write() as session:
            speaker = session.get(Speaker, speaker_id)
            voices = self._voices.of_speaker(session, speaker_id)
            if (
                speaker is None
                or speaker.withdrawn_at is not None
                or not voices
                or not may_see(actor, speaker)
            ):
                raise NotFound("voices.unknown")
            return self.links.add(session, speaker, voices[0].name, actor.language, actor.account_id)

    # The speaker's side

    def enter(self, token: str) -> None:
        """NotFound unless the link opens something; asked before anything that comes by it is read."""
        self.links.enter(token)

    def page(self, token: str, language: str) -> SpeakerPage:
        """What the holder of the link sees now, in "it" or "en"."""
        guest = self.links.enter(token)
        notice, offer = self._consent.notice(language), self._consent.offer()
        with self._database.read() as session:
            if guest.erased:
                receipt = self._erasure.receipt(session, guest.speaker_id)
                return SpeakerPage("erased", guest, notice, offer, receipt=receipt)
            consent = self._consent.of_speaker(session, guest.speaker_id)
            given = current_consent(session, guest.speaker_id)
            agreed = self._consent.notices.find(session, given.notice_hash) if given else None
        if consent is None:
            return SpeakerPage("invited", guest, notice, offer)
        phase = "expired" if consent.status == "granted" and consent.days_left < 0 else consent.status
        return SpeakerPage(phase, guest, notice, offer, consent, agreed, self._dossiers.own(guest.speaker_id))

    def examine(self, token: str, upload: Upload) -> CheckedClip:
        """Decode and examine a recording; nothing is stored."""
        self._present(token)
        return self._voices.examine(upload)

    def challenge(
        self, token: str, language: str, purposes: frozenset[Purpose], notice_hash: str
    ) -> Challenge:
        guest = self._present(token)
        return self._consent.challenge(guest.speaker_id, language, purposes, notice_hash)

    def answer(self, token: str, answer: Answer, language: str) -> None:
        """Store the voice and the consent, or a further version of it.

        Raises what enrolling raises; nothing is stored then, but a try of the challenge is used.
        """
        guest = self._present(token)
        form = ConsentForm(
            category=Category(guest.category), purposes=answer.purposes, attestations=answer.attestations,
            challenge=answer.challenge, recording=self._heard(answer.statement), source=answer.statement.source,
            engines=answer.engines, languages=answer.languages,
        )  # fmt: skip
        with self._database.read() as session:
            known = bool(self._voices.of_speaker(session, guest.speaker_id))
        if known:
            self._voices.renew(guest.speaker_id, guest.speaker_id, form)
        else:
            self._enrol(guest, answer, form, language)
        self.links.prolong(guest.speaker_id)

    def _enrol(self, guest: Guest, answer: Answer, form: ConsentForm, language: str) -> None:
        if len(answer.clips) > MOST_BY_LINK:
            raise InputRefused("voices.too_many_clips", most=MOST_BY_LINK)
        clips = tuple(self._voices.examine(upload) for upload in answer.clips)
        voice = VoiceForm(guest.voice_name, guest.language, clips, form)
        self._voices.enrol_invited(guest.speaker_id, voice, language)

    def _heard(self, statement: Upload) -> AudioClip:
        return self._voices.examine(statement).clip

    def export(self, token: str) -> Iterator[bytes]:
        """Everything the studio holds of the speaker, as a zip."""
        guest = self._present(token)
        return self._dossiers.export_own(guest.speaker_id, guest.speaker_id)

    def withdraw(self, token: str) -> Receipt:
        """Erase everything; called again, it shows the same receipt."""
        guest = self.links.enter(token)
        with self._database.read() as session:
            done = self._erasure.receipt(session, guest.speaker_id) if guest.erased else None
        return done or self._erasure.erase(guest.speaker_id, guest.speaker_id)

    def _present(self, token: str) -> Guest:
        guest = self.links.enter(token)
        if guest.erased:
            raise NotFound("consent.link_erased")
        return guest
