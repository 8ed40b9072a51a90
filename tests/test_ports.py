"""Finding a board among the ports of a computer, in the form pyserial gives them on Linux, macOS and Windows."""

from __future__ import annotations

import pytest
from serial.tools.list_ports_common import ListPortInfo

from tinyproof.boards import REAL_BOARDS
from tinyproof.console import UserError
from tinyproof.host import ports
from tinyproof.host.ports import SerialPort, boards_behind, find_port, named_port, wants_dtr


def usb(device, vendor, product, serial_number=None, location=None, description="n/a"):
    info = ListPortInfo(device)
    info.vid, info.pid = vendor, product
    info.serial_number, info.location, info.description = serial_number, location, description
    return info


NANO = usb("/dev/ttyACM0", 0x2341, 0x805A, "6A5E1FC2D0B4EB2C", "1-2:1.0", "Arduino Nano 33 BLE")
NANO_BOOTLOADER = usb("/dev/ttyACM1", 0x2341, 0x005A, "000000000000D0B4EB2C", "1-2:1.0", "Arduino Nano 33 BLE")
NANO_ON_A_MAC = usb("/dev/cu.usbmodem14201", 0x2341, 0x805A, "6A5E1FC2D0B4EB2C", "20-2", "Nano 33 BLE")
NANO_ON_WINDOWS = usb("COM7", 0x2341, 0x805A, "6A5E1FC2D0B4EB2C", "1-2:x.0", "USB Serial Device (COM7)")
SECOND_NANO = usb("/dev/ttyACM4", 0x2341, 0x805A, "11112222D0B4EB2C", "1-4:1.0", "Arduino Nano 33 BLE")
DEVKIT = usb("/dev/ttyUSB0", 0x10C4, 0xEA60, "0001", "1-1.3:1.0", "CP2102 USB to UART Bridge Controller")
CLONE = usb("/dev/ttyUSB1", 0x1A86, 0x7523, None, "1-1.4", "USB Serial")
S3_OWN_USB = usb("/dev/ttyACM2", 0x303A, 0x1001, "F4:12:FA:5C:0A:11", "1-3:1.0", "USB JTAG/serial debug unit")
ON_BOARD_UART = ListPortInfo("/dev/ttyS0")
OTHER_USB = usb("/dev/ttyACM9", 0x1366, 0x0105, "000683", "1-5:1.0", "J-Link")


@pytest.fixture
def plugged(monkeypatch):
    """(ports) -> they are what this computer has."""

    def plug(*infos):
        monkeypatch.setattr(ports.list_ports, "comports", lambda: list(infos))

    return plug


@pytest.mark.parametrize(
    "infos, board, device",
    [
        ([NANO], "nano33ble", "/dev/ttyACM0"),
        ([OTHER_USB, ON_BOARD_UART, DEVKIT, NANO], "nano33ble", "/dev/ttyACM0"),
        ([NANO_ON_A_MAC], "nano33ble", "/dev/cu.usbmodem14201"),
        ([NANO_ON_WINDOWS, DEVKIT], "nano33ble", "COM7"),
        ([NANO, DEVKIT], "esp32", "/dev/ttyUSB0"),
        ([CLONE], "esp32", "/dev/ttyUSB1"),
        ([CLONE, S3_OWN_USB], "esp32s3", "/dev/ttyUSB1"),
        ([DEVKIT], "esp32c3", "/dev/ttyUSB0"),
    ],
)
def test_the_port_is_found_by_its_usb_ids(plugged, infos, board, device):
    plugged(*infos)
    assert find_port(REAL_BOARDS[board]).device == device


