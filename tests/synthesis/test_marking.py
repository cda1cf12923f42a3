"""Whatever way generated sound takes out of the studio, it is marked; and without the mark none is made."""

import io
import zipfile
from dataclasses import replace

import pytest

from studio.audio.clip import AudioClip
from studio.audio.decode import decode, decode_file
from studio.audio.encode import AudioFormat, encode
from studio.bootstrap import Studio
from studio.db.tables import Asset, Synthesis
from studio.errors import EngineTrouble, InputRefused
from studio.privacy.access import Actor
from studio.provenance.manifest import SIGNED, ManifestState, read_manifest
from studio.provenance.notice import NOTICES
from studio.provenance.verify import Verdict, examine
from studio.synthesis.batch import BatchRow
from studio.synthesis.requests import SynthesisRequest, VoiceChoice
from tests.fakes import FakeWatermarker, ScriptedEngine, buzz

TONE = SynthesisRequest(VoiceChoice(engine_id="fake", preset_id="tone"), "Buongiorno a tutti.", "it", "fake")


def is_marked(studio: Studio, clip: AudioClip) -> bool:
    return studio.marker.read(clip).found


def watermarker_of(studio: Studio) -> FakeWatermarker:
    assert isinstance(studio.marker.watermarker, FakeWatermarker)
    return studio.marker.watermarker


def engine_of(studio: Studio) -> ScriptedEngine:
    engine = studio.engines.engine("fake")
    assert isinstance(engine, ScriptedEngine)
    return engine


def test_the_scripted_voice_itself_carries_no_mark(studio: Studio) -> None:
    assert not studio.marker.read(buzz(2.0, 220, 1)).confidence > 0.3


def test_what_is_streamed_and_what_is_stored_is_marked_and_the_same(studio: Studio, admin: Actor) -> None:
    text = "Prima frase da dire. Seconda frase, un poco più lunga. Terza frase."
    preview = studio.synthesis.preview(admin, replace(TONE, text=text))
    heard = decode(b"".join(studio.synthesis.live(admin, preview.token)), "x.mp3")
    take = preview.take()
    assert is_marked(studio, heard)
    assert is_marked(studio, studio.synthesis.takes.clip(admin, take.id))
    assert sum(piece.duration_s for piece in preview.pieces()) == pytest.approx(take.duration_s)
    assert all(is_marked(studio, piece) for piece in preview.pieces() if piece.duration_s > 0.2)


def test_a_repeated_phrase_streams_marked_sound(studio: Studio, admin: Actor) -> None:
    first = studio.synthesis.preview(admin, TONE).take()
    again = studio.synthesis.preview(admin, TONE)
    assert again.take().id == first.id and all(is_marked(studio, piece) for piece in again.pieces())


@pytest.mark.parametrize("format", list(AudioFormat))
def test_every_download_is_marked_tagged_and_signed(
    studio: Studio, admin: Actor, format: AudioFormat
) -> None:
    take = studio.synthesis.preview(admin, TONE).take()
    data, _, _ = studio.synthesis.audio(admin, take.id, format.value)
    decoded = decode_file(data, "x")
    assert is_marked(studio, decoded.clip) and b"AI-generated" in data
    manifest = read_manifest(data, decoded.container, studio.marker.signer.credentials.anchors)
    assert (manifest.state is ManifestState.OURS) == (format in SIGNED)
    assert format not in SIGNED or manifest.made_at[:19] == take.created_at[:19]
    assert examine(studio.marker, data, "x").verdict is Verdict.OURS


def test_a_batch_leaves_marked_and_signed(studio: Studio, admin: Actor) -> None:
    rows = [BatchRow("uno", "Prima riga."), BatchRow("due", "Seconda riga.")]
    live = studio.batches.start(admin, rows, TONE)
    live.wait()
    assert live.latest is not None
    data = b"".join(studio.batches.zip(admin, live.latest.batch_id, "wav"))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        files = [archive.read(name) for name in archive.namelist() if name.endswith(".wav")]
    assert len(files) == 2
    for file in files:
        assert examine(studio.marker, file, "x").manifest.state is ManifestState.OURS
        assert is_marked(studio, decode(file, "x"))


