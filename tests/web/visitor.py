"""Somebody who is signed in and speaks Gradio's protocol as its page does."""

import json
import secrets
from dataclasses import dataclass, field
from typing import Any

import httpx

G = "/gradio_api"


def file_data(path: str) -> dict[str, Any]:
    return {"path": path, "meta": {"_type": "gradio.FileData"}}


@dataclass
class Visitor:
    client: httpx.Client
    account_id: str
    session: str = field(default_factory=lambda: secrets.token_hex(6))

    @property
    def cookie(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.client.cookies.items())

    def join(self, fn_index: int, *data: Any, session: str = "", **more: Any) -> httpx.Response:
        body = {"data": list(data), "fn_index": fn_index, "session_hash": session or self.session, **more}
        return self.client.post(f"{G}/queue/join", json=body)

    def call(self, fn_index: int, *data: Any) -> Any:
        """The first output of an event; the error's text when it failed."""
        answer = self.join(fn_index, *data)
        assert answer.status_code == 200, answer.text
        return self.outcome(answer.json()["event_id"])

    def outcome(self, event_id: str) -> Any:
        params = {"session_hash": self.session}
        with self.client.stream("GET", f"{G}/queue/data", params=params) as stream:
            for line in stream.iter_lines():
                message = json.loads(line[6:]) if line.startswith("data: ") else {}
                if message.get("msg") == "process_completed" and message["event_id"] == event_id:
                    output = message["output"]
                    return output["data"][0] if message["success"] else f"failed: {output.get('error')}"
        raise AssertionError("the event never ended")

    def upload(self, name: str, content: bytes) -> httpx.Response:
        return self.client.post(f"{G}/upload", files=[("files", (name, content))])

    def uploaded(self, name: str, content: bytes) -> str:
        answer = self.upload(name, content)
        assert answer.status_code == 200, answer.text
        return str(answer.json()[0])
