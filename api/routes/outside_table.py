"""The city's table of outside warnings: which of them is for which zones, read and replaced in versions."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from alerts.outside import queries, table
from alerts.outside.mapping_csv import written
from api.bodies import OnceRoute
from api.deps import CurrentAccount, SessionDep, needs
from staff.rules import AccountRef

router = APIRouter(route_class=OnceRoute, tags=["alerts"])

Admin = Annotated[AccountRef, Depends(needs("admin"))]


class TableVersion(BaseModel):
    """A version of the city's table."""

    version: int
    made_at: datetime
    note: str


class TableView(BaseModel):
    """The city's table as CSV, and its versions, the newest first."""

    version: int
    csv: str
    versions: list[TableVersion]


class NewTable(BaseModel):
    """A new version of the city's table: the whole of it as CSV, and why."""

    csv: str = Field(max_length=1_000_000)
    note: str = Field(default="", max_length=500)


@router.get("/outside-mapping", summary="The city's table")
def read_outside_mapping(session: SessionDep, account: CurrentAccount) -> TableView:
    """Which warning of which source is for which zones, at which level, as context or as a proposal."""
    return _table(session)


@router.put("/outside-mapping", summary="A new version of the city's table")
def replace_outside_mapping(body: NewTable, session: SessionDep, account: Admin) -> TableView:
    """Every warning that holds is mapped by it at once; 422 names row and column of a fault, and nothing is changed."""
    table.replace_table(session, body.csv, by=account, note=body.note)
    return _table(session)


def _table(session: SessionDep) -> TableView:
    version = queries.mapping_version(session)
    return TableView(
        version=version,
        csv=written(queries.mapping_rows(session, version)),
        versions=[
            TableVersion(version=one.version, made_at=one.made_at, note=one.note) for one in queries.mappings(session)
        ],
    )
