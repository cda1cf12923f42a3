"""A studio for the browser tests: ``python -m tests.browser.served STORAGE real|scripted|training|results``."""

import sys
from pathlib import Path

from studio.bootstrap import Studio, build_studio
from studio.settings import Settings


def build(storage: Path, engine: str) -> Studio:
    settings = Settings(storage=storage, port=0, device="cpu")
    if engine == "real":
        studio = build_studio(settings)
        # The fake microphone reads another text than today's statement, which no person could have recorded
        # before. What is heard is told; the voice is compared in earnest.
        studio.judges.statement_errors = lambda statement, clip, language: (statement, 0.0)  # type: ignore[method-assign]
        return studio
    from tests.conftest import open_home
    from tests.fakes import FakeJudges

    if engine == "training":
        return with_something_to_train(settings)
    if engine == "results":
        return with_something_to_measure(settings)
    return open_home(settings, FakeJudges())


def with_something_to_train(settings: Settings) -> Studio:
    """The scripted studio with an engine that learns, a recogniser that is told what it hears, and a voice."""
    from tests.conftest import open_home
    from tests.datasets.making import SENTENCES, ListeningJudges, as_imported
    from tests.training.scripted import consented_voice, trainable_spec

    judges = ListeningJudges()
    judges.ear.by_content = {as_imported(number): text for number, text in enumerate(SENTENCES)}
    studio = open_home(settings, judges)
    studio.engines.register(trainable_spec())
    consented_voice(studio, studio.accounts.actor_of(studio.accounts.ensure_administrator().id))
    return studio


def with_something_to_measure(settings: Settings) -> Studio:
    """The scripted studio with a voice that may be measured, and a recogniser that mishears a word now and then."""
    from sqlalchemy import select

    from studio.db.tables import ConsentRecord
    from studio.scores.sentences import built_in_set
    from tests.conftest import open_home
    from tests.scores.conftest import ScriptedEars, enrol_measured

    ears = ScriptedEars()
    studio = open_home(settings, ears)
    enrol_measured(studio, studio.accounts.actor_of(studio.accounts.ensure_administrator().id))
    first, second, third = (one.text for one in built_in_set("en-balanced-a").sentences[:3])
    with studio.database.read() as session:
        statement = session.scalars(select(ConsentRecord.statement)).one()
    slower = [first, second.replace("young", "old"), third.replace(" twice", "")]
    ears.will_hear = [first, second.replace("young", "old"), third, f"{statement} so", *slower]
    return studio


def main() -> None:
    from studio.web.server import build_app, prepare, serve

    studio = build(Path(sys.argv[1]), sys.argv[2])
    studio.training.supervisor.start()  # as `run_studio` does
    prepare(studio)
    from studio.ui.shell import build_ui
    from studio.ui.theme import build_look

    serve(studio, build_app(studio, build_ui(studio), build_look()), False)


if __name__ == "__main__":
    main()
