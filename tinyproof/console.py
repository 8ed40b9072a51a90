"""What every command of the project shares with its user's terminal and files.

Bad input ends in one line and exit status 2 (`UserError`), Ctrl-C in one line and 130, long work shows a progress bar,
and a file appears whole or not at all (`write_atomically`). Nothing here knows about models or boards.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import signal
import stat
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NoReturn, TypeVar

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from tinyproof import advice, interruption, scratch
from tinyproof.access import may_have

console = Console(highlight=False, soft_wrap=True, force_jupyter=False)
UNFINISHED = ".unfinished"  # ends the name of a file until it is whole
NARROW = 60  # columns
T = TypeVar("T")
OF_THE_COMPUTER = (
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EFBIG,
    errno.EIO,
    errno.EROFS,
    errno.EMFILE,
    errno.ENFILE,
    errno.ENOMEM,
)
CUT_SHORT = "requested and"  # and so many written, says numpy where a file takes no more
OF_ACCESS = (errno.EACCES, errno.EPERM, errno.EROFS)
UMASK = os.umask(0)  # it can only be read by setting it
os.umask(UMASK)


class UserError(click.ClickException):
    """Something the user can put right: one line saying what is wrong, where, and what to do. Exit status 2."""

    exit_code = 2


class Interrupted(UserError):
    """An interruption that has something to say: how to go on."""


def run(command: click.Command, name: str) -> NoReturn:
    """Run the command line under a name that can be typed again, and exit: every error is one line and status 2, an
    interruption one line and the status of its signal.
    """
    interruption.interruptible()
    _open_what_is_closed()
    if UMASK & stat.S_IRWXU:
        click.echo(f"Error: umask {UMASK:03o} keeps you from your own new files: run `umask 022` first", err=True)
        sys.exit(2)
    try:
        with scratch.scratch_folder():
            status = _run(command, name)
    except (click.Abort, KeyboardInterrupt):
        status = _interrupted()
    except Exception:
        if not interruption.exit_status():
            raise
        status = _interrupted()  # what it broke off on its way
    finally:
        interruption.nothing_left()
    sys.exit(status)


def _open_what_is_closed() -> None:
    """Whoever started us may have closed what every program has open: the next file would be taken for the terminal."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115


def _say_no_more() -> None:
    """For what Python still has to write of an output that takes nothing."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _interrupted() -> int:
    click.echo(interruption.LINE, err=True)
    return interruption.exit_status() or 128 + signal.SIGINT


def _run(command: click.Command, name: str) -> int:
    """Run the command line; the exit status. What is raised is an interruption, or a fault of this program."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # what the terminal's encoding has no letter for is a question mark
    try:
        command.main(prog_name=name, standalone_mode=False, complete_var="_TINYPROOF_COMPLETE")
        sys.stdout.flush()
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return 2
    except click.ClickException as error:
        status = interruption.exit_status()
        if status and not isinstance(error, Interrupted):
            raise  # what it broke off on its way
        click.echo(f"Error: {' '.join(_message(error, name).split())}", err=True)
        return status or 2
    except BrokenPipeError:  # whoever read the output has gone, such as `| head`
        _say_no_more()
        return 2
    except OSError as error:
        if error.errno is None and CUT_SHORT in str(error):
            error = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if error.filename is None and error.errno not in OF_THE_COMPUTER:
            raise
        what = f"{error.filename}: " if error.filename else ""
        click.echo(f"Error: {what}{error.strerror}; {_remedy(error)}", err=True)
        try:
            sys.stdout.flush()
        except OSError:
            _say_no_more()
        return 2
    except MemoryError:
        click.echo("Error: there is not enough memory for that: end other programs, or take smaller inputs", err=True)
        return 2
    except RuntimeError as error:
        if "can't start new thread" not in str(error):
            raise
        click.echo(f"Error: {error}; {_remedy(OSError(errno.EAGAIN, ''))}", err=True)
        return 2
    return 0


def _remedy(error: OSError) -> str:
    if error.errno in OF_ACCESS and error.filename:
        return may_have(Path(os.fsdecode(error.filename)))
    if error.errno in (errno.ENOENT, errno.ENOTDIR) and error.filename:
        return "check that it is there"
    if error.errno in (errno.EISDIR, errno.ENOTEMPTY) and error.filename:
        return "a file belongs there: move what is in its place"
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return "end other programs, or allow more open files (`ulimit -n 1024`)"
    if error.errno == errno.EFBIG:
        return "allow larger files (`ulimit -f unlimited`)"
    if error.errno in (errno.ENOMEM, errno.EAGAIN):
        return "end other programs, or allow more memory and processes (`ulimit -v unlimited`, `ulimit -u`)"
    if error.errno == errno.EIO:
        return "check the disk or the network drive"
    return f"make room where results go, and in {scratch.temporary_files()}"


