"""Whose is what: page sessions, events and files of Gradio, each bound to the account that brought it."""

import json
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from typing import Any

KEPT_SESSIONS = 512
KEPT_EVENTS = 4096
KEPT_FILES = 4096
FILE_MARK = "gradio.FileData"


class Ledger:
    """Keys and the accounts that hold them; at most `kept` an account, so that nobody crowds others out.

    Used from the event loop alone.
    """

    def __init__(self, kept: int) -> None:
        self._kept = kept
        self._holders: dict[str, set[str]] = {}
        self._held: dict[str, OrderedDict[str, None]] = {}

    def grant(self, key: str, account_id: str) -> None:
        """Let the account hold the key, too."""
        held = self._held.setdefault(account_id, OrderedDict())
        held[key] = None
        held.move_to_end(key)
        self._holders.setdefault(key, set()).add(account_id)
        if len(held) > self._kept:
            self._drop(held.popitem(last=False)[0], account_id)

    def claim(self, key: str, account_id: str) -> bool:
        """Take a key that nobody else holds; False when somebody does."""
        if self._holders.get(key, {account_id}) != {account_id}:
            return False
        self.grant(key, account_id)
        return True

    def holds(self, key: str, account_id: str) -> bool:
        return account_id in self._holders.get(key, ())

    def _drop(self, key: str, account_id: str) -> None:
        holders = self._holders[key]
        holders.discard(account_id)
        if not holders:
            del self._holders[key]


class Bindings:
    """The three ledgers, and the files of the page itself that everybody signed in may see."""

    def __init__(self, shared_files: Iterable[str] = ()) -> None:
        self.sessions = Ledger(KEPT_SESSIONS)
        self.events = Ledger(KEPT_EVENTS)
        self.files = Ledger(KEPT_FILES)
        self._shared = frozenset(shared_files)

    def may_read(self, path: str, account_id: str) -> bool:
        return path in self._shared or self.files.holds(path, account_id)

    def foreign_file(self, value: Any, account_id: str) -> bool:
        """Whether `value` (parsed JSON) names a file that is not the account's."""
        return any(not self.may_read(path, account_id) for path in file_paths(value))


def file_paths(value: Any) -> Iterator[str]:
    """Every file named anywhere in parsed JSON.

    Stricter than Gradio: any object with a `path` counts, marked as a file or not, for its components
    accept both; and so does JSON inside a string, which gr.JSON would unpack.
    """
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            if isinstance(item.get("path"), str):
                yield item["path"]
            stack.extend(item.values())
        elif isinstance(item, list):
            stack.extend(item)
        elif isinstance(item, str) and FILE_MARK in item:
            stack.extend(_unpacked(item))


def _unpacked(text: str) -> list[Any]:
    try:
        inner = json.loads(text)
    except (ValueError, RecursionError):
        return []
    return [] if isinstance(inner, str) else [inner]


def told_files(chunk: bytes) -> Iterator[str]:
    """The files that a piece of an event stream tells its reader about (``data: {json}`` lines)."""
    if b'"path"' not in chunk:
        return
    for line in chunk.split(b"\n"):
        if line.startswith(b"data: "):
            try:
                message = json.loads(line[6:])
            except ValueError:
                continue  # a line cut in two: not granted, so the browser gets a 404 and no secret
            yield from told_in(message)


def told_in(value: Any) -> Iterator[str]:
    """Files that Gradio marked as such in its output, or whose path a generator's step replaces
    (``["replace", [..., "path"], new]``). Strings are data and never unpacked here.
    """
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            meta = item.get("meta")
            if (
                isinstance(meta, dict)
                and meta.get("_type") == FILE_MARK
                and isinstance(item.get("path"), str)
            ):
                yield item["path"]
            stack.extend(item.values())
        elif isinstance(item, list):
            if _replaces_path(item):
                yield item[2]
            stack.extend(item)


def _replaces_path(item: list[Any]) -> bool:
    if len(item) != 3 or item[0] not in ("replace", "add") or not isinstance(item[1], list):
        return False
    return item[1][-1:] == ["path"] and isinstance(item[2], str)
