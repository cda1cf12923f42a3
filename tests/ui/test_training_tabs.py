"""The Train and Jobs tabs: what they offer, what they say before launch, what a job shows."""

from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr
import pytest
from sqlalchemy import select

from studio.bootstrap import Studio
from studio.db.tables import Checkpoint, TrainingJob
from studio.errors import InputRefused, NotFound
from studio.privacy.access import Actor
from studio.synthesis.requests import VoiceChoice
from studio.training.forms import JobState
from studio.ui.desk import Desk
from studio.ui.header import build_header
from studio.ui.jobs.tab import JobsTab
from studio.ui.markup import esc
from studio.ui.training.fields import FIELDS
from studio.ui.training.tab import TrainTab
from studio.voices.forms import VoiceView
from tests.training.scripted import (
    TRAINABLE,
    consented_voice,
    make_dataset,
    request_for,
    stored,
    trainable_spec,
)

Visitor = Callable[..., gr.Request]


@pytest.fixture
def voice(studio: Studio, admin: Actor) -> VoiceView:
    studio.engines.register(trainable_spec())
    return consented_voice(studio, admin, "<b>Linda</b>")


def train_tab(desk: Desk) -> TrainTab:
    with gr.Blocks() as demo:
        return TrainTab(desk, build_header(desk, demo), gr.Tabs(), gr.State(0))


def jobs_tab(desk: Desk) -> JobsTab:
    with gr.Blocks():
        return JobsTab(desk, gr.Tabs())


def form(
    tab: TrainTab, voice: VoiceView, dataset_id: str, request: Any, replay: Sequence[str] = (), **changes: Any
) -> list[Any]:
    """The form as the quick preset fills it."""
    method, preset, _note, *fields = tab.by_engine(TRAINABLE, dataset_id, request)
    values = {field.name: update["value"] for field, update in zip(FIELDS, fields, strict=True)} | changes
    head = [
        VoiceChoice(voice_id=voice.id).key,
        dataset_id,
        TRAINABLE,
        method.value,
        preset.value,
        list(replay),
    ]
    return [*head, *(values[field.name] for field in FIELDS)]


def test_the_empty_states_say_what_to_do(
    desk: Desk, admin: Actor, voice: VoiceView, visitor: Visitor
) -> None:
    tab, request = train_tab(desk), visitor(admin)
    lead, shown, *_ = tab.fit("preset:fake:tone", None, None, request)
    assert desk.words("train.no_voice_title") in lead and 'data-act="voices"' in lead and not shown.visible
    lead, shown, *_ = tab.fit(f"voice:{voice.id}", None, None, request)
    assert (
        desk.words("train.no_dataset_title") in lead and 'data-act="datasets"' in lead and not shown.visible
    )
    parts = jobs_tab(desk).look("", {}, request)
    assert desk.words("jobs.empty_title") in parts[0] and 'data-act="go"' in parts[0]


def test_the_verdict_stands_beside_the_form_and_follows_it(
    desk: Desk, studio: Studio, admin: Actor, voice: VoiceView, visitor: Visitor
) -> None:
    tab, request = train_tab(desk), visitor(admin)
    dataset_id = make_dataset(studio, voice)
    lead, shown, datasets, engines = tab.fit(f"voice:{voice.id}", None, None, request)
    assert lead == "" and shown.visible and datasets.value == dataset_id and engines.value == TRAINABLE
    told = tab.judged(request, *form(tab, voice, dataset_id, request))
    assert 'id="train-verdict"' in told and desk.words("train.verdict_fits") in told
    told = tab.judged(request, *form(tab, voice, dataset_id, request, batch_size=64, longest_s=20.0))
    assert desk.words("train.verdict_not") in told and "tb-advice" in told
    told = tab.judged(request, *form(tab, voice, dataset_id, request, learning_rate="lots"))
    assert "tb-note warn" in told and "learning_rate" in told
    card = tab.card(dataset_id, request)
    assert desk.words("train.split_told", train=8, held=2) in card


