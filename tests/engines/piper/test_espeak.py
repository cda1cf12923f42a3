"""Phonemes and clause marks as Piper's own phonemizer gives them, recorded from piper-tts 1.3.0."""

import subprocess
import sys

import pytest

from studio.engines.piper.espeak import clause_of
from studio.engines.piper.speaking import to_ids

# (espeak voice, text, [(phonemes, mark, ends_sentence) ...]) as piper-tts 1.3.0 answered
RECORDED = [
    (
        "en-us",
        'Hello, world. How are you? Fine; thanks: "Great!" he said... Dr. Smith (the doctor) paid $3.50 - ok',
        [
            ("həlˈoʊ", ",", False),
            ("wˈɜːld", ".", True),
            ("hˈaʊ ɑːɹ juː", "?", True),
            ("fˈaɪn", ";", False),
            ("θˈæŋks", ":", False),
            ("ɡɹˈeɪt", "!", True),
            ("hiː sˈɛd", "", False),
            ("dˈɑːktɚ", ".", True),
            ("smˈɪθ ðə dˈɑːktɚ pˈeɪd dˈɑːlɚ θɹˈiː pɔɪnt fˈaɪv zˈiəɹoʊ ˌoʊkˈeɪ", "", False),
        ],
    ),
    ("en-us", "First line\nsecond line", [("fˈɜːst lˈaɪn sˈɛkənd lˈaɪn", "", False)]),
    (
        "en-us",
        "Wait — what?! No way.",
        [("wˈeɪt", ";", False), ("wˌʌt", "?", True), ("nˈoʊ wˈeɪ", ".", True)],
    ),
    (
        "en-us",
        'He said "stop". Then (quietly) left...',
        [("hiː sˈɛd stˈɑːp", ".", True), ("ðˈɛn kwˈaɪətli lˈɛft", "", False)],
    ),
    (
        "en-us",
        "Para one.\n\nPara two, end",
        [("pˈæɹə wˌʌn", "", True), ("pˈæɹə tˈuː", ",", False), ("ˈɛnd", "", False)],
    ),
    ("en-us", "'Quoted.' Next one!", [("kwˈoʊɾᵻd", ".", True), ("nˈɛkst wˌʌn", "!", True)]),
    (
        "it",
        "Il file è su YouTube. E poi… basta",
        [("il fˈile e sʊ jʊː tjˈuːb", ".", True), ("e pˈɔi", "", False), ("bˈasta", "", False)],
    ),
    (
        "fr",
        "Bonjour, ça va ? Très bien ! Merci.",
        [("bɔ̃ʒˈuʁ", ",", False), ("sa vˈa", "?", True), ("tʁɛ bjˈɛ̃", "!", True), ("mɛʁsˈi", ".", True)],
    ),
]

_PROGRAM = """
import json, sys
from studio.engines.piper.espeak import Espeak
espeak, answers = Espeak(), []
for voice, text in json.load(sys.stdin):
    try:
        sentences = espeak.sentences(text, voice)
        answers.append([sentences, [[c.phonemes, c.mark, c.ends_sentence] for c in espeak._clauses(text)]])
    except ValueError as error:
        answers.append(str(error))
json.dump(answers, sys.stdout)
"""


def in_another_process(questions: list[tuple[str, str]]) -> list[object]:
    """espeak-ng is never loaded into the process of the tests either."""
    import json

    run = subprocess.run(
        [sys.executable, "-c", _PROGRAM],
        input=json.dumps(questions),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    answers: list[object] = json.loads(run.stdout)
    return answers


def test_clauses_and_marks_are_those_piper_itself_makes() -> None:
    answers = in_another_process([(voice, text) for voice, text, _ in RECORDED])
    for (_, text, expected), answer in zip(RECORDED, answers, strict=True):
        assert isinstance(answer, list), text
        assert [tuple(clause) for clause in answer[1]] == expected, text


def test_sentences_are_split_where_piper_splits_and_keep_their_marks() -> None:
    questions = [
        ("en-us", "Hello, world. Fine"),
        ("it", "Il file."),
        ("en-us", "?! ... —"),
        ("en-us", ""),
        ("no-such-voice", "hi"),
    ]
    hello, italian, marks, nothing, unknown = in_another_process(questions)
    assert ["".join(s) for s in hello[0]] == ["həlˈoʊ, wˈɜːld.", "fˈaɪn"]  # type: ignore[index]
    assert "".join(italian[0][0]).startswith("il f")  # type: ignore[index]
    assert marks[0] == nothing[0] == []  # type: ignore[index]
    assert "no-such-voice" in str(unknown)


@pytest.mark.parametrize(
    ("passed", "at_end", "mark", "ends"),
    [
        ("Hello, w", False, ",", False),
        ('hanks: "', False, ":", False),
        ("3:45 p.m.; good", True, "", False),
        ("what?! N", False, "?", True),
        ("poi…", True, "", False),
        ("left...", True, "", False),
        ("one.\n\nP", False, "", True),
        ("好。", True, ".", True),
    ],
)
def test_the_text_passed_over_tells_how_a_clause_ended(
    passed: str, at_end: bool, mark: str, ends: bool
) -> None:
    clause = clause_of("x", passed, at_end=at_end)
    assert (clause.mark, clause.ends_sentence) == (mark, ends)


def test_ids_are_padded_between_phonemes_and_unknown_ones_are_left_out() -> None:
    ids = {"_": [0], "^": [1], "$": [2], "a": [14], "b": [15, 16]}
    assert to_ids(["a", "☃", "b"], ids) == [1, 0, 14, 0, 15, 16, 0, 2]
