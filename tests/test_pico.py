"""Board pico: the image that a Raspberry Pi Pico is given, in the RP2040 of rp2040js, started as its boot ROM does."""

from __future__ import annotations

import json
import shutil
import struct
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from conftest import CC, DEMO_MODEL, FIRMWARE, ROOT, SANITIZERS, WARNINGS
from elftools.elf.elffile import ELFFile
from planting import model_c
from runs import validation, wait_for_answers

from tinyproof.boards import BOARDS, Budget
from tinyproof.console import UserError
from tinyproof.firmware.build import UF2_FILE, build, build_example, image_path
from tinyproof.firmware.uf2 import checksum
from tinyproof.host.connection import start
from tinyproof.host.device import Device
from tinyproof.host.journal import JOURNAL_FILE
from tinyproof.host.line.faults import LineSettings, parse_faults
from tinyproof.host.rp2040_device import command as device_command
from tinyproof.host.transport import Transport
from tinyproof.host.validate import Plan, validate
from tinyproof.installing import require_tools
from tinyproof.node_packages import find_node, find_package
from tinyproof.protocol import Infer
from tinyproof.toolchain import with_compiler

PICO, PICO_UART = BOARDS["pico"], BOARDS["pico-uart"]
BOOT2_BYTES = 256
BLOCK = struct.Struct("<8I476sI")


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """The demo's model with the firmware of both boards, by either compiler."""
    folder = tmp_path_factory.mktemp("pico") / DEMO_MODEL.name
    shutil.copytree(DEMO_MODEL, folder, ignore=shutil.ignore_patterns("journal*", "report.*", *BOARDS))
    build(folder, with_compiler(PICO, "zig"))
    build(folder, PICO_UART)
    return folder


