# Install packages. Set before it: PACKAGES.
export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive

# Files of ours that stand there before their package are kept, not asked about.
install() {
    # shellcheck disable=SC2086  # a list of words
    apt-get --quiet --yes --no-install-recommends -o Dpkg::Options::=--force-confold -o DPkg::Lock::Timeout=120 \
        install $PACKAGES </dev/null
}

# The package lists may be old, or not there at all: read them again only then, since that costs most of the time.
install && exit
apt-get --quiet -o DPkg::Lock::Timeout=120 update </dev/null
install
