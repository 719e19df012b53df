"""`weblake service`: it writes and removes the units of one stack, and touches no file of anybody else."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from settings_in import settings_in
from unit_files import environment_of

from lake.errors import ServiceError, SettingsError
from lake.settings import STACK_FILE, Settings
from stack import supervision
from stack.boot.recipients import FILE, recipients
from stack.boot.service import plan_boot, remove, unit_folder, write_units
from weblake.main import run

pytestmark = pytest.mark.usefixtures("log_as_it_was")

WEBHOOK = "https://hooks.example.org/services/T0/B0/of-the-vault"


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The data folder of a stack that was up."""
    settings = settings_in(tmp_path / "data")
    settings.data.mkdir()
    (settings.data / STACK_FILE).touch()
    monkeypatch.setenv("WEBLAKE_DATA", str(settings.data))
    monkeypatch.setenv("HOME", str(tmp_path))
    return settings


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / ".config" / "systemd" / "user"


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.glob("*.*") if path.is_file()}


def test_the_units_are_written_and_how_to_enable_them_is_said(
    stack: Settings, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["service"]) == 0
    said = capsys.readouterr().out
    assert f"wrote {folder}/weblake.service\n" in said
    for command in ("daemon-reload", "enable --now weblake.service"):
        assert f"  systemctl --user {command}\n" in said
    assert "loginctl enable-linger" in said
    assert "Nobody is told of failures" in said
    assert len(contents(folder)) == 7
    assert environment_of(contents(folder)["weblake.service"])["WEBLAKE_DATA"] == str(stack.data)
    before = contents(folder)
    assert run(["service"]) == 0
    assert contents(folder) == before


def test_of_a_stack_that_is_up_it_is_said_how_it_comes_under_systemd_and_follows_new_settings(
    stack: Settings, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervision, "is_running", lambda _: True)
    assert run(["service"]) == 0
    said = capsys.readouterr().out
    assert "If you started it, systemd stops it first" in said
    assert "If systemd started it, `systemctl --user restart weblake.service` has it follow" in said


def test_units_of_the_machine_run_as_the_owner_of_the_data(
    stack: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["service", "--system", "--output", str(tmp_path / "units")]) == 0
    said = capsys.readouterr().out
    assert "  systemctl enable --now weblake.service\n" in said
    assert "--user" not in said
    assert f"User={stack.data.owner()}\n" in contents(tmp_path / "units")["weblake-verify.service"]
    assert unit_folder(is_system=True, output=None) == Path("/etc/systemd/system")


