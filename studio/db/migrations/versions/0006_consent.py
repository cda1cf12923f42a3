"""Consent challenges, links, samples, signed documents; notices; retention; receipts; records that stay as written."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

WRITTEN_ONCE = (
    *("id", "speaker_id", "version", "category", "purposes", "lawful_basis", "attestations", "language"),
    *("notice_version", "notice_hash", "statement", "recording_asset_id", "recording_hash", "transcript"),
    *("statement_wer", "speaker_score", "judged_by", "doubts", "granted_by", "granted_at"),
)
# What a later hand may do to a record: decide on one that waits, end it earlier, withdraw it. Nothing else.
IMMUTABLE = (
    "CREATE TRIGGER consent_record_immutable BEFORE UPDATE ON consent_record WHEN "
    + " OR ".join(f"NEW.{name} IS NOT OLD.{name}" for name in WRITTEN_ONCE)
    + " OR NEW.expires_at > OLD.expires_at"
    " OR (NEW.status = 'granted' AND OLD.status NOT IN ('granted', 'review'))"
    " OR (OLD.reviewer_id IS NOT NULL AND NEW.reviewer_id IS NOT OLD.reviewer_id)"
    " OR (OLD.withdrawn_at IS NOT NULL AND NEW.withdrawn_at IS NOT OLD.withdrawn_at)"
    " BEGIN SELECT RAISE(ABORT, 'a consent record is never changed: write a new version'); END"
)
NOTICE_KEPT = (
    "CREATE TRIGGER notice_version_kept BEFORE UPDATE ON notice_version"
    " BEGIN SELECT RAISE(ABORT, 'a notice is never changed: write a new version'); END"
)


def upgrade() -> None:
    op.create_table(
        "consent_challenge",
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("purposes", sa.JSON(), nullable=False),
        sa.Column("statement", sa.Text(), nullable=False),
        sa.Column("words", sa.JSON(), nullable=False),
        sa.Column("notice_hash", sa.String(), nullable=False),
        sa.Column("expires_at", sa.String(), nullable=False),
        sa.Column("tries_left", sa.Integer(), nullable=False),
        sa.Column("used_at", sa.String(), nullable=True),
        sa.Column("created_at", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("token_hash"),
    )
    with op.batch_alter_table("consent_challenge", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_consent_challenge_expires_at"), ["expires_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_consent_challenge_subject"), ["subject"], unique=False)
    op.create_table(
        "notice_version",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("created_at", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("language", "number"),
    )
    with op.batch_alter_table("notice_version", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_notice_version_hash"), ["hash"], unique=False)
    op.create_table(
        "retention_rule",
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=True),
        sa.Column("changed_by", sa.String(), nullable=False),
        sa.Column("changed_at", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("kind"),
    )
    op.create_table(
        "consent_document",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("speaker_id", sa.String(), nullable=False),
        sa.Column("asset_id", sa.String(), nullable=False),
        sa.Column("media_type", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("uploaded_by", sa.String(), nullable=False),
        sa.Column("created_at", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["asset_id"],
            ["asset.id"],
        ),
        sa.ForeignKeyConstraint(
            ["speaker_id"],
            ["speaker.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("consent_document", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_consent_document_speaker_id"), ["speaker_id"], unique=False)
    op.create_table(
        "consent_link",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("speaker_id", sa.String(), nullable=False),
        sa.Column("owner_id", sa.String(), nullable=False),
        sa.Column("voice_name", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("expires_at", sa.String(), nullable=False),
        sa.Column("opened_at", sa.String(), nullable=True),
        sa.Column("revoked_at", sa.String(), nullable=True),
        sa.Column("created_at", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["owner_id"],
            ["account.id"],
        ),
        sa.ForeignKeyConstraint(
            ["speaker_id"],
            ["speaker.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("token_hash"),
    )
    with op.batch_alter_table("consent_link", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_consent_link_owner_id"), ["owner_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_consent_link_speaker_id"), ["speaker_id"], unique=False)
    op.create_table(
        "erasure_receipt",
        sa.Column("speaker_id", sa.String(), nullable=False),
        sa.Column("erased", sa.JSON(), nullable=False),
        sa.Column("erased_by", sa.String(), nullable=False),
        sa.Column("erased_at", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["speaker_id"],
            ["speaker.id"],
        ),
        sa.PrimaryKeyConstraint("speaker_id"),
    )
    op.create_table(
        "consent_sample",
        sa.Column("consent_id", sa.String(), nullable=False),
        sa.Column("content_id", sa.String(), nullable=False),
        sa.Column("score", sa.Float(), nullable=True),
        sa.Column("windows", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["consent_id"], ["consent_record.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("consent_id", "content_id"),
    )
    op.add_column(
        "consent_record", sa.Column("recording_hash", sa.String(), nullable=False, server_default="")
    )
    op.add_column("consent_record", sa.Column("doubts", sa.JSON(), nullable=False, server_default="[]"))
    op.create_index("ix_consent_record_recording_hash", "consent_record", ["recording_hash"])
    # Records from before: each clip was compared and stored with the consent that it names.
    op.execute(
        "INSERT OR IGNORE INTO consent_sample (consent_id, content_id, score, windows) "
        "SELECT consent_id, content_id, NULL, 0 FROM reference_clip"
    )
    op.execute(IMMUTABLE)
    op.execute(NOTICE_KEPT)


def downgrade() -> None:
    op.execute("DROP TRIGGER notice_version_kept")
    op.execute("DROP TRIGGER consent_record_immutable")
    op.drop_index("ix_consent_record_recording_hash", "consent_record")
    with op.batch_alter_table("consent_record", schema=None) as batch_op:
        batch_op.drop_column("doubts")
        batch_op.drop_column("recording_hash")
    for table in (
        "consent_sample",
        "erasure_receipt",
        "consent_link",
        "consent_document",
        "retention_rule",
        "notice_version",
        "consent_challenge",
    ):
        op.drop_table(table)
