"""A take's file is the same bytes for everybody who asks within minutes, and goes with its take or voice."""

from itertools import count

from studio.synthesis.files import KEPT_S, FilesOfTakes


def numbered() -> "count[int]":
    return count()


def test_a_file_is_made_once_for_each_format() -> None:
    files, numbers = FilesOfTakes(), numbered()
    make = lambda: f"made {next(numbers)}".encode()  # noqa: E731
    assert files.of("tak_1", "wav", make) == files.of("tak_1", "wav", make) == b"made 0"
    assert files.of("tak_1", "mp3", make) == b"made 1"


def test_a_forgotten_take_is_made_again_and_others_stay() -> None:
    files = FilesOfTakes()
    files.of("tak_1", "wav", lambda: b"one")
    files.of("tak_2", "wav", lambda: b"two")
    files.forget("tak_1")
    assert files.of("tak_1", "wav", lambda: b"new") == b"new"
    assert files.of("tak_2", "wav", lambda: b"new") == b"two"
    files.forget()
    assert files.of("tak_2", "wav", lambda: b"new") == b"new"


def test_what_was_forgotten_while_it_was_made_is_not_kept() -> None:
    files = FilesOfTakes()

    def withdrawn_meanwhile() -> bytes:
        files.forget()
        return b"gone"

    files.of("tak_1", "wav", withdrawn_meanwhile)
    assert files.of("tak_1", "wav", lambda: b"new") == b"new"


def test_files_are_few_and_not_kept_for_long() -> None:
    now = [0.0]
    files = FilesOfTakes(most_bytes=10, clock=lambda: now[0])
    files.of("tak_1", "wav", lambda: b"12345678")
    files.of("tak_2", "wav", lambda: b"12345678")
    assert files.of("tak_1", "wav", lambda: b"made anew") == b"made anew"
    assert files.of("tak_1", "wav", lambda: b"no") == b"made anew"
    now[0] = KEPT_S + 1
    assert files.of("tak_1", "wav", lambda: b"later") == b"later"
