"""Sign-in through an OpenID provider (Authlib): discovery, PKCE, state, nonce, and the signed answer checked."""

import hmac
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from studio.errors import InputRefused, SignInRequired, SourceUnavailable, StorageTrouble
from studio.privacy.sign_in import Identity
from studio.settings import Settings

LASTS_S = 600.0  # how long somebody may take at the provider
MOST_WAYS = 500  # people on their way at once
TIMEOUT_S = 10.0
ANSWER_BYTES = 500_000
LEEWAY_S = 60
# Signatures that only the provider can make; "none" and shared secrets are not among them.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Way:
    """Somebody on the way to the provider and back, bound to one browser."""

    url: str  # of the provider
    state: str
    browser: str  # the cookie's value
    nonce: str
    verifier: str  # PKCE
    back: str  # our callback's address
    account_id: str  # whose account the identity is to be tied to; empty to sign in
    until: float


@dataclass
class OpenId:
    """The provider that settings name. Nothing is asked of it before somebody wants to sign in."""

    settings: Settings
    clock: Callable[[], float] = time.monotonic
    _ways: dict[str, Way] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def on(self) -> bool:
        return bool(self.settings.oidc_issuer and self.settings.oidc_client_id)

    @property
    def name(self) -> str:
        """What the button calls it."""
        return self.settings.oidc_name or urlsplit(self.settings.oidc_issuer).hostname or "OpenID"

    def begin(self, back: str, account_id: str = "") -> Way:
        """Where to send the browser. InputRefused when no provider is set; SourceUnavailable when it is away."""
        if not self.on:
            raise InputRefused("access.oidc_off")
        metadata = self._metadata()
        state, nonce, verifier, browser = (secrets.token_urlsafe(32) for _ in range(4))
        with self._client(back) as client:
            url, _ = client.create_authorization_url(
                metadata["authorization_endpoint"], state=state, nonce=nonce, code_verifier=verifier
            )
        way = Way(url, state, browser, nonce, verifier, back, account_id, self.clock() + LASTS_S)
        with self._lock:
            self._ways = {s: w for s, w in self._ways.items() if w.until > self.clock()}
            while len(self._ways) >= MOST_WAYS:
                self._ways.pop(next(iter(self._ways)))
            self._ways[state] = way
        return way

    def finish(self, state: str, code: str, browser: str) -> tuple[Identity, Way]:
        """Who came back. SignInRequired unless state and browser belong together and the answer is sound.

        A way is walked once: the second try with the same state finds nothing.
        """
        with self._lock:
            way = self._ways.pop(state, None)
        if way is None or way.until <= self.clock():
            raise _refused("the sign-in took too long, or was not begun here")
        if not hmac.compare_digest(way.browser.encode(), browser.encode()):
            raise _refused("it was begun in another browser")
        metadata = self._metadata()
        token = self._exchange(metadata, way, code)
        claims = self._claims(metadata, way, token)
        named = claims.get("preferred_username") or claims.get("name") or ""
        return Identity(metadata["issuer"], str(claims["sub"]), str(named)), way

    def _metadata(self) -> dict[str, Any]:
        issuer = self.settings.oidc_issuer.rstrip("/")
        metadata = self._get(f"{issuer}/.well-known/openid-configuration")
        if str(metadata.get("issuer", "")).rstrip("/") != issuer:
            raise _refused("the provider calls itself by another name than the settings do")
        return metadata

    def _get(self, url: str) -> dict[str, Any]:
        import httpx

        _refuse_plain(url)
        try:
            with httpx.Client(timeout=TIMEOUT_S, follow_redirects=False) as client:
                answer = client.get(url, headers={"accept": "application/json"})
                answer.raise_for_status()
                found = answer.json() if len(answer.content) <= ANSWER_BYTES else None
        except (httpx.HTTPError, ValueError) as error:
            raise SourceUnavailable("access.oidc_unreachable", reason=type(error).__name__) from error
        if not isinstance(found, dict):
            raise SourceUnavailable("access.oidc_unreachable", reason="its answer is no document")
        return found

    def _exchange(self, metadata: dict[str, Any], way: Way, code: str) -> dict[str, Any]:
        import httpx
        from authlib.common.errors import AuthlibBaseError

        _refuse_plain(str(metadata["token_endpoint"]))
        try:
            with self._client(way.back) as client:
                found = client.fetch_token(
                    metadata["token_endpoint"], code=code, code_verifier=way.verifier, grant_type="authorization_code"
                )  # fmt: skip
        except AuthlibBaseError as error:
            raise _refused("the provider did not accept the code") from error
        except (httpx.HTTPError, ValueError) as error:
            raise SourceUnavailable("access.oidc_unreachable", reason=type(error).__name__) from error
        return dict(found)

    def _claims(self, metadata: dict[str, Any], way: Way, token: dict[str, Any]) -> dict[str, Any]:
        """The signed answer, after everything about it was checked: signature, issuer, audience, time, nonce."""
        from authlib.oidc.core import CodeIDToken
        from joserfc import jwt
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet
        from joserfc.jws import JWSRegistry

        try:
            keys = KeySet.import_key_set(self._get(str(metadata["jwks_uri"])))  # type: ignore[arg-type]
            registry = JWSRegistry(algorithms=list(ALGORITHMS), strict_check_header=False)
            decoded = jwt.decode(str(token.get("id_token", "")), key=keys, registry=registry)
            wanted = {
                "iss": {"essential": True, "value": metadata["issuer"]},
                "aud": {"essential": True, "value": self.settings.oidc_client_id},
            }
            known = {
                "nonce": way.nonce,
                "client_id": self.settings.oidc_client_id,
                "access_token": token.get("access_token", ""),
            }
            claims = CodeIDToken(decoded.claims, decoded.header, wanted, known)
            claims.validate(leeway=LEEWAY_S)
        except (JoseError, ValueError, KeyError, TypeError) as error:
            raise _refused(f"its signed answer is not sound ({type(error).__name__})") from error
        return dict(claims)

    def _client(self, back: str) -> Any:
        from authlib.integrations.httpx_client import OAuth2Client

        secret = self._secret()
        return OAuth2Client(
            self.settings.oidc_client_id, secret, scope="openid profile", redirect_uri=back,
            code_challenge_method="S256", timeout=TIMEOUT_S,
            token_endpoint_auth_method="client_secret_basic" if secret else "none",
        )  # fmt: skip

    def _secret(self) -> str | None:
        file = self.settings.oidc_secret_file
        try:
            return file.read_text().strip() if file else None
        except OSError as error:
            raise StorageTrouble("access.oidc_secret", reason=error.strerror or "?") from error


def _refused(reason: str) -> SignInRequired:
    return SignInRequired("access.oidc_refused", reason=reason)


def _refuse_plain(url: str) -> None:
    """Https, or this very machine: an identity that travels in the open is nobody's."""
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise _refused("the provider's addresses have to be https")
