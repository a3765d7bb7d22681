"""A real object store on loopback whose processes can be killed: OpenStack Swift (Debian's), spoken to by its S3 API.

One disk, a folder; objects are files that appear whole and stay through a kill. It needs root and ``apt-get install
swift-proxy swift-account swift-container swift-object``.
"""

import os
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

KINDS = ("account", "container", "object")
KEYS = {"AWS_ACCESS_KEY_ID": "test:tester", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_DEFAULT_REGION": "us-east-1"}

SERVER = """[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
user = root
workers = 0
devices = {devices}
mount_check = false
swift_dir = {folder}
log_level = WARNING
[pipeline:main]
pipeline = {kind}-server
[app:{kind}-server]
use = egg:swift#{kind}
[object-updater]
interval = 10
recon_cache_path = {folder}
"""
PROXY = """[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
user = root
workers = 0
swift_dir = {folder}
log_level = WARNING
[pipeline:main]
pipeline = s3_dialect catch_errors cache s3api tempauth bulk slo dlo proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
[filter:s3_dialect]
paste.filter_factory = s3_dialect:factory
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:1
error_suppression_limit = 1
error_suppression_interval = 86400
[filter:s3api]
use = egg:swift#s3api
location = us-east-1
[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = testing .admin
[filter:bulk]
use = egg:swift#bulk
[filter:slo]
use = egg:swift#slo
[filter:dlo]
use = egg:swift#dlo
"""


def missing() -> str:
    """Why there can be no such store here; empty where there can."""
    commands = ["swift-ring-builder", "swift-proxy-server", "swift-object-updater"]
    commands += [f"swift-{kind}-server" for kind in KINDS]
    absent = [command for command in commands if not shutil.which(command)]
    return f"{', '.join(absent)} not installed" if absent else "" if os.geteuid() == 0 else "Swift needs root here"


class ObjectStore:
    """The store's processes, its disk in ``folder``, on ``port`` and the three after it."""

    def __init__(self, folder: Path, port: int = 18080) -> None:
        self.folder, self.port = folder, port
        self.url = f"http://127.0.0.1:{port}"
        self.environment = {**KEYS, "AWS_ENDPOINT_URL_S3": self.url}
        self.processes: list[subprocess.Popen[bytes]] = []
        (folder / "devices" / "disk").mkdir(parents=True, exist_ok=True)
        for offset, kind in enumerate(KINDS, 1):
            names = {"kind": kind, "port": port + offset, "folder": folder, "devices": folder / "devices"}
            (folder / f"{kind}.conf").write_text(SERVER.format(**names))
            self._make_ring(kind, port + offset)
        (folder / "proxy.conf").write_text(PROXY.format(port=port, folder=folder))

    def _make_ring(self, kind: str, port: int) -> None:
        builder = str(self.folder / f"{kind}.builder")
        for words in (
            ["create", "4", "1", "1"],
            ["add", f"r1z1-127.0.0.1:{port}/disk", "1"],
            ["rebalance"],
        ):
            subprocess.run(["swift-ring-builder", builder, *words], check=True, capture_output=True)

    def start(self) -> None:
        """Start all processes; return when the store answers."""
        commands = [[f"swift-{kind}-server", f"{kind}.conf"] for kind in (*KINDS, "proxy")]
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
        with (self.folder / "log").open("ab") as log:
            for command, conf in [*commands, ["swift-object-updater", "object.conf"]]:
                words = [command, str(self.folder / conf), "-v"]
                self.processes.append(
                    subprocess.Popen(words, stdout=log, stderr=log, start_new_session=True, env=environment)
                )
        deadline = time.monotonic() + 60
        while not self._answers():
            if time.monotonic() > deadline:
                raise TimeoutError(f"the store does not answer; {self.folder / 'log'}")
            time.sleep(0.2)

    def _answers(self) -> bool:
        try:
            urllib.request.urlopen(f"{self.url}/", timeout=2)
        except urllib.error.HTTPError as error:
            return error.code < 500
        except OSError:
            return False
        return True

    def kill(self) -> None:
        """Kill all processes in the middle of what they do."""
        for process in self.processes:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self.processes.clear()


@contextmanager
def running(folder: Path) -> Iterator[ObjectStore]:
    """A store that is started and, at the end, killed."""
    store = ObjectStore(folder)
    try:
        store.start()
        yield store
    finally:
        store.kill()
