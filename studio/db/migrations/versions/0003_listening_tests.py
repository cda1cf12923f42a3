"""Listening tests: tests, systems, stimuli, trials, listeners, ratings; and the view that answers with names."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# One row for each system that an answer judged; questions that do not count (training, traps, gold, the owner's
# previews) are left out. `score` is the system's own: MOS and SMOS 1..5, MUSHRA 0..100, A/B 1 preferred, 0.5 tie,
# 0 not; CMOS -3..3, positive where it was the better of the two; ABX 1 where X was recognised.
VIEW = """
CREATE VIEW ratings_by_system AS
SELECT test.id AS test_id, test.name AS test, test.kind AS kind, system.name AS system, system.role AS role,
       trial.item AS item, answer.score AS score, listener.pseudonym AS listener, rating.position AS position,
       rating.side AS side, rating.replays AS replays, rating.response_ms AS response_ms,
       rating.created_at AS created_at
FROM (
    SELECT rating.id AS rating_id, trial.stimulus_id AS stimulus_id, rating.score AS score
    FROM listening_rating AS rating JOIN listening_trial AS trial ON trial.id = rating.trial_id
    UNION ALL
    SELECT rating.id, trial.second_id,
           CASE test.kind WHEN 'ab' THEN 1 - rating.score WHEN 'cmos' THEN -rating.score ELSE rating.score END
    FROM listening_rating AS rating
    JOIN listening_trial AS trial ON trial.id = rating.trial_id
    JOIN listening_test AS test ON test.id = trial.test_id
    WHERE trial.second_id IS NOT NULL
) AS answer
JOIN listening_rating AS rating ON rating.id = answer.rating_id
JOIN listening_trial AS trial ON trial.id = rating.trial_id
JOIN listening_stimulus AS stimulus ON stimulus.id = answer.stimulus_id
JOIN listening_system AS system ON system.id = stimulus.system_id
JOIN listening_test AS test ON test.id = trial.test_id
JOIN listening_listener AS listener ON listener.id = rating.listener_id
WHERE trial.role = 'rated' AND NOT listener.preview
"""
# Foreign keys clear voice_id when a voice is erased; the name would stay without this.
FORGET = """
CREATE TRIGGER listening_system_forgets AFTER UPDATE OF voice_id ON listening_system
WHEN OLD.voice_id IS NOT NULL AND NEW.voice_id IS NULL
BEGIN
    UPDATE listening_system SET name = 'erased ' || substr(NEW.id, 5, 6), source = '{}' WHERE id = NEW.id;
