# Install packages. Set before it: MANAGER, PACKAGES.
export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive

# shellcheck disable=SC2086  # a list of words
install() {
    case $MANAGER in
    # Files of ours that stand there before their package are kept, not asked about.
    apt-get) apt-get --quiet --yes --no-install-recommends -o Dpkg::Options::=--force-confold -o DPkg::Lock::Timeout=120 install $PACKAGES ;;
    *) "$MANAGER" --assumeyes --quiet install $PACKAGES ;;
    esac
}

# The package lists may be old, or not there at all: read them again only then, since that costs most of the time.
install </dev/null && exit
[ "$MANAGER" != apt-get ] || apt-get --quiet -o DPkg::Lock::Timeout=120 update </dev/null
install </dev/null
