"""Who may do what: roles, permissions, and the actor every service call is made by."""

from dataclasses import dataclass
from enum import StrEnum

from studio.errors import NotPermitted


class Role(StrEnum):
    """What somebody is in this studio."""

    ADMINISTRATOR = "administrator"
    PRODUCER = "producer"
    REVIEWER = "reviewer"
    AUDITOR = "auditor"
    SPEAKER = "speaker"
    LISTENER = "listener"


class Permission(StrEnum):
    """What can be asked for."""

    VOICES = "voices"  # enrol and use voices, make takes
    ALL_VOICES = "all_voices"  # see those of others too
    REVIEW = "review"  # decide on consents in the grey zone
    MODELS = "models"  # fetch and remove models, accept licences
    SETTINGS = "settings"  # studio-wide settings
    ACCOUNTS = "accounts"  # make accounts and sign-in links
    AUDIT = "audit"  # read and verify the audit log


MATRIX: dict[Role, frozenset[Permission]] = {
    Role.ADMINISTRATOR: frozenset(Permission),
    Role.PRODUCER: frozenset({Permission.VOICES}),
    Role.REVIEWER: frozenset({Permission.REVIEW, Permission.ALL_VOICES, Permission.AUDIT}),
    Role.AUDITOR: frozenset({Permission.AUDIT}),
    Role.SPEAKER: frozenset(),
    Role.LISTENER: frozenset(),
}


@dataclass(frozen=True)
class Actor:
    """Whoever makes a call: an account, with its role and language."""

    account_id: str
    name: str
    role: Role
    language: str = "it"
    chose_language: bool = False  # else `language` is the studio's

    def may(self, permission: Permission) -> bool:
        return permission in MATRIX[self.role]

    def require(self, permission: Permission) -> None:
        """NotPermitted unless the role has the permission."""
        if not self.may(permission):
            raise NotPermitted("privacy.not_permitted", role=self.role.value, permission=permission.value)

    def owns(self, owner_id: str) -> bool:
        """Whether this actor may see what `owner_id` made."""
        return owner_id == self.account_id or self.may(Permission.ALL_VOICES)
