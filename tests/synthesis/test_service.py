"""Takes: made in order, stored with everything that made them, found again, and gated."""

import csv
import io
import zipfile
from collections.abc import Callable
from dataclasses import replace

import pytest
import soundfile
from sqlalchemy import func, select

from studio.bootstrap import Studio
from studio.consent.purposes import Purpose
from studio.db.tables import Asset, Synthesis
from studio.errors import (
    Cancelled,
    ConsentMissing,
    InputRefused,
    LicenceForbids,
    NotFound,
    StudioError,
    TextRefused,
)
from studio.privacy.access import Actor
from studio.synthesis.batch import neutral, rows_of, safe_name
from studio.synthesis.requests import SynthesisRequest, VoiceChoice
from tests.conftest import Home
from tests.enrolling import enrol

TEXT = "Buongiorno, la sua chiamata è importante per noi. Resti in linea."


@pytest.fixture
def request_(studio: Studio, admin: Actor) -> SynthesisRequest:
    voice = enrol(studio, admin)
    return SynthesisRequest(VoiceChoice(voice_id=voice.id), TEXT, "it", "fake", {"seed": 3})


def _count(studio: Studio, table: type = Synthesis) -> int:
    with studio.database.read() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def test_a_take_is_stored_with_all_that_made_it(home: Home, admin: Actor, request_: SynthesisRequest) -> None:
    events = list((preview := home.studio.synthesis.preview(admin, request_)).events())
    stages = [event.stage for event in events]
    assert stages[0] == "enrolling" and "speaking" in stages and stages[-1] == "scored"
    take = home.reopen().synthesis.takes.find(admin, preview.take().id)
    assert take.options["seed"] == 3 and take.engine_id == "fake" and take.text == TEXT
    assert take.duration_s > 0.3 and take.rtf > 0 and take.chunks


def test_the_streamed_sound_is_an_mp3_of_the_whole_take(
    studio: Studio, admin: Actor, request_: SynthesisRequest
) -> None:
    preview = studio.synthesis.preview(admin, request_)
    stream = b"".join(studio.synthesis.live(admin, preview.token))
    samples, rate = soundfile.read(io.BytesIO(stream))
    assert abs(len(samples) / rate - preview.take().duration_s) < 0.3
    assert abs(samples).max() > 0.05


def test_a_repeated_phrase_comes_from_the_cache_and_a_new_seed_does_not(
    studio: Studio, admin: Actor, request_: SynthesisRequest
) -> None:
    first = studio.synthesis.preview(admin, request_).take()
    second = studio.synthesis.preview(admin, request_).take()
    assert second.id == first.id and _count(studio) == 1
    other = studio.synthesis.preview(admin, replace(request_, options={"seed": 4})).take()
    fresh = studio.synthesis.preview(admin, replace(request_, fresh=True)).take()
    assert len({first.id, other.id, fresh.id}) == 3


def test_ten_previews_at_once_complete_in_the_order_they_were_asked(
    studio: Studio, admin: Actor, request_: SynthesisRequest
) -> None:
    studio.enrolment.start(admin, request_.voice.voice_id, "fake").wait()
    asked = [replace(request_, text=f"Frase numero {n}.", options={"delay_s": 0.02}) for n in range(10)]
    previews = [studio.synthesis.preview(admin, one) for one in asked]
    takes = [preview.take() for preview in previews]
    assert [t.text for t in takes] == [r.text for r in asked]
    assert [t.created_at for t in takes] == sorted(t.created_at for t in takes)


@pytest.mark.parametrize("text", ["", "   \n", "🎉🎉", "...!?", "x" * 100_000])
def test_a_text_that_cannot_be_spoken_is_refused_before_any_work(
    studio: Studio, admin: Actor, request_: SynthesisRequest, text: str
) -> None:
    with pytest.raises(TextRefused):
        studio.synthesis.preview(admin, replace(request_, text=text))
    assert _count(studio) == 0


@pytest.mark.parametrize(
    "change", [{"language": "xx"}, {"options": {"speed": 9}}, {"options": {"nonsense": 1}}]
)
def test_wrong_language_and_options_are_refused_with_what_would_be_right(
    studio: Studio, admin: Actor, request_: SynthesisRequest, change: dict[str, object]
) -> None:
    with pytest.raises(InputRefused) as refusal:
        studio.synthesis.preview(admin, replace(request_, **change))  # type: ignore[arg-type]
    assert "speed" in str(refusal.value) or "it, en" in str(refusal.value)


