"""Signing in by one-time link, and out."""

from anyio import to_thread
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from studio.errors import SignInRequired
from studio.privacy.accounts import TOKEN_LENGTH
from studio.web.gate import VISIT
from studio.web.pages import message_page, redeem_page
from studio.web.visit import Visit, cookie_name
from studio.web.wanted import Studio


def accounts_router(studio: Studio) -> APIRouter:
    """/login/<token> shows a button, posting it signs in; posting /logout signs out."""
    router = APIRouter()

    def language(request: Request) -> str:
        return _visit(request).language(studio.settings.language)

    @router.api_route("/login/{token}", methods=["GET", "HEAD"])
    def arrive(request: Request, token: str) -> Response:
        if len(token) != TOKEN_LENGTH:
            raise SignInRequired("web.link_short")
        return HTMLResponse(redeem_page(language(request)))

    @router.post("/login/{token}")
    async def enter(request: Request, token: str) -> Response:
        session = await to_thread.run_sync(studio.accounts.redeem, token)
        answer = RedirectResponse("/", status_code=303)
        secure = _visit(request).secure
        # Lax, not Strict: coming from a bookmark or a mail must find the visitor signed in. Changing
        # requests are held to their Origin by the gate.
        answer.set_cookie(
            cookie_name(secure),
            session,
            max_age=studio.settings.session_hours * 3600,
            httponly=True,
            samesite="lax",
            secure=secure,
        )
        return answer

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


def _visit(request: Request) -> Visit:
    visit = request.scope[VISIT]
    assert isinstance(visit, Visit)
    return visit
