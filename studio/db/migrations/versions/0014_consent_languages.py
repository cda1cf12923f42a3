"""Consent records name the languages that the voice may be made to speak."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

LANGUAGES = """
CREATE TRIGGER consent_record_languages BEFORE UPDATE OF languages ON consent_record
WHEN NEW.languages IS NOT OLD.languages
BEGIN SELECT RAISE(ABORT, 'a consent record is never changed: write a new version'); END
"""


def upgrade() -> None:
    op.add_column("consent_record", sa.Column("languages", sa.JSON(), nullable=False, server_default="[]"))
    op.execute(LANGUAGES)


def downgrade() -> None:
    op.execute("DROP TRIGGER consent_record_languages")
    op.drop_column("consent_record", "languages")
