"""The Dataset tab: what leads on, a dataset made and reviewed, and texts that are only ever text."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from studio.bootstrap import Studio
from studio.datasets.forms import Basis, DatasetView
from studio.datasets.removal import sweep_unfinished
from studio.db.tables import Dataset
from studio.errors import InputRefused, NotFound, StudioError
from studio.privacy.access import Actor, Role
from studio.synthesis.requests import VoiceChoice
from studio.ui.datasets.form import FILES, FOLDER, OWN
from studio.ui.datasets.review import Opened
from studio.ui.datasets.tab import DatasetsTab
from studio.ui.desk import Desk
from studio.ui.header import build_header
from studio.voices.forms import VoiceView
from tests.conftest import Home, open_home
from tests.datasets.making import SENTENCES, ListeningJudges, as_imported, small_dataset, table_zip, trainable
from tests.enrolling import enrol

Press = Callable[..., gr.EventData]
Visitor = Callable[..., gr.Request]


@pytest.fixture
def judges() -> ListeningJudges:
    return ListeningJudges()


@pytest.fixture
def home(tmp_path: Path, judges: ListeningJudges) -> Iterator[Home]:
    from studio.settings import Settings

    settings = Settings(storage=tmp_path / "storage", device="cpu")
    made = Home(settings, judges, open_home(settings, judges))
    yield made
    made.studio.close()


@pytest.fixture
def voice(studio: Studio, admin: Actor) -> VoiceView:
    return trainable(studio, admin)


@pytest.fixture
def tab(italian: Desk) -> DatasetsTab:
    with gr.Blocks() as demo:
        header = build_header(italian, demo)
        with gr.Tabs() as tabs:
            made = DatasetsTab(italian, header, tabs)
            made.wire(demo)
    return made


def key_of(view: VoiceView) -> str:
    return VoiceChoice(voice_id=view.id).key


def fields(origin: str, **changes: Any) -> list[Any]:
    """The form as it stands when it is opened, with some answers."""
    plain: dict[str, Any] = {
        "name": "Prova", "language": "en", "origin": origin, "files": None, "folder": None, "basis": "consent",
        "licence": "", "source": "", "format": "", "speaker": "", "most": 0, "share": 20, "seed": 0,
        "listen": False, "skip": False, "attested": False,
    }  # fmt: skip
    return [*(plain | changes).values()]


def test_without_a_voice_and_without_consent_the_tab_leads_on(
    tab: DatasetsTab, studio: Studio, admin: Actor, visitor: Visitor
) -> None:
    lead, form, listed = tab.show(None, Opened(), visitor(admin))
    assert "Scegli una voce" in lead
    assert 'data-act="voices"' in lead
    assert (form.visible, listed) == (False, "")
    lead, form, _ = tab.show(key_of(enrol(studio, admin)), Opened(), visitor(admin))
    assert "fine_tune" in lead or "addestra" in lead.lower()
    assert form.visible is False


def test_a_voice_without_datasets_says_how_to_make_one(
    tab: DatasetsTab, voice: VoiceView, admin: Actor, visitor: Visitor
) -> None:
    lead, form, listed = tab.show(key_of(voice), Opened(), visitor(admin))
    assert lead == ""
    assert form.visible is True
    assert "Nuovo dataset" in listed


def test_a_zip_becomes_a_dataset_that_opens_itself(
    tab: DatasetsTab, studio: Studio, voice: VoiceView, admin: Actor, visitor: Visitor, tmp_path: Path
) -> None:
    file = tmp_path / "corpus.zip"
    file.write_bytes(table_zip(SENTENCES[:4]))
    begun = tab.begin(visitor(admin), key_of(voice), *fields(FILES, files=[str(file)]))
    seen = begun[1]
    assert len(seen) == 1
    studio.datasets.find_work(admin, seen[0]).wait()
    area, here, timer, trouble, dataset_id = tab.watch.show(admin, seen)
    assert (area, here, timer.active, trouble) == ("", [], False, "")
    _, _, listed, panel, head, rows, opened = tab.finished(dataset_id, key_of(voice), visitor(admin))
    assert "Prova" in listed
    assert panel.visible is True
    assert opened.dataset_id == dataset_id
    assert rows.count("<article") == 4
    assert "Messe da parte" in head
    assert not file.exists()


def test_what_goes_wrong_stays_on_the_page_with_its_reason(
    tab: DatasetsTab, studio: Studio, voice: VoiceView, admin: Actor, visitor: Visitor, tmp_path: Path
) -> None:
    file = tmp_path / "corpus.zip"
    file.write_bytes(table_zip(SENTENCES[:1]))
    seen = tab.begin(visitor(admin), key_of(voice), *fields(FILES, files=[str(file)]))[1]
    with pytest.raises(InputRefused):
        studio.datasets.find_work(admin, seen[0]).wait()
    trouble = tab.watch.show(admin, seen)[3]
    assert 'role="alert"' in trouble
    assert "troppo poche" in trouble
    assert studio.datasets.list(admin) == []


def test_a_refused_file_leaves_the_form_and_a_badly_filled_form_keeps_it(
    tab: DatasetsTab, voice: VoiceView, admin: Actor, visitor: Visitor, tmp_path: Path
) -> None:
    file = tmp_path / "corpus.zip"
    file.write_bytes(table_zip(SENTENCES[:4]))
    with pytest.raises(InputRefused):
        tab.begin(visitor(admin), key_of(voice), *fields(FILES, files=[str(file)], language="xx"))
    assert tab.form.used_up([str(file)]) == gr.skip()
    file.write_bytes(b"PK\x03\x04 no corpus")
    with pytest.raises(StudioError):
        tab.begin(visitor(admin), key_of(voice), *fields(FILES, files=[str(file)]))
    assert tab.form.used_up([str(file)]) is None


@pytest.mark.parametrize(("origin", "key"), [(FILES, "no_files"), (FOLDER, "folder_unchosen")])
def test_a_form_without_a_source_is_told(
    tab: DatasetsTab, voice: VoiceView, admin: Actor, visitor: Visitor, origin: str, key: str
) -> None:
    with pytest.raises(InputRefused) as refused:
        tab.begin(visitor(admin), key_of(voice), *fields(origin))
    assert refused.value.key == f"datasets.{key}"


def test_what_is_shown_follows_the_source(tab: DatasetsTab, admin: Actor, visitor: Visitor) -> None:
    for origin, shown in (
        (OWN, (False, False, False)),
        (FILES, (True, False, True)),
        (FOLDER, (False, True, True)),
    ):
        told, *widgets = tab.form.follow(origin, visitor(admin))
        assert tuple(widget.visible for widget in widgets) == shown
        assert "{" not in told


def test_a_licence_waits_on_its_card_and_a_reviewer_decides_there(
    tab: DatasetsTab, studio: Studio, voice: VoiceView, admin: Actor, account: Callable[..., Actor],
    visitor: Visitor, press: Press, judges: ListeningJudges, tmp_path: Path,
) -> None:  # fmt: skip
    judges.voices = {as_imported(n): n for n in range(8)}
    view = small_dataset(
        studio, admin, voice, tmp_path, basis=Basis.LICENCE, licence="CC-BY-4.0", attested=True
    )
    key, reviewer = key_of(voice), account("revi", Role.REVIEWER)
    assert "aspetta un revisore" in tab.show(key, Opened(), visitor(admin))[2]
    assert 'data-act="approve"' in tab.show(key, Opened(), visitor(reviewer))[2]
    listed = tab.act(key, Opened(), press("approve", id=view.id), visitor(reviewer))[2]
    assert "aspetta un revisore" not in listed
    assert studio.datasets.view(admin, view.id).rights == "approved"


def test_the_form_says_who_answers_for_a_licence(tab: DatasetsTab, voice: VoiceView) -> None:
    asked = fields(FILES, files=["x.zip"], basis="licence", licence="CC0", attested=True)
    assert tab.form.read(voice.id, tuple(asked)).attested is True
    mine = fields(FILES, files=["x.zip"], basis="consent", attested=True)
    assert tab.form.read(voice.id, tuple(mine)).attested is False


def test_what_a_restart_ended_is_told_until_it_was_read(
    tab: DatasetsTab, studio: Studio, admin: Actor, voice: VoiceView, visitor: Visitor, press: Press,
    dataset: DatasetView,
) -> None:  # fmt: skip
    with studio.database.write() as session:
        session.get_one(Dataset, dataset.id).state = "building"
    sweep_unfinished(studio.database, studio.vault)
    for key in (None, key_of(voice)):
        assert "riavviato" in tab.show(key, Opened(), visitor(admin))[2]
    assert "riavviato" not in tab.act(None, Opened(), press("dismiss", id=dataset.id), visitor(admin))[2]


def test_plaintext_left_on_the_server_is_told_and_can_be_removed(
    tab: DatasetsTab, studio: Studio, admin: Actor, voice: VoiceView, visitor: Visitor, press: Press,
    account: Callable[..., Actor],
) -> None:  # fmt: skip
    studio.settings.import_folder.mkdir()
    zip_file = studio.settings.import_folder / "corpus.zip"
    zip_file.write_bytes(table_zip(SENTENCES[:4]))
    seen = tab.begin(visitor(admin), key_of(voice), *fields(FOLDER, folder="corpus.zip"))[1]
    studio.datasets.find_work(admin, seen[0]).wait()
    told = tab.watch.show(admin, seen)[3]
    assert "in chiaro" in told and 'data-act="remove_folder"' in told
    assert 'data-act="remove_folder"' not in tab.watch._left(account("rosa"), "corpus.zip")
    assert tab.watch.remove(press("remove_folder", folder="corpus.zip"), visitor(admin)) == ""
    assert not zip_file.exists()


@pytest.fixture
def dataset(studio: Studio, admin: Actor, voice: VoiceView, tmp_path: Path) -> DatasetView:
    return small_dataset(
        studio, admin, voice, tmp_path, (*SENTENCES[:3], "<script>alert('x')</script> it's said")
    )


def test_texts_are_shown_as_text(tab: DatasetsTab, admin: Actor, dataset: DatasetView) -> None:
    rows = tab.review.drawn(admin, Opened(dataset.id))[2]
    assert "<script" not in rows
    assert "&lt;script&gt;" in rows


def test_rows_are_dropped_kept_edited_and_cut_from_the_page(
    tab: DatasetsTab, studio: Studio, admin: Actor, dataset: DatasetView, visitor: Visitor, press: Press
) -> None:
    review, opened = tab.review, Opened(dataset.id)
    row = studio.dataset_review.page(admin, dataset.id, opened.query).rows[0]

    def act(name: str, form: dict[str, str] | None = None, **data: object) -> tuple[Any, ...]:
        return review.act(opened, press(name, form, id=row.id, **data), visitor(admin))

    assert "esclusa: a mano" in act("drop")[2]
    assert studio.datasets.view(admin, dataset.id).kept == 3
    act("keep")
    act("text", {"text": "A new text."})
    assert studio.dataset_review.one(admin, row.id).text == "A new text."
    act("recut", {"start": "0,2", "end": "1,9"}, low="0.0")
    assert studio.dataset_review.one(admin, row.id).duration_s == pytest.approx(1.7, abs=0.01)
    with pytest.raises(InputRefused) as refused:
        act("recut", {"start": "x", "end": "1"}, low="0")
    assert refused.value.key == "datasets.no_number"
    act("drop_all")
    assert studio.datasets.view(admin, dataset.id).kept == 0


def test_a_search_narrows_what_is_shown(
    tab: DatasetsTab, admin: Actor, dataset: DatasetView, visitor: Visitor
) -> None:
    _, _, rows, opened = tab.review.narrow(Opened(dataset.id), "all", "third", visitor(admin))
    assert rows.count("<article") == 1
    assert opened.query.search == "third"
    assert "Nessuna clip" in tab.review.narrow(opened, "dropped", "", visitor(admin))[2]


def test_a_deleted_dataset_closes_and_a_foreign_one_stays(
    tab: DatasetsTab, studio: Studio, admin: Actor, account: Callable[..., Actor], dataset: DatasetView,
    visitor: Visitor, press: Press,
) -> None:  # fmt: skip
    key = VoiceChoice(voice_id=dataset.voice_id).key
    with pytest.raises(NotFound):
        tab.act(key, Opened(), press("delete", id=dataset.id), visitor(account("rosa")))
    *_, listed, panel, _, _, opened = tab.act(
        key, Opened(dataset.id), press("delete", id=dataset.id), visitor(admin)
    )
    assert (panel.visible, opened.dataset_id) == (False, "")
    assert dataset.name not in listed
