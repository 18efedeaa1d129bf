"""Agencies of an incident, its promise with pauses and marks, what reporters wait to hear, and floods that fade."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0038_promises"
down_revision = "0037_exchange"
branch_labels = None
depends_on = None

_AT = sa.DateTime(timezone=True)
_STATES = "'new', 'accepted', 'in_progress', 'done', 'closed', 'rejected', 'reopened'"


def upgrade() -> None:
    """Incidents keep their agency as the lead; what was told stays told; nothing waits and nothing fades yet."""
    op.execute("SET LOCAL lock_timeout = '10s'")
    _states(_STATES + ", 'sent_on'")
    _index_open("'new', 'accepted', 'in_progress', 'reopened', 'sent_on'")
    _count_as_open("''reopened'')", "''reopened'', ''sent_on'')")
    _agencies()
    _promises()
    _notices()
    _fading()
    _calendar()


def _states(states: str) -> None:
    op.drop_constraint(op.f("ck_incident_state"), "incident")
    op.create_check_constraint(op.f("ck_incident_state"), "incident", f"state IN ({states})")


def _index_open(states: str) -> None:
    op.drop_index("ix_incident_open_place", "incident")
    op.create_index(
        "ix_incident_open_place", "incident", ["place"], postgresql_using="gist",
        postgresql_where=sa.text(f"state IN ({states})"),
    )


def _count_as_open(before: str, after: str) -> None:
    """The map's counts take other states for open; incidents are counted anew where one is in such a state."""
    for function in ("incident_tally_note()", "incident_tally_recount()"):
        op.execute(
            f"DO $$ BEGIN EXECUTE replace(pg_get_functiondef('{function}'::regprocedure), '{before}', '{after}'); "
            "END $$"
        )


