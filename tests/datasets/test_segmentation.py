"""Cutting long recordings: whole sentences, whole syllables, little memory."""

import tracemalloc
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile

from studio.audio.clip import AudioClip
from studio.audio.speech import Span
from studio.audio.windows import decode_windows
from studio.bootstrap import Studio
from studio.datasets.cuts import CutRule, Heard, joined, plan
from studio.datasets.edges import faded, part, tail_db
from studio.datasets.forms import ReviewQuery
from studio.datasets.segmentation import Segment, segments
from studio.errors import AudioRefused
from studio.evaluation.speech_recognition import Word
from studio.privacy.access import Actor
from studio.voices.forms import VoiceView
from tests.datasets.making import ListeningJudges, brought, make, request_for
from tests.sounds import RATE, real_speech, silence, tone, wav_bytes

RULE = CutRule()


def words(*timed: tuple[str, float, float]) -> list[Word]:
    return [Word(text, start, end, 0.9) for text, start, end in timed]


def sentence(text: str, start_s: float, end_s: float) -> list[Word]:
    """Its words, spread evenly."""
    parts = text.split()
    step = (end_s - start_s) / len(parts)
    return words(*((w, start_s + i * step, start_s + (i + 1) * step) for i, w in enumerate(parts)))


def planned(heard: list[Word], spans: Sequence[tuple[float, float]], end_s: float, last: bool = True):  # type: ignore[no-untyped-def]
    return plan(Heard(heard, [Span(*span) for span in spans], end_s, "en"), RULE, last=last)


def test_cuts_are_at_sentence_ends_and_pads_take_half_the_gap_at_most() -> None:
    said = [
        *sentence("This is the first long sentence.", 1.0, 5.0),
        *sentence("And the second one too.", 5.3, 9.0),
    ]
    (first, second), _ = planned(said, [(1.0, 5.0), (5.3, 9.0)], 10.0)
    assert (first.text, second.text) == ("This is the first long sentence.", "And the second one too.")
    assert first.end_s == pytest.approx(5.15)  # half of the 0.3 s between them
    assert second.start_s == pytest.approx(5.15)
    assert first.start_s == pytest.approx(0.8)  # 0.2 s where there is room
    assert second.end_s == pytest.approx(9.2)
    assert first.fade_out_s == pytest.approx(0.02)


def test_the_speech_detector_corrects_a_recogniser_that_ends_a_word_too_early() -> None:
    said = [*sentence("One two three four.", 0.5, 4.0), *sentence("Five six seven eight.", 4.9, 9.0)]
    (first, second), _ = planned(said, [(0.5, 4.45), (4.8, 9.0)], 9.5)  # the last syllable lasts until 4.45
    assert first.end_s > 4.45
    assert second.start_s < 4.8


def test_short_sentences_are_joined_and_far_ones_are_not() -> None:
    near = [*sentence("Yes indeed.", 0.5, 1.7), *sentence("That is what was said.", 2.2, 5.0)]
    assert len(planned(near, [(0.5, 1.7), (2.2, 5.0)], 6.0)[0]) == 1
    far = [*sentence("Yes indeed.", 0.5, 1.7), *sentence("That is what was said.", 4.2, 8.0)]
    assert len(planned(far, [(0.5, 1.7), (4.2, 8.0)], 9.0)[0]) == 2


def test_a_sentence_of_twenty_seconds_is_split_at_its_pauses() -> None:
    said = sentence("a " * 14 + "b, " + "c " * 14 + "d.", 0.5, 20.5)
    pause = Span(10.4, 10.9)
    cuts, _ = planned(said, [(0.5, pause.start_s), (pause.end_s, 20.5)], 21.0)
    assert all(RULE.shortest_s <= cut.end_s - cut.start_s <= RULE.longest_s for cut in cuts)
    assert " ".join(cut.text for cut in cuts) == " ".join(w.text for w in said)
    assert any(cut.end_s == pytest.approx(pause.start_s + 0.2) for cut in cuts)


def test_the_last_sentence_of_a_block_is_held_back_until_the_next() -> None:
    said = [*sentence("A whole sentence stands here.", 0.5, 5.0), *sentence("This one may", 6.0, 9.9)]
    spans = [(0.5, 5.0), (6.0, 9.9)]
    cuts, go_on = planned(said, spans, 10.0, last=False)
    assert [cut.text for cut in cuts] == ["A whole sentence stands here."]
    assert 5.0 < go_on < 6.0
    assert len(planned(said, spans, 10.0, last=True)[0]) == 2


def test_pieces_of_words_cling_together() -> None:
    assert joined(["l", "'unica", "persona"], "it") == "l'unica persona"
    assert joined(["日", "本"], "ja") == "日本"


def test_the_tail_measure_tells_a_cut_syllable_from_a_whole_one() -> None:
    speech = real_speech(3.0)
    whole = AudioClip(np.concatenate([speech.samples, silence(0.2).samples]), RATE)
    loud = max(range(1000, 2900, 50), key=lambda ms: tail_db(part(speech, 0, ms / 1000)))
    assert tail_db(whole) < -60
    assert tail_db(part(speech, 0, loud / 1000)) > -10


