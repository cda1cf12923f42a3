"""Evaluation runs: measured, gated, cancelled, found again after a restart, compared and erased."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import func, select, update

from studio.audio.clip import AudioClip
from studio.bootstrap import Studio
from studio.db.tables import Asset, EvaluationRun, MetricScore, Synthesis
from studio.errors import AudioRefused, Cancelled, ConsentMissing, InputRefused, NotFound, StudioError
from studio.evaluation.mcd import mcd_of_clips
from studio.privacy.access import Actor
from studio.scores.requests import CANCELLED, DONE, FAILED, INTERRUPTED, EvaluationRequest, System
from studio.scores.sentences import built_in_set, first, own_list
from studio.synthesis.requests import SynthesisRequest, VoiceChoice
from studio.voices.forms import VoiceView
from tests.conftest import Home
from tests.enrolling import checked_speech, enrol, real_speech
from tests.scores.conftest import LINES, ScriptedEars, asked, enrol_measured

HEARD = ["premere uno per continuare", "il treno parte alle sette", "grazie e arrivederci"]


def _count(studio: Studio, table: type) -> int:
    with studio.database.read() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def _run_id(studio: Studio, actor: Actor) -> str:
    return studio.evaluations.results.runs(actor)[0].id


def test_a_system_is_measured_and_found_after_a_restart(
    home: Home, admin: Actor, ears: ScriptedEars, voice: VoiceView
) -> None:
    ears.will_hear = list(HEARD)
    live = home.studio.evaluations.evaluate(admin, asked(voice.id))
    stages = [event.stage for event in live.events()]
    assert stages[0] == "preparing" and {"speaking", "measuring"} < set(stages) and stages[-1] == "done"
    assert live.latest is not None and live.latest.fraction == 1.0

    result = home.reopen().evaluations.results.find(admin, _run_id(home.studio, admin))
    run = result.run
    assert run.status == DONE and run.option == "zero_shot" and run.recogniser == "embedded: whisper-base-ct2"
    # 12 words, "sette" for "otto": one error
    assert run.value("wer") == pytest.approx(1 / 12) and run.scores["wer"].n == 3
    assert run.scores["wer"].detail["errors"] == 1 and run.scores["wer"].low == 0.0
    assert run.value("wer_mean") == pytest.approx((0 + 1 / 5 + 0) / 3)
    assert run.value("similarity") == pytest.approx(1.0)
    assert run.setup_measured and run.setup_s is not None and run.setup_s > 0.04
    assert run.cost == pytest.approx(run.setup_s / 3600 * 2.0)
    assert run.peak_bytes is not None and run.peak_bytes > 30_000_000
    assert run.scores["rtf"].n == 3 and run.scores["rtf"].parameters["device"] == "cpu"
    assert run.scores["rtf"].parameters["dtype"] == "float32"
    assert [line.value("wer") for line in result.lines] == [0.0, pytest.approx(0.2), 0.0]
    assert ("substitute", "otto", "sette") in result.lines[1].words
    assert all(line.take_id and line.duration_s for line in result.lines)
    assert result.lines[0].scores["predicted_mos"].models == ("distill-MOS v7",)


def test_what_cannot_be_measured_says_why(
    studio: Studio, admin: Actor, ears: ScriptedEars, voice: VoiceView
) -> None:
    ears.will_hear = list(HEARD)
    studio.evaluations.evaluate(admin, asked(voice.id)).wait()
    scores = studio.evaluations.results.runs(admin)[0].scores
    assert scores["mcd"].value is None and "recordings" in scores["mcd"].why("en")
    assert scores["asr_floor"].value is None and "registrazione" in scores["asr_floor"].why("it")
    assert "second recording" in scores["similarity_same"].why("en")
    assert "second voice" in scores["similarity_different"].why("en")


def test_recordings_give_mcd_and_the_recognisers_floor(
    studio: Studio, admin: Actor, ears: ScriptedEars, voice: VoiceView
) -> None:
    spoken = {"0001.wav": real_speech(2.0), "0003.FLAC": real_speech(1.5, 3.0)}
    ears.will_hear = [*HEARD, "premere uno per", "grazie e arrivederci"]
    studio.evaluations.evaluate(admin, asked(voice.id, own_list(LINES, "it", spoken))).wait()
    result = studio.evaluations.results.find(admin, _run_id(studio, admin))
    floor = result.run.scores["asr_floor"]
    assert floor.value == pytest.approx(1 / 7) and floor.n == 2
    assert result.lines[0].recording["wer"].value == pytest.approx(1 / 4) and not result.lines[1].recording
    take = studio.synthesis.takes.clip(admin, result.lines[0].take_id or "")
    assert result.lines[0].value("mcd") == pytest.approx(
        mcd_of_clips(spoken["0001.wav"], take).value, abs=1e-6
    )
    assert result.run.scores["mcd"].n == 2 and result.run.scores["mcd"].parameters["order"] == 24
    assert result.lines[1].value("mcd") is None


def test_likeness_stands_beside_baselines_of_the_studios_own_voices(
    studio: Studio, admin: Actor, ears: ScriptedEars, voice: VoiceView
) -> None:
    studio.voices.add_clip(admin, voice.id, checked_speech(studio, admin, start_s=9.0))
    other = enrol_measured(studio, admin, "Rosa")
    with studio.database.read() as session:
        row = studio.voices.find(session, admin, other.id)
        for clip in studio.voices.clips(session, row):
            ears.voices[clip.content_id] = 7
    # Linda's first clip is the same stretch of sound as Rosa's: only her second stays a speaker of its own.
    studio.evaluations.evaluate(admin, asked(voice.id)).wait()
    scores = studio.evaluations.results.runs(admin)[0].scores
    assert scores["similarity_same"].value == pytest.approx(0.0)
    assert scores["similarity_different"].value == pytest.approx((1 + 0 + 2**-0.5) / 3)
    assert scores["similarity_same"].n == 2 and scores["similarity_different"].n == 3


def test_measuring_needs_a_consent_of_its_own(studio: Studio, admin: Actor) -> None:
    silent = enrol(studio, admin)
    with pytest.raises(ConsentMissing) as refusal:
        studio.evaluations.evaluate(admin, asked(silent.id))
    assert "evaluation" in str(refusal.value.facts["purposes"])
    assert _count(studio, EvaluationRun) == 0


def test_voices_without_that_consent_are_no_baseline(
    studio: Studio, admin: Actor, ears: ScriptedEars, voice: VoiceView
) -> None:
    enrol(studio, admin, "Without")
    studio.evaluations.evaluate(admin, asked(voice.id)).wait()
    assert studio.evaluations.results.runs(admin)[0].scores["similarity_different"].value is None


def test_withdrawal_while_it_runs_stops_it_and_leaves_nothing(
    studio: Studio, admin: Actor, voice: VoiceView
) -> None:
    live = studio.evaluations.evaluate(admin, asked(voice.id, delay_s=0.1))
    next(event for event in live.events() if event.stage == "speaking" and event.done > 1)
    studio.voices.withdraw(admin, voice.id)
    with pytest.raises(StudioError):
        live.wait()
    assert [_count(studio, t) for t in (EvaluationRun, MetricScore, Synthesis, Asset)] == [0, 0, 0, 0]


def test_withdrawal_forgets_the_sounds_that_were_analysed(
    studio: Studio, admin: Actor, ears: ScriptedEars, voice: VoiceView
) -> None:
    sound = AudioClip(real_speech(0.5).samples, 22_050)
    ears.distortions.of_clips(sound, sound)
    assert ears.distortions.remembered == 1
    studio.voices.withdraw(admin, voice.id)
    assert ears.distortions.remembered == 0


def test_withdrawal_afterwards_erases_the_scores(
    studio: Studio, admin: Actor, ears: ScriptedEars, voice: VoiceView
) -> None:
    ears.will_hear = list(HEARD)
    studio.evaluations.evaluate(admin, asked(voice.id)).wait()
    assert _count(studio, MetricScore) > 20
    studio.voices.withdraw(admin, voice.id)
    assert _count(studio, MetricScore) == 0 and _count(studio, EvaluationRun) == 0


def test_cancel_stops_between_sentences_and_is_kept_as_cancelled(
    studio: Studio, admin: Actor, voice: VoiceView
) -> None:
    many = own_list("\n".join(f"Questa è la frase numero {n}." for n in range(30)), "it")
    live = studio.evaluations.evaluate(admin, asked(voice.id, many, delay_s=0.05))
    next(event for event in live.events() if event.stage == "speaking" and event.done >= 3)
    live.cancel()
    with pytest.raises(Cancelled):
        live.wait()
    run = studio.evaluations.results.runs(admin)[0]
    assert run.status == CANCELLED and run.ended_at and _count(studio, Synthesis) < 8
    assert studio.evaluations.running(admin) == []


def test_a_run_that_died_with_its_process_is_called_interrupted(
    home: Home, admin: Actor, ears: ScriptedEars, voice: VoiceView
) -> None:
    home.studio.evaluations.evaluate(admin, asked(voice.id)).wait()
    with home.studio.database.write() as session:
        session.execute(update(EvaluationRun).values(status="running"))
    assert home.reopen().evaluations.results.runs(admin)[0].status == INTERRUPTED


def test_a_failing_sentence_is_counted_and_the_others_are_measured(
    studio: Studio, admin: Actor, ears: ScriptedEars, voice: VoiceView, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = studio.engines.engine("fake")
    speak = engine.synthesize

    def broken(requests, voice_state, options):  # type: ignore[no-untyped-def]
        if "treno" in requests[0].text:
            return iter(())
        return speak(requests, voice_state, options)

    monkeypatch.setattr(engine, "synthesize", broken)
    ears.will_hear = [HEARD[0], HEARD[2]]
    studio.evaluations.evaluate(admin, asked(voice.id)).wait()
    result = studio.evaluations.results.find(admin, _run_id(studio, admin))
    assert result.run.value("failed") == 1.0 and result.run.scores["wer"].n == 2
    assert result.lines[1].take_id is None and result.lines[1].scores["rtf"].why("en")
    assert result.run.value("wer") == 0.0


def test_set_up_time_is_taken_over_and_measured_anew_on_wish(
    studio: Studio, admin: Actor, ears: ScriptedEars, voice: VoiceView
) -> None:
    for wish in (False, False, True):
        studio.evaluations.evaluate(admin, replace(asked(voice.id), fresh_setup=wish)).wait()
    third, second, first_run = studio.evaluations.results.runs(admin)
    assert first_run.setup_measured and third.setup_measured
    assert not second.setup_measured and second.setup_s == first_run.setup_s


def test_a_preset_is_measured_without_consent_and_without_likeness(
    studio: Studio, admin: Actor, ears: ScriptedEars
) -> None:
    system = System("fake", VoiceChoice(engine_id="fake", preset_id="tone"))
    chosen = first(built_in_set("it-calls"), 2)
    studio.evaluations.evaluate(admin, EvaluationRequest(system, chosen)).wait()
    run = studio.evaluations.results.runs(admin)[0]
    assert run.option == "preset" and run.status == DONE and run.value("wer") == 1.0
    assert "preset" in run.scores["similarity"].why("en")


def test_takes_that_are_there_are_measured_and_stay(
    studio: Studio, admin: Actor, ears: ScriptedEars, voice: VoiceView
) -> None:
    choice = VoiceChoice(voice_id=voice.id)
    texts = ("Premere uno.", "Premere due.")
    takes = [studio.synthesis.preview(admin, SynthesisRequest(choice, t, "it", "fake")).take() for t in texts]
    ears.will_hear = ["premere uno", "premere tre"]
    studio.evaluations.evaluate_takes(admin, [take.id for take in takes]).wait()
    result = studio.evaluations.results.find(admin, _run_id(studio, admin))
    assert result.run.value("wer") == pytest.approx(0.25) and result.run.set_id == "takes"
    assert result.run.scores["rtf"].n == 2, "takes are spoken warm: none of them is dropped"
    assert result.run.value("rtf") == pytest.approx(
        sum(take.rtf * take.duration_s for take in takes) / sum(take.duration_s for take in takes)
    )
    assert [line.take_id for line in result.lines] == [take.id for take in takes]
    assert studio.synthesis.takes.find(admin, takes[1].id).wer == pytest.approx(0.5)
    studio.evaluations.results.delete(admin, result.run.id)
    assert _count(studio, Synthesis) == 2 and _count(studio, MetricScore) == 0


def test_what_old_takes_were_spoken_on_is_told_as_far_as_it_is_known(
    studio: Studio, admin: Actor, ears: ScriptedEars, voice: VoiceView
) -> None:
    request = SynthesisRequest(VoiceChoice(voice_id=voice.id), "Uno.", "it", "fake", {"seed": 5})
    take = studio.synthesis.preview(admin, request).take()
    with studio.database.write() as session:
        session.get_one(Synthesis, take.id).device = "cuda"
    studio.evaluations.evaluate_takes(admin, [take.id]).wait()
    run = studio.evaluations.results.runs(admin)[0]
    assert run.device == "cuda" and run.cores == 0 and run.seed == 5 and run.options == {}
    recipe = run.scores["rtf"].parameters
    assert recipe["device"] == "cuda" and not {"threads", "dtype"} & recipe.keys()


def test_takes_of_two_settings_are_two_systems(studio: Studio, admin: Actor, voice: VoiceView) -> None:
    choice = VoiceChoice(voice_id=voice.id)
    made = [
        studio.synthesis.preview(admin, SynthesisRequest(choice, "Uno.", "it", "fake", {"speed": speed}))
        .take()
        .id
        for speed in (1.0, 1.5)
    ]
    with pytest.raises(InputRefused) as refusal:
        studio.evaluations.evaluate_takes(admin, made)
    assert refusal.value.key == "scores.mixed_takes"


def test_a_run_keeps_the_options_that_differ_from_the_engines_own(
    studio: Studio, admin: Actor, ears: ScriptedEars, voice: VoiceView
) -> None:
    studio.evaluations.evaluate(admin, asked(voice.id, speed=1.0, delay_s=0.01)).wait()
    assert studio.evaluations.results.runs(admin)[0].options == {"delay_s": 0.01}
    with pytest.raises(InputRefused):
        studio.evaluations.evaluate(admin, asked(voice.id, pace=2))


def test_takes_of_two_systems_are_refused(studio: Studio, admin: Actor, voice: VoiceView) -> None:
    choices = (VoiceChoice(voice_id=voice.id), VoiceChoice(engine_id="fake", preset_id="tone"))
    made = [
        studio.synthesis.preview(admin, SynthesisRequest(c, "Uno.", "it", "fake")).take().id for c in choices
    ]
    for ids in ([], made):
        with pytest.raises(InputRefused):
            studio.evaluations.evaluate_takes(admin, ids)


def test_deleting_a_run_takes_its_sounds_along_and_history_never_lists_them(
    studio: Studio, admin: Actor, ears: ScriptedEars, voice: VoiceView
) -> None:
    studio.evaluations.evaluate(admin, asked(voice.id)).wait()
    assert _count(studio, Synthesis) == 3 and studio.synthesis.takes.search(admin) == []
    studio.evaluations.results.delete(admin, _run_id(studio, admin))
    assert _count(studio, Synthesis) == 0
    with studio.database.read() as session:
        assert "take" not in set(session.scalars(select(Asset.kind)))


def test_others_see_neither_run_nor_progress(
    studio: Studio, admin: Actor, account: Callable[..., Actor], ears: ScriptedEars, voice: VoiceView
) -> None:
    live = studio.evaluations.evaluate(admin, asked(voice.id))
    live.wait()
    other = account("ugo")
    assert studio.evaluations.results.runs(other) == []
    for attempt in (
        lambda: studio.evaluations.results.find(other, _run_id(studio, admin)),
        lambda: studio.evaluations.results.delete(other, _run_id(studio, admin)),
        lambda: studio.evaluations.find(other, live.token),
        lambda: studio.evaluations.evaluate(other, asked(voice.id)),
    ):
        with pytest.raises(NotFound):
            attempt()


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"recogniser": "nobody"}, "scores.recogniser"),
        ({"sentences": own_list("Bene.\n🎉", "it")}, "scores.sentence"),
        ({"sentences": replace(own_list("Bene.", "it"), language="xx")}, "scores.sentence"),
        ({"sentences": replace(own_list("Bene.", "it"), sentences=())}, "synthesis.no_rows"),
    ],
)
def test_what_cannot_go_well_is_refused_before_any_work(
    studio: Studio, admin: Actor, voice: VoiceView, change: dict[str, object], key: str
) -> None:
    with pytest.raises(InputRefused) as refusal:
        studio.evaluations.evaluate(admin, replace(asked(voice.id), **change))  # type: ignore[arg-type]
    assert refusal.value.key == key and refusal.value.text("it") and _count(studio, EvaluationRun) == 0


def test_a_recording_of_somebody_else_is_refused(
    studio: Studio, admin: Actor, ears: ScriptedEars, voice: VoiceView
) -> None:
    stranger = real_speech(2.0, 12.0)
    ears.voices[stranger.content_id] = 9
    chosen = own_list(LINES, "it", {"0002": stranger})
    with pytest.raises(AudioRefused) as refusal:
        studio.evaluations.evaluate(admin, asked(voice.id, chosen)).wait()
    assert refusal.value.facts["number"] == 2
    run = studio.evaluations.results.runs(admin)[0]
    assert run.status == FAILED and "un'altra persona" in run.trouble


def test_recordings_beside_a_preset_and_trained_systems_are_refused(studio: Studio, admin: Actor) -> None:
    preset = VoiceChoice(engine_id="fake", preset_id="tone")
    recorded = own_list("Uno.", "it", {"0001": AudioClip(real_speech(1.0).samples, 22_050)})
    trained = System("fake", preset, adapter_id="a")
    with pytest.raises(InputRefused):
        studio.evaluations.evaluate(admin, EvaluationRequest(System("fake", preset), recorded))
    with pytest.raises(NotFound):
        studio.evaluations.evaluate(admin, EvaluationRequest(trained, own_list("Uno.", "it")))


def test_runs_queue_behind_each_other(
    studio: Studio, admin: Actor, ears: ScriptedEars, voice: VoiceView
) -> None:
    lives = [studio.evaluations.evaluate(admin, asked(voice.id, delay_s=0.02)) for _ in range(2)]
    for live in lives:
        live.wait()
    runs = studio.evaluations.results.runs(admin)
    assert [run.status for run in runs] == [DONE, DONE]
    assert any(event.stage == "queued" and event.ahead == 1 for event in lives[1].events())
