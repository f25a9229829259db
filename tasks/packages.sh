# Install packages. Set before it: PACKAGES, LOCK (seconds to wait for whoever holds the package manager's lock).
export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive

# Files of ours that stand there before their package are kept, not asked about.
install() {
    # shellcheck disable=SC2086  # a list of words
    apt-get --quiet --yes --no-install-recommends -o Dpkg::Options::=--force-confold -o "DPkg::Lock::Timeout=$LOCK" \
        install $PACKAGES </dev/null
}

# The package lists may be old, or not there at all: read them again only then, since that costs most of the time. A lock
# that another program holds is no reason to: who it is stands in these words.
words=$(install 2>&1) && exit
case $words in
*"Could not get lock"*) printf '%s\n' "$words" >&2 && exit 1 ;;
esac
apt-get --quiet -o "DPkg::Lock::Timeout=$LOCK" update </dev/null
install
