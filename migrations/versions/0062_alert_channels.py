"""Channels beside LINE, exercises that reach nobody outside their list, and what LINE's quota is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0062_alert_channels"
down_revision = "0061_outside_warnings"
branch_labels = None
depends_on = None

_AT = sa.DateTime(timezone=True)

# What was begun as an exercise is one for ever, and a warning never becomes one: whoever was told was told so.
_KEEP = """
CREATE FUNCTION keep_exercise() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'an exercise stays an exercise, and a warning a warning' USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER keep_exercise BEFORE UPDATE OF is_exercise ON alert FOR EACH ROW
WHEN (OLD.is_exercise IS DISTINCT FROM NEW.is_exercise) EXECUTE FUNCTION keep_exercise();
"""
# A row that says why somebody is not told tells them nothing, so it may name anybody.
_RECIPIENTS = """
CREATE FUNCTION guard_exercise_recipients() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM alert WHERE is_exercise AND id IN (SELECT DISTINCT alert_id FROM added)) AND EXISTS (
        SELECT FROM added r JOIN alert a ON a.id = r.alert_id AND a.is_exercise
        WHERE r.state <> 'suppressed'
          AND NOT EXISTS (SELECT FROM exercise_recipient e WHERE e.resident_id = r.resident_id)
    ) THEN
        RAISE EXCEPTION 'an exercise reaches nobody outside the exercise list' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER guard_exercise_added AFTER INSERT ON alert_recipient REFERENCING NEW TABLE AS added
FOR EACH STATEMENT EXECUTE FUNCTION guard_exercise_recipients();
CREATE FUNCTION guard_exercise_recipient() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM alert WHERE id = NEW.alert_id AND is_exercise)
       AND NOT EXISTS (SELECT FROM exercise_recipient WHERE resident_id = NEW.resident_id) THEN
        RAISE EXCEPTION 'an exercise reaches nobody outside the exercise list' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER guard_exercise_moved BEFORE UPDATE OF alert_id, resident_id, state ON alert_recipient FOR EACH ROW
WHEN (NEW.state <> 'suppressed' AND (NEW.alert_id <> OLD.alert_id OR NEW.resident_id <> OLD.resident_id
      OR OLD.state = 'suppressed'))
EXECUTE FUNCTION guard_exercise_recipient();
"""
_FROZEN = """
CREATE FUNCTION guard_exercise_audience() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM alert WHERE id = NEW.alert_id AND is_exercise) AND EXISTS (
        SELECT FROM unnest(NEW.resident_ids) AS named(id)
        WHERE NOT EXISTS (SELECT FROM exercise_recipient e WHERE e.resident_id = named.id)
    ) THEN
        RAISE EXCEPTION 'an exercise reaches nobody outside the exercise list' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER guard_exercise_frozen BEFORE INSERT ON alert_chunk FOR EACH ROW
WHEN (NEW.suppressed IS NULL OR NEW.state <> 'suppressed') EXECUTE FUNCTION guard_exercise_audience();
-- Taking somebody out is always allowed: whoever asks to be forgotten is.
CREATE TRIGGER guard_exercise_refrozen BEFORE UPDATE OF alert_id, resident_ids, suppressed, state ON alert_chunk
FOR EACH ROW WHEN ((NEW.suppressed IS NULL OR NEW.state <> 'suppressed') AND (
    NEW.alert_id <> OLD.alert_id OR NOT NEW.resident_ids <@ OLD.resident_ids OR OLD.state = 'suppressed'
    OR OLD.suppressed IS DISTINCT FROM NEW.suppressed))
EXECUTE FUNCTION guard_exercise_audience();
"""
_CHUNKS = """
CREATE FUNCTION guard_exercise_chunk() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    about bigint := CASE WHEN NEW.subject ~ '^(alert|leaders|rollcall):[0-9]{1,18}(:|$)'
                         THEN split_part(NEW.subject, ':', 2)::bigint END;
