"""Why a dataset may be used, who answers for it, and what language is spoken in a clip."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

KNOWN = "'common_voice', 'voxpopuli', 'm_ailabs'"
# A licence that was only typed in has been looked at by nobody: it waits for a reviewer, as new ones do.
RIGHTS = f"""
UPDATE dataset SET rights = CASE
    WHEN basis = 'consent' THEN 'consent'
    WHEN format IN ({KNOWN}) THEN 'known'
    ELSE 'awaiting' END
"""
ATTESTED = "UPDATE dataset SET attested_by = owner_id, attested_at = created_at WHERE rights = 'awaiting'"


def upgrade() -> None:
    op.add_column("dataset", sa.Column("rights", sa.String(), nullable=False, server_default=""))
    for name in ("attested_by", "attested_at", "approved_by", "approved_at"):
        op.add_column("dataset", sa.Column(name, sa.String(), nullable=True))
    op.add_column(
        "dataset_utterance", sa.Column("spoken_language", sa.String(), nullable=False, server_default="")
    )
    op.execute(RIGHTS)
    op.execute(ATTESTED)


def downgrade() -> None:
    op.drop_column("dataset_utterance", "spoken_language")
    for name in ("approved_at", "approved_by", "attested_at", "attested_by", "rights"):
        op.drop_column("dataset", name)