def test_the_stored_file_itself_is_marked_and_signed(studio: Studio, admin: Actor) -> None:
    take = studio.synthesis.preview(admin, TONE).take()
    with studio.database.read() as session:
        data = studio.vault.read(session, session.get_one(Synthesis, take.id).asset_id)
    found = examine(studio.marker, data, "x")
    assert found.manifest.state is ManifestState.OURS and found.reading.found


def test_without_a_watermarker_nothing_is_generated(studio: Studio, admin: Actor) -> None:
    spoken = list(engine_of(studio).spoken)
    watermarker_of(studio).missing = True
    with pytest.raises(EngineTrouble, match="watermark"):
        studio.synthesis.preview(admin, TONE)
    assert engine_of(studio).spoken == spoken and not studio.synthesis.takes.search(admin)


def test_a_watermarker_that_fails_on_the_way_lets_nothing_through(
    studio: Studio, admin: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise EngineTrouble("provenance.no_watermark", reason="broken by a test")

    monkeypatch.setattr(watermarker_of(studio), "mark_of", broken)
    preview = studio.synthesis.preview(admin, TONE)
    with pytest.raises(EngineTrouble, match="broken by a test"):
        preview.take()
    assert not list(preview.pieces()) and not studio.synthesis.takes.search(admin)
    with studio.database.read() as session:
        assert session.query(Asset).filter_by(kind="take").count() == 0


def test_a_watermarker_that_cannot_be_loaded_stops_before_the_engine_speaks(
    studio: Studio, admin: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise EngineTrouble("provenance.no_watermark", reason="broken by a test")

    monkeypatch.setattr(watermarker_of(studio), "load", broken)
    with pytest.raises(EngineTrouble, match="broken by a test"):
        studio.synthesis.preview(admin, TONE).take()
    assert engine_of(studio).spoken == []


def test_a_take_from_before_there_was_a_mark_is_marked_on_its_way_out(studio: Studio, admin: Actor) -> None:
    take = studio.synthesis.preview(admin, TONE).take()
    with studio.database.write() as session:
        row = session.get_one(Synthesis, take.id)
        row.asset_id = studio.vault.write(session, None, "take", encode(buzz(1.0, 220, 1), AudioFormat.FLAC))
    assert is_marked(studio, studio.synthesis.takes.clip(admin, take.id))
    assert is_marked(studio, decode(studio.synthesis.audio(admin, take.id, "mp3")[0], "x"))


@pytest.mark.parametrize("language", ["it", "en"])
def test_the_notice_is_spoken_first_by_the_same_voice(studio: Studio, admin: Actor, language: str) -> None:
    text = "Il treno parte alle nove." if language == "it" else "The train leaves at nine."
    plain = studio.synthesis.preview(admin, replace(TONE, text=text, language=language)).take()
    with_notice = studio.synthesis.preview(
        admin, replace(TONE, text=text, language=language, notice=True)
    ).take()
    assert with_notice.chunks == (*with_notice.chunks[:1], *plain.chunks)
    assert with_notice.chunks[0] == NOTICES[language] and with_notice.text == text
    assert with_notice.id != plain.id and with_notice.duration_s > plain.duration_s + 0.3
    assert with_notice.normalised_text.endswith(plain.normalised_text)
    again = studio.synthesis.preview(admin, replace(TONE, text=text, language=language, notice=True)).take()
    assert again.id == with_notice.id


def test_a_language_without_a_notice_says_so(studio: Studio, admin: Actor) -> None:
    from studio.provenance.notice import notice

    with pytest.raises(InputRefused, match="it, en"):
        notice("ja")
