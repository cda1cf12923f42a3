import re
import tomllib
from pathlib import Path

import studio.models
from studio import errors

MESSAGES = tomllib.loads((Path(errors.__file__).parent / "messages" / "models.toml").read_text())
CODE = "".join(path.read_text() for path in Path(studio.models.__file__).parent.glob("*.py"))


def test_every_error_of_the_store_has_a_message_and_every_message_is_raised() -> None:
    assert set(re.findall(r'"models\.(\w+)"', CODE)) == set(MESSAGES)


def test_every_message_has_its_three_parts_in_both_languages_with_the_same_facts() -> None:
    for name, texts in MESSAGES.items():
        assert set(texts) == {"en", "it"}, name
        facts = [set(re.findall(r"{(\w+)}", " ".join(parts.values()))) for parts in texts.values()]
        assert facts[0] == facts[1], name
        assert all(set(parts) == {"what", "why", "next"} and all(parts.values()) for parts in texts.values())