def test_fades_touch_only_the_edges() -> None:
    clip = tone(1.0)
    soft = faded(clip, 0.02, 0.02)
    assert abs(soft.samples[0]) < 1e-3 and abs(soft.samples[-1]) < 1e-3
    inner = slice(int(0.02 * RATE) + 1, -int(0.02 * RATE) - 1)
    assert np.array_equal(soft.samples[inner], clip.samples[inner])


class Read:
    """Recordings of one sentence each with pauses of 0.7 s between them, made when they are read."""

    def __init__(self, seconds: float) -> None:
        self.duration_s = seconds
        self._unit = np.concatenate([real_speech(4.0).samples, silence(0.7).samples])

    def read(self, start_s: float, end_s: float) -> AudioClip:
        places = np.arange(round(start_s * RATE), round(min(end_s, self.duration_s) * RATE))
        return AudioClip(self._unit[places % len(self._unit)], RATE)


def hears(clip: AudioClip) -> Sequence[Word]:
    """One sentence for every stretch of speech."""
    from studio.audio.speech import speech_spans

    found: list[Word] = []
    for span in speech_spans(clip):
        if span.duration_s > 0.3:
            found += sentence("word word word word.", span.start_s, span.end_s)
    return found


def cut_all(seconds: float) -> list[tuple[float, float]]:
    return [(one.start_s, one.end_s) for one in segments(Read(seconds), hears, "en")]


def test_a_long_recording_is_covered_once_and_in_order() -> None:
    cuts = cut_all(120.0)
    assert all(a[1] <= b[0] + 1e-6 for a, b in pairwise(cuts)), "no overlap"
    covered = sum(end - start for start, end in cuts)
    assert covered > 0.9 * 120 * 4.0 / 4.7
    assert all(end - start <= RULE.longest_s + 0.01 for start, end in cuts)


def peak_bytes(seconds: float) -> int:
    tracemalloc.start()
    for _ in segments(Read(seconds), hears, "en"):
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def test_memory_does_not_grow_with_the_length_of_the_recording() -> None:
    cut_all(30.0)  # the speech detector is loaded once
    short, long = peak_bytes(60.0), peak_bytes(240.0)
    assert long < 1.1 * short


def test_windows_of_a_file_are_the_file_and_memory_stays(tmp_path: Path) -> None:
    def write(minutes: int) -> Path:
        file = tmp_path / f"{minutes}.flac"
        noise = np.random.default_rng(0).normal(0, 0.05, 60 * RATE).astype(np.float32)
        with soundfile.SoundFile(file, "w", RATE, 1, format="FLAC", subtype="PCM_16") as out:
            for _ in range(minutes):
                out.write(noise)
        return file

    def peak(file: Path) -> tuple[float, int]:
        tracemalloc.start()
        seconds = sum(window.duration_s for window in decode_windows(file, file.name))
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return seconds, found

    assert peak(write(2))[0] == pytest.approx(120)
    small, large = peak(write(3))[1], peak(write(9))[1]
    assert large < 1.2 * small
    samples, _ = soundfile.read(tmp_path / "2.flac", dtype="float32")
    windows = np.concatenate([w.samples for w in decode_windows(tmp_path / "2.flac", "2.flac")])
    assert np.array_equal(windows, samples)


def test_a_file_that_is_no_sound_is_refused_where_it_lies(tmp_path: Path) -> None:
    file = tmp_path / "x.wav"
    for data in (b"", b"hello, this is text", wav_bytes(tone().samples)[:60] + b"x"):
        file.write_bytes(data)
        with pytest.raises(AudioRefused):
            list(decode_windows(file, "x.wav"))


def test_recordings_become_a_dataset_whose_clips_can_be_cut_anew(
    studio: Studio, admin: Actor, voice: VoiceView, tmp_path: Path, judges: ListeningJudges
) -> None:
    class Ear:
        def transcribe(self, clip: AudioClip, language: str = ""):  # type: ignore[no-untyped-def]
            from studio.evaluation.speech_recognition import Transcript

            said = tuple(
                Word(f"{w.text[:-1]}{n}." if w.text.endswith(".") else w.text, w.start_s, w.end_s, 0.9)
                for n, w in enumerate(hears(clip))
            )
            return Transcript(" ".join(w.text for w in said), "en", said, 1.0)

    judges.ear = Ear()  # type: ignore[assignment]
    long = Read(75.0).read(0.0, 75.0)
    request = request_for(voice, brought(tmp_path / "brought", wav_bytes(long.samples), "long.wav"))
    view = make(studio, admin, request)
    assert view.format == "recordings"
    assert view.kept >= 8
    row = studio.dataset_review.page(admin, view.id, ReviewQuery()).rows[3]
    assert row.room_s is not None and row.room_s[0] < row.start_s
    wider = studio.dataset_review.recut(admin, row.id, row.start_s, row.end_s + 1.0)
    assert wider.duration_s == pytest.approx(row.duration_s + 1.0, abs=0.01)
    passage = studio.dataset_review.passage_audio(admin, row.id)[0]
    assert len(passage) > len(studio.datasets.clip_audio(admin, row.id)[0])


def test_speech_that_nobody_understands_is_shown_not_lost() -> None:
    found: list[Segment] = list(segments(Read(9.0), lambda clip: (), "en"))
    assert found
    assert {one.text for one in found} == {""}
    assert {one.confidence for one in found} == {None}
