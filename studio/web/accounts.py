"""Signing in by one-time link, by password or through a provider; and out."""

import hashlib

from anyio import to_thread
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from studio.errors import InputRefused, SignInRequired, TooMany
from studio.privacy.accounts import TOKEN_LENGTH
from studio.privacy.oidc import LASTS_S, OpenId
from studio.privacy.sign_in import Identity
from studio.web.forms import browser_of, read_form
from studio.web.gate import VISIT
from studio.web.limits import Budget, Limits
from studio.web.pages import login_page, message_page, redeem_page
from studio.web.visit import Visit, cookie_name
from studio.web.wanted import Studio

OIDC_COOKIE = "timbro_way"


def accounts_router(studio: Studio, limits: Limits) -> APIRouter:
    """/login/<token> shows a button, posting it signs in; /login asks for a password; /oidc/... leads to the
    provider and back; posting /logout signs out.
    """
    router = APIRouter()
    ways, openid = studio.accounts.sign_ins, OpenId(studio.settings)

    def language(request: Request) -> str:
        return _visit(request).language(studio.settings.language)

    def provider() -> str:
        return openid.name if openid.on else ""

    def entered(request: Request, session: str) -> Response:
        secure = _visit(request).secure
        answer = RedirectResponse("/", status_code=303)
        # Lax, not Strict: coming from a bookmark or a mail must find the visitor signed in. Changing
        # requests are held to their Origin by the gate.
        answer.set_cookie(
            cookie_name(secure), session, max_age=studio.settings.session_hours * 3600, httponly=True,
            samesite="lax", secure=secure,
        )  # fmt: skip
        return answer

    def browser(request: Request) -> str:
        return browser_of(request.headers.get("user-agent", ""))

    @router.api_route("/login/{token}", methods=["GET", "HEAD"])
    def arrive(request: Request, token: str) -> Response:
        if len(token) != TOKEN_LENGTH:
            raise SignInRequired("web.link_short")
        return HTMLResponse(redeem_page(language(request)))

    @router.post("/login/{token}")
    async def enter(request: Request, token: str) -> Response:
        return entered(request, await to_thread.run_sync(studio.accounts.redeem, token, browser(request)))

    @router.api_route("/login", methods=["GET", "HEAD"])
    def ask(request: Request) -> Response:
        return HTMLResponse(login_page(language(request), provider()))

    @router.post("/login")
    async def try_password(request: Request) -> Response:
        form = await read_form(request)
        name, password = form.get("name", ""), form.get("password", "")
        try:
            _count(limits, name)
            session = await to_thread.run_sync(ways.by_password, name, password, browser(request))
        except (SignInRequired, TooMany) as error:
            if not _visit(request).wants_page:
                raise
            status = 401 if isinstance(error, SignInRequired) else 429
            return HTMLResponse(login_page(language(request), provider(), error, name[:64]), status)
        return entered(request, session)

    @router.get("/oidc/start")
    async def start(request: Request, tie: str = "") -> Response:
        visit = _visit(request)
        account_id = ""
        if tie:
            account_id = (await to_thread.run_sync(studio.accounts.actor, visit.session_token)).account_id
        back = f"{'https' if visit.secure else 'http'}://{visit.host}/oidc/callback"
        way = await to_thread.run_sync(openid.begin, back, account_id)
        answer = RedirectResponse(way.url, status_code=303)
        answer.set_cookie(
            OIDC_COOKIE, way.browser, max_age=int(LASTS_S), path="/oidc", httponly=True, samesite="lax",
            secure=visit.secure,
        )  # fmt: skip
        return answer

    @router.get("/oidc/callback")
    async def back(request: Request, state: str = "", code: str = "", error: str = "") -> Response:
        if not openid.on:
            raise InputRefused("access.oidc_off")
        if error or not code:
            raise SignInRequired("access.oidc_refused", reason=f"it says: {error[:80] or 'nothing'}")
        kept = request.cookies.get(OIDC_COOKIE, "")
        identity, way = await to_thread.run_sync(openid.finish, state, code, kept)
        if way.account_id:
            answer = await _tied(request, identity, way.account_id)
        else:
            role = studio.settings.oidc_new_role
            answer = entered(
                request, await to_thread.run_sync(ways.by_identity, identity, role, browser(request))
            )
        answer.delete_cookie(OIDC_COOKIE, path="/oidc")
        return answer

    async def _tied(request: Request, identity: Identity, account_id: str) -> Response:
        """Bound to the account that began, if it is the one still signed in here."""
        actor = await to_thread.run_sync(studio.accounts.actor, _visit(request).session_token)
        if actor.account_id != account_id:
            raise SignInRequired("access.oidc_refused", reason="somebody else has signed in meanwhile")
        await to_thread.run_sync(ways.tie, actor, identity)
        return RedirectResponse("/", status_code=303)

    @router.post("/logout")
    async def leave(request: Request) -> Response:
        token = _visit(request).session_token
        if token:
            await to_thread.run_sync(studio.accounts.sign_out, token)
        answer = HTMLResponse(message_page("web.signed_out", language(request)))
        secure = _visit(request).secure
        answer.delete_cookie(cookie_name(secure), httponly=True, samesite="lax", secure=secure)
        return answer

    return router


def _count(limits: Limits, name: str) -> None:
    """Tries for one name, from wherever they come. Known or not: the answer must not tell."""
    who = hashlib.sha256(" ".join(name.split()).casefold().encode()).hexdigest()
    wait_s = limits.take(Budget.PASSWORD, who)
    if wait_s:
        raise TooMany("access.too_many_tries", seconds=wait_s)


def _visit(request: Request) -> Visit:
    visit = request.scope[VISIT]
    assert isinstance(visit, Visit)
    return visit