def test_launching_queues_the_plan_that_was_shown(
    desk: Desk, studio: Studio, admin: Actor, voice: VoiceView, visitor: Visitor
) -> None:
    tab, request = train_tab(desk), visitor(admin)
    dataset_id = make_dataset(studio, voice)
    count, tabs = tab.launch(request, 0, *form(tab, voice, dataset_id, request))
    assert count == 1 and tabs.selected == "jobs"
    tab.launch(request, 0, *form(tab, voice, dataset_id, request, epochs=3))
    second, first = sorted(studio.training.jobs(admin), key=lambda job: job.created_at, reverse=True)
    assert (first.plan.preset, second.plan.preset, second.plan.epochs) == ("quick", "own", 3)
    assert first.plan.language == "en" and first.state is JobState.QUEUED
    with pytest.raises(InputRefused):
        tab.launch(
            request, 0, "", dataset_id, TRAINABLE, "lora", "quick", *form(tab, voice, dataset_id, request)[5:]
        )


def test_replay_is_chosen_from_other_languages_and_changes_the_forecast(
    desk: Desk, studio: Studio, admin: Actor, voice: VoiceView, visitor: Visitor
) -> None:
    tab, request = train_tab(desk), visitor(admin)
    dataset_id, other = make_dataset(studio, voice), make_dataset(studio, voice, language="it")
    offered = tab.replayable(dataset_id, [other, dataset_id], request)
    assert [choice[1] for choice in offered.choices] == [other] == offered.value
    values = form(tab, voice, dataset_id, request, [other], replay_share=0.5)
    asked = tab.read(admin, tuple(values))
    assert asked.replay_ids == (other,)
    alone = tab.read(admin, tuple(form(tab, voice, dataset_id, request, replay_share=0.5)))
    assert studio.training.predict(admin, asked).steps > studio.training.predict(admin, alone).steps
    tab.launch(request, 0, *values)
    (job,) = studio.training.jobs(admin)
    assert [(note.dataset_id, note.language, note.clips) for note in job.dataset.replay] == [(other, "it", 8)]


def test_the_sample_rate_is_shown_and_not_for_turning(desk: Desk) -> None:
    tab = train_tab(desk)
    (widget,) = [w for w in tab.fields.widgets if w.elem_id == "train-sample_rate_hz"]
    assert widget.interactive is False


def test_adapters_are_taken_out_renamed_and_deleted_in_the_jobs_tab(
    desk: Desk, studio: Studio, admin: Actor, voice: VoiceView, visitor: Visitor, press: Any, account: Any
) -> None:
    tab, request = jobs_tab(desk), visitor(admin)
    assert tab.look("", {}, request)[5] == ""
    adapter_id = stored(studio, voice)
    shelf = tab.look("", {}, request)[5]
    assert f"/media/adapter/{adapter_id}.safetensors" in shelf and "/media/merged/" not in shelf
    assert "con_1" in shelf and "Apache License 2.0" in shelf
    renamed = tab.act("", {}, press("rename", form={"name": "<i>Alto</i>"}, id=adapter_id), request)
    assert "&lt;i&gt;Alto" in renamed[5] and "<i>Alto" not in renamed[5]
    with pytest.raises(InputRefused):
        tab.act("", {}, press("rename", form={"name": " "}, id=adapter_id), request)
    stranger = visitor(account("rosa"))
    assert tab.look("", {}, stranger)[5] == ""
    for act in ("rename", "forget"):
        with pytest.raises(NotFound):
            tab.act("", {}, press(act, form={"name": "Mine"}, id=adapter_id), stranger)
    assert tab.act("", {}, press("forget", id=adapter_id), request)[5] == ""
    assert studio.training.adapters.of_voice(admin, voice.id) == []


def finished(studio: Studio, admin: Actor, voice: VoiceView) -> str:
    """A job that ended well, as the supervisor would leave it."""
    job_id = studio.training.submit(admin, request_for(studio, voice, make_dataset(studio, voice)))
    with studio.database.write() as session:
        job = session.get_one(TrainingJob, job_id)
        job.state, job.step, job.progress, job.best_step = "done", 20, 1.0, 10
        for step, likeness in ((0, 0.4), (10, 0.6), (20, 0.5)):
            scores = {"similarity": likeness, "wer": 0.1 + step / 1000, "made_up": 3.0}
            session.add(
                Checkpoint(
                    job_id=job_id, step=step, folder=f"{step:06d}", scores=scores, samples=2, best=step == 10
                )
            )
    return job_id


