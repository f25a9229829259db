#!/bin/sh
# Set up this checkout on Debian, as root: system packages, uv and the Python environment. Quick if all is installed.
# `./setup.sh browser` also installs Chromium, which only tests/browser needs; `./setup.sh prometheus` Prometheus, which
# tests/monitoring and tests/lab need.
set -eu
cd "$(dirname "$0")"

# python3-venv installs uv. The lab needs the rest, to build and boot Debian roots.
PACKAGES="apt-utils ca-certificates iproute2 libc-bin mmdebstrap nftables openssh-client procps python3 python3-venv systemd-container util-linux"
[ "${1:-}" != browser ] || PACKAGES="$PACKAGES chromium chromium-driver fonts-dejavu-core"

say() { echo "setup: $*" >&2; }

missing=
for package in $PACKAGES; do
    dpkg-query --show --showformat '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || missing="$missing $package"
done
if [ -n "$missing" ]; then
    if [ "$(id -u)" != 0 ]; then
        say "these packages are missing, and only root can install them:$missing"
        exit 2
    fi
    say "installing system packages:$missing"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    # shellcheck disable=SC2086  # a list of words
    apt-get install -qq -y --no-install-recommends $missing >/dev/null
fi

# Extracted, not installed: Debian's packages start servers.
PROMETHEUS=/usr/local/lib/kube-ha-prometheus
if [ "${1:-}" = prometheus ] && [ ! -d $PROMETHEUS ]; then
    say "fetching Prometheus (24 MB) to $PROMETHEUS"
    draft=$(mktemp -d $PROMETHEUS.XXXXXX)
    trap 'rm -rf "$draft"' EXIT
    apt-get update -qq
    (cd "$draft" && apt-get download -qq -o APT::Sandbox::User=root prometheus prometheus-node-exporter)
    for package in "$draft"/*.deb; do dpkg-deb --fsys-tarfile "$package" | tar -xC "$draft" --wildcards './usr/bin/*'; done
    rm "$draft"/*.deb
    chmod 755 "$draft"
    mv "$draft" $PROMETHEUS
fi

if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    say "Python 3.11 or newer is needed; this is $(python3 --version). Debian 12 and newer have it"
    exit 2
fi

if ! command -v uv >/dev/null; then
    say "installing uv to /usr/local/lib/uv, linked from /usr/local/bin"
    python3 -m venv /usr/local/lib/uv
    /usr/local/lib/uv/bin/pip install --quiet 'uv>=0.9,<1'
    ln -sf /usr/local/lib/uv/bin/uv /usr/local/bin/uv
fi

[ -d .venv ] || say "making the Python environment, .venv"
uv sync --locked --quiet --compile-bytecode
