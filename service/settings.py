"""Settings: `dispatcher.toml` and `DISPATCHER_...` variables, checked when the service starts.

Every key has both spellings: `[halo] resource_server` in the file is DISPATCHER_HALO_RESOURCE_SERVER, and the
variable wins. Secrets are refused in the file, so it can be shown, copied and kept under version control.
"""

from __future__ import annotations

import json
import math
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from dispatcher.checking import declared_schema
from dispatcher.errors import DispatcherError, SettingsError
from dispatcher.halo.settings import HaloSettings
from dispatcher.lang.diagnostics import near_name
from dispatcher.tickets import ACTIONS, TICKET_SCHEMA

FILE_NAME = "dispatcher.toml"
PREFIX = "DISPATCHER_"

# Relative paths in the file are meant from where the file is, not from where the service was started.
_PATHS = (("rules",), ("data",), ("halo", "key_file"), ("alerts", "url_file"))

# Never in the file, with what each is called there and the setting that names a file for it.
_SECRETS = ((("halo", "key"), "the key", "key_file"), (("alerts", "url"), "the address of the hook", "url_file"))

# What `[defaults]` may name.
_DEFAULTS = tuple(variable.name for variable in ACTIONS)

# Problems whose text names what they are about.
_NAMED_IN_TEXT = ("defaults", "secret_file", "grace_seconds", "role", "variables")


def _names(value: Any) -> Any:
    # An environment variable cannot hold a list.
    return [name.strip() for name in value.split(",")] if isinstance(value, str) else value


def _with_secret(data: Any, name: str, file_setting: str) -> Any:
    """Return the values of a section with the secret of the file that one of them names, unless it is given."""
    if not isinstance(data, dict) or not isinstance(data.get(file_setting), str | Path) or name in data:
        return data
    if not str(data[file_setting]).strip():
        raise PydanticCustomError("secret_file", "`{key}` names no file", {"key": file_setting})
    try:
        secret = Path(data[file_setting]).read_text(encoding="utf-8-sig").strip()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it holds no text"
        message = "cannot read the file that `{key}` names, {path}: {reason}"
        context = {"path": str(data[file_setting]), "reason": reason, "key": file_setting}
        raise PydanticCustomError("secret_file", message, context) from None
    return {**data, name: secret}


class HaloSection(HaloSettings):
    """`[halo]`, with the file that holds the key, and how much may be asked of it."""

    key_file: Path | None = None
    calls_per_5_minutes: int = Field(default=500, ge=10)
    intake_lookup_seconds: float = Field(default=2.0, ge=0, le=30)
    names_check_minutes: float = Field(default=60.0, ge=0, le=10_080)

    @model_validator(mode="before")
    @classmethod
    def _read_key(cls, data: Any) -> Any:
        return _with_secret(data, "key", "key_file")


class DeliverySection(BaseModel):
    """`[delivery]`: how tickets reach Halo."""

    model_config = ConfigDict(extra="forbid")

    attempt_seconds: float = Field(default=60.0, gt=0)
    grace_seconds: float = Field(default=150.0, gt=0)
    max_attempts: int = Field(default=100, ge=1)
    poll_seconds: float = Field(default=0.5, ge=0.01)
    concurrency: int = Field(default=4, ge=1, le=64)
    lease_seconds: float = Field(default=30.0, ge=1)
    drain_seconds: float = Field(default=20.0, ge=0)
    backlog_alarm_seconds: float = Field(default=900.0, gt=0)

    @model_validator(mode="after")
    def _grace_is_longer(self) -> Self:
        if self.grace_seconds <= self.attempt_seconds:
            message = "`grace_seconds` must be longer than `attempt_seconds`, or one ticket could be filed twice"
            raise PydanticCustomError("grace_seconds", message)
        return self


