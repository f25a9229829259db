# The functions that nornir_kube_ha.planning.package_managers.Family describes, for apt-get.

apt_installed() {
    dpkg-query --show --showformat '${Package} ${Version} ${db:Status-Status}\n' "$@" | sed -n 's/ installed$//p'
}

# Without cache files: apt-cache would rewrite them, and fact gathering must not write.
apt_cache() { apt-cache -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= "$@"; }

apt_candidates() {
    found=$(apt_cache policy "$@") || return
    printf '%s\n' "$found" |
        awk '/^[^ ]/ { name = $1; sub(/:$/, "", name) } $1 == "Candidate:" && $2 != "(none)" { print name, $2 }'
}

apt_versions() {
    found=$(apt_cache madison "$1") || return
    printf '%s\n' "$found" | cut -d '|' -f 2 | tr -d ' ' | sort -u
}

apt_word() { echo "$1=$2"; }

apt_older() { dpkg --compare-versions "$1" lt "$2"; }

apt_get() {
    DEBIAN_FRONTEND=noninteractive "$MANAGER" --quiet --yes -o "DPkg::Lock::Timeout=$LOCK" \
        -o Dpkg::Options::=--force-confold "$@" </dev/null
}

apt_refresh() { apt_get update; }

apt_install() { apt_get --no-install-recommends install "$@"; }

apt_upgrade() { apt_get --no-install-recommends --only-upgrade install "$@"; }

apt_downgrade() { apt_get --no-install-recommends --only-upgrade --allow-downgrades install "$@"; }

apt_rehearse() { apt_downgrade --simulate "$@"; }

apt_held() { apt-mark showhold "$1" | grep . >/dev/null; }

apt_unhold() { echo "apt-mark unhold $1"; }

apt_trouble() {
    case $1 in
    *"Could not get lock"*) echo locked ;;
    *"Failed to fetch"* | *"Some index files failed"*) echo sources ;;
    *"Unable to locate package"* | *"has no installation candidate"* | *"' was not found"*) echo missing ;;
    esac
}

# Succeeds if the file is a conffile with the content that the package ships.
apt_unchanged() {
    shipped=$(dpkg-query --show --showformat '${Conffiles}\n' haproxy keepalived 2>/dev/null |
        awk -v file="$1" '$1 == file { print $2; exit }')
    [ -n "$shipped" ] && [ "$(md5sum <"$1")" = "$shipped  -" ]
}
