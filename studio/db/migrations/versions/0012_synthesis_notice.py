"""Whether a take begins with the spoken notice: with it a take can be made again exactly from its row."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

# Takes made before: their spoken text begins with the notice, which nobody had typed.
SPOKEN = """
UPDATE synthesis SET notice = 1 WHERE EXISTS (
    SELECT 1 FROM (
        SELECT 'Voce sintetica, generata con intelligenza artificiale.' AS said
        UNION SELECT 'Synthetic voice, generated with artificial intelligence.'
    )
    WHERE substr(normalised_text, 1, length(said)) = said AND substr(ltrim(text), 1, length(said)) <> said
)
"""


def upgrade() -> None:
    op.add_column("synthesis", sa.Column("notice", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.execute(SPOKEN)


def downgrade() -> None:
    op.drop_column("synthesis", "notice")