class AlertsSection(BaseModel):
    """`[alerts]`: who is told when something needs a person."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    url: SecretStr | None = None
    url_file: Path | None = None

    @model_validator(mode="before")
    @classmethod
    def _read_url(cls, data: Any) -> Any:
        return _with_secret(data, "url", "url_file")

    @field_validator("url")
    @classmethod
    def _is_address(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None and not re.fullmatch(r"https?://[^\s/?#]+([/?][^\s#]*)?", url.get_secret_value()):
            raise PydanticCustomError("url", "write the whole address, such as https://hooks.example.com/services/...")
        return url


class RetentionSection(BaseModel):
    """`[retention]`: how many days what is over stays; 0: for ever."""

    model_config = ConfigDict(extra="forbid")

    bodies_days: int = Field(default=90, ge=0, le=36_500)
    decisions_days: int = Field(default=365, ge=0, le=36_500)
    tickets_days: int = Field(default=400, ge=0, le=36_500)


class Settings(BaseModel):
    """All settings, checked. Only `load_settings` reads the file and the environment."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    rules: Path | None = None
    role: Literal["all", "web", "worker"] = "all"
    data: Path = Path("data")
    database_url: str | None = Field(default=None, repr=False)
    host: str = Field(default="127.0.0.1", pattern=r"^\S+$")
    port: int = Field(default=8420, ge=0, le=65535)
    max_body_bytes: int = Field(default=1024 * 1024, ge=1)
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["text", "json"] = "text"
    timezone: str = "UTC"
    on_fault: Literal["absent", "refuse"] = "absent"
    variables: Annotated[tuple[str, ...], BeforeValidator(_names)] = ()
    defaults: dict[str, Any] = Field(default_factory=dict)
    halo: HaloSection = HaloSection()
    delivery: DeliverySection = DeliverySection()
    alerts: AlertsSection = AlertsSection()
    retention: RetentionSection = RetentionSection()

    @model_validator(mode="after")
    def _one_process_on_sqlite(self) -> Self:
        if self.role != "all" and self.database.startswith("sqlite"):
            message = "`role` must be `all` unless `database_url` names a PostgreSQL database: one process uses SQLite"
            raise PydanticCustomError("role", message, {"key": "role"})
        return self

    @property
    def zone(self) -> ZoneInfo:
        """The time zone in which rules tell the time."""
        return ZoneInfo(self.timezone)

    @property
    def database(self) -> str:
        """The database as SQLAlchemy names it: `database_url`, else a SQLite file in `data`."""
        if self.database_url is None:
            return f"sqlite:///{(self.data / 'dispatcher.db').as_posix()}"
        return re.sub(r"^postgres(ql)?:", "postgresql+psycopg:", self.database_url)

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (KeyError, OSError, ValueError):
            message = "there is no time zone `{name}`; write one such as `Europe/Berlin` or `America/New_York`"
            raise PydanticCustomError("timezone", message, {"name": name}) from None
        return name

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, url: str | None) -> str | None:
        if url is not None and not re.match(r"(sqlite:///.|postgres(ql)?(\+psycopg)?://.)", url):
            message = "write `sqlite:///path/to/file.db` or `postgresql://user@host/database`"
            raise PydanticCustomError("database_url", message)
        return url

    @field_validator("variables")
    @classmethod
    def _declarable(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        try:
            declared_schema(names)
        except DispatcherError as error:
            raise PydanticCustomError("variables", "{problem}", {"problem": str(error)}) from None
        return names

    @field_validator("defaults")
    @classmethod
    def _writable(cls, defaults: dict[str, Any]) -> dict[str, Any]:
        for name in defaults:
            if problem := problem_of_default(name):
                raise PydanticCustomError("defaults", "{problem}", {"key": name, "problem": problem})
            if problem := _problem_of_value(name, defaults[name]):
                raise PydanticCustomError("defaults", "{problem}", {"key": name, "problem": problem})
        return defaults


def problem_of_default(name: str) -> str | None:
    """Return why there can be no default for a name; None: there can."""
    variable = TICKET_SCHEMA.find(name)
    if variable is not None and variable.writable:
        return None if name == variable.name else f"`{name}` is another name of `{variable.name}`; write that"
    return f"`{name}` is no ticket variable that rules can write{_hint(name, _DEFAULTS)}"


def _problem_of_value(name: str, value: Any) -> str | None:
    if name == "customfield":
        return None if isinstance(value, dict) else "`customfield` is a table of fields, such as { CFproblemType = 3 }"
    plain = isinstance(value, str | bool | int) or (isinstance(value, float) and math.isfinite(value))
    return None if plain else f"`{name}` is a text or a number"


def load_settings(path: Path | None = None) -> Settings:
    """Return the settings of the file at `path`, else of `dispatcher.toml` in the working folder, if any."""
    file = path or Path(FILE_NAME)
    text = _read(file) if path or file.exists() else ""
    try:
        # What is kept lies beside the file, however the service was started.
        data: dict[str, Any] = {"data": "data"} | tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{file}: {error}") from None
    _refuse_unknown_variables()
    _refuse_secrets(file, text, data)
    for setting, variable in _variables():
        if value := os.environ.get(variable):
            _put(data, setting, scalar(value) if setting[0] == "defaults" else value)
        elif setting in _PATHS and isinstance(value := _section(data, setting).get(setting[-1]), str):
            _put(data, setting, str(file.parent / value))
    try:
        return Settings(**data)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False)
        raise SettingsError("\n".join(_explain(file, text, problem) for problem in problems)) from None
    except SettingsError as error:
        # A malformed key: pydantic would carry the secret along, so it comes without a place.
        variable = f"{PREFIX}HALO_KEY"
        place = variable if os.environ.get(variable) else _place(file, text, ("halo", "key_file"))
        raise SettingsError(f"{place}: {error}") from None