def _agencies() -> None:
    op.create_table(
        "incident_agency",
        sa.Column("incident_id", sa.BigInteger, sa.ForeignKey("incident.id", ondelete="CASCADE"), nullable=False),
        sa.Column("agency_code", sa.String, sa.ForeignKey("agency.code", ondelete="CASCADE"), nullable=False),
        sa.Column("role", sa.String, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("distance_m", sa.Float),
        sa.Column("since_at", _AT, nullable=False),
        sa.Column("added_by", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("incident_id", "agency_code", name=op.f("pk_incident_agency")),
        sa.CheckConstraint("role IN ('lead', 'other')", name=op.f("ck_incident_agency_role")),
    )
    op.create_index("ix_incident_agency_agency_code", "incident_agency", ["agency_code", "incident_id"])
    op.execute(
        "INSERT INTO incident_agency (incident_id, agency_code, role, reason, since_at, added_by) "
        "SELECT id, agency_code, 'lead', 'category', opened_at, '' FROM incident WHERE agency_code IS NOT NULL"
    )
    op.add_column("incident_change", sa.Column("kind", sa.String, nullable=False, server_default="state"))
    op.add_column("incident_change", sa.Column("from_agency_code", sa.String))
    op.add_column("incident_change", sa.Column("to_agency_code", sa.String))


def _promises() -> None:
    op.add_column("category", sa.Column("promise_in", sa.String, nullable=False, server_default="calendar"))
    op.create_check_constraint(op.f("ck_category_promise_in"), "category", "promise_in IN ('calendar', 'working')")
    op.create_table(
        "incident_pause",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("incident_id", sa.BigInteger, sa.ForeignKey("incident.id", ondelete="CASCADE"), nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("began_at", _AT, nullable=False),
        sa.Column("until_at", _AT),
        sa.Column("ended_at", _AT),
        sa.Column("question", sa.String, nullable=False),
        sa.Column("begun_by", sa.String, nullable=False),
        sa.Column("ended_by", sa.String),
        sa.Column("answering_id", sa.BigInteger, sa.ForeignKey("resident.id", ondelete="SET NULL")),
        sa.Column("answering_until_at", _AT),
        sa.CheckConstraint("kind IN ('reporter', 'ended')", name=op.f("ck_incident_pause_kind")),
        sa.CheckConstraint("kind = 'ended' OR until_at IS NOT NULL", name=op.f("ck_incident_pause_limited")),
    )
    op.create_index("ix_incident_pause_incident_id", "incident_pause", ["incident_id"])
    op.create_index(
        "ix_incident_pause_open", "incident_pause", ["incident_id"], unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "promise_mark",
        sa.Column("incident_id", sa.BigInteger, sa.ForeignKey("incident.id", ondelete="CASCADE"), nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("at", _AT, nullable=False),
        sa.Column("promised_at", _AT, nullable=False),
        sa.Column("agency_code", sa.String),
        sa.PrimaryKeyConstraint("incident_id", "kind", name=op.f("pk_promise_mark")),
    )
    for column in (
        sa.Column("promise_hours", sa.Integer), sa.Column("promise_in", sa.String), sa.Column("mark_due_at", _AT)
    ):
        op.add_column("incident", column)
    op.create_index(
        "ix_incident_mark_due_at", "incident", ["mark_due_at"], postgresql_where=sa.text("mark_due_at IS NOT NULL")
    )
    op.execute(
        "UPDATE incident SET mark_due_at = opened_at, promise_in = 'calendar', "
        "promise_hours = round(extract(epoch FROM promised_at - opened_at) / 3600) "
        "WHERE state NOT IN ('done', 'closed', 'rejected')"
    )


def _notices() -> None:
    for column in (
        sa.Column("state", sa.String, nullable=False, server_default="handed"),
        sa.Column("note_th", sa.String, nullable=False, server_default=""),
        sa.Column("note_en", sa.String, nullable=False, server_default=""),
        sa.Column("due_at", _AT),
    ):
        op.add_column("reporter_notice", column)
    op.alter_column("reporter_notice", "chunk_id", nullable=True)
    op.create_check_constraint(
        op.f("ck_reporter_notice_state"), "reporter_notice", "state IN ('waiting', 'handed', 'unreachable')"
    )
    op.create_index(
        "ix_reporter_notice_waiting", "reporter_notice", ["due_at"], postgresql_where=sa.text("state = 'waiting'")
    )


def _fading() -> None:
    op.add_column("category", sa.Column("life_hours", sa.Float))
    op.execute("UPDATE category SET life_hours = 3 WHERE group_code = 'flood'")
    op.add_column("incident", sa.Column("confirmed_at", _AT))
    op.add_column("incident", sa.Column("fading_at", _AT))
    op.create_table(
        "still_question",
        sa.Column("incident_id", sa.BigInteger, sa.ForeignKey("incident.id", ondelete="CASCADE"), nullable=False),
        sa.Column("resident_id", sa.BigInteger, sa.ForeignKey("resident.id", ondelete="CASCADE"), nullable=False),
        sa.Column("asked_at", _AT, nullable=False),
        sa.Column("answer", sa.String),
        sa.Column("answered_at", _AT),
        sa.PrimaryKeyConstraint("incident_id", "resident_id", name=op.f("pk_still_question")),
        sa.CheckConstraint("answer IN ('still', 'gone', 'worse')", name=op.f("ck_still_question_answer")),
    )


def _calendar() -> None:
    op.create_table(
        "holiday",
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("name_th", sa.String, nullable=False),
        sa.Column("name_en", sa.String, nullable=False),
        sa.Column("source", sa.String, nullable=False),
        sa.Column("is_closed", sa.Boolean, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("edited_by", sa.String),
        sa.Column("edited_at", _AT),
    )
    op.create_table(
        "office_hours",
        sa.Column("weekday", sa.SmallInteger, nullable=False),
        sa.Column("opens", sa.Time, nullable=False),
        sa.Column("closes", sa.Time, nullable=False),
        sa.PrimaryKeyConstraint("weekday", "opens", name=op.f("pk_office_hours")),
        sa.CheckConstraint("weekday BETWEEN 1 AND 7", name=op.f("ck_office_hours_weekday")),
        sa.CheckConstraint("opens < closes", name=op.f("ck_office_hours_forward")),
    )


def downgrade() -> None:
    """An incident that was sent on is new again at its lead; what waited to be told is not told any more."""
    op.execute("SET LOCAL lock_timeout = '10s'")
    for table in ("office_hours", "holiday", "still_question", "promise_mark", "incident_pause", "incident_agency"):
        op.drop_table(table)
    op.drop_index("ix_reporter_notice_waiting", "reporter_notice")
    op.execute("DELETE FROM reporter_notice WHERE chunk_id IS NULL")
    op.drop_constraint(op.f("ck_reporter_notice_state"), "reporter_notice")
    op.alter_column("reporter_notice", "chunk_id", nullable=False)
    for table, names in {
        "reporter_notice": ("due_at", "note_en", "note_th", "state"),
        "incident": ("fading_at", "confirmed_at", "mark_due_at", "promise_in", "promise_hours"),
        "category": ("life_hours", "promise_in"),
        "incident_change": ("to_agency_code", "from_agency_code", "kind"),
    }.items():
        for name in names:
            op.drop_column(table, name)
    op.execute("UPDATE incident SET state = 'new' WHERE state = 'sent_on'")
    _states(_STATES)
    _index_open("'new', 'accepted', 'in_progress', 'reopened'")
    _count_as_open("''reopened'', ''sent_on'')", "''reopened'')")
