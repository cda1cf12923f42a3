"""Comparison and exports: the notes' table, CSV that no spreadsheet runs, JSON and HTML that stand alone."""

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from studio.bootstrap import Studio
from studio.errors import InputRefused, NotFound
from studio.listening.means import MeanScore
from studio.privacy.access import Actor
from studio.scores.comparison import compare
from studio.scores.requests import NoRatings, Score
from studio.scores.sentences import own_list
from studio.ui.results.report import export
from studio.ui.results.table import comparison_table
from studio.ui.results.view import correlation_note, result_view
from studio.ui.words import Words
from studio.voices.forms import VoiceView
from tests.scores.conftest import LINES, ScriptedEars, asked


class Rated(NoRatings):
    """Three ratings a take, the more the later it was made."""

    def by_take(self, take_ids: Sequence[str]) -> Mapping[str, MeanScore]:
        return {take: MeanScore(2.0 + int(take[4:]) / 4, 1.0, 5.0, 3, "t") for take in take_ids}

    def over_takes(self, take_ids: Sequence[str]) -> MeanScore:
        return MeanScore(2.6, 2.2, 3.0, 3 * len(take_ids), "crossed")


def listed(*texts: str) -> str:
    """A CSV list, quoted as spreadsheets do."""
    sheet = io.StringIO()
    csv.writer(sheet, quoting=csv.QUOTE_ALL).writerows([["text"], *([text] for text in texts)])
    return sheet.getvalue()


EVIL = '=HYPERLINK("http://x","y"),<script>alert(1)</script> ciao.'


@pytest.fixture
def run_id(studio: Studio, admin: Actor, ears: ScriptedEars, voice: VoiceView) -> str:
    ears.will_hear = ["premere uno per", "il treno parte alle otto", "grazie e arrivederci"]
    studio.evaluations.evaluate(admin, asked(voice.id)).wait()
    return studio.evaluations.results.runs(admin)[0].id


def test_csv_holds_every_figure_and_no_formula(
    studio: Studio, admin: Actor, ears: ScriptedEars, voice: VoiceView
) -> None:
    ears.will_hear = ["=1+1", "@cmd"]
    studio.evaluations.evaluate(admin, asked(voice.id, own_list(listed(EVIL, "-2 gradi"), "it"))).wait()
    run = studio.evaluations.results.runs(admin)[0]
    data, media_type, name = export(studio.evaluations, admin, run.id, "csv", "en")
    rows = list(csv.DictReader(io.StringIO(data.decode())))
    assert media_type == "text/csv" and name == f"{run.id}.csv"
    assert {"run", "take"} == {row["subject"] for row in rows}
    for row in rows:
        assert not any(str(cell).startswith(("=", "+", "-", "@", "\t", "\r")) for cell in row.values())
    first_wer = next(row for row in rows if row["metric"] == "wer" and row["subject"] == "run")
    assert float(first_wer["value"]) == pytest.approx(run.value("wer"), abs=1e-6) and int(first_wer["n"]) == 2
    assert (
        json.loads(first_wer["parameters"])["language"] == "it" and first_wer["models"] == "whisper-base-ct2"
    )


def test_json_holds_run_sentences_comparison_and_correlation(
    studio: Studio, admin: Actor, run_id: str
) -> None:
    found = json.loads(export(studio.evaluations, admin, run_id, "json", "en")[0])
    assert found["run"]["scores"]["wer"]["value"] == pytest.approx(1 / 12)
    assert found["sentences"][0]["scores"]["wer"]["detail"]["words"][-1] == ["delete", "continuare", ""]
    assert found["sentences"][0]["take"].startswith("tak_")
    assert [row["option"] for row in found["comparison"]] == ["zero_shot", "adapter", "full"]
    assert found["predicted_against_listener_mos"]["n"] == 0
    assert found["run"]["scores"]["mcd"]["value"] is None and found["run"]["scores"]["mcd"]["trouble"]


def test_html_stands_alone_and_keeps_texts_as_texts(studio: Studio, admin: Actor, run_id: str) -> None:
    page = export(studio.evaluations, admin, run_id, "html", "it")[0].decode()
    assert "<script" not in page and "/media/" not in page and "timbro-player" not in page
    assert not re.search(r"(src|href)\s*=|url\(|@import|https?://", page)
    assert "<del>continuare</del>" in page and "n = 0" in page and "<svg" in page
    assert "prefers-color-scheme: dark" in page and "MOS stimato" in page


