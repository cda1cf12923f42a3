"""Signing in over real HTTP: the password page, its limits, and a provider of the test's own."""

import base64
import hashlib
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response
from joserfc import jwt
from joserfc.jwk import RSAKey

from studio.privacy.accounts import AccountService
from studio.settings import Settings
from studio.web.limits import RATES, Budget, Limits
from tests.web.conftest import Served
from tests.web.serving import serving

PAGE = {"accept": "text/html", "accept-language": "en"}
GOOD = "corretto cavallo batteria graffetta"


def try_password(client: httpx.Client, name: str, password: str, **more: Any) -> httpx.Response:
    return client.post("/login", data={"name": name, "password": password}, **more)


def with_password(served: Served, name: str) -> str:
    """An account with a password; its id."""
    visitor = served.visitor(name)
    actor = served.studio.accounts.actor_of(visitor.account_id)
    if not served.studio.accounts.sign_ins.has_password(actor):
        served.studio.accounts.sign_ins.set_password(actor, GOOD, GOOD)
    return visitor.account_id


def test_name_and_password_open_the_studio(served: Served) -> None:
    with_password(served, "paola")
    client = served.anonymous()
    page = client.get("/login", headers=PAGE)
    assert page.status_code == 200 and 'type="password"' in page.text and "/oidc/start" not in page.text
    assert 'href="/login"' in client.get("/", headers=PAGE).text
    wrong = try_password(client, "paola", "something else", headers=PAGE)
    assert wrong.status_code == 401 and "do not match" in wrong.text and 'value="paola"' in wrong.text
    assert "set-cookie" not in wrong.headers
    entered = try_password(client, "paola", GOOD)
    assert entered.status_code == 303 and "httponly" in entered.headers["set-cookie"].lower()
    assert client.get("/config").status_code == 200


def test_the_name_comes_back_as_text(served: Served) -> None:
    page = try_password(served.anonymous(), '"><script>x</script>', "p", headers=PAGE)
    assert page.status_code == 401 and "<script>" not in page.text


def test_other_sites_cannot_sign_somebody_in(served: Served) -> None:
    with_password(served, "paola")
    answer = try_password(served.anonymous(), "paola", GOOD, headers={"origin": "https://evil.example"})
    assert answer.status_code == 403


@pytest.mark.parametrize(
    "body", [b"", b"\xff\xfe", b"name=a&password=%ED%A0%80", b"a=1&" * 30, b"name=" + b"x" * 9000, b"name=a"]
)
def test_a_form_that_is_none_is_no_accident(served: Served, body: bytes) -> None:
    kind = {"content-type": "application/x-www-form-urlencoded"}
    assert served.anonymous().post("/login", content=body, headers=kind).status_code in (400, 401)


def test_attack_34_guessing_passwords_is_slowed_by_address(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(served.gate.limits, "clock", lambda: 0.0)
    client = served.anonymous()
    statuses = [
        try_password(client, f"n{n}", "guess").status_code
        for n in range(int(RATES[Budget.SIGN_IN].burst) + 1)
    ]
    assert statuses == [401] * (len(statuses) - 1) + [429]


def test_attack_34_guessing_one_accounts_password_is_slowed_from_everywhere(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_password(served, "paola")
    monkeypatch.setattr(served.gate.limits, "clock", lambda: 0.0)
    client, statuses = served.anonymous(), []
    for _ in range(int(RATES[Budget.PASSWORD].burst) + 1):
        for budget in set(served.gate.limits._levels) - {Budget.PASSWORD}:
            del served.gate.limits._levels[budget]  # as if each try came from another address
        statuses.append(try_password(client, " PAOLA", "guess").status_code)
    assert statuses == [401] * (len(statuses) - 1) + [429]
    del served.gate.limits._levels[Budget.SIGN_IN]
    late = try_password(client, "paola", GOOD, headers=PAGE)
    assert late.status_code == 429 and "one-time link" in late.text
    assert served.visitor("paola").client.get("/config").status_code == 200  # the link still works


# -- A provider ---------------------------------------------------------------------------------------


@dataclass
class Provider:
    """A small OpenID provider. `lies` changes what its signed answer says; `asked` is what it was sent."""

    client_id: str = "timbro"
    subject: str = "user-42"
    url: str = ""
    lies: dict[str, Any] = field(default_factory=dict)
    asked: list[dict[str, str]] = field(default_factory=list)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "1"}))
    signs_with: RSAKey | None = None

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.get("/.well-known/openid-configuration")
        def discovery() -> dict[str, str]:
            return {
                "issuer": self.url, "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token", "jwks_uri": f"{self.url}/keys",
            }  # fmt: skip

        @app.get("/keys")
        def keys() -> dict[str, Any]:
            return {"keys": [self.key.as_dict(private=False)]}

        @app.get("/authorize")
        def authorize(request: Request) -> Response:
            asked = dict(request.query_params)
            self.asked.append(asked)
            code = secrets.token_urlsafe(8)
            self.codes[code] = asked
            return RedirectResponse(f"{asked['redirect_uri']}?code={code}&state={asked['state']}")

        @app.post("/token")
        async def token(request: Request) -> Response:
            form = {k: v[0] for k, v in parse_qs((await request.body()).decode()).items()}
            asked = self.codes.pop(form.get("code", ""), None)
            digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
            challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
            if (
                asked is None
                or asked["code_challenge"] != challenge
                or asked["code_challenge_method"] != "S256"
            ):
                return JSONResponse({"error": "invalid_grant"}, 400)
            return JSONResponse(
                {"access_token": "a", "token_type": "Bearer", "id_token": self.id_token(asked)}
            )

        return app

    def id_token(self, asked: dict[str, str]) -> str:
        moment = int(time.time())
        claims = {
            "iss": self.url, "sub": self.subject, "aud": self.client_id, "iat": moment, "exp": moment + 60,
            "nonce": asked["nonce"], "preferred_username": "rosa",
        } | self.lies  # fmt: skip
        claims = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode({"alg": "RS256", "kid": "1"}, claims, self.signs_with or self.key)


