"""What the doctor finds on computers that lack something or have too much."""

from __future__ import annotations

import grp
import os
from dataclasses import replace

import pytest

from tinyproof import toolchain
from tinyproof.boards import BOARDS
from tinyproof.console import console
from tinyproof.host import doctor
from tinyproof.host.doctor import MISSING, OK, PROBLEM, Check, examine, print_checks
from tinyproof.host.ports import SerialPort
from tinyproof.node_packages import find_package

NANO = SerialPort("/dev/ttyACM0", 0x2341, 0x805A, place="1-2")
CLONE = SerialPort("/dev/ttyUSB0", 0x1A86, 0x7523, place="1-3")


@pytest.fixture
def processes(monkeypatch, tmp_path):
    """(names) -> they are the programs that run on this computer."""

    def running(*names):
        for number, name in enumerate(names, start=100):
            (tmp_path / str(number)).mkdir()
            (tmp_path / str(number) / "comm").write_text(name + "\n")
        monkeypatch.setattr(doctor, "PROCESSES", tmp_path)

    return running


@pytest.fixture
def device(tmp_path):
    """(path, group): a file that its group may open, and the group is not root's."""
    path = tmp_path / "ttyACM0"
    path.touch()
    path.chmod(0o660)
    if os.geteuid() == 0:
        os.chown(path, -1, next(group.gr_gid for group in grp.getgrall() if group.gr_gid != 0))
    return str(path), path.group()


def by_subject(checks):
    return {check.subject: check for check in checks}


def test_a_computer_that_runs_this_test_suite_can_run_the_demo():
    checks = examine()
    assert [check for check in checks if check.stops_demo] == []
    assert {"Python", "packages", "TFLite interpreter", "arm-none-eabi-gcc", "qemu-system-arm"} <= set(
        by_subject(checks)
    )


