"""Listening tests: whose voice a sound is, and what its owner has to be told about it."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # No foreign key: SQLite would need the whole table copied for it, under the feet of the view on it.
    op.add_column("listening_stimulus", sa.Column("voice_id", sa.String(), nullable=True))
    op.execute(
        "UPDATE listening_stimulus SET voice_id ="
        " (SELECT system.voice_id FROM listening_system AS system WHERE system.id = listening_stimulus.system_id)"
    )
    op.create_index("ix_listening_stimulus_voice_id", "listening_stimulus", ["voice_id"])
    op.add_column(
        "listening_stimulus",
        sa.Column("held_by_ceiling", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.add_column("listening_stimulus", sa.Column("word_errors", sa.Float(), nullable=True))


def downgrade() -> None:
    op.drop_column("listening_stimulus", "word_errors")
    op.drop_column("listening_stimulus", "held_by_ceiling")
    op.drop_index("ix_listening_stimulus_voice_id", "listening_stimulus")
    op.drop_column("listening_stimulus", "voice_id")