BEGIN
    IF NOT EXISTS (SELECT FROM alert WHERE id = about AND is_exercise) THEN
        IF NEW.channel = 'exercise' THEN
            RAISE EXCEPTION 'only an exercise goes out by the channel of exercises' USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF NEW.channel = 'line' THEN
        RAISE EXCEPTION 'no exercise goes out by the live channel' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.resident_ids IS NULL OR (TG_OP = 'INSERT' AND cardinality(NEW.resident_ids) < NEW.recipient_count) THEN
        RAISE EXCEPTION 'an exercise says for whom it is' USING ERRCODE = 'check_violation';
    END IF;
    IF EXISTS (
        SELECT FROM unnest(NEW.resident_ids) AS named(id)
        WHERE NOT EXISTS (SELECT FROM exercise_recipient e WHERE e.resident_id = named.id)
    ) THEN
        RAISE EXCEPTION 'an exercise reaches nobody outside the exercise list' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER guard_exercise_chunk_added BEFORE INSERT ON outbox_chunk FOR EACH ROW
WHEN (NEW.channel <> 'line' OR NEW.subject ~ '^(alert|leaders|rollcall):') EXECUTE FUNCTION guard_exercise_chunk();
CREATE TRIGGER guard_exercise_chunk_moved BEFORE UPDATE OF subject, channel, resident_ids ON outbox_chunk FOR EACH ROW
WHEN ((NEW.channel <> 'line' OR NEW.subject ~ '^(alert|leaders|rollcall):') AND (NEW.subject <> OLD.subject
      OR NEW.channel <> OLD.channel OR (NEW.resident_ids <@ OLD.resident_ids) IS NOT TRUE))
EXECUTE FUNCTION guard_exercise_chunk();
"""
# Asked before each sending, of the very addresses that were unsealed: what a chunk says of itself is not believed.
_OUTSIDERS = """
CREATE FUNCTION exercise_outsiders(hashes bytea[]) RETURNS bigint STABLE LANGUAGE sql AS $$
    SELECT count(*) FROM unnest(hashes) AS addressed(hash)
    WHERE NOT EXISTS (
        SELECT FROM resident r JOIN exercise_recipient e ON e.resident_id = r.id
        WHERE r.line_user_hash = addressed.hash)
$$;
"""
_DELIVERIES = """
CREATE FUNCTION guard_exercise_delivery() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM alert WHERE id = NEW.alert_id AND is_exercise)
       AND NOT EXISTS (SELECT FROM alert_subscriber WHERE id = NEW.subscriber_id AND takes_exercises) THEN
        RAISE EXCEPTION 'an exercise reaches no subscriber that takes none' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER guard_exercise_delivery BEFORE INSERT OR UPDATE OF alert_id, subscriber_id ON alert_delivery
