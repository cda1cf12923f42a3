"""How people and programs prove who they are: passwords, outside identities, API keys."""

from sqlalchemy import JSON, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from studio.db.tables.base import Base, new_id, now


class Password(Base, kw_only=True):
    """An account's password as Argon2id keeps it; accounts without one enter by link."""

    __tablename__ = "password"
    account_id: Mapped[str] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), primary_key=True)
    encoded: Mapped[str] = mapped_column(String)  # $argon2id$v=19$m=...
    changed_at: Mapped[str] = mapped_column(String, default_factory=now)


class ExternalIdentity(Base, kw_only=True):
    """Who an OpenID provider says somebody is; bound to an account by its holder."""

    __tablename__ = "external_identity"
    issuer: Mapped[str] = mapped_column(String, primary_key=True)
    subject: Mapped[str] = mapped_column(String, primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), index=True)
    bound_at: Mapped[str] = mapped_column(String, default_factory=now)


class ApiKey(Base, kw_only=True):
    """A program's key to the studio, with an account's rights cut down to scopes; only its hash is kept."""

    __tablename__ = "api_key"
    id: Mapped[str] = mapped_column(String, primary_key=True, default_factory=lambda: new_id("key"))
    account_id: Mapped[str] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String)
    token_hash: Mapped[str] = mapped_column(String, unique=True)  # SHA-256 of 256 random bits
    hint: Mapped[str] = mapped_column(String)  # the first characters, to tell keys apart
    scopes: Mapped[list[str]] = mapped_column(JSON)
    voices: Mapped[list[str]] = mapped_column(JSON)  # keys of voices it may speak with; empty for all
    expires_at: Mapped[str | None] = mapped_column(String, default=None)
    created_at: Mapped[str] = mapped_column(String, default_factory=now)
    last_used_at: Mapped[str | None] = mapped_column(String, default=None)
    revoked_at: Mapped[str | None] = mapped_column(String, default=None)
