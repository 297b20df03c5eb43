"""Settings from the file and the environment, and the words for what is wrong with them."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from dispatcher.errors import SettingsError
from service.settings import Settings, default_toml, load_settings


def problem(path: Path) -> str:
    """Return what is said of the settings at `path`, without the folder."""
    with pytest.raises(SettingsError) as raised:
        load_settings(path)
    return str(raised.value).replace(f"{path.parent}/", "")


@pytest.fixture
def toml(tmp_path: Path) -> Path:
    """An empty settings file."""
    path = tmp_path / "dispatcher.toml"
    path.touch()
    return path


def test_without_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a file and without variables, every setting has the default that runs the demo."""
    monkeypatch.chdir(tmp_path)
    assert load_settings() == Settings()
    assert load_settings().database == "sqlite:///data/dispatcher.db"


def test_file_in_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file of the usual name in the working folder is read without being named."""
    (tmp_path / "dispatcher.toml").write_text("port = 9000\n")
    monkeypatch.chdir(tmp_path)
    assert load_settings().port == 9000


def test_whole_file(toml: Path) -> None:
    """Every section is read, and relative paths are meant from where the file is."""
    toml.write_text(
        'rules = "my.rules"\ndata = "kept"\nhost = "0.0.0.0"\nport = 9000\ntimezone = "Europe/Berlin"\n'
        'on_fault = "refuse"\nvariables = ["printer", "floor"]\n'
        '[defaults]\npriority = 3\nticketType = "Incident"\n'
        '[halo]\nresource_server = "https://halo.example/api"\ntenant = "acme"\n'
        "[delivery]\nconcurrency = 2\n"
    )
    settings = load_settings(toml)
    assert settings.model_dump(exclude_unset=True) == {
        "rules": toml.parent / "my.rules",
        "data": toml.parent / "kept",
        "host": "0.0.0.0",
        "port": 9000,
        "timezone": "Europe/Berlin",
        "on_fault": "refuse",
        "variables": ("printer", "floor"),
        "defaults": {"priority": 3, "ticketType": "Incident"},
        # Asked of the resource server, which was named alone.
        "halo": {"resource_server": "https://halo.example/api", "authorisation_server": None, "tenant": "acme"},
        "delivery": {"concurrency": 2},
    }
    assert settings.zone == ZoneInfo("Europe/Berlin")
    assert settings.database == f"sqlite:///{toml.parent / 'kept' / 'dispatcher.db'}"


def test_environment_wins(toml: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Variables replace what the file says, key by key, and read numbers and lists."""
    toml.write_text('port = "nonsense"\n[halo]\ntenant = "acme"\nscope = "all"\n[defaults]\npriority = 1\n')
    for name, value in {
        "PORT": "9001",
        "RULES": "here.rules",
        "VARIABLES": "printer, floor",
        "HALO_TENANT": "other",
        "HALO_KEY": "11111111-2222:secret",
        "DEFAULTS_PRIORITY": "3",
        "DEFAULTS_TICKETTYPE": "Incident",
        "DELIVERY_GRACE_SECONDS": "200",
        "HOST": "",
    }.items():
        monkeypatch.setenv(f"DISPATCHER_{name}", value)
    settings = load_settings(toml)
    assert settings.model_dump(exclude_unset=True, exclude={"halo": {"key"}}) == {
        "port": 9001,
        "data": toml.parent / "data",
        "rules": Path("here.rules"),
        "variables": ("printer", "floor"),
        "halo": {"tenant": "other", "scope": "all"},
        "defaults": {"priority": 3, "ticketType": "Incident"},
        "delivery": {"grace_seconds": 200.0},
    }
    assert settings.halo.key.get_secret_value() == "11111111-2222:secret"