def inside(model, board, scenario):
    """What tests/js/pico.mjs finds out about the chip."""
    require_tools(board)
    script, uf2 = ROOT / "tests" / "js" / "pico.mjs", image_path(model, board).with_name(UF2_FILE)
    words = [find_node(), script, find_package("rp2040js"), uf2, scenario]
    done = subprocess.run(words, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("board, limit, faults", [(PICO, 40, "3:flip,drop,duplicate:20000"), (PICO_UART, 5, None)])
def test_the_images_outputs_are_the_goldens_over_a_bad_line_too(images, board, limit, faults):
    line = LineSettings(None, parse_faults(faults) if faults else None)
    report = validate(Plan(images, board, limit=limit, line=line))
    assert (report.bytes_different, report.verdict, report.samples) == (0, "equal", limit)
    assert report.cost.clock_hz == 125_000_000 and report.cost.cycles > 1_000_000
    assert report.self_test.failures == 0


def test_a_run_that_was_killed_goes_on_with_two_of_which_one_is_killed(images):
    (images / JOURNAL_FILE).unlink(missing_ok=True)
    with start(images, PICO) as one, start(images, PICO) as other, ThreadPoolExecutor(1) as pool:
        process = validation(images, "--board", "pico", "--port", one.port, "--limit", "8")
        wait_for_answers(images, 2)
        process.kill()
        process.communicate()
        killed = pool.submit(lambda: (wait_for_answers(images, 4), one.process.kill()))
        report = validate(Plan(images, PICO, (one.port, other.port), limit=8, resume=True, patience_s=1.0))
        killed.result()
    assert (report.verdict, report.samples) == ("equal", 8) and report.sampling.resumed >= 2
    assert report.devices[1].samples > 0  # the other one may be hearing out the host that was killed


@pytest.mark.parametrize("board", [PICO, PICO_UART], ids=["pico", "pico-uart"])
def test_clocks_pins_and_flash_are_set_up_as_the_data_sheet_asks(images, board):
    fresh, used = inside(images, board, "start")
    assert fresh == used
    assert (fresh["clkSys"], fresh["clkPeri"], fresh["usb"]) == (125e6, 125e6, 48e6)
    assert fresh["vectors"] == 0x1000_0100
    assert fresh["flash"] == {"status2": 2, "continuous": True}
    assert (fresh["watchdogResets"], fresh["watchdogOn"]) == (0x1FFFC, True)
    assert fresh["pins"][2] == 5
    if board is PICO_UART:
        assert abs(fresh["baud"] / 115_200 - 1) < 0.001
        assert fresh["pins"][:2] == [2, 2] and fresh["rxPad"] & 0x4C == 0x48  # input, pulled up


def test_the_uf2_file_is_the_flash_of_the_image_and_its_second_stage_has_its_checksum(images):
    for board in (PICO, PICO_UART):
        image = image_path(images, board)
        data = image.with_name(UF2_FILE).read_bytes()
        blocks = [BLOCK.unpack_from(data, place) for place in range(0, len(data), BLOCK.size)]
        flash = b"".join(block[8][:256] for block in blocks)
        for number, block in enumerate(blocks):
            assert block[:8] == (
                *(0x0A324655, 0x9E5D5157, 0x2000, 0x1000_0000 + 256 * number),
                *(256, number, len(blocks), 0xE48BFF56),
            )
            assert block[9] == 0x0AB16F30
        assert struct.unpack_from("<I", flash, BOOT2_BYTES - 4)[0] == checksum(flash[: BOOT2_BYTES - 4])
        with image.open("rb") as file:
            for segment in ELFFile(file).iter_segments("PT_LOAD"):
                place, content = segment["p_paddr"] - 0x1000_0000, segment.data()
                assert not content or flash[place : place + len(content)] == content


def test_the_checksum_is_the_catalogues_crc_32_mpeg_2():
    assert checksum(b"123456789") == 0x0376E6E7


@pytest.mark.parametrize("damage, words", [(17, "boot ROM finds no program"), (-1, "block 0 of the UF2")])
def test_a_damaged_image_does_not_start_and_says_why(images, tmp_path, damage, words):
    data = bytearray(image_path(images, PICO).with_name(UF2_FILE).read_bytes())
    data[32 + damage] ^= 1
    (tmp_path / UF2_FILE).write_bytes(data)
    done = subprocess.run(device_command(tmp_path / "firmware.elf", "usb"), capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and words in done.stderr and done.stderr.count("\n") == 1


# What the model does with an input that begins with this number after 1, 2, 3, and what the board says when it is back.
CRIMES = {
    0: ("(void)*(volatile int *)(uintptr_t)((uintptr_t)input | 1);", "a fault at 0x"),
    1: ('__asm__ volatile("ldr r0, =0x30000000\\n mov sp, r0\\n udf #0\\n .ltorg");', "the watchdog reset the board"),
}


def test_a_fault_resets_the_board_which_says_where_it_was(model):
    source = model_c(model, PICO.core)
    head, body = source.read_text().split("void model_compute(", 1)
    opening, rest = body.split("{", 1)
    assert "input" in opening
    planted = "".join(f"if (input[3] == {number}) {{ {crime} }}\n" for number, (crime, _) in CRIMES.items())
    first = "if (input[0] == 1 && input[1] == 2 && input[2] == 3) {\n"
    source.write_text(f"#include <stdint.h>\n{head}void model_compute({opening}{{\n{first}{planted}}}\n{rest}")
    build(model, PICO_UART)
    with image_path(model, PICO_UART).open("rb") as file:
        symbols = {symbol.name: symbol for symbol in ELFFile(file).get_section_by_name(".symtab").iter_symbols()}
    begin, size = symbols["model_compute"]["st_value"] & ~1, symbols["model_compute"]["st_size"]
    with start(model, PICO_UART) as emulator, Transport(emulator.port) as transport:
        device = Device(transport)
        boots = device.hello(60).boot_count
        for number, (_, words) in CRIMES.items():
            device.hello(60)  # a session that the board knows of
            transport.send(device.exchange.numbered(Infer(bytes([1, 2, 3, number]) + bytes(780))))
            deadline = time.monotonic() + 60
            while len(device.exchange.logs) <= number and time.monotonic() < deadline:
                device.exchange.receive(time.monotonic() + 1)
            said = device.exchange.logs[number]
            assert words in said, said
            if "fault at" in words:
                assert begin <= int(said.split()[3].rstrip(","), 16) < begin + size, said
        assert device.hello(60).boot_count == boots + len(CRIMES)


@pytest.mark.parametrize("more", [Budget("tiny", 50_000, 270_336), Budget("tiny", 2_097_152, 9_000)])
def test_an_image_that_is_too_large_is_refused(images, more):
    with pytest.raises(UserError, match="does not fit the tiny"):
        build(images, replace(PICO, budget=more))


def test_hello_model_says_its_text_over_usb(images):
    image = build_example(images, PICO, "hello_model")
    process = subprocess.Popen(device_command(image, "usb"), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    process.stdin.write(b"x")  # the first text may be over before the host opens the port
    process.stdin.flush()
    text = b""
    while b"Send any key" not in text and (more := process.stdout.read1()):
        text += more
    process.stdin.close()
    process.stdout.close()
    assert process.wait(20) == 0
    assert b"0 of 60 bytes differ from TensorFlow Lite Micro" in text and b"microseconds" in text


def test_the_usb_device_survives_a_host_without_manners(tmp_path):
    program = tmp_path / "usb_host"
    sources = [ROOT / "tests" / "c" / "usb_host.c", FIRMWARE / "boards" / "pico" / "usb_cdc.c"]
    flags = ["-std=c11", "-O1", "-g", *WARNINGS, *SANITIZERS, f"-I{sources[1].parent}"]
    subprocess.run([*CC, *flags, *map(str, sources), "-o", str(program)], check=True)
    done = subprocess.run([program, "1000000", "1"], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    assert all(int(number) > 1000 for number in done.stdout.split()), done.stdout


# bmRequestType, bRequest, wValue, wIndex, wLength, data: what a host asks, and the sizes of the packets that come back.
TOUCH = [[0x21, 0x20, 0, 0, 7, list(struct.pack("<I3B", 1200, 0, 0, 8))], [0x21, 0x22, 0, 0, 0]]
TALK = [
    ([0x80, 6, 0x0100, 0, 64], [18]),
    ([0x80, 6, 0x0200, 0, 255], [64, 3]),
    ([0x80, 6, 0x0200, 0, 64], [64]),
    ([0x80, 6, 0x0300, 0, 255], [4]),
    ([0x80, 6, 0x0302, 0x0409, 255], [26]),
    ([0x80, 6, 0x0309, 0x0409, 255], None),
    ([0x80, 6, 0x0600, 0, 10], None),  # of a device that has no high speed
    ([0xA1, 0x21, 0, 0, 7], [7]),
    ([0xC0, 1, 0, 0, 1], None),
]


def test_the_usb_device_answers_what_usb_asks_and_goes_to_its_boot_loader_when_touched(images):
    answers = inside(images, PICO, json.dumps([request for request, _ in TALK] + TOUCH))
    for answer, (request, sizes) in zip(answers, TALK, strict=False):
        assert answer["stalled"] == (sizes is None), request
        assert sizes is None or [len(packet) for packet in answer["packets"]] == sizes, request
    device, configuration = answers[0]["packets"][0], sum(answers[1]["packets"], [])
    usb = PICO.application[0]
    assert struct.unpack_from("<HH", bytes(device), 8) == (usb.vendor, usb.product)
    assert struct.unpack_from("<H", bytes(configuration), 2)[0] == len(configuration)
    assert [answer["entered"] for answer in answers] == [False] * (len(answers) - 1) + [True]
