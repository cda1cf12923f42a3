"""Who signs in, what they accepted, and what they did."""

from typing import Any

from sqlalchemy import JSON, ForeignKey, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from studio.db.tables.base import Base, new_id, now


class Account(Base, kw_only=True):
    """Somebody who signs in."""

    __tablename__ = "account"
    id: Mapped[str] = mapped_column(String, primary_key=True, default_factory=lambda: new_id("acc"))
    name: Mapped[str] = mapped_column(String, unique=True)
    role: Mapped[str] = mapped_column(String)
    language: Mapped[str] = mapped_column(String, default="")
    preferences: Mapped[dict[str, Any]] = mapped_column(JSON, default_factory=dict)
    created_at: Mapped[str] = mapped_column(String, default_factory=now)
    disabled_at: Mapped[str | None] = mapped_column(String, default=None)


class SignInLink(Base, kw_only=True):
    """A one-time link; only the token's hash is kept."""

    __tablename__ = "sign_in_link"
    token_hash: Mapped[str] = mapped_column(String, primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"))
    expires_at: Mapped[str] = mapped_column(String)
    used_at: Mapped[str | None] = mapped_column(String, default=None)
    revoked_at: Mapped[str | None] = mapped_column(String, default=None)


class SignInSession(Base, kw_only=True):
    """A browser that is signed in; only the cookie's hash is kept."""

    __tablename__ = "sign_in_session"
    token_hash: Mapped[str] = mapped_column(String, primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"))
    expires_at: Mapped[str] = mapped_column(String)
    created_at: Mapped[str] = mapped_column(String, default_factory=now)
    way: Mapped[str] = mapped_column(String, default="link")  # link / password / oidc
    browser: Mapped[str] = mapped_column(String, default="")  # what it calls itself, in two words


class LicenceAcceptance(Base, kw_only=True):
    """Who accepted which model's licence, and when."""

    __tablename__ = "licence_acceptance"
    __table_args__ = (UniqueConstraint("model_id", "licence"),)
    id: Mapped[str] = mapped_column(String, primary_key=True, default_factory=lambda: new_id("lic"))
    model_id: Mapped[str] = mapped_column(String)
    licence: Mapped[str] = mapped_column(String)
    accepted_by: Mapped[str] = mapped_column(ForeignKey("account.id"))
    accepted_at: Mapped[str] = mapped_column(String, default_factory=now)


class AuditEntry(Base, kw_only=True):
    """One link of the audit chain; never updated, never deleted (triggers see to it)."""

    __tablename__ = "audit_entry"
    seq: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    prev: Mapped[str] = mapped_column(String, unique=True)
    hash: Mapped[str] = mapped_column(String, unique=True)
    body: Mapped[str] = mapped_column(Text)  # canonical JSON (RFC 8785)