def test_a_form_that_fills_itself_in_is_not_judged_half_way(
    desk: Desk, studio: Studio, voice: VoiceView, admin: Actor, visitor: Visitor
) -> None:
    """Selectors are set one after the other: an engine without its method yet is no mistake of anybody's."""
    key = VoiceChoice(voice.id).key
    tab = train_tab(desk)
    half = [key, make_dataset(studio, voice), TRAINABLE, None, "quick", []]
    assert tab.judged(visitor(admin), *half, *[None] * len(tab.fields.widgets)) == ""


def test_a_job_shows_its_checkpoints_zero_shot_first_with_differences(
    desk: Desk,
    studio: Studio,
    admin: Actor,
    voice: VoiceView,
    visitor: Visitor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job_id = finished(studio, admin, voice)
    jobs, head, curve, table, log, _shelf, *_, chosen, marks, _timer = jobs_tab(desk).look(
        "", {}, visitor(admin)
    )
    assert chosen == job_id and "<b>Linda" not in jobs + head and "&lt;b&gt;Linda" in jobs
    assert table.index(desk.words("jobs.zero_shot")) < table.index(desk.words("jobs.at_step", step=10))
    assert f"+{desk.words.number(0.2, 3)}" in table and 'class="good"' in table and 'class="bad"' in table
    assert table.count("timbro-player") >= 6 and "/media/sample/ckp_" in table
    assert desk.words("jobs.no_curve") in curve and desk.words("jobs.no_log") in log
    # Nothing has changed: nothing is sent again, players go on playing.
    monkeypatch.setattr(studio.training, "sample_texts", None)  # and no sentence is opened for nothing
    again = jobs_tab(desk).look(job_id, marks, visitor(admin))
    assert all(update == gr.skip() for update in again[:6])
    with studio.database.write() as session:
        row = session.scalars(select(Checkpoint).where(Checkpoint.step == 20)).one()
        row.scores = {"similarity": 0.7, "wer_floor": 0.12}
    monkeypatch.undo()
    changed = jobs_tab(desk).look(job_id, marks, visitor(admin))
    assert desk.words.number(0.7, 3) in changed[3]
    assert words_of_floor(desk, "12 %") in changed[3] and words_of_floor(desk, "12 %") not in table


def words_of_floor(desk: Desk, share: str) -> str:
    return esc(desk.words("jobs.floor", value=share))


def test_buttons_of_jobs_do_what_they_say(
    desk: Desk, studio: Studio, admin: Actor, voice: VoiceView, visitor: Visitor, press: Any
) -> None:
    tab, request = jobs_tab(desk), visitor(admin)
    job_id = studio.training.submit(admin, request_for(studio, voice, make_dataset(studio, voice)))
    for act, state in (
        ("pause", JobState.PAUSED),
        ("resume", JobState.QUEUED),
        ("cancel", JobState.CANCELLED),
    ):
        shown = tab.act("", {}, press(act, id=job_id), request)
        assert studio.training.job(admin, job_id).state is state
        assert desk.words(f"jobs.state.{state.value}") in shown[0]
    shown = tab.act(job_id, {}, press("delete", id=job_id), request)
    assert studio.training.jobs(admin) == [] and desk.words("jobs.empty_title") in shown[0]
    assert tab.act("", {}, press("go"), request)[-1].selected == "train"


def test_nobody_but_the_owner_sees_or_presses(
    desk: Desk, studio: Studio, admin: Actor, voice: VoiceView, visitor: Visitor, press: Any, account: Any
) -> None:
    job_id = finished(studio, admin, voice)
    tab, stranger = jobs_tab(desk), visitor(account("rosa"))
    assert desk.words("jobs.empty_title") in tab.look(job_id, {}, stranger)[0]
    for act in ("pause", "resume", "cancel", "delete"):
        with pytest.raises(NotFound):
            tab.act(job_id, {}, press(act, id=job_id), stranger)
