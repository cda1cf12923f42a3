"""The review: clips kept and dropped, one by one or many at once; texts and cuts changed by hand."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from studio.audio.encode import AudioFormat, encode
from studio.audio.speech import Span, speech_s, speech_spans
from studio.datasets.cuts import Cut
from studio.datasets.forms import LONGEST_S, SHORTEST_S, ReviewQuery, UtteranceView
from studio.datasets.looking import Looking, shown
from studio.datasets.recordings import WINDOW_KIND
from studio.datasets.rights import is_other_voice
from studio.datasets.rows import Texts, chars_per_s, open_texts, seal_texts, settle
from studio.datasets.segmentation import Segment, segment
from studio.datasets.suspicion import letters
from studio.datasets.transcription import Ear, character_errors
from studio.datasets.writing import CLIP_KIND
from studio.db.tables import Asset, Dataset, DatasetSource, DatasetUtterance
from studio.errors import InputRefused, ModelMissing
from studio.privacy import audit
from studio.privacy.access import Actor, Permission
from studio.privacy.keyring import Keyset

MOST_CHARACTERS = 500
STILL_FITS = 0.15  # a text that is heard this well is kept when its clip is cut anew
BY_PERSON = "person"
_EDGE = 0.05


@dataclass(frozen=True)
class _Work:
    """One change: the row, its dataset and the speaker's keyset, in a transaction that has asked the gate."""

    session: Session
    dataset: Dataset
    keyset: Keyset
    speaker_id: str


