"""Each format as its makers lay it out, found out by itself; speakers become pseudonyms."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from studio.datasets.bundles import ZipBundle
from studio.datasets.corpora import choose, pseudonyms
from studio.datasets.forms import MOST_CLIPS_OF, Basis, BuildRequest
from studio.datasets.importers.base import Row
from studio.datasets.importers.registry import importer_for
from studio.errors import InputRefused
from tests.datasets.making import zipped

WAV = b"RIFF"  # importers look at names and tables only
COMMON_VOICE = {
    "cv-corpus/it/validated.tsv": (
        "client_id\tpath\tsentence\tup_votes\tlocale\n"
        "aaa1\tcommon_voice_it_1.mp3\tBuongiorno a tutti.\t2\tit\n"
        'bbb2\tcommon_voice_it_2.mp3\t"Disse ""ciao"" e uscì."\t2\tit\n'
        "aaa1\tcommon_voice_it_3.mp3\tLa terza frase.\t2\tit\n"
    ),
    "cv-corpus/it/invalidated.tsv": "client_id\tpath\tsentence\nzzz\tcommon_voice_it_9.mp3\tSbagliata.\n",
    **{f"cv-corpus/it/clips/common_voice_it_{n}.mp3": "x" for n in (1, 2, 3, 9)},
}
CASES: dict[str, tuple[Mapping[str, str], list[tuple[str, str, str]]]] = {
    "common_voice": (
        COMMON_VOICE,
        [
            ("cv-corpus/it/clips/common_voice_it_1.mp3", "Buongiorno a tutti.", "aaa1"),
            ("cv-corpus/it/clips/common_voice_it_2.mp3", 'Disse "ciao" e uscì.', "bbb2"),
            ("cv-corpus/it/clips/common_voice_it_3.mp3", "La terza frase.", "aaa1"),
        ],
    ),
    "m_ailabs": (
        {
            "it_IT/by_book/male/riccardo/galatea/metadata.csv": "g_01|Nel 1900.|Nel millenovecento.\n",
            "it_IT/by_book/male/riccardo/galatea/wavs/g_01.wav": "x",
            "it_IT/by_book/mix/novelle/metadata.csv": "n_01|Una novella.|Una novella.\n",
            "it_IT/by_book/mix/novelle/wavs/n_01.wav": "x",
        },
        [
            ("it_IT/by_book/male/riccardo/galatea/wavs/g_01.wav", "Nel millenovecento.", "male/riccardo"),
            ("it_IT/by_book/mix/novelle/wavs/n_01.wav", "Una novella.", "mix/novelle"),
        ],
    ),
    "ljspeech": (
        {
            "LJSpeech-1.1/metadata.csv": 'LJ001-0001|In 1450|Printing, "in" fourteen fifty\nLJ001-0002|Two.|\n',
            "LJSpeech-1.1/wavs/LJ001-0001.wav": "x",
            "LJSpeech-1.1/wavs/LJ001-0002.wav": "x",
        },
        [
            ("LJSpeech-1.1/wavs/LJ001-0001.wav", 'Printing, "in" fourteen fifty', ""),
            ("LJSpeech-1.1/wavs/LJ001-0002.wav", "Two.", ""),
        ],
    ),
    "voxpopuli": (
        {
            "it/asr_train.tsv": (
                "id\traw_text\tnormalized_text\tspeaker_id\tsplit\tgender\tis_gold_transcript\n"
                "2009-PL_1\tSignor Presidente.\tsignor presidente\t4321\ttrain\tmale\tTrue\n"
                "2010-PL_2\t\tgrazie mille\t99\ttrain\tfemale\tTrue\n"
            ),
            "it/2009/2009-PL_1.ogg": "x",
            "it/2010/2010-PL_2.ogg": "x",
        },
        [
            ("it/2009/2009-PL_1.ogg", "Signor Presidente.", "4321"),
            ("it/2010/2010-PL_2.ogg", "grazie mille", "99"),
        ],
    ),
    "table": (
        {
            "list.tsv": "speaker\taudio\ttranscription\nmia\tsub/a.flac\tPrima, con virgola.\nmia\tb\tSeconda.\n",
            "sub/a.flac": "x",
            "wavs/b.wav": "x",
        },
        [("sub/a.flac", "Prima, con virgola.", "mia"), ("wavs/b.wav", "Seconda.", "mia")],
    ),
}


LOST_LINES = {
    "common_voice": {
        "it/validated.tsv": "client_id\tpath\tsentence\tlocale\na\tc_1.mp3\tUna frase.\tit\na\tc_2.mp3\n",
        "it/clips/c_1.mp3": "x", "it/clips/c_2.mp3": "x",
    },
    "voxpopuli": {
        "it/asr_train.tsv": "id\traw_text\tnormalized_text\tspeaker_id\nA_1\tUna.\tuna\t4\nA_2\tDue.\tdue\n",
        "it/A_1.ogg": "x", "it/A_2.ogg": "x",
    },
    "table": {"list.csv": "path,text\na.wav,Una frase.\nb.wav\n", "a.wav": "x", "b.wav": "x"},
}  # fmt: skip


@pytest.mark.parametrize("name", LOST_LINES)
def test_a_line_that_lacks_a_column_is_told_or_counted_never_lost(name: str, tmp_path: Path) -> None:
    corpus = bundle(tmp_path, LOST_LINES[name])
    importer = importer_for(corpus, name)
    assert importer is not None
    rows, ask = importer.rows(corpus), BuildRequest("voc", "x")
    with pytest.raises(InputRefused) as refused:
        choose(rows, ask, "it")
    assert (refused.value.key, refused.value.facts["number"]) == ("datasets.short_line", 3)
    chosen = choose(rows, replace(ask, skip_unusable=True), "it")
    assert len(chosen.rows) == 1
    assert chosen.left_out["short_line"] == 1


def test_a_second_table_with_other_columns_is_told_or_counted(tmp_path: Path) -> None:
    files = {"one.csv": "path,text\na.wav,Una frase.", "two.csv": "name,words\nb.wav,Due.", "a.wav": "x"}
    corpus = bundle(tmp_path, files)
    importer = importer_for(corpus, "")
    assert importer is not None
    with pytest.raises(InputRefused) as refused:
        choose(importer.rows(corpus), BuildRequest("voc", "x"), "it")
    assert (refused.value.key, refused.value.facts["file"]) == ("datasets.columns", "two.csv")
    chosen = choose(importer.rows(corpus), BuildRequest("voc", "x", skip_unusable=True), "it")
    assert (len(chosen.rows), chosen.left_out["columns"]) == (1, 1)


@pytest.mark.parametrize(
    ("ids", "licence"), [(("LJ001-0001", "LJ050-0278"), "public domain"), (("LJ001-0001", "rosa_1"), "")]
)
def test_only_linda_johnsons_own_recordings_are_in_the_public_domain(
    ids: tuple[str, ...], licence: str, tmp_path: Path
) -> None:
    files = {"metadata.csv": "".join(f"{one}|A text.\n" for one in ids)}
    corpus = bundle(tmp_path, files | {f"wavs/{one}.wav": "x" for one in ids})
    importer = importer_for(corpus, "")
    assert importer is not None
    origin = importer.origin(importer.rows(corpus))
    assert (origin.format, origin.licence) == ("ljspeech", licence)
    assert bool(origin.source) == bool(licence)


def languages(files: Mapping[str, str], declared: str, folder: Path) -> list[str]:
    corpus = bundle(folder, files)
    importer = importer_for(corpus, "")
    assert importer is not None
    return [row.language for row in choose(importer.rows(corpus), BuildRequest("voc", "x"), declared).rows]


def test_a_corpus_of_several_languages_keeps_them_apart(tmp_path: Path) -> None:
    head = "client_id\tpath\tsentence\tlocale\n"
    both = {
        "it/validated.tsv": f"{head}a\tc_1.mp3\tUna frase.\tit\n", "it/clips/c_1.mp3": "x",
        "fr/validated.tsv": f"{head}b\tc_2.mp3\tUne phrase.\tfr\n", "fr/clips/c_2.mp3": "x",
    }  # fmt: skip
    assert sorted(languages(both, "it", tmp_path)) == ["fr", "it"]
    assert languages(CASES["m_ailabs"][0], "it", tmp_path) == ["it", "it"]
    assert languages(CASES["voxpopuli"][0], "it", tmp_path) == ["it", "it"]
    assert languages(CASES["table"][0], "it", tmp_path) == ["it", "it"], "as it was declared"
    with pytest.raises(InputRefused) as refused:
        languages(CASES["common_voice"][0], "en", tmp_path)
    assert refused.value.key == "datasets.corpus_language"


def bundle(folder: Path, files: Mapping[str, str]) -> ZipBundle:
    file = folder / "corpus.zip"
    file.write_bytes(zipped({name: text.encode() for name, text in files.items()}))
    return ZipBundle(file, "corpus.zip")


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("named", [False, True], ids=["found out", "named"])
def test_a_format_is_read_as_it_is_published(name: str, named: bool, tmp_path: Path) -> None:
    files, expected = CASES[name]
    corpus = bundle(tmp_path, files)
    importer = importer_for(corpus, name if named else "")
    assert importer is not None
    assert importer.corpus.format == name
    assert [(row.sound, row.text, row.speaker) for row in importer.rows(corpus)] == expected


@pytest.mark.parametrize("name", [name for name in CASES if name != "table"])
def test_a_format_that_is_not_there_is_said_so(name: str, tmp_path: Path) -> None:
    corpus = bundle(tmp_path, CASES["table"][0])
    importer = importer_for(corpus, name)
    assert importer is not None
    with pytest.raises(InputRefused) as refused:
        importer.rows(corpus)
    assert refused.value.key == "datasets.no_table"


def test_corpora_name_their_licences() -> None:
    from studio.datasets.importers.registry import IMPORTERS

    known = {one.corpus.format: one.corpus.licence for one in IMPORTERS}
    assert known["common_voice"] == known["voxpopuli"] == "CC0-1.0"
    assert known["ljspeech"] == "public domain"
    assert known["table"] == ""


@pytest.mark.parametrize(
    ("line", "cells"),
    [("path,text", 'a.wav,"One, two"'), ("path;text", "a.wav;One, two"), ("Text|FILE", "One, two|a.wav")],
)
def test_tables_may_use_any_usual_separator(line: str, cells: str, tmp_path: Path) -> None:
    corpus = bundle(tmp_path, {"t.csv": f"\ufeff{line}\r\n{cells}\r\n\r\n", "a.wav": "x"})
    importer = importer_for(corpus, "")
    assert importer is not None
    assert [(row.sound, row.text) for row in importer.rows(corpus)] == [("a.wav", "One, two")]


def test_sounds_without_a_table_are_recordings(tmp_path: Path) -> None:
    assert importer_for(bundle(tmp_path, {"a.wav": "x", "readme.txt": "hello"}), "") is None


def test_a_name_that_stands_twice_is_not_guessed(tmp_path: Path) -> None:
    corpus = bundle(tmp_path, {"t.csv": "path,text\na.wav,One", "x/a.wav": "x", "y/a.wav": "x"})
    importer = importer_for(corpus, "")
    assert importer is not None
    assert importer.rows(corpus)[0].sound == ""


def some(*speakers: str) -> list[Row]:
    return [Row(f"{n}.wav", f"{n}.wav", "Some text.", who) for n, who in enumerate(speakers)]


def test_speakers_become_numbers_that_say_nothing() -> None:
    rows = some("client-77", "anna", "client-77", "")
    assert pseudonyms(rows, Basis.LICENCE) == ["S001", "S002", "S001", "S003"]
    assert pseudonyms(rows, Basis.CONSENT) == [""] * 4


def test_one_speaker_or_the_busiest_one_can_be_chosen() -> None:
    rows = some("a", "b", "b", "c")
    ask = BuildRequest("voc", "x", speaker="c")
    assert [row.speaker for row in choose(rows, ask, "en").rows] == ["c"]
    most = BuildRequest("voc", "x", speaker=MOST_CLIPS_OF)
    assert [row.speaker for row in choose(rows, most, "en").rows] == ["b", "b"]
    assert len(choose(rows, BuildRequest("voc", "x", most=3), "en").rows) == 3
