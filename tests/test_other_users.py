"""Files and ports of another user, as after one `sudo make`: one line that says whose, and what to do.

Root may do anything: a child process becomes somebody else, so these tests need root and are skipped without.
"""

from __future__ import annotations

import os
import pwd
import sys
from pathlib import Path

import pytest

from tinyproof import made
from tinyproof.access import may_have
from tinyproof.console import UserError, make_writable, no_room
from tinyproof.host.transport import open_port

SOMEBODY = "daemon"
pytestmark = pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="needs root, to be somebody else")


def as_somebody(call) -> str:
    """What the call says when somebody else makes it: its result, or its error."""
    reading, writing = os.pipe()
    if not (child := os.fork()):
        try:
            os.setgroups([])
            os.setgid(pwd.getpwnam(SOMEBODY).pw_gid)
            os.setuid(pwd.getpwnam(SOMEBODY).pw_uid)
            said = str(call())
        except (UserError, OSError) as error:
            said = f"{type(error).__name__}: {error}"
        os.write(writing, said.encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as file:
        said = file.read()
    os.waitpid(child, 0)
    return said


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    """A folder that anyone may enter, with a model's folder of root in it."""
    for folder in tmp_path.resolve().parents[:-2]:
        folder.chmod(folder.stat().st_mode | 0o111)
    tmp_path.chmod(0o777)
    model = tmp_path / "build" / "a model"
    model.mkdir(parents=True)
    os.chown(tmp_path, pwd.getpwnam(SOMEBODY).pw_uid, -1)
    monkeypatch.chdir(tmp_path)
    return Path("build/a model")


def test_a_folder_of_another_user_is_named_with_the_command_that_changes_it(project):
    remedy = f"belongs to root and not to {SOMEBODY}: `sudo chown -R {SOMEBODY} build` changes that"
    assert f"build/a model cannot be written to: it {remedy}" in as_somebody(lambda: make_writable(project))
    assert f"(Permission denied): build/a model {remedy}" in as_somebody(lambda: make_writable(project / "new"))
    assert remedy in as_somebody(lambda: no_room(project, PermissionError(13, "Permission denied", str(project))))
    os.chown("build", pwd.getpwnam(SOMEBODY).pw_uid, -1)
    assert f"chown -R {SOMEBODY} 'build/a model'`" in as_somebody(lambda: make_writable(project))


def test_nobody_is_told_to_take_what_is_not_of_the_project(project):
    assert "chown" not in as_somebody(lambda: make_writable(Path("/etc/tinyproof")))
    assert "it belongs to root and not to daemon: ask for" in as_somebody(lambda: may_have(Path("/etc")))
    os.chown(project, pwd.getpwnam(SOMEBODY).pw_uid, -1)
    project.chmod(0o500)
    assert "(`chmod -R u+rwX 'build/a model'`)" in as_somebody(lambda: make_writable(project))


def test_a_record_that_may_not_be_read_is_an_error_and_not_a_folder_that_nothing_is_known_of(project):
    """Else a network is called another one, and the advice is to train over it."""
    (project / made.RECORD_FILE).write_text("{}")
    (project / made.RECORD_FILE).chmod(0o600)
    assert as_somebody(lambda: made.settings_of(project, "train")).startswith("PermissionError")
    assert as_somebody(lambda: made.is_made(project, "train", "")).startswith("PermissionError")


@pytest.mark.skipif(sys.platform != "linux", reason="ports have groups on Linux")
def test_a_port_that_may_not_be_opened_names_the_group_to_join():
    import grp

    master, slave = os.openpty()
    port = os.ttyname(slave)
    try:
        os.chown(port, 0, grp.getgrnam("dialout").gr_gid)
        os.chmod(port, 0o660)
        said = as_somebody(lambda: open_port(port, 115200))
        os.chmod(port, 0o600)
        without_group = as_somebody(lambda: open_port(port, 115200))
    finally:
        os.close(master)
        os.close(slave)
    join = f"sudo usermod -aG dialout {SOMEBODY}, then log out and in again"
    assert said == f"UserError: cannot open port {port}: this user may not: {join}"
    assert "add a udev rule" in without_group
