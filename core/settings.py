"""What a city's operator sets from outside, read once from the environment.

What experts tune (thresholds, categories, templates, weights) is data in the database, not a setting.
"""

from __future__ import annotations

import functools
import os
import secrets
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from core.errors import SetupError

ROOT = Path(__file__).resolve().parent.parent
STANDIN_LOGIN_CHANNEL = "1234567890"
# One database holds one city: how an operator gets another, as the end of a sentence.
ANOTHER_DATABASE = (
    "name an empty one in DATABASE_URL, or leave that out and name another folder in FAONAM_DATA_DIR"
)


class LinePace(BaseModel):
    """What the outbox keeps to: multicasts a second, and requests of one sender at once.

    How long a sender has a chunk to itself, and how long it waits for an answer, which should be less long. Early or
    late, nobody is told twice: LINE knows the retry key. 48 at once are 300 a second where an answer takes 150 ms.
    """

    multicasts_per_s: float = Field(default=150.0, gt=0)
    at_once: int = Field(default=48, ge=4)
    lease_s: float = Field(default=10.0, gt=0)
    attempt_limit_s: float = Field(default=6.0, gt=0)


class LineSettings(LinePace):
    """The LINE channel. Without a token the local stand-in is used, and every screen says so."""

    api_base_url: str = "http://127.0.0.1:8001"
    data_base_url: str = "http://127.0.0.1:8001"
    channel_secret: SecretStr | None = None
    channel_access_token: SecretStr | None = None
    bot_user_id: str | None = None
    is_live: bool = False
    # The LINE Login channel of the same provider, and its LIFF app that opens `/liff`.
    login_channel_id: str | None = None
    liff_id: str | None = None
    # Which plan of LINE's the account has, for what messages cost (`alerts/data/line_plans.toml`).
    plan: Literal["free", "basic", "pro"] = "pro"
    # The token of another channel of the same provider, by which exercises go out; without it they reach nobody.
    exercise_token: SecretStr | None = None
    # By which its webhook calls are signed; of these only taps on an exercise's buttons are taken.
    exercise_secret: SecretStr | None = None


class MailSettings(BaseSettings):
    """The server that takes the city's mail, `MAIL_…`; without `MAIL_HOST` no subscriber is told by mail."""

    model_config = SettingsConfigDict(env_prefix="MAIL_", extra="ignore")

    host: str | None = None
    port: int = 587
    user: str | None = None
    password: SecretStr | None = None
    sender: str = "faonam@localhost"
    # STARTTLS or TLS from the first byte; plain only to this machine.
    security: Literal["starttls", "tls", "plain"] = "starttls"
    # A certificate authority of the city's own, beside those that the system trusts.
    ca_file: Path | None = None
    # Mail beyond this machine is sent with MAIL_LIVE=1 only.
    live: bool = False


class Settings(BaseSettings):
    """Faonam's settings: `DATABASE_URL`, `MQTT_URL`, `LINE_…` as they are, the rest prefixed `FAONAM_`."""

    model_config = SettingsConfigDict(env_prefix="FAONAM_", extra="ignore")

    database_url: SecretStr | None = Field(default=None, validation_alias="DATABASE_URL")
    mqtt_url: SecretStr | None = Field(default=None, validation_alias="MQTT_URL")
    data_dir: Path | None = None
    # Where residents' phones reach the API; without it only this machine can open links to `/liff`.
    public_url: str | None = None
    api_host: str = "127.0.0.1"
    api_port: int = 8000
    standin_port: int = 8001
    mqtt_port: int = 1884
    database_pool_size: int = 20
    log_format: str = "console"
    metrics_token: SecretStr | None = None
    readings_kept_days: int = Field(default=400, ge=32)
    # Under which licence the city gives away its open data; its lawyers may want another one.
    open_data_licence: str = "https://creativecommons.org/licenses/by/4.0/"
    refused_kept_days: int = Field(default=90, ge=1)
    # Who may write through SensorThings without signing in: everybody, nobody, or who reaches a loopback address.
    sta_writes: Literal["loopback", "open", "closed"] = "loopback"
    # Whether SensorThings speaks through the broker in `MQTT_URL` too; the embedded one always carries it.
    sta_mqtt: bool = False
    # Everything of alerts goes the whole way and reaches nobody: a blackhole takes what is for LINE, mail and webhooks.
    rehearsal: bool = False

    @property
    def api_url(self) -> str:
        """The address on which browsers and the LINE stand-in reach the API."""
        return f"http://{self.api_host}:{self.api_port}"

    @property
    def residents_url(self) -> str:
        """The address that stands in links to residents."""
        return (self.public_url or self.api_url).rstrip("/")

    @property
    def has_open_sta_writes(self) -> bool:
        """Generic clients of SensorThings may write without signing in."""
        is_loopback = self.api_host in {"127.0.0.1", "::1", "localhost"}
        return self.sta_writes == "open" or (self.sta_writes == "loopback" and is_loopback)

    @property
    def has_open_sta_messages(self) -> bool:
        """Who reaches the broker may publish observations. The embedded broker is reached from this machine alone."""
        return self.sta_writes == "open" or (self.sta_writes == "loopback" and self.mqtt_url is None)

    @property
    def says_who_writes_sta(self) -> bool:
        """FAONAM_STA_WRITES is set for this process, which does not only go by what holds where nothing is said."""
        return "sta_writes" in self.model_fields_set

    @property
    def sta_mqtt_endpoint(self) -> str | None:
        """The broker by which SensorThings is spoken, without an account; None where it is not."""
        if self.mqtt_url is None:
            return f"mqtt://127.0.0.1:{self.mqtt_port}"
        if not self.sta_mqtt:
            return None
        scheme, _, rest = self.mqtt_url.get_secret_value().partition("://")
        return f"{scheme}://{rest.rpartition('@')[2].partition('/')[0]}"

    @property
    def line(self) -> LineSettings:
        """The LINE channel as `LINE_…` gives it; without `LINE_CHANNEL_ACCESS_TOKEN` the local stand-in.

        With `LINE_MODE=exercise` the channel of exercises, by its own token; the live one is not read. Raises
        SetupError where there is none.
        """
        given = frozenset((name, value) for name, value in os.environ.items() if name.upper().startswith("LINE_"))
        return _line(self.standin_port, data_dir(), given)


