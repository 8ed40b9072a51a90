"""What stands for a chip whose boot loader is spoken to: a port, and the program that runs on it afterwards."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import threading
import tty


class RomLoader:
    """A loader on a pseudo-terminal. Subclasses answer in `_serve` until `ending`; once there is a `program`, a process
    that has its line at stdin and stdout, `_pass_on` leads the port to it.
    """

    def __init__(self, flash_bytes, flaw, runs_program):
        self.flaw, self.runs_program = flaw, runs_program
        self.flash = bytearray(flash_bytes)  # of an older program
        self.program: subprocess.Popen | None = None
        self.master, slave = pty.openpty()
        tty.setraw(slave)
        self.slave, self.port = slave, os.ttyname(slave)
        self.ending = threading.Event()
        self.thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ending.set()
        self.thread.join()
        if self.program:
            self.program.kill()
            self.program.communicate()
        os.close(self.master)
        os.close(self.slave)

    def _serve(self):
        raise NotImplementedError

    def _pass_on(self):
        for source in select.select([self.master, self.program.stdout], [], [], 0.1)[0]:
            if source == self.master:
                os.write(self.program.stdin.fileno(), os.read(source, 4096))
            else:
                os.write(self.master, os.read(source.fileno(), 4096))