def _read(file: Path) -> str:
    try:
        # Editors on Windows write a byte order mark, which TOML does not know.
        return file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise SettingsError(f"{file}: {error.strerror}; `dispatcher init` writes a settings file") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{file}: this is no UTF-8 text; save it as UTF-8") from None


def _variables() -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield every setting's path with the environment variable that gives it."""
    for path in _paths():
        yield path, PREFIX + "_".join(path).upper()


def _paths() -> Iterator[tuple[str, ...]]:
    for name, field in Settings.model_fields.items():
        if name == "defaults":
            yield from ((name, variable) for variable in _DEFAULTS)
        elif isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from ((name, key) for key in field.annotation.model_fields)
        else:
            yield (name,)


def scalar(text: str) -> Any:
    """Return the number, truth value or object that `text` spells as JSON, else `text`."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _section(data: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    section = data if len(path) == 1 else data.get(path[0])
    return section if isinstance(section, dict) else {}


def _put(data: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    section = data if len(path) == 1 else data.setdefault(path[0], {})
    # A section that is no table is a mistake that the model will name.
    if isinstance(section, dict):
        section[path[-1]] = value


def _refuse_unknown_variables() -> None:
    known = {variable for _, variable in _variables()}
    unknown = sorted(name for name in os.environ if name.startswith(PREFIX) and name not in known)
    if unknown:
        raise SettingsError(
            "\n".join(f"environment: there is no setting `{name}`{_hint(name, known)}" for name in unknown)
        )


def _refuse_secrets(file: Path, text: str, data: dict[str, Any]) -> None:
    for path, what, file_setting in _SECRETS:
        if path[-1] in _section(data, path):
            raise SettingsError(
                f"{_place(file, text, path)}: {what} is a secret and does not belong in this file; "
                f"set {PREFIX}{'_'.join(path).upper()}, or write it to a file of its own and name that file in "
                f"`{file_setting}`"
            )
    url = data.get("database_url")
    if isinstance(url, str) and re.search(r"//[^/@]*:[^/@]*@|[?&]password=", url):
        raise SettingsError(
            f"{_place(file, text, ('database_url',))}: a password does not belong in this file; "
            f"set {PREFIX}DATABASE_URL, or keep the password in ~/.pgpass"
        )


def _explain(file: Path, text: str, problem: Mapping[str, Any]) -> str:
    path = tuple(part for part in problem["loc"] if isinstance(part, str))
    if key := problem.get("ctx", {}).get("key"):
        path = (*path, key)
    variable = next((variable for setting, variable in _variables() if setting == path), "")
    place = variable if os.environ.get(variable) else _place(file, text, path)
    if problem["type"] == "extra_forbidden":
        known = [setting[-1] for setting in _paths() if setting[:-1] == path[:-1]]
        if len(path) == 1:
            known += sorted({setting[0] for setting in _paths() if len(setting) > 1})
        section = f"[{path[0]}] has no setting" if len(path) > 1 else "there is no setting"
        return f"{place}: {section} `{path[-1]}`{_hint(path[-1], known)}"
    name = "" if problem["type"] in _NAMED_IN_TEXT else f"`{path[-1]}`: "
    return f"{place}: {name}{problem['msg'].removeprefix('Value error, ')}"


def _hint(name: str, known: Any) -> str:
    near = near_name(name, known)
    return f"; {near}" if near else ""


def _place(file: Path, text: str, path: tuple[str, ...]) -> str:
    """Return `file:line` of the setting, or of the innermost section around it that the file has."""
    section: tuple[str, ...] = ()
    found: dict[tuple[str, ...], int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*\[([^\[\]]+)\]", line):
            section = _keys(header[1])
            found.setdefault(section, number)
        elif assignment := re.match(r"\s*([\w.\"'-]+)\s*=", line):
            found.setdefault(section + _keys(assignment[1]), number)
    for end in range(len(path), 0, -1):
        if line_number := found.get(path[:end]):
            return f"{file}:{line_number}"
    return str(file)


def _keys(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip(" \"'") for part in dotted.split("."))


def default_toml() -> str:
    """Return the commented settings file that `dispatcher init` writes."""
    return resources.files("service").joinpath("default.toml").read_text(encoding="utf-8")
