"""The files for Kubernetes: valid by its schemas, closed to the outside, and about what is here."""

import copy
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml
from luigi.cmdline_parser import CmdlineParser

from training.configuration import Configuration

FOLDER = Path(__file__).parent.parent.parent / "cluster" / "kubernetes"
VERSION = "1.34"
FILES = sorted(FOLDER.glob("*.yaml"))
OBJECTS: list[dict[str, Any]] = [each for file in FILES for each in yaml.safe_load_all(file.read_text())]
BY_NAME = {f"{each['kind']} {each['metadata']['name']}": each for each in OBJECTS}


def pod(name: str) -> dict[str, Any]:
    spec: dict[str, Any] = BY_NAME[name]["spec"]["template"]["spec"]
    return spec


PODS = ["Deployment luigid", "Job build-shards", "Job pretrain"]


@pytest.mark.parametrize("name", BY_NAME)
def test_each_object_is_valid(name: str) -> None:
    kubernetes_validate.validate(BY_NAME[name], VERSION, strict=True)


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [("Job build-shards", "paralelism", 2), ("Job pretrain", "completions", "two"), ("Service luigid", "ports", 8082)],
)
def test_the_validator_notices_mistakes(name: str, key: str, value: object) -> None:
    wrong = copy.deepcopy(BY_NAME[name])
    wrong["spec"][key] = value
    with pytest.raises(jsonschema.ValidationError):
        kubernetes_validate.validate(wrong, VERSION, strict=True)


def test_nothing_is_open_to_the_outside_and_no_key_is_written_down() -> None:
    kinds = {each["kind"] for each in OBJECTS}
    assert not kinds & {"Secret", "Ingress"}
    services = [each["spec"] for each in OBJECTS if each["kind"] == "Service"]
    assert all(spec.get("type", "ClusterIP") == "ClusterIP" and "externalIPs" not in spec for spec in services)
    for name in PODS:
        spec = pod(name)
        assert not spec.get("hostNetwork") and spec["securityContext"]["runAsNonRoot"]
        (container,) = spec["containers"]
        written = {variable["name"] for variable in container.get("env", [])}
        assert not any(word in variable for variable in written for word in ("KEY", "SECRET", "TOKEN", "PASSWORD"))
        assert "hostPort" not in str(container)


def test_workers_find_the_scheduler_and_only_they_are_let_in() -> None:
    (worker,) = pod("Job build-shards")["containers"]
    asked = CmdlineParser(worker["command"][1:]).known_args
    service = BY_NAME["Service luigid"]["spec"]
    assert asked.core_scheduler_host == "luigid" and int(asked.core_scheduler_port) == service["ports"][0]["port"]
    labels = BY_NAME["Deployment luigid"]["spec"]["template"]["metadata"]["labels"]
    policy = BY_NAME["NetworkPolicy luigid-from-workers"]["spec"]
    assert service["selector"] == policy["podSelector"]["matchLabels"] == labels
    let_in = policy["ingress"][0]["from"][0]["podSelector"]["matchLabels"]
    assert let_in == BY_NAME["Job build-shards"]["spec"]["template"]["metadata"]["labels"]
    (scheduler,) = pod("Deployment luigid")["containers"]
    for container in (scheduler, worker):
        settings = {variable["name"]: variable["value"] for variable in container["env"]}["LUIGI_CONFIG_PATH"]
        assert settings == "/app/cluster/central.cfg" and (FOLDER.parent / Path(settings).name).exists()


def test_ranks_meet_at_the_first_pod_of_the_job() -> None:
    job, service = BY_NAME["Job pretrain"], BY_NAME["Service pretrain"]
    command = pod("Job pretrain")["containers"][0]["command"]
    place = command[command.index("--rdzv-endpoint") + 1]
    assert (
        place == f"{job['metadata']['name']}-0.{pod('Job pretrain')['subdomain']}:{service['spec']['ports'][0]['port']}"
    )
    assert pod("Job pretrain")["subdomain"] == service["metadata"]["name"] and service["spec"]["clusterIP"] == "None"
    assert int(command[command.index("--nnodes") + 1]) == job["spec"]["completions"] == job["spec"]["parallelism"]


def test_the_trainer_is_given_a_configuration_that_there_is() -> None:
    command = pod("Job pretrain")["containers"][0]["command"]
    named = FOLDER.parent.parent / command[command.index("--config") + 1]
    assert set(yaml.safe_load(named.read_text())) <= set(Configuration.__dataclass_fields__)
