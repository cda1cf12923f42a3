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
from studio.scores.comparison import Comparison, compare
from studio.scores.export import csv_of, json_of
from studio.scores.requests import NoRatings, RunResult, Score
from studio.scores.sentences import own_list
from studio.ui.results.report import export
from studio.ui.results.table import comparison_table
from studio.ui.results.view import correlation_note, result_view, run_list
from studio.ui.words import Words
from studio.voices.forms import VoiceView
from tests.scores.conftest import LINES, ScriptedEars, asked


class Rated(NoRatings):
    """Three ratings a take; its first digit says how good they are."""

    def by_take(self, take_ids: Sequence[str]) -> Mapping[str, MeanScore]:
        return {take: MeanScore(2.0 + int(take[4], 16) / 4, 1.0, 5.0, 3, "t") for take in take_ids}

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
    assert {"run", "take", "comparison"} == {row["subject"] for row in rows}
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
    assert found["predicted_against_listener_mos_of_the_studio"]["n"] == 0


def test_csv_and_json_hold_the_table_with_time_memory_cost_and_listeners(
    studio: Studio, admin: Actor, run_id: str
) -> None:
    result = studio.evaluations.results.find(admin, run_id)
    trained = worsened(
        result, id="run_a", option="adapter", trained_id="adp", training_s=7200.0, hour_price=3.0
    )
    found = compare(result, [result.run, trained.run], lambda _: trained, Rated(), {})
    figures = json.loads(json_of(found, "en"))["comparison"][1]["figures"]
    setup_s = trained.run.setup_s or 0.0
    assert figures["training_s"]["value"] == 7200.0 and figures["setup_s"]["value"] == pytest.approx(setup_s)
    assert figures["peak_bytes"]["value"] == trained.run.peak_bytes
    assert figures["cost"]["value"] == pytest.approx((setup_s + 7200) / 3600 * 3.0)
    assert figures["listener_mos"] == {"value": 2.6, "low": 2.2, "high": 3.0, "n": 9}
    assert figures["wer_against_zero_shot"]["value"] == pytest.approx(1.0 - 1 / 12)
    rows = [r for r in csv.DictReader(io.StringIO(csv_of(found, "en"))) if r["subject"] == "comparison"]
    of_adapter = {row["metric"]: row for row in rows if row["option"] == "adapter"}
    assert {row["run"] for row in of_adapter.values()} == {"run_a"}
    for name, figure in figures.items():
        assert float(of_adapter[name]["value"]) == pytest.approx(figure["value"], abs=1e-6)
    assert (of_adapter["listener_mos"]["low"], of_adapter["listener_mos"]["n"]) == ("2.2", "9")
    assert [row["run"] for row in rows if row["option"] == "full"] == [""], "what waits is told, too"


def test_no_json_says_nan(studio: Studio, admin: Actor, run_id: str) -> None:
    result = studio.evaluations.results.find(admin, run_id)
    broken = {**result.run.scores, "rtf": Score("rtf", float("nan"), detail={"worst": float("inf")})}
    found = compare(
        replace(result, run=replace(result.run, scores=broken)), [], lambda _: result, NoRatings(), {}
    )
    told = json_of(found, "en")
    assert "NaN" not in told and "Infinity" not in told
    assert json.loads(told)["run"]["scores"]["rtf"]["value"] is None


def test_html_stands_alone_and_keeps_texts_as_texts(studio: Studio, admin: Actor, run_id: str) -> None:
    page = export(studio.evaluations, admin, run_id, "html", "it")[0].decode()
    assert "<script" not in page and "/media/" not in page and "timbro-player" not in page
    assert not re.search(r"(src|href)\s*=|url\(|@import|https?://", page)
    assert "<del>continuare</del>" in page and "n = 0" in page and "<svg" in page
    assert "prefers-color-scheme: dark" in page and "MOS previsto" in page


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


