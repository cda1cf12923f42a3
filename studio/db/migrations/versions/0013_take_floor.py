"""The recogniser's own errors on the speaker's real recordings, beside the word errors of a take."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("synthesis", sa.Column("asr_floor", sa.Float(), nullable=True))
    op.add_column("synthesis", sa.Column("asr_floor_n", sa.Integer(), nullable=True))


def downgrade() -> None:
    op.drop_column("synthesis", "asr_floor_n")
    op.drop_column("synthesis", "asr_floor")
