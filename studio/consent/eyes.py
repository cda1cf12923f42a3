"""Four eyes: whoever recorded a consent does not approve it, while anybody else could."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from studio.db.tables import Account, ConsentRecord, Speaker
from studio.privacy.access import MATRIX, Actor, Permission


def eyes(session: Session, actor: Actor, record: ConsentRecord) -> str:
    """Whose eyes decide: "" somebody else's than those that recorded it; "own", and another account could;
    "alone" where no other account may review.
    """
    concerned = _concerned(session, record)
    if actor.account_id not in concerned:
        return ""
    reviewing = [role.value for role, held in MATRIX.items() if Permission.REVIEW in held]
    others = select(Account.id).where(
        Account.role.in_(reviewing), Account.disabled_at.is_(None), Account.id.not_in(concerned)
    )
    return "alone" if session.scalars(others.limit(1)).first() is None else "own"


def _concerned(session: Session, record: ConsentRecord) -> set[str]:
    """The account that recorded a consent, and the one whose voice it makes."""
    return {record.granted_by, session.get_one(Speaker, record.speaker_id).owner_id}


def self_approved(session: Session, record: ConsentRecord) -> bool:
    """Whether those who recorded it also let it pass."""
    return record.status == "granted" and record.reviewer_id in _concerned(session, record)