def test_a_webhooks_address_is_in_a_private_file_and_in_no_unit(
    stack: Settings, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["service", "--webhook", WEBHOOK, "--mail", "ops@example.org"]) == 0
    said = capsys.readouterr().out
    assert "told to the webhook at hooks.example.org and ops@example.org" in said
    assert "of-the-vault" not in said + "".join(contents(folder).values())
    assert (stack.data / FILE).stat().st_mode & 0o777 == 0o600
    assert "weblake-notify@.service" in contents(folder)
    assert run(["service"]) == 0
    assert recipients(stack).webhook == WEBHOOK
    assert run(["service", "--webhook", "none", "--mail", "none"]) == 0
    assert str(recipients(stack)) == ""
    assert "weblake-notify@.service" not in contents(folder)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--webhook", "hooks.example.org/T0"),
        ("--webhook", "file:///etc/passwd"),
        ("--webhook", ""),
        ("--webhook", "https://"),
        ("--webhook", "https://hooks.example.org:T0/B0"),
        ("--webhook", "https://maria:secret@hooks.example.org/T0"),
        ("--webhook", "https://hooks.example.org/a b"),
        ("--webhook", "https://[hooks.example.org/T0"),
        ("--mail", "ops"),
        ("--mail", "-x@y"),
        ("--mail", "ops@"),
        ("--mail", "ops@example.org\nBcc: x@y"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused(
    option: str, value: str, stack: Settings, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for shown in [["--print"], []] + ([["--cron"]] if option == "--mail" else []):
        assert run(["service", f"{option}={value}", *shown]) == 2
        assert f"{option} " in capsys.readouterr().err
    assert not folder.exists()
    assert str(recipients(stack)) == ""


@pytest.mark.parametrize("is_link", [False, True])
def test_a_file_of_somebody_else_is_left_and_named(is_link: bool, stack: Settings, folder: Path) -> None:
    folder.mkdir(parents=True)
    path = folder / "weblake-verify.timer"
    path.symlink_to("/dev/null") if is_link else path.write_text("[Timer]\nOnCalendar=daily\n")
    with pytest.raises(ServiceError, match=r"weblake-verify\.timer is there, and is not of `weblake service`"):
        write_units(plan_boot(stack, "weblake", is_system=False), folder)
    assert list(folder.iterdir()) == [path]
    assert remove(plan_boot(stack, "weblake", is_system=False), folder) == []


def test_two_stacks_have_units_with_names_of_their_own(stack: Settings, folder: Path, tmp_path: Path) -> None:
    second = settings_in(tmp_path / "second")
    write_units(plan_boot(stack, "weblake", is_system=False), folder)
    with pytest.raises(ServiceError, match=f"another stack, that in {stack.data}; .*NAME=second"):
        write_units(plan_boot(second, "weblake", is_system=False), folder)
    before = contents(folder)
    write_units(plan_boot(second, "weblake-two", is_system=False), folder)
    gone = remove(plan_boot(second, "weblake-two", is_system=False), folder)
    assert {path.name for path in gone} == {name.replace("weblake", "weblake-two", 1) for name in before}
    assert contents(folder) == before
    with pytest.raises(SettingsError, match="no name for units"):
        plan_boot(second, "../two", is_system=False)


def test_units_are_removed_with_the_links_that_enabled_them(
    stack: Settings, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["service"]) == 0
    (folder / "other.service").write_text("[Service]\n")
    for wants, unit in (
        ("default.target", "weblake.service"),
        ("default.target", "other.service"),
        ("weblake.service", "weblake-verify.timer"),
    ):
        (folder / f"{wants}.wants").mkdir(exist_ok=True)
        (folder / f"{wants}.wants" / unit).symlink_to(folder / unit)
    assert run(["service", "--remove"]) == 0
    assert "systemctl --user daemon-reload" in capsys.readouterr().out
    assert sorted(path.name for path in folder.rglob("*.service")) == ["other.service", "other.service"]
    assert [path.name for path in folder.glob("*.wants")] == ["default.target.wants"], "an empty folder was left"
    assert run(["service", "--remove"]) == 0
    assert "has no units of the stack" in capsys.readouterr().out


def test_what_is_to_be_stopped_after_the_removal_are_the_units_of_this_stack_alone(
    stack: Settings, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["service", "--webhook", WEBHOOK]) == 0
    ours = [name.replace("@.", "@weblake-status.service.") for name in contents(folder)]
    capsys.readouterr()
    assert run(["service", "--remove"]) == 0
    commands = [line.split() for line in capsys.readouterr().out.splitlines() if line.startswith("  systemctl")]
    assert [command[2] for command in commands] == ["stop", "daemon-reload", "reset-failed"]
    for _, _, verb, *patterns in commands:
        if verb != "daemon-reload":
            assert all(pattern.startswith("'") for pattern in patterns), "the shell would read it as names of files"
            plain = [pattern.strip("'") for pattern in patterns]
            assert [name for name in ours if not any(fnmatchcase(name, pattern) for pattern in plain)] == []
            others = [name.replace("weblake", "weblake-two", 1) for name in ours]
            assert [name for name in others if any(fnmatchcase(name, pattern) for pattern in plain)] == []


@pytest.mark.parametrize("options", [["--print", "--webhook", WEBHOOK], ["--cron", "--mail", "ops@example.org"]])
def test_what_is_only_shown_writes_nothing(
    options: list[str], stack: Settings, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["service", *options]) == 0
    said = capsys.readouterr().out
    assert "-m weblake verify" in said
    assert ("weblake-notify@.service" in said) == ("--print" in options)
    assert "of-the-vault" not in said
    assert not folder.exists()
    assert [path.name for path in stack.data.iterdir()] == [STACK_FILE]


def test_what_is_shown_is_for_those_who_would_be_told(stack: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    def shown(*options: str) -> str:
        assert run(["service", *options]) == 0
        return capsys.readouterr().out

    shown("--mail", "ops@example.org")
    assert "weblake-notify@.service" in shown("--print")
    assert "weblake-notify@.service" not in shown("--print", "--mail", "none")
    assert "MAILTO=ops@example.org\n" in shown("--cron")
    assert "MAILTO=maria@example.org\n" in shown("--cron", "--mail", "maria@example.org")
    assert "MAILTO" not in shown("--cron", "--mail", "none")


def test_what_could_not_be_written_changes_nobody_who_is_told(stack: Settings, tmp_path: Path) -> None:
    assert run(["service", "--mail", "ops@example.org"]) == 0
    (tmp_path / "file").touch()
    assert run(["service", "--mail", "none", "--output", str(tmp_path / "file")]) == 1
    assert run(["service", "--mail", "none", "--name", "../two"]) == 2
    assert recipients(stack).mail == "ops@example.org"


@pytest.mark.parametrize(
    ("option", "other"),
    [
        ("--print", "--remove"),
        ("--print", "--cron"),
        ("--remove", "--cron"),
        ("--remove", f"--webhook={WEBHOOK}"),
        ("--remove", "--mail=none"),
        ("--cron", "--system"),
        ("--cron", "--output=/nowhere"),
        ("--cron", "--name=second"),
        ("--cron", f"--webhook={WEBHOOK}"),
    ],
)
def test_options_that_do_not_go_together_are_refused_by_name(
    option: str, other: str, stack: Settings, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["service"]) == 0
    before = contents(folder)
    assert run(["service", other, option]) == 2
    assert f"{option} and {other.split('=')[0]} do not go together" in capsys.readouterr().err
    assert contents(folder) == before
    assert str(recipients(stack)) == ""


def test_a_stack_that_was_never_started_and_a_folder_that_cannot_be_written_are_named(
    stack: Settings, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert run(["service", "--output", str(tmp_path / "file")]) == 1
    assert "/file cannot be written" in capsys.readouterr().err
    (stack.data / STACK_FILE).unlink()
    assert run(["service"]) == 1
    assert "run `make up` once" in capsys.readouterr().err
    assert not folder.exists()
