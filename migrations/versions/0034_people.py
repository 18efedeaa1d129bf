"""Residents: consent with its text, several homes, needs, groups, checked identity, export, LIFF sign-ins, erasure."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op
from cryptography.exceptions import InvalidTag
from sqlalchemy.dialects.postgresql import JSONB

from core import sealing

revision = "0034_people"
down_revision = "0033_refused"
branch_labels = None
depends_on = None

_AT = sa.DateTime(timezone=True)
_ID = sa.BigInteger
# They only grow; erasing a person says so to the transaction first.
_ONLY_GROW = ("consent_entry", "need_look")


def _resident(*, ondelete: str = "CASCADE", nullable: bool = False) -> sa.Column[int]:
    return sa.Column("resident_id", _ID, sa.ForeignKey("resident.id", ondelete=ondelete), nullable=nullable)


def _account(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, _ID, sa.ForeignKey("account.id"), nullable=nullable)


def upgrade() -> None:
    """The tables exist; whoever stands in the inbox and the outbox can be found there by a keyed hash."""
    _widen_residents()
    _consents_and_needs()
    _groups_and_codes()
    _doors()
    _erasures()
    _find_people()


def downgrade() -> None:
    """They are gone, with what they held."""
    op.drop_column("outbox_chunk", "to_hash")
    op.drop_column("inbox_event", "user_hash")
    for table in (
        "alert_erased", "erasure", "used_id_token", "resident_sign_in", "export_link", "code_try", "handed_code",
        "group_member", "resident_group", "need_look", "household_need", "need_kind", "consent_entry",
    ):
        op.drop_table(table)
    op.execute("DROP FUNCTION only_erasure_changes()")
    for name in ("is_approximate", "name_sealed"):
        op.drop_column("home", name)
    for name in (
        "consent_asked_version", "erasure_asked_at", "identity_checked_by", "identity_checked_at", "phone_sealed",
        "name_sealed",
    ):
        op.drop_column("resident", name)


def _widen_residents() -> None:
    for column in (
        sa.Column("name_sealed", sa.LargeBinary), sa.Column("phone_sealed", sa.LargeBinary),
        sa.Column("identity_checked_at", _AT), sa.Column("identity_checked_by", sa.String),
        sa.Column("erasure_asked_at", _AT), sa.Column("consent_asked_version", sa.String),
    ):
        op.add_column("resident", column)
    op.add_column("home", sa.Column("name_sealed", sa.LargeBinary))
    op.add_column("home", sa.Column("is_approximate", sa.Boolean, nullable=False, server_default=sa.false()))


def _consents_and_needs() -> None:
    op.create_table(
        "consent_entry",
        sa.Column("id", _ID, sa.Identity(), primary_key=True),
        _resident(),
        sa.Column("purpose", sa.String, nullable=False),
        sa.Column("version", sa.String, nullable=False),
        sa.Column("language", sa.String, nullable=False),
        sa.Column("text", sa.String, nullable=False),
        sa.Column("is_given", sa.Boolean, nullable=False),
        sa.Column("way", sa.String, nullable=False),
        sa.Column("said_at", _AT, nullable=False),
    )
    op.create_index("ix_consent_entry_resident_id", "consent_entry", ["resident_id", "purpose", "id"])
    op.create_table(
        "need_kind",
        sa.Column("code", sa.String, primary_key=True),
        sa.Column("names", JSONB, nullable=False),
        sa.Column("position", sa.SmallInteger, nullable=False),
    )
    op.create_table(
        "household_need",
        sa.Column("home_id", _ID, sa.ForeignKey("home.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
        _resident(),
        sa.Column("needs_sealed", sa.LargeBinary, nullable=False),
        sa.Column("said_at", _AT, nullable=False),
    )
    op.create_index("ix_household_need_resident_id", "household_need", ["resident_id"])
    op.create_table(
        "need_look",
        sa.Column("id", _ID, sa.Identity(), primary_key=True),
        _resident(ondelete="SET NULL", nullable=True),
        _account("account_id"),
        sa.Column("reason_sealed", sa.LargeBinary),
        sa.Column("looked_at", _AT, nullable=False),
    )
    op.create_index("ix_need_look_resident_id", "need_look", ["resident_id"])
    op.execute(
        """
        CREATE FUNCTION only_erasure_changes() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF current_setting('faonam.erasing', true) IS DISTINCT FROM 'on' THEN
                RAISE EXCEPTION 'the log % only grows; erasing a person alone may change it', TG_TABLE_NAME;
            END IF;
            IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
            RETURN NEW;
        END $$
        """
    )
    for table in _ONLY_GROW:
        op.execute(
            f"CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION only_erasure_changes()"
        )


def _groups_and_codes() -> None:
    op.create_table(
        "resident_group",
        sa.Column("id", _ID, sa.Identity(), primary_key=True),
        sa.Column("name_th", sa.String, nullable=False),
        sa.Column("name_en", sa.String, nullable=False),
        sa.Column("is_leaders", sa.Boolean, nullable=False),
        sa.Column("area_id", sa.Integer, sa.ForeignKey("area.id", ondelete="SET NULL")),
        _account("made_by"),
        sa.Column("made_at", _AT, nullable=False),
    )
    op.create_table(
        "group_member",
        sa.Column(
            "group_id", _ID, sa.ForeignKey("resident_group.id", ondelete="CASCADE"), primary_key=True,
            autoincrement=False,
        ),
        sa.Column(
            "resident_id", _ID, sa.ForeignKey("resident.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
        ),
        sa.Column("joined_at", _AT, nullable=False),
    )
    op.create_index("ix_group_member_resident_id", "group_member", ["resident_id"])
    op.create_table(
        "handed_code",
        sa.Column("id", _ID, sa.Identity(), primary_key=True),
        sa.Column("code_hash", sa.LargeBinary, nullable=False),
        sa.Column("purpose", sa.String, nullable=False),
        sa.Column("group_id", _ID, sa.ForeignKey("resident_group.id", ondelete="CASCADE")),
        sa.Column("name_sealed", sa.LargeBinary),
        sa.Column("phone_sealed", sa.LargeBinary),
        _account("issued_by"),
        sa.Column("issued_wall_at", _AT, nullable=False),
        sa.Column("expires_wall_at", _AT, nullable=False),
        sa.Column("used_wall_at", _AT),
        _resident(nullable=True),
        sa.UniqueConstraint("code_hash", name=op.f("uq_handed_code_code_hash")),
        sa.CheckConstraint("purpose IN ('identity', 'group')", name=op.f("ck_handed_code_purpose")),
        sa.CheckConstraint(
            "(purpose = 'group') = (group_id IS NOT NULL)", name=op.f("ck_handed_code_group_has_group")
        ),
    )
    op.create_table(
        "code_try",
        sa.Column("id", _ID, sa.Identity(), primary_key=True),
        _resident(),
        sa.Column("tried_wall_at", _AT, nullable=False),
    )
    op.create_index("ix_code_try_resident_id", "code_try", ["resident_id", "tried_wall_at"])


def _doors() -> None:
    for table in ("export_link", "resident_sign_in"):
        op.create_table(
            table,
            sa.Column("token_hash", sa.LargeBinary, primary_key=True),
            _resident(),
            sa.Column("made_wall_at", _AT, nullable=False),
            sa.Column("expires_wall_at", _AT, nullable=False),
        )
        op.create_index(f"ix_{table}_resident_id", table, ["resident_id"])
    op.create_table(
        "used_id_token",
        sa.Column("token_hash", sa.LargeBinary, primary_key=True),
        sa.Column("expires_wall_at", _AT, nullable=False),
    )


def _erasures() -> None:
    op.create_table(
        "erasure",
        sa.Column("id", _ID, sa.Identity(), primary_key=True),
        _resident(ondelete="SET NULL", nullable=True),
        sa.Column("way", sa.String, nullable=False),
        _account("account_id", nullable=True),
        sa.Column("asked_at", _AT, nullable=False),
        sa.Column("done_at", _AT),
        sa.Column("receipt_hash", sa.LargeBinary, nullable=False),
        sa.Column("was_imported", sa.Boolean, nullable=False),
        sa.Column("counts", JSONB, nullable=False),
        sa.CheckConstraint("way IN ('chat', 'officer')", name=op.f("ck_erasure_way")),
        sa.CheckConstraint("(way = 'officer') = (account_id IS NOT NULL)", name=op.f("ck_erasure_officer_named")),
    )
    op.create_table(
        "alert_erased",
        sa.Column("id", _ID, sa.Identity(), primary_key=True),
        sa.Column("alert_id", _ID, sa.ForeignKey("alert.id", ondelete="CASCADE"), nullable=False, index=True),
        sa.Column("language", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("answer", sa.String),
    )


def _find_people() -> None:
    op.add_column("inbox_event", sa.Column("user_hash", sa.LargeBinary))
    op.add_column("outbox_chunk", sa.Column("to_hash", sa.LargeBinary))
    _hash_who_is_there()
    op.create_index("ix_inbox_event_user_hash", "inbox_event", ["user_hash"])
    op.create_index(
        "ix_outbox_chunk_to_hash", "outbox_chunk", ["to_hash"], postgresql_where=sa.text("to_hash IS NOT NULL")
    )


def _hash_who_is_there() -> None:
    """Whoever is named in a row that is there already; one that was sealed with a lost key names nobody."""
    bind = op.get_bind()
    for table, key, column, hash_column, which in (
        ("inbox_event", "webhook_event_id", "raw_sealed", "user_hash", "true"),
        ("outbox_chunk", "id", "to_sealed", "to_hash", "kind <> 'multicast'"),
    ):
        for row_key, sealed in bind.execute(sa.text(f"SELECT {key}, {column} FROM {table} WHERE {which}")).all():
            person = _named_in(bytes(sealed))
            if person is not None:
                bind.execute(
                    sa.text(f"UPDATE {table} SET {hash_column} = :hash WHERE {key} = :key"),
                    {"hash": sealing.fingerprint(person), "key": row_key},
                )


def _named_in(sealed: bytes) -> str | None:
    """The LINE user id in a webhook event, or the last of a chunk's recipients."""
    try:
        held = json.loads(sealing.unseal(sealed))
    except InvalidTag:
        return None
    source = held.get("source") if isinstance(held, dict) else {"userId": held[-1]}
    person = source.get("userId") if isinstance(source, dict) else None
    return person if isinstance(person, str) else None