class _LineEnvironment(LinePace, BaseSettings):
    model_config = SettingsConfigDict(env_prefix="LINE_", extra="ignore")

    api_base_url: str | None = None
    data_base_url: str | None = None
    channel_secret: SecretStr | None = None
    channel_access_token: SecretStr | None = None
    bot_user_id: str | None = None
    live: bool = False
    login_channel_id: str | None = None
    liff_id: str | None = None
    plan: Literal["free", "basic", "pro"] = "pro"
    exercise_token: SecretStr | None = None
    exercise_secret: SecretStr | None = None


class _ExerciseEnvironment(LinePace, BaseSettings):
    """All that a process in the mode of exercises reads of `LINE_…`: the live token is no field of it."""

    model_config = SettingsConfigDict(env_prefix="LINE_", extra="ignore")

    api_base_url: str | None = None
    live: bool = False
    mode: Literal["live", "exercise"] = "live"
    exercise_token: SecretStr | None = None


@functools.lru_cache(maxsize=4)
def _line(standin_port: int, folder: Path, _given: frozenset[tuple[str, str]]) -> LineSettings:
    """Read once for the same environment: every call of LINE's asks for it."""
    standin = f"http://127.0.0.1:{standin_port}"
    drill = _ExerciseEnvironment()
    if drill.mode == "exercise":
        if drill.exercise_token is None:
            raise SetupError("Exercises go out by a token of their own: set LINE_EXERCISE_TOKEN.")
        return LineSettings(
            api_base_url=drill.api_base_url or standin,
            data_base_url=drill.api_base_url or standin,
            channel_access_token=drill.exercise_token,
            exercise_token=drill.exercise_token,
            is_live=drill.live,
            **{name: getattr(drill, name) for name in LinePace.model_fields},
        )
    env = _LineEnvironment()
    pace = {name: getattr(env, name) for name in LinePace.model_fields}
    if env.channel_access_token is None:
        return LineSettings(
            api_base_url=standin,
            data_base_url=f"{standin}/_data",  # LINE's second host: what is asked of the wrong one is not found.
            channel_secret=SecretStr(_secret_in(folder, "line-channel-secret")),
            channel_access_token=SecretStr(_secret_in(folder, "line-channel-token")),
            bot_user_id="U" + _secret_in(folder, "line-bot")[:32],
            login_channel_id=env.login_channel_id or STANDIN_LOGIN_CHANNEL,
            **pace,
            plan=env.plan,
            exercise_token=env.exercise_token,
            exercise_secret=env.exercise_secret,
        )
    return LineSettings(
        api_base_url=env.api_base_url or standin,
        data_base_url=env.data_base_url or env.api_base_url or standin,
        channel_secret=env.channel_secret,
        channel_access_token=env.channel_access_token,
        bot_user_id=env.bot_user_id,
        is_live=env.live,
        login_channel_id=env.login_channel_id,
        liff_id=env.liff_id,
        **pace,
        plan=env.plan,
        exercise_token=env.exercise_token,
        exercise_secret=env.exercise_secret,
    )


@functools.lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process."""
    return Settings()


def data_dir() -> Path:
    """The folder that holds everything Faonam writes; created where it was absent, closed to others.

    As root it stays passable, because PostgreSQL runs as a user of its own inside; secrets and packs are closed anyway.
    `FAONAM_DATA_DIR` names it; otherwise `/var/lib/faonam` for root and `.data` beside the code for other users.
    """
    configured = settings().data_dir
    folder = configured or (Path("/var/lib/faonam") if os.geteuid() == 0 else ROOT / ".data")
    if folder.exists() and not folder.is_dir():
        raise SetupError(f"FAONAM_DATA_DIR is {folder}, which is no folder.")
    if not folder.exists():
        # Two processes may begin at once: whoever comes second finds it there.
        folder.mkdir(parents=True, exist_ok=True, mode=0o755 if os.geteuid() == 0 else 0o700)
    return folder


def secret(name: str) -> str:
    """The installation's own secret `name`: 64 hexadecimal characters, made at first use, readable to us only."""
    return _secret_in(data_dir(), name)


@functools.cache
def _secret_in(folder: Path, name: str) -> str:
    path = folder / "secrets" / name
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = path.with_suffix(f".{os.getpid()}.{secrets.token_hex(4)}")
        fresh.write_text(secrets.token_hex(32))
        fresh.chmod(0o600)
        try:
            os.link(fresh, path)  # Two processes may start at once: the first to link wins, both read the same secret.
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return path.read_text().strip()
