#!/bin/sh
# For the final stage of the Python images: the user, no package manager, and the standard library compiled, which the
# base image leaves out: on a read-only root every start would compile it again.
set -eu
groupadd --gid 10001 oblivion
useradd --uid 10001 --gid oblivion --no-create-home --home-dir /tmp --shell /usr/sbin/nologin oblivion
library=$(python -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')
rm -rf "$library"/site-packages/* "$library"/ensurepip "$library"/idlelib "$library"/lib2to3 "$library"/turtledemo \
  "$library"/pydoc_data "$library"/tkinter "$library"/config-3*
rm -f /usr/local/bin/pip* /usr/local/bin/idle* /usr/local/bin/2to3* /usr/local/bin/pydoc* /usr/local/bin/wheel
python -m compileall -q -j 0 --invalidation-mode unchecked-hash "$library"
