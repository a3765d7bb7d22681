"""docker-compose.yml and Dockerfile: valid, and about what is here."""

import configparser
import re
import shlex
from pathlib import Path
from typing import Any

import luigi
import pytest
import yaml
from compose_spec import PyCompose
from luigi.cmdline_parser import CmdlineParser

from training.__main__ import main

ROOT = Path(__file__).parent.parent.parent
COMPOSE = (ROOT / "docker-compose.yml").read_text()
DOCKERFILE = (ROOT / "Dockerfile").read_text()
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE)["services"]


def test_the_services_are_valid_by_the_compose_specification() -> None:
    assert set(PyCompose.from_yaml(COMPOSE).service_names()) == set(SERVICES)
    assert set(SERVICES) == {"scheduler", "worker", "trainer", "tensorboard", "store"}


@pytest.mark.parametrize(
    ("right", "wrong"),
    [("    command:", "    comand:"), ("condition: service_healthy", "condition: well"), ("8082:8082", "8082:x")],
)
def test_the_validator_notices_mistakes(right: str, wrong: str) -> None:
    assert right in COMPOSE
    with pytest.raises(ValueError):
        PyCompose.from_yaml(COMPOSE.replace(right, wrong))


def test_images_are_built_from_stages_that_there_are() -> None:
    stages = set(re.findall(r"^FROM \S+ AS (\w+)$", DOCKERFILE, re.MULTILINE))
    built = {name: service["build"]["target"] for name, service in SERVICES.items() if "build" in service}
    assert set(built.values()) == stages == {"pipeline", "trainer"}
    assert built["trainer"] == built["tensorboard"] == "trainer"


def test_nothing_is_open_to_other_machines_and_no_key_is_written_down() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert ports and all(port.startswith("127.0.0.1:") for port in ports)
    written = {name for service in SERVICES.values() for name in service.get("environment", {})}
    assert written == {"LUIGI_CONFIG_PATH"}


def test_the_trainer_gets_options_that_it_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    words = shlex.split(SERVICES["trainer"]["command"])
    assert words[:3] == ["python", "-m", "training"]
    seen = {}

    def train_stages(configuration: Any, task: Any, data: str, run: Path, resume: bool) -> int:
        seen.update(configuration=configuration, data=data, run=run, resume=resume)
        return 0

    monkeypatch.setattr("training.staging.train_stages", train_stages)
    monkeypatch.chdir(ROOT)
    assert main(words[3:]) == 0
    assert seen["resume"] and seen["configuration"].model.backbone == "alexnet"
    mounted = [volume.split(":")[1] for volume in SERVICES["trainer"]["volumes"]]
    assert all(any(str(seen[name]).startswith(place) for place in mounted) for name in ("data", "run"))


def test_the_worker_gets_options_that_luigi_knows_and_asks_the_scheduler_that_is_started() -> None:
    words = shlex.split(SERVICES["worker"]["command"])
    assert words[0] == "luigi"
    asked = CmdlineParser(words[1:]).known_args
    assert asked.core_scheduler_host in SERVICES
    assert f"--port {luigi.interface.core().scheduler_port}" in SERVICES["scheduler"]["command"]
    assert SERVICES["worker"]["environment"] == SERVICES["scheduler"]["environment"]
    config = configparser.ConfigParser()
    assert config.read(ROOT / SERVICES["worker"]["environment"]["LUIGI_CONFIG_PATH"])
    assert not config.getboolean("core", "local_scheduler")
