#!/bin/sh
# For the build stages of the Python images.
#   python-build.sh packages VENV LOCK    a virtual environment with exactly what the lock names, less what never runs
#   python-build.sh own VENV DIRECTORY…   the packages of this repository into it, and bytecode beside every module
set -eu
here=/src/infra/images
export PIP_ROOT_USER_ACTION=ignore PIP_DISABLE_PIP_VERSION_CHECK=1

packages() {
  venv=$1 lock=$2
  python -m venv --without-pip "$venv"
  # The lock is whole, so nothing is resolved: what it does not name is not installed.
  python -m pip --python "$venv" install -q --no-deps --require-hashes --no-compile -r "$lock"
  trim "$venv"
}

own() {
  venv=$1
  shift
  python -m venv --without-pip /opt/builder
  python -m pip --python /opt/builder install -q --no-deps --require-hashes -r "$here/locks/build.lock"
  python -m pip --python /opt/builder wheel -q --no-deps --no-build-isolation --wheel-dir /opt/wheels "$@"
  python -m pip --python "$venv" install -q --no-deps --no-index --no-compile /opt/wheels/*.whl
  # Unchecked: the time stamps of sources do not survive every way of copying an image, and nobody edits them there.
  python -m compileall -q -j 0 --invalidation-mode unchecked-hash "$venv/lib"
}

trim() {
  packages=$(echo "$1"/lib/python3*/site-packages)
  find "$packages" -depth \( -type d \( -name tests -o -name __pycache__ \) \
    -o -type f \( -name '*.pyx' -o -name '*.pxd' -o -name '*.pyi' -o -name '*.a' -o -name '*.c' -o -name '*.h' \) \) -exec rm -rf '{}' +
  # What a program that only runs a model never imports, and an npm that came along with bullmq.
  for unused in onnxruntime/transformers onnxruntime/quantization onnxruntime/tools onnxruntime/datasets numpy/f2py numpy/_core/include node_modules; do
    rm -rf "${packages:?}/$unused"
  done
  rm -f "$1"/bin/activate* "$1"/bin/Activate.ps1
}

"$@"
