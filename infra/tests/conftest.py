"""A laptop whose tools are stubs."""

import shutil
from pathlib import Path

import pytest
from stub_tools import Laptop

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def laptop(tmp_path: Path) -> Laptop:
    """With a copy of the repository's infra, so that its ports may be others than this machine's 80 and 443."""
    root = tmp_path / "repository"
    shutil.copytree(ROOT / "infra/local", root / "infra/local")
    shutil.copytree(ROOT / "infra/helm", root / "infra/helm")
    shutil.copy(ROOT / "infra/versions.env", root / "infra/versions.env")
    kind = root / "infra/local/kind.yaml"
    kind.write_text(kind.read_text().replace("hostPort: 80,", "hostPort: 1,").replace("hostPort: 443,", "hostPort: 2,"))
    home = tmp_path / "home"
    home.mkdir()
    return Laptop(root, home)