def test_an_unknown_ending_and_somebody_elses_run_are_refused(
    studio: Studio, admin: Actor, account: object, run_id: str
) -> None:
    with pytest.raises(InputRefused):
        export(studio.evaluations, admin, run_id, "exe")
    with pytest.raises(NotFound):
        export(studio.evaluations, account("ugo"), run_id, "csv")  # type: ignore[operator]


def test_texts_of_people_stay_texts_in_the_page(
    studio: Studio, admin: Actor, ears: ScriptedEars, voice: VoiceView
) -> None:
    ears.will_hear = ["<img src=x onerror=alert(1)>"]
    studio.evaluations.evaluate(admin, asked(voice.id, own_list(listed(EVIL), "it"))).wait()
    comparison = studio.evaluations.compare(admin, studio.evaluations.results.runs(admin)[0].id)
    page = result_view(Words("en"), comparison)
    assert "<script" not in page and "<img" not in page and "&lt;script&gt;" in page


def test_options_without_figures_say_what_to_do_next(studio: Studio, admin: Actor, run_id: str) -> None:
    result = studio.evaluations.results.find(admin, run_id)
    trained = {"adapter": ("XTTS v2",), "full": ()}
    comparison = compare(result, [], lambda _: result, NoRatings(), trained)
    table = comparison_table(Words("en"), comparison)
    assert "train an adapter for this voice with XTTS v2" in table
    assert "no engine of this studio offers this training" in table
    assert "16-24 GB of GPU" in table and "No ratings yet" in table


def test_a_second_engine_stands_beside_the_first_with_its_difference(
    studio: Studio, admin: Actor, ears: ScriptedEars, run_id: str
) -> None:
    result = studio.evaluations.results.find(admin, run_id)
    worse = {
        "wer": replace(result.lines[0].scores["wer"], value=1.0, detail={"errors": 4, "reference_words": 4})
    }
    lines = tuple(replace(line, scores={**line.scores, **worse}) for line in result.lines)
    other = replace(
        result, run=replace(result.run, id="run_x", option="adapter", engine_id="xtts"), lines=lines
    )
    comparison = compare(result, [result.run, other.run], lambda _: other, NoRatings(), {})
    zero_shot, adapter, full = comparison.rows
    assert zero_shot.against is None and full.run is None and adapter.run is other.run
    gap = adapter.against["wer"]  # type: ignore[index]
    assert gap.value == pytest.approx(1.0 - 1 / 12) and gap.low is not None and gap.low > 0
    assert "clearly worse" in comparison_table(Words("en"), comparison)
    assert adapter.against["similarity"].value == 0.0  # type: ignore[index]


def test_correlation_with_listeners_is_shown_with_its_n(studio: Studio, admin: Actor, run_id: str) -> None:
    result = studio.evaluations.results.find(admin, run_id)
    lines = result.lines * 2
    spread = tuple(
        replace(line, take_id=f"tak_{n}", scores={"predicted_mos": Score("predicted_mos", 2.0 + n / 5)})
        for n, line in enumerate(lines)
    )

    comparison = compare(replace(result, lines=spread), [], lambda _: result, Rated(), {})
    assert comparison.correlation.n == 6 and comparison.ratings == 18
    assert comparison.correlation.pearson == pytest.approx(1.0)
    note = correlation_note(Words("it"), comparison)
    assert "n = 6" in note and "18 voti" in note
    assert comparison.rows[0].listeners is not None and comparison.rows[0].listeners.n == 18
    table = comparison_table(Words("it"), comparison)
    assert "2,60" in table and "[2,20 – 3,00]" in table and "18 voti" in table


def test_only_runs_of_the_same_voice_words_and_recogniser_compare(
    studio: Studio, admin: Actor, run_id: str
) -> None:
    result = studio.evaluations.results.find(admin, run_id)
    foreign = [
        replace(result.run, id=f"run_{n}", engine_id="xtts", **change)  # type: ignore[arg-type]
        for n, change in enumerate(
            (
                {"content_id": "x"},
                {"recogniser": "other"},
                {"voice_key": "voice:other"},
                {"status": "cancelled"},
            )
        )
    ]
    comparison = compare(result, foreign, lambda _: result, NoRatings(), {})
    assert [row.run.id for row in comparison.rows if row.run] == [run_id]
    assert LINES.count("\n") + 1 == len(result.lines)