def worsened(result: RunResult, **changes: object) -> RunResult:
    """The same sentences, all words wrong, as another run."""
    worse = {
        "wer": replace(result.lines[0].scores["wer"], value=1.0, detail={"errors": 4, "reference_words": 4})
    }
    lines = tuple(replace(line, scores={**line.scores, **worse}) for line in result.lines)
    return replace(result, run=replace(result.run, **changes), lines=lines)  # type: ignore[arg-type]


def compared(result: RunResult, *others: RunResult) -> Comparison:
    by_id = {one.run.id: one for one in (result, *others)}
    runs = [one.run for one in by_id.values()]
    return compare(result, runs, by_id.__getitem__, NoRatings(), {})


def test_an_adapter_is_held_against_the_zero_shot_run_of_its_own_engine(
    studio: Studio, admin: Actor, ears: ScriptedEars, run_id: str
) -> None:
    """Two engines: the scripted one made the better zero-shot run, but the adapter was trained on the other."""
    result = studio.evaluations.results.find(admin, run_id)
    own = worsened(result, id="run_own", engine_id="xtts")
    adapter = worsened(result, id="run_adapter", engine_id="xtts", option="adapter", trained_id="adp")
    other, base, trained, full = compared(result, own, adapter).rows
    assert (other.run, base.run, full.run) == (result.run, own.run, None)
    assert other.against is None and base.against is None, "neither was trained"
    assert trained.base == own.run and trained.against is not None
    assert trained.against["wer"].value == 0.0 and trained.against["similarity"].value == 0.0
    table = comparison_table(Words("en"), compared(result, own, adapter))
    assert "against zero-shot with xtts: 0 %, no clear difference" in table and "with fake" not in table


def test_an_adapter_whose_engine_has_no_zero_shot_run_is_held_against_nothing(
    studio: Studio, admin: Actor, ears: ScriptedEars, run_id: str
) -> None:
    result = studio.evaluations.results.find(admin, run_id)
    adapter = worsened(result, id="run_adapter", engine_id="xtts", option="adapter", trained_id="adp")
    assert [row.against for row in compared(result, adapter).rows] == [None, None, None]
    assert "against zero-shot" not in comparison_table(Words("en"), compared(result, adapter))


def test_a_worse_adapter_is_called_clearly_worse(
    studio: Studio, admin: Actor, ears: ScriptedEars, run_id: str
) -> None:
    result = studio.evaluations.results.find(admin, run_id)
    found = compared(result, worsened(result, id="run_adapter", option="adapter", trained_id="adp"))
    gap = found.rows[1].against["wer"]  # type: ignore[index]
    assert gap.value == pytest.approx(1.0 - 1 / 12) and gap.low is not None and gap.low > 0
    assert "clearly worse" in comparison_table(Words("en"), found)


def test_two_settings_of_an_engine_are_two_rows_and_an_adapter_takes_the_one_like_its_own(
    studio: Studio, admin: Actor, ears: ScriptedEars, run_id: str
) -> None:
    result = studio.evaluations.results.find(admin, run_id)
    fast = worsened(result, id="run_fast", options={"speed": 1.5})
    seeded = worsened(result, id="run_seeded", seed=9)
    adapter = worsened(result, id="run_a", option="adapter", trained_id="adp", options={"speed": 1.5})
    rows = compared(result, fast, seeded, adapter).rows
    assert [row.run.id for row in rows if row.run] == [run_id, "run_fast", "run_seeded", "run_a"]
    assert rows[3].base == fast.run
    table = comparison_table(Words("it"), compared(result, fast, seeded, adapter))
    assert table.count("speed = 1.5") == 2 and "seme 9" in table
    assert "fake · speed = 1.5" in run_list(Words("en"), [fast.run], "")


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
    assert "In questo confronto: n = 6" in note and "18 voti" in note and "In tutto lo studio: n = 0" in note
    flat = tuple(replace(line, scores={"predicted_mos": Score("predicted_mos", 3.0)}) for line in spread)
    constant = compare(replace(result, lines=flat), [], lambda _: result, Rated(), {})
    assert "the same value" in correlation_note(Words("en"), constant)
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
