"""The phrase cache, and ten previews at once: python -m benchmarks.previews [--models storage/models]

A studio on an empty folder, the embedded engine, a preset voice. Prints how long a new phrase and a repeated
one take until the whole sound is there, and when each of ten previews asked for together was finished.
"""

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path

from studio.bootstrap import Studio, build_studio
from studio.privacy.access import Actor
from studio.settings import Settings
from studio.synthesis.preview import Preview
from studio.synthesis.requests import SynthesisRequest, VoiceChoice

VOICE = VoiceChoice(engine_id="kokoro", preset_id="if_sara")
REPEATS = 20


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--models", type=Path, default=Path("storage/models"))
    models = arguments.parse_args().models.resolve()
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "models").symlink_to(models)
        studio = build_studio(Settings(storage=Path(folder), device="cpu"))
        actor = studio.accounts.actor_of(studio.accounts.ensure_administrator().id)
        print(f"load {os.getloadavg()[0]:.1f}, {studio.settings.cores} cores")
        _phrase(studio, actor)
        _ten(studio, actor)
        studio.close()


def _request(text: str) -> SynthesisRequest:
    return SynthesisRequest(VOICE, text, "it", "kokoro")


def _until_stored(preview: Preview) -> None:
    next(event for event in preview.events() if event.stage == "stored")


def _phrase(studio: Studio, actor: Actor) -> None:
    studio.synthesis.preview(actor, _request("Pronto.")).wait()  # loads and warms the engine and the judges
    text = "Benvenuto nel servizio clienti. Per parlare con un operatore, premi uno."
    started = time.perf_counter()
    first = studio.synthesis.preview(actor, _request(text))
    _until_stored(first)
    fresh_s = time.perf_counter() - started
    first.wait()
    repeated = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        again = studio.synthesis.preview(actor, _request(text))
        _until_stored(again)
        repeated.append(time.perf_counter() - started)
        again.wait()
    middle, worst = statistics.median(repeated), max(repeated)
    print(
        f"new phrase {1000 * fresh_s:.0f} ms; repeated: median {1000 * middle:.1f} ms, worst {1000 * worst:.1f} ms"
    )
    print(f"the cache answers {fresh_s / middle:.0f} times as fast")


def _ten(studio: Studio, actor: Actor) -> None:
    texts = [f"Questa è la richiesta numero {number}, grazie per l'attesa." for number in range(1, 11)]
    started = time.perf_counter()
    previews = [studio.synthesis.preview(actor, _request(text)) for text in texts]
    takes = [preview.take() for preview in previews]
    total_s = time.perf_counter() - started
    order = sorted(takes, key=lambda take: take.created_at)
    print("stored in the order they were asked for:", [t.text for t in order] == texts)
    sound_s = sum(take.duration_s for take in takes)
    print(f"10 of 10 complete, {sound_s:.1f} s of sound in {total_s:.1f} s with scores")
    rates = [take.rtf for take in takes]
    print(
        f"RTF median {statistics.median(rates):.2f}, worst {max(rates):.2f}; engine's own clock, queue not counted"
    )


if __name__ == "__main__":
    main()
