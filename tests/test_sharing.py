"""Several devices in one run, here and on other machines: slow ones, dying ones, and ones that lie."""

from __future__ import annotations

import shutil
import threading
from contextlib import ExitStack
from dataclasses import replace

import pytest
from conftest import become_another_model
from runs import (
    AT_FIRST,
    HOST,
    assert_each_sample_counted_once,
    liar,
    slow_line,
    wait_for_answers,
)
from serial_server import serve

import tinyproof.host.connection
import tinyproof.host.run
from tinyproof.boards import BOARDS
from tinyproof.console import UserError
from tinyproof.host.connection import start
from tinyproof.host.journal import JOURNAL_FILE
from tinyproof.host.report.junit import cases
from tinyproof.host.report.summary import describe_disagreements
from tinyproof.host.validate import Plan, validate


@pytest.fixture
def model(built_model):
    return built_model


def test_two_devices_share_the_samples_and_one_report(model, clean_sha256):
    report = validate(Plan(model, HOST, devices=2))
    assert [device.samples > 0 for device in report.devices] == [True, True]
    assert report.devices[0].identity == report.devices[1].identity
    assert report.devices[0].url != report.devices[1].url
    assert_each_sample_counted_once(report, clean_sha256)


def test_a_slow_device_leaves_the_work_to_the_others(model, clean_sha256):
    with slow_line(model) as slow, start(model, HOST) as fast:
        report = validate(Plan(model, HOST, (slow.port, fast.port)))
    assert 0 < report.devices[0].samples < report.devices[1].samples
    assert_each_sample_counted_once(report, clean_sha256)


def test_a_dying_device_leaves_its_samples_to_the_others(model, clean_sha256):
    with slow_line(model) as dying, slow_line(model) as living:
        port = dying.port

        def kill():
            wait_for_answers(model, 40)
            dying.device.process.kill()

        killer = threading.Thread(target=kill)
        killer.start()
        report = validate(Plan(model, HOST, (dying.port, living.port), patience_s=3600))
        killer.join()
    assert port in report.devices[0].ended and not report.devices[1].ended
    assert 0 < report.devices[0].samples < report.devices[1].samples
    assert [case.name for case in cases(report) if case.failure] == ["no device is lost"]
    assert_each_sample_counted_once(report, clean_sha256)


def test_devices_that_disagree_are_named(model, in_root):
    with start(model, BOARDS["interpreter"]) as honest, liar(model) as lying:
        report = validate(Plan(model, HOST, (honest.port, lying.port)))
    names = [f"interpreter on {process.port}" for process in (honest, lying)]
    assert (report.verdict, report.exit_status) == ("different", 1)
    assert report.differences and {difference.answered_by for difference in report.differences} == {lying.port}
    assert report.disagreements
    assert {(d.first, d.second, d.second_is_golden) for d in report.disagreements} == {(names[1], names[0], True)}
    assert f"{names[0]} answers otherwise than {names[1]}" in describe_disagreements(report)


def test_a_device_that_does_not_repeat_itself_is_named(model, in_root):
    with liar(model, AT_FIRST) as fickle:
        report = validate(Plan(model, HOST, (fickle.port,)))
    assert report.bytes_different > 0
    assert len(report.disagreements) == min(report.samples_different, tinyproof.host.run.LOOKED_AT_AGAIN)
    assert f"interpreter on {fickle.port} does not repeat its own answers" in describe_disagreements(report)


def test_an_answer_of_another_size_is_not_counted(model, in_root):
    with liar(model, end=-1) as lying, pytest.raises(UserError, match="an answer of 9 bytes; 0 of 359 samples are in"):
        validate(Plan(model, HOST, (lying.port,)))


@pytest.mark.parametrize("telnet", [True, False], ids=["rfc2217", "socket"])
def test_a_board_on_another_machine_is_validated_like_any_other(model, clean_sha256, telnet):
    with start(model, HOST) as board, serve(board.port, telnet) as server:
        url = f"{'rfc2217' if telnet else 'socket'}://127.0.0.1:{server.port}"
        report = validate(Plan(model, HOST, (url,)))
        assert report.devices[0].url == url
        assert not telnet or server.control == {"dtr": False, "rts": False}
        wants_dtr = replace(HOST, wants_dtr=True)
        validate(Plan(model, wants_dtr, (url,), limit=1))
        assert not telnet or server.control == {"dtr": True, "rts": False}
    assert_each_sample_counted_once(report, clean_sha256)


@pytest.mark.parametrize("telnet", [True, False], ids=["rfc2217", "socket"])
def test_a_connection_that_breaks_is_made_again(model, clean_sha256, soon_silent, telnet):
    with start(model, HOST) as board, serve(board.port, telnet, cut_after=100_000) as server:
        url = f"{'rfc2217' if telnet else 'socket'}://127.0.0.1:{server.port}"
        report = validate(Plan(model, HOST, (url,)))
        assert server.clients == 2
    assert report.devices[0].reconnects == 1
    assert_each_sample_counted_once(report, clean_sha256)


def test_boards_here_and_elsewhere_share_one_run(model, clean_sha256):
    with ExitStack() as stack:
        boards = [stack.enter_context(start(model, HOST)) for _ in range(3)]
        servers = [stack.enter_context(serve(boards[0].port, True)), stack.enter_context(serve(boards[1].port, False))]
        urls = (f"rfc2217://127.0.0.1:{servers[0].port}", f"socket://127.0.0.1:{servers[1].port}", boards[2].port)
        report = validate(Plan(model, HOST, urls))
    assert [device.url for device in report.devices] == list(urls)
    assert all(device.samples for device in report.devices)
    assert_each_sample_counted_once(report, clean_sha256)


def test_every_device_is_checked_before_anything_runs(model):
    other = model.parent / "other"
    shutil.copytree(model, other)
    become_another_model(other)
    with start(model, HOST) as board, pytest.raises(UserError, match="runs model"):
        validate(Plan(other, HOST, (board.port, board.port)))
    assert not (other / JOURNAL_FILE).exists()
