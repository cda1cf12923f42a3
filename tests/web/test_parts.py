"""The gate's parts by themselves: buckets, ledgers, ranges, origins, the upload watch, the sweeper."""

import asyncio
import json
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from anyio import CapacityLimiter
from hypothesis import given
from hypothesis import settings as trials
from hypothesis import strategies as st
from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser

from studio.errors import InputRefused, StorageTrouble
from studio.settings import Settings
from studio.web.bindings import Bindings, Ledger, file_paths, told_files
from studio.web.body import UploadWatch, read_body, strict_json
from studio.web.limits import Budget, Limits, Rate
from studio.web.media import in_thread
from studio.web.origin import answered_names, check_host, check_origin
from studio.web.ranges import disposition, part_of
from studio.web.refusals import Refusal
from studio.web.scratch import fresh_folder, sweep
from studio.web.server import address_of, listen
from studio.web.visit import Visit, read_visit


def visit(host: str = "studio.example.org", secure: bool = True, **headers: str) -> Visit:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Visit("POST", "/gradio_api/queue/join", {}, named, host, secure, "10.0.0.1")


def test_a_bucket_refills_with_time() -> None:
    clock = [0.0]
    limits = Limits({Budget.ANY: Rate(burst=2, per_s=0.5)}, lambda: clock[0])
    assert [limits.take(Budget.ANY, "a") for _ in range(3)] == [0, 0, 2]
    assert limits.take(Budget.ANY, "b") == 0
    clock[0] = 2.0
    assert [limits.take(Budget.ANY, "a") for _ in range(2)] == [0, 2]


def test_a_flood_of_addresses_costs_bounded_memory_and_frees_no_one() -> None:
    """None of the buckets is full again; the newest stay, and other budgets are not touched."""
    limits = Limits({Budget.ANY: Rate(2, 0.001), Budget.PASSWORD: Rate(1, 0.001)}, lambda: 0.0, kept=100)
    assert limits.take(Budget.PASSWORD, "ada") == 0
    for number in range(1000):
        limits.take(Budget.ANY, f"10.0.0.{number}")
    assert sum(map(len, limits._levels.values())) == 101
    assert limits.take(Budget.PASSWORD, "ada") > 0
    assert [limits.take(Budget.ANY, "10.0.0.999") for _ in range(2)] == [0, 1000]


def test_who_asks_often_is_not_the_one_that_is_forgotten() -> None:
    limits = Limits({Budget.ANY: Rate(50, 0.001)}, lambda: 0.0, kept=10)
    waits = [limits.take(Budget.ANY, "busy") + limits.take(Budget.ANY, f"other {n}") for n in range(60)]
    assert waits[-1] > 0, "its bucket was dropped between two of its requests"