FOR EACH ROW EXECUTE FUNCTION guard_exercise_delivery();
"""


def upgrade() -> None:
    """Subscribers are told by mail and webhook, and the database itself keeps exercises among those on their list."""
    op.execute("SET LOCAL lock_timeout = '10s'")
    op.add_column("outbox_chunk", sa.Column("resident_ids", ARRAY(sa.BigInteger)))
    op.add_column("outbox_chunk", sa.Column("channel", sa.String, nullable=False, server_default="line"))
    op.create_check_constraint(
        op.f("ck_outbox_chunk_channel"), "outbox_chunk", "channel IN ('line', 'exercise', 'blackhole')"
    )
    # Of these there are few, so that looking for them among thousands that wait for LINE costs nothing.
    op.create_index(
        "ix_outbox_chunk_rehearsed", "outbox_chunk", ["priority", "id"],
        postgresql_where=sa.text("state IN ('queued', 'sending') AND channel <> 'line'"),
    )
    op.create_table(
        "exercise_recipient",
        sa.Column(
            "resident_id", sa.BigInteger, sa.ForeignKey("resident.id", ondelete="CASCADE"), primary_key=True,
            autoincrement=False,
        ),
        sa.Column("added_at", _AT, nullable=False),
        sa.Column("added_by", sa.BigInteger, sa.ForeignKey("account.id"), nullable=False),
    )
    _subscribers()
    op.create_table(
        "line_quota",
        sa.Column("channel", sa.String, primary_key=True),
        sa.Column("quota_limit", sa.BigInteger),
        sa.Column("used", sa.BigInteger, nullable=False),
        sa.Column("asked_wall_at", _AT, nullable=False),
    )
    for statements in (_KEEP, _RECIPIENTS, _FROZEN, _CHUNKS, _OUTSIDERS, _DELIVERIES):
        op.execute(statements)


def _subscribers() -> None:
    op.create_table(
        "alert_subscriber",
        sa.Column("id", sa.Integer, sa.Identity(), primary_key=True),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("address_sealed", sa.LargeBinary),
        sa.Column("secret_sealed", sa.LargeBinary),
        sa.Column("shown", sa.String, nullable=False),
        sa.Column("language", sa.String, nullable=False),
        sa.Column("area_codes", ARRAY(sa.String), nullable=False),
        sa.Column("takes_exercises", sa.Boolean, nullable=False),
        sa.Column("made_at", _AT, nullable=False),
        sa.Column("removed_at", _AT),
        sa.CheckConstraint("kind IN ('mail', 'webhook')", name=op.f("ck_alert_subscriber_kind")),
        sa.CheckConstraint(
            "(address_sealed IS NULL) = (removed_at IS NOT NULL)", name=op.f("ck_alert_subscriber_address")
        ),
    )
    op.create_index(
        "uq_alert_subscriber_name", "alert_subscriber", ["name"], unique=True,
        postgresql_where=sa.text("removed_at IS NULL"),
    )
    op.create_table(
        "alert_delivery",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("alert_id", sa.BigInteger, sa.ForeignKey("alert.id", ondelete="CASCADE"), nullable=False),
        sa.Column("subscriber_id", sa.Integer, sa.ForeignKey("alert_subscriber.id"), nullable=False),
        sa.Column("channel", sa.String, nullable=False),
        sa.Column("what", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("was_handed_over", sa.Boolean, nullable=False),
        sa.Column("fault", sa.String, nullable=False),
        sa.Column("queued_wall_at", _AT, nullable=False),
        sa.Column("not_before_wall_at", _AT, nullable=False),
        sa.Column("ended_wall_at", _AT),
        sa.CheckConstraint("channel IN ('mail', 'webhook')", name=op.f("ck_alert_delivery_channel")),
        sa.CheckConstraint("what IN ('message', 'withdrawal')", name=op.f("ck_alert_delivery_what")),
        sa.CheckConstraint(
            "state IN ('queued', 'accepted', 'failed', 'unknown', 'cancelled')", name=op.f("ck_alert_delivery_state")
        ),
        sa.UniqueConstraint("alert_id", "subscriber_id", "what", name="uq_alert_delivery_alert_id"),
    )
    op.create_index(
        "ix_alert_delivery_waiting", "alert_delivery", ["channel", "not_before_wall_at"],
        postgresql_where=sa.text("state = 'queued'"),
    )


def downgrade() -> None:
    """LINE is the only channel, and nothing is rehearsed."""
    for trigger, table in (
        ("guard_exercise_chunk_moved", "outbox_chunk"), ("guard_exercise_chunk_added", "outbox_chunk"),
        ("guard_exercise_refrozen", "alert_chunk"), ("guard_exercise_frozen", "alert_chunk"),
        ("guard_exercise_moved", "alert_recipient"), ("guard_exercise_added", "alert_recipient"),
        ("keep_exercise", "alert"),
    ):
        op.execute(f"DROP TRIGGER {trigger} ON {table}")
    for table in ("alert_delivery", "alert_subscriber", "line_quota", "exercise_recipient"):
        op.drop_table(table)
    for function in (
        "guard_exercise_delivery()", "exercise_outsiders(bytea[])", "guard_exercise_chunk()",
        "guard_exercise_audience()", "guard_exercise_recipient()", "guard_exercise_recipients()", "keep_exercise()",
    ):
        op.execute(f"DROP FUNCTION {function}")
    op.drop_index("ix_outbox_chunk_rehearsed", "outbox_chunk")
    op.drop_constraint(op.f("ck_outbox_chunk_channel"), "outbox_chunk")
    op.drop_column("outbox_chunk", "channel")
    op.drop_column("outbox_chunk", "resident_ids")
