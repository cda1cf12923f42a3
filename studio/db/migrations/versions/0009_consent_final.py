"""A refused or withdrawn consent stays what it is; records name the engines they cover."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# Revision 0006 forbids widening a record at one stroke, not in two: refused -> review -> granted.
FINAL = """
CREATE TRIGGER consent_record_final BEFORE UPDATE OF status ON consent_record
WHEN NEW.status IS NOT OLD.status AND (OLD.status NOT IN ('review', 'granted') OR OLD.withdrawn_at IS NOT NULL)
BEGIN SELECT RAISE(ABORT, 'what was refused or withdrawn stays so: write a new version'); END
"""
ENGINES = """
CREATE TRIGGER consent_record_engines BEFORE UPDATE OF engines ON consent_record
WHEN NEW.engines IS NOT OLD.engines
BEGIN SELECT RAISE(ABORT, 'a consent record is never changed: write a new version'); END
"""


def upgrade() -> None:
    op.add_column("consent_record", sa.Column("engines", sa.JSON(), nullable=False, server_default="[]"))
    op.execute(FINAL)
    op.execute(ENGINES)


def downgrade() -> None:
    op.execute("DROP TRIGGER consent_record_engines")
    op.execute("DROP TRIGGER consent_record_final")
    op.drop_column("consent_record", "engines")
