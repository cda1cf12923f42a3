"""A studio served for the browser tests: ``python -m tests.browser.served STORAGE real|scripted``."""

import sys
from pathlib import Path

from studio.bootstrap import Studio, build_studio
from studio.settings import Settings


def build(storage: Path, engine: str) -> Studio:
    settings = Settings(storage=storage, port=0, device="cpu")
    if engine == "real":
        studio = build_studio(settings)
        # The fake microphone reads another text than today's statement, which nobody could have recorded before.
        # What is heard is told; the voice is compared in earnest.
        studio.judges.statement_errors = lambda statement, clip, language: (statement, 0.0)  # type: ignore[method-assign]
        return studio
    from tests.conftest import open_home
    from tests.fakes import FakeJudges

    return open_home(settings, FakeJudges())


def main() -> None:
    from studio.web.server import build_app, prepare, serve

    studio = build(Path(sys.argv[1]), sys.argv[2])
    prepare(studio)
    from studio.ui.shell import build_ui
    from studio.ui.theme import build_look

    serve(studio, build_app(studio, build_ui(studio), build_look()), False)


if __name__ == "__main__":
    main()