@pytest.mark.parametrize(
    "infos, board, words",
    [
        ([], "nano33ble", ["no port is an Arduino Nano 33 BLE", "2341:805a", "ports there are: none", "PORT="]),
        ([ON_BOARD_UART, OTHER_USB], "nano33ble", ["/dev/ttyS0", "/dev/ttyACM9 (1366:0105 J-Link)", "make doctor"]),
        ([DEVKIT, CLONE], "esp32", ["2 ports", "/dev/ttyUSB0 (10c4:ea60", "/dev/ttyUSB1", "PORT=/dev/ttyUSB0"]),
        ([SECOND_NANO, NANO], "nano33ble", ["2 ports", "/dev/ttyACM0", "/dev/ttyACM4"]),
        ([NANO_BOOTLOADER], "nano33ble", ["/dev/ttyACM1 is in its bootloader", "make flash BOARD=nano33ble"]),
        ([S3_OWN_USB], "esp32s3", ["/dev/ttyACM2", "own USB connector", "UART"]),
        ([S3_OWN_USB], "esp32", ["no port is an ESP32", "303a:1001"]),
    ],
)
def test_no_port_or_several_are_refused_in_one_line_that_lists_them(plugged, infos, board, words):
    plugged(*infos)
    with pytest.raises(UserError) as refusal:
        find_port(REAL_BOARDS[board])
    assert "\n" not in refusal.value.message
    for word in words:
        assert word in refusal.value.message


def test_flashing_takes_a_board_in_its_bootloader_too(plugged):
    plugged(NANO_BOOTLOADER, DEVKIT)
    assert find_port(REAL_BOARDS["nano33ble"], bootloader_too=True).device == "/dev/ttyACM1"
    plugged(NANO_BOOTLOADER, SECOND_NANO)
    with pytest.raises(UserError, match="2 ports"):
        find_port(REAL_BOARDS["nano33ble"], bootloader_too=True)


@pytest.mark.parametrize(
    "before, after, same",
    [
        (SerialPort("a", place="1-2", serial_number="X"), SerialPort("b", place="1-2", serial_number="Y"), True),
        (SerialPort("a", place="1-2", serial_number="X"), SerialPort("a", place="1-4", serial_number="X"), False),
        (SerialPort("a", serial_number="X"), SerialPort("b", serial_number="X"), True),
        (SerialPort("a", serial_number="X"), SerialPort("a", serial_number="Y"), False),
        (SerialPort("a"), SerialPort("b", place="1-2"), True),
    ],
)
def test_a_board_that_came_back_is_known_by_its_place_then_by_its_serial_number(before, after, same):
    assert before.is_same_board(after) is same


def test_application_and_bootloader_of_one_board_have_one_place(plugged):
    plugged(NANO, NANO_BOOTLOADER, SECOND_NANO)
    application, bootloader, second = ports.scan()
    assert application.is_same_board(bootloader)
    assert not second.is_same_board(bootloader)


@pytest.mark.parametrize(
    "url, wanted",
    [
        ("/dev/ttyACM0", True),  # the Arduino core is deaf and dumb until DTR is high
        ("/dev/ttyUSB0", False),  # DTR and RTS are the reset and boot lines of an ESP32
        ("/dev/ttyACM9", False),
        ("/dev/ttyACM77", False),
        ("socket://localhost:7000", False),
    ],
)
def test_dtr_is_raised_for_the_boards_that_need_it_and_no_other(plugged, url, wanted):
    plugged(NANO, DEVKIT, OTHER_USB)
    assert wants_dtr(url) is wanted


def test_a_named_port_is_found_through_a_link_and_keeps_its_name(plugged, tmp_path):
    device = tmp_path / "ttyACM0"
    device.touch()
    link = tmp_path / "usb-Arduino_Nano_33_BLE"
    link.symlink_to(device)
    plugged(usb(str(device), 0x2341, 0x805A, "X", "1-2:1.0"))
    assert named_port(str(link)) == SerialPort(str(link), 0x2341, 0x805A, "X", "1-2", "n/a")
    assert named_port("/dev/ttyACM77") == SerialPort("/dev/ttyACM77")


def test_what_a_port_could_be_is_said_in_words(plugged):
    plugged(NANO, NANO_BOOTLOADER, S3_OWN_USB, CLONE, OTHER_USB)
    said = {port.device: " ".join(boards_behind(port)) for port in ports.scan()}
    assert said["/dev/ttyACM0"] == "nano33ble"
    assert said["/dev/ttyACM1"] == "nano33ble-bare in its bootloader nano33ble in its bootloader"
    assert {"stm32f405", "pico-uart", "esp32", "esp32s3", "esp32c3"} <= set(said["/dev/ttyUSB1"].split())
    assert "wrong one" in said["/dev/ttyACM2"]
    assert said["/dev/ttyACM9"] == ""