def _message(error: click.ClickException, name: str) -> str:
    """What the user reads, in the words of the way that they came."""
    if not isinstance(error, click.UsageError):
        return error.format_message()
    of_value = isinstance(error, click.BadParameter) and not isinstance(error, click.MissingParameter)
    if advice.by_make() and of_value and (param := getattr(error, "param", None)):
        given = advice.name_of(param.opts[0].lstrip("-").replace("-", "_"))
        said = error.message.removesuffix(".").replace("integer range", "whole number").replace("float range", "number")
        return f"{given}: {said}"
    return f"{error.format_message()} (try `{error.ctx.command_path if error.ctx else name} --help`)"


def progress_bar() -> Progress:
    """A progress display with bar, count, time taken and time left; use as a context manager."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        disable="ipykernel" in sys.modules,  # a notebook keeps every state of it, one below the other
    )


def track(items: Sequence[T], description: str) -> Iterable[T]:
    """Yield the items one by one while a progress bar counts them."""
    with progress_bar() as progress:
        yield from progress.track(items, description=description)


def table(title: str, *columns: str, text: int = 1) -> Table:
    """An empty table in the house style: the first columns, so many, are text at the left, the others at the right.

    On a narrow terminal text goes on in the next line, on a very narrow one numbers too; nothing is cut off.
    """
    result = Table(title=title, title_justify="left", title_style="bold", header_style="bold", show_header=any(columns))
    for index, column in enumerate(columns):
        is_text = index < text
        whole = not is_text and console.width >= NARROW
        result.add_column(column, justify="left" if is_text else "right", no_wrap=whole, overflow="fold")
    return result


def make_writable(folder: Path, option: str = "out") -> Path:
    """Make sure, before minutes of work, that files can be written to the folder. UserError if they cannot.

    `option` is the one that names it.
    """
    another = advice.another(option)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise UserError(
            f"{folder} cannot be made a folder ({error.strerror}): {another}move what is in its place"
        ) from None
    except OSError as error:
        remedy = may_have(folder.parent, named=False) if error.errno in OF_ACCESS else "check where it is to be"
        raise UserError(f"{folder} cannot be made a folder ({error.strerror}): {another}{remedy}") from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UserError(f"{folder} cannot be written to: {another}{may_have(folder)}")
    return folder


def no_room(folder: Path, error: OSError, option: str = "out") -> UserError:
    """What to say where files that took work could not be written to the folder that `option` names."""
    of_access = error.errno in OF_ACCESS
    place = Path(os.fsdecode(error.filename or folder))
    remedy = "allow larger files (`ulimit -f unlimited`)" if error.errno == errno.EFBIG else "make room"
    if of_access:
        remedy = may_have(place, named=place == folder)
    return UserError(f"{folder} cannot be written to ({error.strerror}): {advice.another(option)}{remedy}")


def write_atomically(path: Path, content: bytes | str) -> None:
    """Write a file so that it is seen whole or not at all: into a temporary sibling, then renamed over `path`.

    An OSError names `path`, not the sibling.
    """
    write_together({path: content})


def write_together(files: Mapping[Path, bytes | str], first: Callable[[], object] = lambda: None) -> None:
    """The same for several files: where there is no room for all of them, none is changed.

    They are renamed in their order, after `first` was called.
    """
    staged: dict[Path, str] = {}
    new = [folder for path in files for folder in path.parents if not folder.exists()]
    with interruption.later():
        try:
            for path, content in files.items():
                with _naming(path):
                    staged[path] = _stage(path, content.encode() if isinstance(content, str) else content)
            first()
            for path in files:
                with _naming(path):
                    os.replace(staged[path], path)
                    del staged[path]
        except BaseException:
            for temporary in staged.values():
                os.unlink(temporary)
            for folder in sorted(set(new), reverse=True):
                with contextlib.suppress(OSError):
                    folder.rmdir()  # where it is empty
            raise


@contextlib.contextmanager
def _naming(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise type(error)(error.errno, error.strerror, str(path)) from error


def _stage(path: Path, data: bytes) -> str:
    """Write the content beside its place, and to the disk; where it lies."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=UNFINISHED)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())  # else a power cut may leave the new name with nothing behind it
        os.chmod(temporary, 0o666 & ~UMASK)  # mkstemp makes it private
    except BaseException:
        os.unlink(temporary)
        raise
    return temporary