@pytest.fixture
def provider() -> Iterator[Provider]:
    made = Provider()
    with serving(made.app()) as url:
        made.url = url
        yield made


@dataclass
class Door:
    """A studio's sign-in pages alone, with the provider set."""

    url: str
    accounts: AccountService

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=20)

    def walk(self, client: httpx.Client, start: str = "/oidc/start") -> httpx.Response:
        """To the provider and back, as a browser goes; the answer of our callback."""
        away = client.get(start)
        assert away.status_code == 303, away.text
        back = httpx.get(away.headers["location"], timeout=20)
        return client.get(back.headers["location"])


@pytest.fixture
def door(tmp_path: Path, provider: Provider, request: pytest.FixtureRequest) -> Iterator[Door]:
    from studio.db.database import Database
    from studio.errors import StudioError
    from studio.web.accounts import accounts_router
    from studio.web.gate import Gate
    from studio.web.server import _explain

    role = getattr(request, "param", "")
    settings = Settings(
        storage=tmp_path, language="en", oidc_issuer=provider.url, oidc_client_id="timbro", oidc_name="Acme",
        oidc_new_role=role,
    )  # fmt: skip
    database = Database(settings.database_file)
    database.migrate()

    class Small:
        pass

    studio: Any = Small()
    studio.settings, studio.accounts = settings, AccountService(database, settings)
    app, limits = FastAPI(), Limits()
    app.include_router(accounts_router(studio, limits))
    app.add_exception_handler(StudioError, _explain(studio))
    with serving(Gate(app, studio.accounts, settings, limits=limits)) as url:
        yield Door(url, studio.accounts)
    database.close()


@pytest.mark.parametrize("door", ["producer"], indirect=True)
def test_a_provider_signs_in_with_state_nonce_and_pkce(door: Door, provider: Provider) -> None:
    client = door.client()
    assert "Sign in with Acme" in client.get("/login", headers=PAGE).text
    entered = door.walk(client)
    assert entered.status_code == 303 and entered.headers["location"] == "/"
    asked = provider.asked[0]
    assert (
        asked["code_challenge_method"] == "S256" and len(asked["state"]) >= 43 and len(asked["nonce"]) >= 43
    )
    assert asked["scope"] == "openid profile" and asked["redirect_uri"] == f"{door.url}/oidc/callback"
    actor = door.accounts.actor(client.cookies["timbro_session"])
    assert (actor.name, actor.role) == ("rosa", "producer")
    again = door.client()
    door.walk(again)
    assert door.accounts.actor(again.cookies["timbro_session"]) == actor


def test_an_unknown_identity_makes_no_account_and_is_tied_by_its_holder(
    door: Door, provider: Provider
) -> None:
    stranger = door.walk(door.client())
    assert stranger.status_code == 401 and "not yet" in stranger.text
    client = door.client()
    admin = door.accounts.ensure_administrator()
    client.post(f"/login/{door.accounts.sign_in_link(admin.id)}")
    assert door.walk(client, "/oidc/start?tie=1").status_code == 303
    fresh = door.client()
    assert door.walk(fresh).status_code == 303
    assert door.accounts.actor(fresh.cookies["timbro_session"]).account_id == admin.id
    assert door.client().get("/oidc/start?tie=1").status_code == 401


@pytest.mark.parametrize("door", ["producer"], indirect=True)
@pytest.mark.parametrize(
    "lies",
    [
        {"nonce": "another"}, {"nonce": None}, {"aud": "somebody-else"}, {"iss": "https://evil.example"},
        {"exp": 1}, {"sub": None}, {"iat": None},
    ],
)  # fmt: skip
def test_an_answer_that_says_anything_wrong_is_refused(
    door: Door, provider: Provider, lies: dict[str, Any]
) -> None:
    provider.lies = lies
    client = door.client()
    answer = door.walk(client)
    assert answer.status_code == 401 and "timbro_session" not in client.cookies, answer.text


@pytest.mark.parametrize("door", ["producer"], indirect=True)
def test_an_answer_signed_by_somebody_else_is_refused(door: Door, provider: Provider) -> None:
    provider.signs_with = RSAKey.generate_key(2048, {"kid": "1"})
    assert door.walk(door.client()).status_code == 401


@pytest.mark.parametrize("door", ["producer"], indirect=True)
def test_a_way_is_walked_once_and_in_the_browser_that_began_it(door: Door, provider: Provider) -> None:
    client, other = door.client(), door.client()
    away = client.get("/oidc/start").headers["location"]
    back = httpx.get(away).headers["location"]
    stolen = other.get(back)
    assert stolen.status_code == 401 and "another browser" in stolen.text
    assert client.get(back).status_code == 401  # the thief's try has spent it
    code = parse_qs(urlsplit(back).query)["code"][0]
    assert client.get(f"/oidc/callback?code={code}&state={'x' * 43}").status_code == 401
    assert client.get("/oidc/callback?error=access_denied").status_code == 401


def test_without_a_provider_its_pages_say_so(served: Served) -> None:
    assert served.anonymous().get("/oidc/start").status_code == 400
    assert served.anonymous().get("/oidc/callback?code=a&state=b").status_code == 400
