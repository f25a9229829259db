#!/bin/sh
# One ssh login a host, and one script on its stdin; so many hosts at once: floor.sh SSH_CONFIG SCRIPTS PARALLEL
# SCRIPTS holds a file a host, called by its address.
set -eu
# Hosts' packets are acknowledged at once, else each login waits 40 ms longer for the kernel's delayed acknowledgement.
route=$(ip -4 route show scope link)
# shellcheck disable=SC2086,SC2064  # words of a route, as it is now
trap "ip route change $route" EXIT
# shellcheck disable=SC2086
ip route change $route quickack 1
export SSH_CONFIG="$1" SCRIPTS="$2"
# shellcheck disable=SC2016  # for the shell of each host
find "$SCRIPTS" -type f -printf '%f\n' | xargs -P "$3" -I ADDRESS \
    sh -c 'exec ssh -F "$SSH_CONFIG" -o ControlPath=none "$1" sh -s <"$SCRIPTS/$1"' sh ADDRESS