END
"""


def upgrade() -> None:
    op.create_table(
        "listening_test",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("owner_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.Column("config_hash", sa.String(), nullable=False),
        sa.Column("seed", sa.Integer(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("preview_hash", sa.String(), nullable=False),
        sa.Column("link_hash", sa.String(), nullable=True),
        sa.Column("link_number", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.String(), nullable=True),
        sa.Column("revoked_at", sa.String(), nullable=True),
        sa.Column("quota", sa.Integer(), nullable=False),
        sa.Column("for_accounts", sa.Boolean(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("revealed", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.String(), nullable=False),
        sa.Column("opened_at", sa.String(), nullable=True),
        sa.Column("closed_at", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["owner_id"],
            ["account.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("link_hash"),
        sa.UniqueConstraint("preview_hash"),
    )
    with op.batch_alter_table("listening_test", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_listening_test_owner_id"), ["owner_id"], unique=False)

    op.create_table(
        "listening_listener",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("test_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("pseudonym", sa.String(), nullable=False),
        sa.Column("cookie_hash", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=True),
        sa.Column("preview", sa.Boolean(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("consent", sa.String(), nullable=False),
        sa.Column("headphones", sa.Boolean(), nullable=True),
        sa.Column("created_at", sa.String(), nullable=False),
        sa.Column("finished_at", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["test_id"], ["listening_test.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("cookie_hash"),
        sa.UniqueConstraint("test_id", "account_id", "preview"),
    )
    with op.batch_alter_table("listening_listener", schema=None) as batch_op:
        batch_op.create_index("ix_listening_listener_number", ["test_id", "number"], unique=False)
        batch_op.create_index(batch_op.f("ix_listening_listener_test_id"), ["test_id"], unique=False)

    op.create_table(
        "listening_system",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("test_id", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("source", sa.JSON(), nullable=False),
        sa.Column("voice_id", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["test_id"], ["listening_test.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["voice_id"], ["voice.id"], ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("listening_system", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_listening_system_test_id"), ["test_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_listening_system_voice_id"), ["voice_id"], unique=False)

    op.create_table(
        "listening_stimulus",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("test_id", sa.String(), nullable=False),
        sa.Column("system_id", sa.String(), nullable=True),
        sa.Column("item", sa.Integer(), nullable=False),
        sa.Column("asset_id", sa.String(), nullable=True),
        sa.Column("synthesis_id", sa.String(), nullable=True),
        sa.Column("duration_s", sa.Float(), nullable=False),
        sa.Column("sample_rate_hz", sa.Integer(), nullable=False),
        sa.Column("gain_db", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["asset_id"], ["asset.id"], ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["synthesis_id"], ["synthesis.id"], ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["system_id"], ["listening_system.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["test_id"], ["listening_test.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("listening_stimulus", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_listening_stimulus_asset_id"), ["asset_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_listening_stimulus_synthesis_id"), ["synthesis_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_listening_stimulus_test_id"), ["test_id"], unique=False)

    op.create_table(
        "listening_trial",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("test_id", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("page", sa.Integer(), nullable=False),
        sa.Column("item", sa.Integer(), nullable=False),
        sa.Column("condition", sa.Integer(), nullable=False),
        sa.Column("stimulus_id", sa.String(), nullable=False),
        sa.Column("second_id", sa.String(), nullable=True),
        sa.Column("reference_id", sa.String(), nullable=True),
        sa.Column("expected", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(["reference_id"], ["listening_stimulus.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["second_id"], ["listening_stimulus.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["stimulus_id"], ["listening_stimulus.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["test_id"], ["listening_test.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("listening_trial", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_listening_trial_test_id"), ["test_id"], unique=False)

    op.create_table(
        "listening_rating",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("trial_id", sa.String(), nullable=False),
        sa.Column("listener_id", sa.String(), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("side", sa.String(), nullable=False),
        sa.Column("replays", sa.Integer(), nullable=False),
        sa.Column("response_ms", sa.Integer(), nullable=False),
        sa.Column("heard_to_end", sa.Boolean(), nullable=False),
        sa.Column("config_hash", sa.String(), nullable=False),
        sa.Column("created_at", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["listener_id"], ["listening_listener.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["trial_id"], ["listening_trial.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("trial_id", "listener_id"),
    )
    with op.batch_alter_table("listening_rating", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_listening_rating_listener_id"), ["listener_id"], unique=False)
    op.execute(VIEW)
    op.execute(FORGET)


def downgrade() -> None:
    op.execute("DROP TRIGGER listening_system_forgets")
    op.execute("DROP VIEW ratings_by_system")
    with op.batch_alter_table("listening_rating", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_listening_rating_listener_id"))

    op.drop_table("listening_rating")
    with op.batch_alter_table("listening_trial", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_listening_trial_test_id"))

    op.drop_table("listening_trial")
    with op.batch_alter_table("listening_stimulus", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_listening_stimulus_test_id"))
        batch_op.drop_index(batch_op.f("ix_listening_stimulus_synthesis_id"))
        batch_op.drop_index(batch_op.f("ix_listening_stimulus_asset_id"))

    op.drop_table("listening_stimulus")
    with op.batch_alter_table("listening_system", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_listening_system_voice_id"))
        batch_op.drop_index(batch_op.f("ix_listening_system_test_id"))

    op.drop_table("listening_system")
    with op.batch_alter_table("listening_listener", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_listening_listener_test_id"))
        batch_op.drop_index("ix_listening_listener_number")

    op.drop_table("listening_listener")
    with op.batch_alter_table("listening_test", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_listening_test_owner_id"))

    op.drop_table("listening_test")
