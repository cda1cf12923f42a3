"""The table of tools/guards.toml cannot rot: every attack has a guard, and its words and its test are there."""

import pytest

from tools.guards import ROOT, Guard, missing, read_table

GUARDS = read_table()


def test_every_attack_has_a_guard() -> None:
    assert missing(GUARDS) == []


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: f"{guard.attack:02d} {guard.what}")
def test_a_guards_words_stand_where_the_table_says_and_its_test_is_the_attacks(guard: Guard) -> None:
    assert guard.changes
    for change in guard.changes:
        assert change.file.startswith("studio/") and change.fits(ROOT), f"{change.file}: {change.guarded}"
    file, _, name = guard.test.partition("::")
    name = name.partition("[")[0]
    assert name.startswith(f"test_attack_{guard.attack:02d}_")
    assert f"\ndef {name}(" in (ROOT / file).read_text(encoding="utf-8")