@pytest.mark.parametrize(
    ("address", "counts_as"),
    [
        ("10.1.2.3", "10.1.2.3"),
        ("2001:db8:1:2:aaaa::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64"),
        ("[2001:db8:1:3::1]", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:10.1.2.3", "10.1.2.3"),
        ("somebody", "somebody"),
        ("", ""),
    ],
)
def test_a_network_of_ipv6_addresses_counts_as_one(address: str, counts_as: str) -> None:
    scope = {"method": "GET", "path": "/", "query_string": b"", "scheme": "http", "headers": []}
    assert read_visit(scope | {"client": (address, 1)}, False).address == counts_as


def test_a_ledger_binds_on_first_use_and_forgets_each_accounts_oldest() -> None:
    ledger = Ledger(kept=2)
    assert ledger.claim("s", "ada") and ledger.claim("s", "ada") and not ledger.claim("s", "bob")
    for key in ("x", "y", "z"):
        ledger.claim(key, "bob")
    assert not ledger.claim("s", "bob")  # bob's crowd pushed out only bob's
    assert not ledger.holds("x", "bob") and ledger.holds("z", "bob")


def test_the_same_content_uploaded_by_two_belongs_to_both() -> None:
    bindings = Bindings(["/shared"])
    for account in ("ada", "bob"):
        bindings.files.grant("/f", account)
    assert (
        bindings.may_read("/f", "ada")
        and bindings.may_read("/f", "bob")
        and not bindings.may_read("/f", "carl")
    )
    assert bindings.may_read("/shared", "carl")


JSON = st.recursive(
    st.none() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@given(JSON)
@trials(max_examples=50, deadline=None)
def test_a_path_is_found_however_deep_it_lies(value: object) -> None:
    paths = set(file_paths([{"a": value}, [[{"b": {"path": "/etc/passwd"}}]]]))
    assert "/etc/passwd" in paths


def test_what_a_stream_tells_is_granted_and_what_a_person_wrote_is_not() -> None:
    told = b'data: {"output": {"data": [{"path": "/a", "meta": {"_type": "gradio.FileData"}}, {"path": "/no"}]}}\n\n'
    step = b'data: {"output": {"data": [[["replace", ["path"], "/b"]]]}}\n\n'
    file = json.dumps({"path": "/c", "meta": {"_type": "gradio.FileData"}})
    said = b"data: " + json.dumps({"output": {"data": [file]}}).encode() + b"\n\n"
    assert list(told_files(told + step + said)) == ["/a", "/b"]


def test_own_origins_pass_and_near_misses_do_not() -> None:
    check_origin(visit(origin="https://studio.example.org"))
    check_origin(visit(host="studio.example.org:443", origin="https://studio.example.org"))
    check_origin(visit(host="127.0.0.1:7860", secure=False, origin="http://127.0.0.1:7860"))
    for origin in ("http://studio.example.org", "https://studio.example.org:8443", "https://studio.example.org.evil",
                   "null", "", "https://", "file://studio.example.org"):  # fmt: skip
        with pytest.raises(Refusal):
            check_origin(visit(origin=origin))


def test_hosts_are_compared_by_name() -> None:
    names = answered_names("0.0.0.0", ("Studio.Example.org",))
    check_host(visit("studio.example.org:8443"), names)
    check_host(visit("[::1]:7860"), names)
    for host in ("0.0.0.0", "", "studio.example.org.evil", "[", "evil@studio.example.org.evil"):
        with pytest.raises(Refusal):
            check_host(visit(host), names)


def test_forwarded_headers_count_only_behind_a_proxy() -> None:
    headers = [(b"host", b"h"), (b"x-forwarded-proto", b"https"), (b"x-forwarded-for", b"6.6.6.6, 10.1.1.1")]
    scope = {"method": "GET", "path": "/", "query_string": b"", "scheme": "http"}
    scope |= {"headers": headers, "client": ("10.9.9.9", 1)}
    assert (read_visit(scope, False).secure, read_visit(scope, False).address) == (False, "10.9.9.9")
    assert (read_visit(scope, True).secure, read_visit(scope, True).address) == (True, "10.1.1.1")
    for said, secure in ((b"https, http", False), (b"http, https", True), (b"HTTPS", True)):
        scope["headers"] = [(b"x-forwarded-proto", said)]
        assert read_visit(scope, True).secure is secure, "the first hop is whatever the visitor wrote"


@pytest.mark.parametrize(
    "raw",
    [
        b'["\\ud800"]',
        b'{"\\udfff": 1}',
        b"[NaN]",
        b"[-Infinity]",
        b"[1e999]",
        b"[" * 101 + b"]" * 101,
        b"\xff",
        b"",
    ],
)
def test_strict_json_refuses_what_no_page_sends(raw: bytes) -> None:
    with pytest.raises(Refusal):
        strict_json(raw)


def test_strict_json_reads_what_pages_send() -> None:
    deep = b"[" * 100 + b"]" * 100
    assert strict_json(b'{"a": ["\\ud83d\\ude00", 1.5, -3, null]}') == {"a": ["\U0001f600", 1.5, -3, None]}
    assert json.dumps(strict_json(deep)).encode() == deep


def test_a_body_ends_where_its_limit_is() -> None:
    """Not a byte more is kept than the limit and one piece, whatever was declared."""
    sent = [0]

    async def receive() -> dict[str, object]:
        sent[0] += 1
        return {"type": "http.request", "body": b"x" * 1000, "more_body": sent[0] < 500}

    too_long = Refusal(413, InputRefused("web.not_json"))
    with pytest.raises(Refusal):
        asyncio.run(read_body(receive, 0, 2500, too_long))
    sent[0] = 498
    assert len(asyncio.run(read_body(receive, 0, 2500, too_long))) == 2000


@given(st.integers(1, 500), st.integers(0, 600), st.integers(0, 600))
def test_ranges_never_leave_the_sound(size: int, first: int, last: int) -> None:
    for wish in (f"bytes={first}-{last}", f"bytes={first}-", f"bytes=-{last}", "bytes=-", "bytes=a-b", ""):
        span = part_of(wish, size)
        assert span is None or 0 <= span[0] <= span[1] < size


@given(st.text())
def test_no_file_name_breaks_out_of_its_header(name: str) -> None:
    header = disposition(name.encode("utf-8", "replace").decode(), download=True)
    assert header.isascii() and header.isprintable() and header.count('"') == 2 and "/" not in header


@given(st.integers(0, 330))
def test_an_upload_cut_anywhere_ends_in_a_parse_error_or_is_complete(cut: int) -> None:
    part = b'--xyz\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n\r\nhello world\r\n'
    sent = (part * 2 + b"--xyz--\r\n")[:cut]
    messages = [{"type": "http.request", "body": sent, "more_body": True}, {"type": "http.disconnect"}]

    async def receive() -> dict[str, object]:
        return messages.pop(0)

    async def read() -> bytes:
        watch = UploadWatch(receive, b"xyz", 10_000)
        pieces = [await watch() for _ in range(2)]
        assert watch.verdict == "gone"
        return b"".join(piece["body"] for piece in pieces)

    body = asyncio.run(read())
    if b"--xyz--" in sent:
        return  # all of it had arrived: the gate deletes what the parser accepts
    with pytest.raises(MultipartParseError):
        MultipartParser(b"xyz", {}).write(body)


def test_parts_are_counted_over_the_borders_of_chunks() -> None:
    body = b"--xyz\r\n\r\na\r\n" * 200
    for size in (1, 3, 7, 1000):
        watch = UploadWatch(None, b"xyz", 10_000_000, most_files=100)  # type: ignore[arg-type]
        for start in range(0, len(body), size):
            watch._count(body[start : start + size])
        assert watch._parts == 200 and watch.verdict == "files"


def test_the_upload_folder_is_private_and_emptied(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "gradio"
    folder.mkdir(parents=True)
    (folder / "left.wav").write_bytes(b"voice")
    fresh_folder(folder)
    assert list(folder.iterdir()) == [] and folder.stat().st_mode & 0o777 == 0o700
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "keep").write_text("x")
    folder.rmdir()
    folder.symlink_to(elsewhere)
    fresh_folder(folder)
    assert not folder.is_symlink() and (elsewhere / "keep").exists()


def test_the_sweeper_takes_old_files_only(tmp_path: Path) -> None:
    old, new = tmp_path / "d" / "old.wav", tmp_path / "new.wav"
    old.parent.mkdir()
    for path in (old, new):
        path.write_bytes(b"x")
    past = time.time() - 7200
    os.utime(old, (past, past))
    assert sweep(tmp_path) == 1 and new.exists() and not old.exists()
    os.utime(old.parent, (past, past))
    sweep(tmp_path)
    assert not old.parent.exists()


def studio_with(**given: object) -> SimpleNamespace:
    return SimpleNamespace(settings=Settings(**given))  # type: ignore[arg-type]


def test_the_studio_listens_beyond_this_machine_only_under_a_public_name() -> None:
    with pytest.raises(InputRefused, match="TIMBRO_PUBLIC_HOSTS"):
        listen(studio_with(host="0.0.0.0", port=0))
    named = studio_with(host="0.0.0.0", port=0, public_hosts=("studio.example.org",))
    with listen(named) as listening:
        assert address_of(named, listening) == "https://studio.example.org"


def test_a_taken_port_is_said_plainly() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(StorageTrouble, match=f"127.0.0.1:{port}"):
            listen(studio_with(port=port))


def test_a_listener_who_leaves_closes_the_sound() -> None:
    closed = []

    def pieces() -> Iterator[bytes]:
        try:
            while True:
                yield b"sound"
        finally:
            closed.append(True)

    async def listen_once() -> None:
        stream = in_thread(pieces(), CapacityLimiter(1))
        assert await anext(stream) == b"sound"
        await stream.aclose()

    asyncio.run(listen_once())
    assert closed == [True]