def test_settings_made_in_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings that are made in code are what they are given, whatever the environment says."""
    monkeypatch.setenv("DISPATCHER_PORT", "9001")
    assert Settings(data=Path("here")).port == 8420


def test_key_file(toml: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The key is read from the file that the settings name, and the environment's key wins over it."""
    (toml.parent / "halo.key").write_bytes(b"\xef\xbb\xbfacme+11111111:from-file\r\n")
    toml.write_text('[halo]\nkey_file = "halo.key"\n')
    settings = load_settings(toml)
    assert settings.halo.key.get_secret_value() == "acme+11111111:from-file"
    assert "from-file" not in repr(settings)
    monkeypatch.setenv("DISPATCHER_HALO_KEY", "11111111:from-environment")
    assert load_settings(toml).halo.key.get_secret_value() == "11111111:from-environment"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("prot = 1\n", "dispatcher.toml:1: there is no setting `prot`; did you mean `port`?"),
        ("\n[hallo]\n", "dispatcher.toml:2: there is no setting `hallo`; did you mean `halo`?"),
        (
            '[halo]\n\nresourc_server = "x"\n',
            "dispatcher.toml:3: [halo] has no setting `resourc_server`; did you mean `resource_server`?",
        ),
        ("[delivery]\nxyz = 1\n", "dispatcher.toml:2: [delivery] has no setting `xyz`"),
        (
            'port = "abc"\n',
            "dispatcher.toml:1: `port`: Input should be a valid integer, unable to parse string as an integer",
        ),
        ('on_fault = "ignore"\n', "dispatcher.toml:1: `on_fault`: Input should be 'absent' or 'refuse'"),
        (
            'timezone = "Berlin"\n',
            "dispatcher.toml:1: `timezone`: there is no time zone `Berlin`; write one such as `Europe/Berlin` "
            "or `America/New_York`",
        ),
        (
            "[defaults]\nstate = 1\npriorty = 2\n",
            "dispatcher.toml:3: `priorty` is no ticket variable that rules can write; did you mean `priority`?",
        ),
        ("defaults.email = 'x'\n", "dispatcher.toml:1: `email` is no ticket variable that rules can write"),
        ('variables = ["msg"]\n', "dispatcher.toml:1: the variable `msg` cannot be declared: the name is taken"),
        (
            'database_url = "mysql://x/y"\n',
            "dispatcher.toml:1: `database_url`: write `sqlite:///path/to/file.db` or `postgresql://user@host/database`",
        ),
        (
            "[delivery]\ngrace_seconds = 10\n",
            "dispatcher.toml:1: `grace_seconds` must be longer than `attempt_seconds`, or one ticket could be "
            "filed twice",
        ),
        (
            '[halo]\nkey_file = "none.key"\n',
            "dispatcher.toml:2: cannot read the file that `key_file` names, none.key: No such file or directory",
        ),
        (
            '[halo]\n# it is secret\nkey = "11111111:hush"\n',
            "dispatcher.toml:3: the key is a secret and does not belong in this file; set DISPATCHER_HALO_KEY, or "
            "write it to a file of its own and name that file in `key_file`",
        ),
        (
            'database_url = "postgresql://me:hush@db/x"\n',
            "dispatcher.toml:1: a password does not belong in this file; set DISPATCHER_DATABASE_URL, or keep the "
            "password in ~/.pgpass",
        ),
        (
            'database_url = "postgresql://db/x?user=me&password=hush"\n',
            "dispatcher.toml:1: a password does not belong in this file; set DISPATCHER_DATABASE_URL, or keep the "
            "password in ~/.pgpass",
        ),
        ("port =\n", "dispatcher.toml: Invalid value (at line 1, column 7)"),
        (
            "port = 70000\nhost = 1\n",
            "dispatcher.toml:2: `host`: Input should be a valid string\n"
            "dispatcher.toml:1: `port`: Input should be less than or equal to 65535",
        ),
    ],
)
def test_problems_in_the_file(toml: Path, text: str, said: str) -> None:
    """What is wrong in the file is said with its line, in words, and with the near name."""
    toml.write_text(text)
    assert problem(toml) == said