def test_missing_tools_of_the_demo_stop_it_and_other_missing_tools_do_not(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    checks = by_subject(doctor.check_tools(BOARDS.values()))
    from_pypi = {"ziglang cc", "unicorn"}
    replaced = {"arm-none-eabi-gcc", "riscv64-unknown-elf-gcc"}
    fine = from_pypi | replaced | ({"rp2040js"} if find_package("rp2040js") else set())
    assert {subject for subject, check in checks.items() if check.state == OK} == fine
    assert not any(check.stops_demo for check in checks.values())
    builds = {board.name: [compiler.tool.command for compiler in board.compilers] for board in BOARDS.values()}
    replaced_for = ", ".join(name for name, tools in builds.items() if tools[:1] == ["arm-none-eabi-gcc"])
    assert checks["arm-none-eabi-gcc"].finding == f"not installed; ziglang cc is taken for {replaced_for}"
    assert checks["cc"].finding == "not installed; needed for host-checked; ziglang cc is taken for host"
    used_for = ", ".join(name for name, tools in builds.items() if "ziglang cc" in tools)
    assert checks["ziglang cc"].finding.endswith(f"; used for {used_for}")
    for module in (doctor, toolchain):
        monkeypatch.setattr(module, "find_tool", lambda _: None)
    checks = by_subject(doctor.check_tools(BOARDS.values()))
    assert {subject for subject, check in checks.items() if check.stops_demo} == from_pypi
    assert "make tools BOARD=qemu" in checks["qemu-system-arm"].remedy
    assert "make tools BOARD=host" in checks["cc"].remedy


def test_a_tool_is_said_once_however_many_boards_share_it():
    subjects = [check.subject for check in doctor.check_tools(BOARDS.values())]
    assert len(subjects) == len(set(subjects)) > 2


@pytest.mark.parametrize("found, state", [((3, 9), PROBLEM), ((3, 10), OK), ((3, 13), OK), ((3, 14), PROBLEM)])
def test_a_python_outside_the_tested_range_stops_the_demo(monkeypatch, found, state):
    monkeypatch.setattr(doctor.sys, "version_info", (*found, 0))
    check = doctor.check_python()
    assert (check.state, check.stops_demo, bool(check.remedy)) == (state, state == PROBLEM, state == PROBLEM)


def test_missing_packages_are_named(monkeypatch):
    monkeypatch.setattr(doctor, "requires", lambda _: ["click", "no-such-package>=2", "linux-only; sys_platform=='x'"])
    packages = next(iter(doctor.check_packages()))
    assert (packages.state, packages.finding) == (MISSING, "no-such-package not installed")
    assert packages.stops_demo


def test_without_the_golden_reference_the_meaning_is_said_and_the_demo_goes_on(monkeypatch):
    monkeypatch.setattr(doctor, "golden_name", lambda: None)
    check = by_subject(doctor.check_packages())["golden reference"]
    assert check.state == MISSING and not check.stops_demo
    assert "default interpreter" in check.finding


def test_missing_platformio_does_not_stop_the_demo(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(doctor.sys, "executable", str(tmp_path / "python"))
    check = doctor.check_platformio()
    assert (check.state, check.stops_demo) == (MISSING, False)
    assert "`make flash` installs it" in check.remedy


def test_what_speaks_with_the_boot_loaders_of_chips_is_named_with_its_boards(monkeypatch, tmp_path):
    checks = by_subject(doctor.check_loaders(BOARDS.values()))
    assert set(checks) == {"stm32loader", "dfu-util", "esptool"} and not any(c.stops_demo for c in checks.values())
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(doctor.importlib.util, "find_spec", lambda name: None)
    checks = by_subject(doctor.check_loaders(BOARDS.values()))
    assert {check.state for check in checks.values()} == {MISSING}
    assert checks["dfu-util"].finding == "not installed; needed to flash stm32f405 over USB"
    assert "sudo apt-get install dfu-util" in checks["dfu-util"].remedy
    assert checks["esptool"].finding == "not installed; needed to flash esp32c3-bare, esp32c3-usb"
    assert checks["esptool"].remedy == checks["stm32loader"].remedy == "nothing: `make flash` installs it"


def test_no_board_is_said_and_a_foreign_port_is_no_board():
    checks = list(doctor.check_ports([SerialPort("/dev/ttyS0")]))
    assert [check.subject for check in checks] == ["boards", "port"]
    assert "no board of the table" in checks[1].finding


def test_a_port_that_this_user_may_not_open_names_the_group_to_join(monkeypatch, device):
    path, group = device
    assert next(doctor.check_ports([replace(NANO, device=path)])).state == OK
    monkeypatch.setattr(doctor.os, "access", lambda *_: False)
    check = next(doctor.check_ports([replace(NANO, device=path)]))
    assert check.state == PROBLEM
    assert "could be nano33ble" in check.finding and "may not open it" in check.finding
    assert f"sudo usermod -aG {group} " in check.remedy and "log out and in again" in check.remedy


def test_a_port_that_vanished_is_a_line_and_not_a_crash(monkeypatch):
    monkeypatch.setattr(doctor.os, "access", lambda *_: False)
    check = next(doctor.check_ports([replace(NANO, device="/dev/no-such-port")]))
    assert (check.state, check.remedy) == (PROBLEM, "plug it in again")


def test_modem_manager_is_a_problem_only_beside_a_board_and_comes_with_its_rule(processes):
    processes("systemd", "ModemManager")
    assert by_subject(doctor.check_meddlers([]))["ModemManager"].state == OK
    check = by_subject(doctor.check_meddlers([NANO]))["ModemManager"]
    assert check.state == PROBLEM
    assert 'ATTRS{idVendor}=="2341", ENV{ID_MM_DEVICE_IGNORE}="1"' in check.remedy


def test_brltty_is_a_problem_even_before_the_port_shows(processes):
    processes("brltty")
    checks = by_subject(doctor.check_meddlers([]))
    assert checks["brltty"].state == PROBLEM
    assert checks["ModemManager"].finding == "not running"


def test_without_proc_the_meddlers_are_left_out(monkeypatch, tmp_path):
    monkeypatch.setattr(doctor, "PROCESSES", tmp_path / "no proc")
    assert list(doctor.check_meddlers([CLONE])) == []


def test_the_lines_say_what_to_do_and_what_the_demo_lacks():
    with console.capture() as capture:
        print_checks([Check("Python", OK, "3.11"), Check("cc", MISSING, "not [here]", "install it", needed=True)])
    lines = capture.get().splitlines()
    assert lines[0].split() == ["ok", "Python", "3.11"]
    assert lines[1].split() == ["missing", "cc", "not", "[here]"]
    assert lines[2].split() == ["->", "install", "it"]
    assert lines[3] == "`make demo` needs: cc"