def test_a_purpose_without_consent_or_licence_is_refused(
    studio: Studio, admin: Actor, request_: SynthesisRequest
) -> None:
    with pytest.raises(ConsentMissing):
        studio.synthesis.preview(admin, replace(request_, purpose=Purpose.COMMERCIAL_USE))
    preset = SynthesisRequest(VoiceChoice(engine_id="fake-nc", preset_id="tone"), TEXT, "it", "fake-nc")
    with pytest.raises(LicenceForbids):
        studio.synthesis.preview(admin, replace(preset, purpose=Purpose.COMMERCIAL_USE))


def test_withdrawal_while_the_engine_speaks_leaves_no_take(
    studio: Studio, admin: Actor, request_: SynthesisRequest
) -> None:
    studio.synthesis.preview(admin, request_).wait()
    slow = replace(request_, text=TEXT * 6, options={"delay_s": 0.15})
    preview = studio.synthesis.preview(admin, slow)
    next(event for event in preview.events() if event.stage == "speaking")
    studio.voices.withdraw(admin, request_.voice.voice_id)
    with pytest.raises(StudioError):
        preview.wait()
    assert _count(studio) == 0 and _count(studio, Asset) == 0
    with pytest.raises(NotFound):
        studio.synthesis.preview(admin, request_)


def test_cancel_stops_the_engine_and_stores_nothing(
    studio: Studio, admin: Actor, request_: SynthesisRequest
) -> None:
    preview = studio.synthesis.preview(admin, replace(request_, text=TEXT * 10, options={"delay_s": 0.1}))
    next(event for event in preview.events() if event.stage == "speaking")
    preview.cancel()
    with pytest.raises(Cancelled):
        preview.wait()
    assert _count(studio) == 0


def test_a_take_can_be_made_again_exactly_from_its_row(
    home: Home, admin: Actor, request_: SynthesisRequest
) -> None:
    asked = replace(request_, options={"seed": 41, "speed": 1.3, "second_per_character": 0.03}, notice=True)
    first = home.studio.synthesis.preview(admin, asked).take()
    studio = home.reopen()
    again = studio.synthesis.takes.find(admin, first.id).request()
    assert again.notice and again.adapter_id == request_.adapter_id
    second = studio.synthesis.preview(admin, replace(again, fresh=True)).take()
    sounds = [studio.synthesis.takes.clip(admin, take.id) for take in (first, second)]
    assert first.id != second.id and sounds[0].content_id == sounds[1].content_id


def test_others_cannot_reach_a_take_or_its_stream(
    studio: Studio, admin: Actor, account: Callable[..., Actor], request_: SynthesisRequest
) -> None:
    preview = studio.synthesis.preview(admin, request_)
    take = preview.take()
    other = account("ugo")
    for attempt in (
        lambda: studio.synthesis.audio(other, take.id, "wav"),
        lambda: studio.synthesis.live(other, preview.token),
        lambda: studio.synthesis.takes.delete(other, take.id),
        lambda: studio.synthesis.takes.set_favourite(other, take.id, True),
    ):
        with pytest.raises(NotFound):
            attempt()
    assert studio.synthesis.takes.search(other) == []


def test_history_is_searched_favoured_and_deleted(
    studio: Studio, admin: Actor, request_: SynthesisRequest
) -> None:
    takes = studio.synthesis.takes
    made = [
        studio.synthesis.preview(admin, replace(request_, text=t)).take()
        for t in ("Premi uno.", "Sconto 100%_x")
    ]
    assert [t.id for t in takes.search(admin, "100%_")] == [made[1].id]
    assert takes.search(admin, "%") and not takes.search(admin, "nulla di tutto ciò")
    takes.set_favourite(admin, made[0].id, True)
    assert [t.id for t in takes.search(admin, favourites=True)] == [made[0].id]
    assert len(takes.search(admin, voice_key=request_.voice.key)) == 2
    takes.delete(admin, made[0].id)
    assert [t.id for t in takes.search(admin)] == [made[1].id]


def test_search_knows_capitals_with_accents(studio: Studio, admin: Actor, request_: SynthesisRequest) -> None:
    made = studio.synthesis.preview(admin, replace(request_, text="LA CITTÀ È GRANDE.")).take()
    for wanted in ("città", "CITTÀ", "citta\u0300", "è grande"):
        assert [take.id for take in studio.synthesis.takes.search(admin, wanted)] == [made.id], wanted


def test_presets_of_one_name_are_told_apart_by_their_engine(studio: Studio, admin: Actor) -> None:
    made = {}
    for engine in ("fake", "fake-preset"):
        asked = SynthesisRequest(VoiceChoice(engine_id=engine, preset_id="tone"), TEXT, "it", engine)
        made[engine] = studio.synthesis.preview(admin, asked).take()
    found = studio.synthesis.takes.search(admin, voice_key="preset:fake-preset:tone")
    assert [take.id for take in found] == [made["fake-preset"].id]


