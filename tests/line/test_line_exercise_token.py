"""The stand-in knows the token of exercises as LINE would know that of another channel."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa
from fastapi import FastAPI

from line.standin.app import create_app


@pytest.mark.parametrize(("given", "status"), [("of-exercises", 200), ("of-others", 401)])
def test_the_standin_takes_the_token_of_exercises(
    database: sa.Engine, standin_port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str, status: int
) -> None:
    """Where LINE_EXERCISE_TOKEN is set; another's token is refused."""
    monkeypatch.setenv("LINE_EXERCISE_TOKEN", "of-exercises")

    async def asked(app: FastAPI) -> int:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://standin") as client:
            answer = await client.get("/v2/bot/info", headers={"Authorization": f"Bearer {given}"})
            return answer.status_code

    assert asyncio.run(asked(create_app(tmp_path))) == status