def test_problems_in_the_environment(toml: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong variable is named, and an unknown one stops the start as an unknown key does."""
    monkeypatch.setenv("DISPATCHER_PORT", "abc")
    assert problem(toml) == (
        "DISPATCHER_PORT: `port`: Input should be a valid integer, unable to parse string as an integer"
    )
    monkeypatch.setenv("DISPATCHER_PROT", "1")
    assert problem(toml) == ("environment: there is no setting `DISPATCHER_PROT`; did you mean `DISPATCHER_PORT`?")


def test_malformed_key(toml: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A malformed key is refused with its place and without its text."""
    monkeypatch.setenv("DISPATCHER_HALO_KEY", "hush")
    said = problem(toml)
    assert said.startswith("DISPATCHER_HALO_KEY: the Halo key is malformed: ")
    assert "hush" not in said


def test_alert_hook(toml: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hook's address comes from a file or the environment, is checked, and is never shown or taken from the TOML."""
    secret = "https://hooks.example/services/T0/hush"
    (toml.parent / "alerts.url").write_text(f"{secret}\n")
    toml.write_text('[alerts]\nurl_file = "alerts.url"\n')
    settings = load_settings(toml)
    assert settings.alerts.url is not None
    assert (settings.alerts.url.get_secret_value(), "hush" in repr(settings)) == (secret, False)
    (toml.parent / "alerts.url").write_text("hooks.example/hush")
    assert problem(toml) == (
        "dispatcher.toml:1: `url`: write the whole address, such as https://hooks.example.com/services/..."
    )
    monkeypatch.setenv("DISPATCHER_ALERTS_URL", "hush")
    assert problem(toml) == (
        "DISPATCHER_ALERTS_URL: `url`: write the whole address, such as https://hooks.example.com/services/..."
    )
    monkeypatch.delenv("DISPATCHER_ALERTS_URL")
    toml.write_text(f'[alerts]\nurl = "{secret}"\n')
    assert problem(toml) == (
        "dispatcher.toml:2: the address of the hook is a secret and does not belong in this file; set "
        "DISPATCHER_ALERTS_URL, or write it to a file of its own and name that file in `url_file`"
    )
    toml.write_text('[alerts]\nurl_file = "none.url"\n')
    assert problem(toml) == (
        "dispatcher.toml:2: cannot read the file that `url_file` names, none.url: No such file or directory"
    )


@pytest.mark.parametrize("days", ["-1", "40000", "1.5"])
def test_retention(toml: Path, days: str) -> None:
    """How long things are kept is a whole number of days."""
    toml.write_text(f"[retention]\nbodies_days = {days}\n")
    assert problem(toml).startswith("dispatcher.toml:2: `bodies_days`: Input should be ")


def test_unreadable_files(tmp_path: Path) -> None:
    """A file that is missing, or no text, is said in words."""
    missing = tmp_path / "none.toml"
    assert problem(missing) == ("none.toml: No such file or directory; `dispatcher init` writes a settings file")
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe\x00")
    assert problem(binary) == "binary.toml: this is no UTF-8 text; save it as UTF-8"


def test_byte_order_mark(toml: Path) -> None:
    """A file saved by an editor on Windows is read."""
    toml.write_bytes(b"\xef\xbb\xbfport = 9000\r\n")
    assert load_settings(toml).port == 9000


@pytest.mark.parametrize(
    ("url", "database"),
    [
        ("postgres://me@db/x", "postgresql+psycopg://me@db/x"),
        ("postgresql://me@db/x", "postgresql+psycopg://me@db/x"),
        ("postgresql+psycopg://me@db/x", "postgresql+psycopg://me@db/x"),
        ("sqlite:////srv/x.db", "sqlite:////srv/x.db"),
    ],
)
def test_database_url(url: str, database: str) -> None:
    """PostgreSQL is spoken to by its one driver, however the URL is written."""
    assert Settings(database_url=url).database == database


def test_default_file_loads(toml: Path) -> None:
    """The file that `dispatcher init` writes names the rules, and gives the defaults beside it."""
    toml.write_text(default_toml())
    assert load_settings(toml).model_dump(exclude_defaults=True) == {
        "rules": toml.parent / "rules",
        "data": toml.parent / "data",
    }


def test_default_file_names_every_key(toml: Path) -> None:
    """With every comment sign before a key taken away, the file still loads and has every key but the secret."""
    whole = re.sub(r"^#(?=\w+ =)", "", default_toml(), flags=re.MULTILINE)
    data = tomllib.loads(whole)
    fields = Settings.model_fields
    sections = ("halo", "delivery", "alerts", "retention")
    assert set(data) == set(fields)
    for name in sections:
        section = getattr(Settings(), name)
        assert set(data[name]) == set(type(section).model_fields) - {"key", "url"}
    toml.write_text(whole)
    (toml.parent / "halo.key").write_text("11111111:secret")
    (toml.parent / "alerts.url").write_text("https://hooks.example/secret")
    shown = load_settings(toml).model_dump(exclude={"rules", "data", "database_url", "defaults", "alerts"})
    usual = Settings().model_dump(exclude={"rules", "data", "database_url", "defaults", "alerts"})
    for example in ("tenant", "source", "key", "key_file"):
        del shown["halo"][example], usual["halo"][example]
    assert shown == usual