@pytest.mark.parametrize("name", ["wav", "flac", "mp3", "ogg-opus", "mulaw"])
def test_every_download_format_holds_the_sound(
    studio: Studio, admin: Actor, request_: SynthesisRequest, name: str
) -> None:
    take = studio.synthesis.preview(admin, request_).take()
    data, media_type, file_name = studio.synthesis.audio(admin, take.id, name)
    info = soundfile.info(io.BytesIO(data))
    assert media_type.startswith("audio/") and file_name.startswith(take.id)
    assert abs(info.duration - take.duration_s) < 0.2
    assert info.samplerate == (8000 if name == "mulaw" else take.sample_rate_hz)
    if name == "mulaw":
        assert info.subtype == "ULAW"


def test_a_batch_becomes_a_zip_with_a_harmless_manifest(
    studio: Studio, admin: Actor, request_: SynthesisRequest
) -> None:
    rows = rows_of('name,text\n../../saluto,"Buongiorno, signora."\nsaluto,Arrivederci.\n,=1+1 euro')
    live = studio.batches.start(admin, rows, request_)
    events = list(live.events())
    assert [e.done for e in events] == [0, 1, 2, 3]
    archive = zipfile.ZipFile(io.BytesIO(b"".join(studio.batches.zip(admin, events[-1].batch_id, "mp3"))))
    assert archive.testzip() is None
    assert sorted(archive.namelist()) == ["0003.mp3", "_.._saluto.mp3", "batch.csv", "saluto.mp3"]
    sheet = list(csv.DictReader(io.StringIO(archive.read("batch.csv").decode())))
    assert [row["text"] for row in sheet] == ["Buongiorno, signora.", "Arrivederci.", "'=1+1 euro"]


def test_a_batch_takes_known_phrases_from_the_cache_unless_it_is_to_be_made_anew(
    studio: Studio, admin: Actor, request_: SynthesisRequest
) -> None:
    studio.enrolment.start(admin, request_.voice.voice_id, "fake").wait()
    known = studio.synthesis.preview(admin, replace(request_, text="Benvenuti.")).take()
    engine = studio.engines.engine("fake")
    engine.spoken.clear()  # type: ignore[attr-defined]
    rows = rows_of("name,text\nciao,Benvenuti.\nuno,Prema uno.\ndue,Benvenuti.")
    events = list(studio.batches.start(admin, rows, request_).events())
    assert engine.spoken == ["Prema uno."]  # type: ignore[attr-defined]
    assert [event.take.cached for event in events if event.take] == [True, False, True]
    archive = zipfile.ZipFile(io.BytesIO(b"".join(studio.batches.zip(admin, events[-1].batch_id))))
    assert sorted(archive.namelist()) == ["batch.csv", "ciao.wav", "due.wav", "uno.wav"]
    studio.synthesis.takes.delete(admin, known.id)
    assert len(studio.synthesis.takes.of_batch(admin, events[-1].batch_id)) == 3
    list(studio.batches.start(admin, rows, replace(request_, fresh=True)).events())
    assert engine.spoken == ["Prema uno.", "Benvenuti.", "Prema uno.", "Benvenuti."]  # type: ignore[attr-defined]


def test_a_batch_with_a_bad_line_names_it_and_makes_nothing(
    studio: Studio, admin: Actor, request_: SynthesisRequest
) -> None:
    with pytest.raises(InputRefused) as refusal:
        studio.batches.start(admin, rows_of("Prima frase.\n🎉\nTerza."), request_)
    assert refusal.value.facts["row"] == 2
    assert _count(studio) == 0


def test_a_batch_can_be_cancelled(studio: Studio, admin: Actor, request_: SynthesisRequest) -> None:
    rows = rows_of("\n".join(f"Questa è la frase numero {n}, piuttosto lunga." for n in range(30)))
    live = studio.batches.start(admin, rows, replace(request_, options={"delay_s": 0.05}))
    next(event for event in live.events() if event.done == 2)
    live.cancel()
    with pytest.raises(Cancelled):
        live.wait()
    assert 2 <= _count(studio) < 10


@pytest.mark.parametrize("cell", ["=cmd()", "+1", "-1", "@x", "\tx"])
def test_spreadsheet_formulas_are_neutralised(cell: str) -> None:
    assert neutral(cell) == "'" + cell


def test_batch_names_never_become_paths() -> None:
    assert safe_name("../../etc/passwd") == "_.._etc_passwd" and safe_name("..") == ""


def test_pasted_lines_and_empty_input() -> None:
    assert [r.text for r in rows_of("uno\n\n due \n")] == ["uno", "due"]
    assert [r.text for r in rows_of("text;name\nciao, mondo;a")] == ["ciao, mondo"]
    for empty in ("", "\n \n", "text\n\n"):
        with pytest.raises(InputRefused):
            rows_of(empty)
