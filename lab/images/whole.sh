#!/bin/sh
# Runs once, before image.sh, with the new root as $1: downloads the root's own packages, for a pool that an older release
# can be upgraded by.
set -eu
# shellcheck disable=SC2016,SC2046  # for dpkg-query to read; a list of words
chroot "$1" apt-get install --yes --quiet --download-only --reinstall $(chroot "$1" dpkg-query --show --showformat '${Package} ')
