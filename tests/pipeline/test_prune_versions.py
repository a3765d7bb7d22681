"""What PruneVersions would remove, told from records alone."""

import json
from pathlib import Path

import pytest

from pipeline import build as builds
from pipeline import storage
from pipeline.build import Build
from pipeline.errors import UserError
from pipeline.parameters import STAGE_VERSIONS
from pipeline.prune_versions import superfluous
from tests.pipeline.laid_build import finish, lay_out


@pytest.fixture
def build(tmp_path: Path) -> Build:
    laid = lay_out(tmp_path / "root")
    finish(laid)
    pointer = json.dumps({"build": laid.build_id, "shards": laid.shards_fingerprint()})
    storage.write_bytes(storage.join(laid.root, "datasets", "laid.json"), pointer.encode())
    return laid


def test_other_versions_of_a_stage_can_go(build: Build) -> None:
    assert list(superfluous(build.root, 3600)) == []
    other = storage.join(build.root, "labels", "0lder")
    storage.write_bytes(storage.join(other, "v0", "x"), b"x")
    assert list(superfluous(build.root, 3600)) == [other]


def test_a_dataset_that_another_version_of_the_software_made_is_not_taken_apart(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(STAGE_VERSIONS, "labels", STAGE_VERSIONS["labels"] + 1)
    builds.load.cache_clear()
    said = "nothing was removed: .* another version of the software.* give the BuildShards command again, .* then Prune"
    with pytest.raises(UserError, match=said):
        list(superfluous(build.root, 3600))
