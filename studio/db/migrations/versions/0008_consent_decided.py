"""When a person decided on a consent: what was refused is kept for days from then, not until it would have ended."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# What was decided before this revision: the audit log knows when.
FROM_THE_LOG = """
UPDATE consent_record SET decided_at = (
    SELECT max(json_extract(body, '$.at')) FROM audit_entry
    WHERE json_extract(body, '$.action') IN ('consent.approved', 'consent.refused')
      AND json_extract(body, '$.subject') = consent_record.speaker_id
      AND json_extract(body, '$.facts.version') = consent_record.version
) WHERE reviewer_id IS NOT NULL
"""
ONCE = """
CREATE TRIGGER consent_record_decided_once BEFORE UPDATE OF decided_at ON consent_record
WHEN OLD.decided_at IS NOT NULL AND NEW.decided_at IS NOT OLD.decided_at
BEGIN SELECT RAISE(ABORT, 'a consent is decided on once'); END
"""


def upgrade() -> None:
    op.add_column("consent_record", sa.Column("decided_at", sa.String(), nullable=True))
    op.execute(FROM_THE_LOG)
    op.execute(ONCE)


def downgrade() -> None:
    op.execute("DROP TRIGGER consent_record_decided_once")
    op.drop_column("consent_record", "decided_at")