class ReviewService(Looking):
    """Changes to finished datasets. After each one every row is judged and split anew; decisions of people stay."""

    # Deciding

    def decide(self, actor: Actor, utterance_ids: Sequence[str], keep: bool) -> None:
        """Keep or drop clips of one dataset; the decision stands against every rule."""
        actor.require(Permission.VOICES)
        if not utterance_ids:
            raise InputRefused("datasets.nothing_chosen")
        with self._rooms.database.write() as session:
            rows = [self._datasets.utterance(session, actor, one) for one in utterance_ids]
            for dataset_id in sorted({row.dataset_id for row in rows}):
                work = self._work(session, actor, dataset_id)
                self._decided([row for row in rows if row.dataset_id == dataset_id], keep)
                self._settled(work, actor, "dataset.decided", keep=keep)

    def decide_all(self, actor: Actor, dataset_id: str, query: ReviewQuery, keep: bool) -> int:
        """Keep or drop everything that a query shows, on all its pages; returns how many.

        Clips that cannot be trained on (too long, no text) are not among those that are kept.
        """
        actor.require(Permission.VOICES)
        with self._rooms.database.write() as session:
            work = self._work(session, actor, dataset_id)
            u = DatasetUtterance
            rows = [*session.scalars(select(u).where(u.dataset_id == dataset_id, *shown(query)))]
            found = self.searched(rows, work.keyset, query)
            chosen = [row for row in found if keepable(row)] if keep else found
            if not chosen:
                raise InputRefused("datasets.nothing_chosen")
            self._decided(chosen, keep)
            self._settled(work, actor, "dataset.decided", keep=keep, clips=len(chosen))
        return len(chosen)

    @staticmethod
    def _decided(rows: Sequence[DatasetUtterance], keep: bool) -> None:
        for row in rows:
            if keep:
                _refuse_other_voice(row)
            if keep and not keepable(row):
                raise InputRefused(
                    "datasets.cannot_keep", duration_s=row.duration_s, shortest_s=SHORTEST_S, longest_s=LONGEST_S
                )  # fmt: skip
            row.by_person, row.kept = True, keep
            row.reason = "" if keep else BY_PERSON

    # Changing

    def edit_text(self, actor: Actor, utterance_id: str, text: str) -> UtteranceView:
        """Set the text; what a rule dropped for its text is judged anew. InputRefused without a letter."""
        actor.require(Permission.VOICES)
        text = " ".join(text.split())
        if not letters(text) or len(text) > MOST_CHARACTERS:
            raise InputRefused("datasets.text", most=MOST_CHARACTERS)
        with self._rooms.database.write() as session:
            row = self._datasets.utterance(session, actor, utterance_id)
            work = self._work(session, actor, row.dataset_id)
            heard = open_texts(work.keyset, row).heard
            row.sealed = seal_texts(work.keyset, row.id, Texts(text, heard))
            row.chars_per_s = chars_per_s(text, row.speech_s)
            row.cer = character_errors(text, heard, row.language) if row.confidence is not None else None
            row.edited = True
            self._settled(work, actor, "dataset.text_changed")
            return self.seen(session, row, work.keyset)

    def recut(self, actor: Actor, utterance_id: str, start_s: float, end_s: float) -> UtteranceView:
        """Cut a clip anew within its recording and listen to it again.

        Its text stays where it is still heard, else it becomes what is heard. Raises InputRefused for a cut
        that is too short, too long or beyond the recording.
        """
        actor.require(Permission.VOICES)
        before = self.one(actor, utterance_id)
        assert before.room_s is not None
        _refuse_other_voice(before)
        self._check_cut(before, start_s, end_s)
        fresh, likeness = self._heard_anew(actor, before, start_s, end_s)
        fits = not fresh.text or character_errors(before.text, fresh.text, before.language) <= STILL_FITS
        with self._rooms.database.write() as session:
            row = self._datasets.utterance(session, actor, utterance_id)
            work = self._work(session, actor, row.dataset_id)
            self._replaced(work, row, fresh)
            texts = Texts(before.text if fits else fresh.text, fresh.text)
            row.sealed = seal_texts(work.keyset, row.id, texts)
            row.chars_per_s = chars_per_s(texts.text, row.speech_s)
            row.confidence, row.likeness, row.edited = fresh.confidence, likeness, True
            row.spoken_language = ""
            listened = fresh.confidence is not None
            row.cer = character_errors(texts.text, fresh.text, row.language) if listened else None
            self._settled(work, actor, "dataset.cut_anew")
            return self.seen(session, row, work.keyset)

    @staticmethod
    def _check_cut(view: UtteranceView, start_s: float, end_s: float) -> None:
        assert view.room_s is not None
        low, high = view.room_s
        inside = low - _EDGE <= start_s and end_s <= high + _EDGE
        if not inside or not SHORTEST_S <= end_s - start_s <= LONGEST_S:
            raise InputRefused(
                "datasets.cut", start_s=round(start_s, 2), end_s=round(end_s, 2), from_s=round(low, 2),
                to_s=round(high, 2), shortest_s=SHORTEST_S, longest_s=LONGEST_S,
            )  # fmt: skip

    def _heard_anew(
        self, actor: Actor, view: UtteranceView, start_s: float, end_s: float
    ) -> tuple[Segment, float | None]:
        """The new clip, faded where it was cut, with what is heard in it."""
        with self._rooms.database.read() as session:
            row = self._datasets.utterance(session, actor, view.id)
            dataset = self._datasets.find(session, actor, row.dataset_id)
            voice, _ = self._datasets.permitted(session, actor, dataset)
            block = self.sound(session, row, start_s, end_s)
            mine = dataset.basis == "consent"
            clips = self._rooms.voices.clips(session, voice) if mine else []
        references = [self._rooms.judges.embed(clip) for clip in clips]  # nothing of a person goes uncompared
        try:
            ear = Ear(self._rooms.judges, references, listens=True)
        except ModelMissing:  # it was imported without listening: it can be cut so, too
            ear = Ear(self._rooms.judges, references, listens=False)
        heard, confidence = ear.transcript(block, view.language)
        spans = speech_spans(block)
        cut = Cut(0.0, block.duration_s, *_room_to_fade(spans, block.duration_s), heard, confidence or 0.0)
        made = segment(block, cut, spans)
        fresh = Segment(
            made.clip,
            start_s,
            end_s,
            heard,
            confidence if ear.listens else None,
            made.tail_db,
            speech_s(spans),
        )
        return fresh, ear.likeness(made.clip)

    def _replaced(self, work: _Work, row: DatasetUtterance, fresh: Segment) -> None:
        """Store the new sound; the old one goes, or becomes the recording of a clip that came by itself."""
        session, vault, old = work.session, self._rooms.vault, row.asset_id
        row.asset_id = vault.write(session, work.speaker_id, CLIP_KIND, encode(fresh.clip, AudioFormat.FLAC))
        if row.recording is None:
            row.recording = self._kept_as_recording(session, row, old)
            session.flush()
        else:
            session.flush()
            vault.delete(session, old)
        row.content_id, row.duration_s = fresh.clip.content_id, fresh.clip.duration_s
        row.start_s, row.end_s = fresh.start_s, fresh.end_s
        row.tail_db, row.speech_s = fresh.tail_db, fresh.speech_s

    @staticmethod
    def _kept_as_recording(session: Session, row: DatasetUtterance, asset_id: str) -> int:
        s = DatasetSource
        last = session.scalar(select(func.max(s.recording)).where(s.dataset_id == row.dataset_id))
        number = 0 if last is None else last + 1
        session.get_one(Asset, asset_id).kind = WINDOW_KIND
        session.add(
            DatasetSource(
                dataset_id=row.dataset_id, recording=number, start_s=0.0, end_s=row.duration_s,
                sample_rate_hz=row.sample_rate_hz, asset_id=asset_id,
            )
        )  # fmt: skip
        return number

    # Around every change

    def _work(self, session: Session, actor: Actor, dataset_id: str) -> _Work:
        actor.require(Permission.VOICES)
        dataset = self._datasets.find(session, actor, dataset_id)
        voice, _ = self._datasets.permitted(session, actor, dataset)
        keyset = self._rooms.vault.keyring.find(session, voice.speaker_id)
        return _Work(session, dataset, keyset, voice.speaker_id)

    @staticmethod
    def _settled(work: _Work, actor: Actor, action: str, **facts: int | bool) -> None:
        settle(work.session, work.dataset, work.keyset)
        audit.append(work.session, actor.account_id, action, work.dataset.id, **facts)


def keepable(row: DatasetUtterance) -> bool:
    """Whether a clip can be trained on at all: of a usable length, with something said, by whom it should be."""
    fits = SHORTEST_S - _EDGE <= row.duration_s <= LONGEST_S + _EDGE
    return fits and row.chars_per_s > 0 and not is_other_voice(row.likeness)


def _refuse_other_voice(row: DatasetUtterance | UtteranceView) -> None:
    """Only the voice's own speaker agreed: nobody puts somebody else back, whole or in part."""
    if is_other_voice(row.likeness):
        raise InputRefused("datasets.another_person")


def _room_to_fade(spans: Sequence[Span], duration_s: float) -> tuple[float, float]:
    """Fades that lie in silence where there is some at the edges; else too short to be heard."""
    before = spans[0].start_s if spans else 0.0
    after = duration_s - spans[-1].end_s if spans else 0.0
    return max(0.005, min(0.02, before)), max(0.005, min(0.02, after))
