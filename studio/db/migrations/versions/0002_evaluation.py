"""Evaluation runs and the scores they measured."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "evaluation_run",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("owner_id", sa.String(), nullable=False),
        sa.Column("voice_id", sa.String(), nullable=True),
        sa.Column("preset_id", sa.String(), nullable=True),
        sa.Column("voice_name", sa.String(), nullable=False),
        sa.Column("engine_id", sa.String(), nullable=False),
        sa.Column("option", sa.String(), nullable=False),
        sa.Column("adapter_id", sa.String(), nullable=True),
        sa.Column("checkpoint_id", sa.String(), nullable=True),
        sa.Column("options", sa.JSON(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("set_id", sa.String(), nullable=False),
        sa.Column("set_titles", sa.JSON(), nullable=False),
        sa.Column("content_id", sa.String(), nullable=False),
        sa.Column("sentences", sa.JSON(), nullable=False),
        sa.Column("voice_content_id", sa.String(), nullable=False),
        sa.Column("seed", sa.Integer(), nullable=False),
        sa.Column("recogniser", sa.String(), nullable=False),
        sa.Column("device", sa.String(), nullable=False),
        sa.Column("cores", sa.Integer(), nullable=False),
        sa.Column("hour_price", sa.Float(), nullable=False),
        sa.Column("setup_s", sa.Float(), nullable=True),
        sa.Column("setup_measured", sa.Boolean(), nullable=False),
        sa.Column("training_s", sa.Float(), nullable=True),
        sa.Column("peak_bytes", sa.Integer(), nullable=True),
        sa.Column("peak_gpu_bytes", sa.Integer(), nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("trouble", sa.JSON(), nullable=True),
        sa.Column("started_at", sa.String(), nullable=False),
        sa.Column("ended_at", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["owner_id"], ["account.id"]),
        sa.ForeignKeyConstraint(["voice_id"], ["voice.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("evaluation_run", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_evaluation_run_owner_id"), ["owner_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_evaluation_run_voice_id"), ["voice_id"], unique=False)

    op.create_table(
        "metric_score",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("synthesis_id", sa.String(), nullable=True),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=True),
        sa.Column("metric", sa.String(), nullable=False),
        sa.Column("value", sa.Float(), nullable=True),
        sa.Column("low", sa.Float(), nullable=True),
        sa.Column("high", sa.Float(), nullable=True),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("parameters", sa.JSON(), nullable=False),
        sa.Column("models", sa.JSON(), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.Column("trouble", sa.JSON(), nullable=True),
        sa.Column("created_at", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["evaluation_run.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["synthesis_id"], ["synthesis.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("metric_score", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_metric_score_run_id"), ["run_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_metric_score_synthesis_id"), ["synthesis_id"], unique=False)


def downgrade() -> None:
    op.drop_table("metric_score")
    op.drop_table("evaluation_run")
