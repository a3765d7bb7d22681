"""A ``luigid`` of its own on the loopback, to be measured: its processor time, its memory, the time of its answers."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from luigi.rpc import RemoteScheduler

_START_S, _STOP_S, _ANSWER_S = 60.0, 300.0, 600.0


@dataclass(frozen=True)
class Central:
    """A running scheduler."""

    process: subprocess.Popen[bytes]
    url: str
    state: Path  # its state, written when it stops

    def processor_s(self) -> float:
        """Seconds of processor time that it has taken so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_mb(self) -> float:
        """Its resident memory now, in MiB."""
        return resident_mb(self.process.pid)

    def stop(self) -> float:
        """End it as a service manager does; the MiB of the state that it leaves."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=_STOP_S)
        return self.state.stat().st_size / 2**20


def resident_mb(pid: int) -> float:
    """The resident memory of a process in MiB, ``VmRSS`` of ``/proc``."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


@contextmanager
def central() -> Iterator[Central]:
    """Start ``luigid``; it is killed when the block ends. Raises ``RuntimeError`` where it does not answer."""
    with tempfile.TemporaryDirectory(prefix="luigid-") as folder, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        state = Path(folder) / "state.pickle"
        program = str(Path(sys.executable).with_name("luigid"))
        words = ["--address", "127.0.0.1", "--port", str(port), "--state-path", str(state), "--logdir", folder]
        process = subprocess.Popen([program, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            _wait(process, port)
            yield Central(process, f"http://127.0.0.1:{port}", state)
        finally:
            process.kill()
            process.wait()


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError("luigid does not answer; run it by hand to see why: luigid --address 127.0.0.1")


class TimedScheduler(RemoteScheduler):
    """The client that workers use; notes the seconds, by the clock, of each answer under the request's name."""

    def __init__(self, url: str, seen: Callable[[str], object]) -> None:
        super().__init__(url, connect_timeout=_ANSWER_S)  # a worker gives up earlier: what then happens is not measured
        self.answers: defaultdict[str, list[float]] = defaultdict(list)
        self._seen = seen

    def _request(self, url: str, data: Any, attempts: int = 3, allow_null: bool = True) -> Any:
        began = time.perf_counter()
        answer = super()._request(url, data, attempts, allow_null)
        name = url.rpartition("/")[2]
        self.answers[name].append(time.perf_counter() - began)
        self._seen(name)
        return answer
