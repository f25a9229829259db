# The functions that nornir_kube_ha.planning.package_managers.Family describes, for dnf.

# --whatprovides, because Enterprise Linux 9 and later have curl-minimal in place of curl.
dnf_installed() {
    for package; do
        found=$(rpm -q --whatprovides --queryformat "$package %|EPOCH?{%{EPOCH}:}:{}|%{VERSION}-%{RELEASE}\n" "$package") &&
            printf '%s\n' "$found" | sed '1!d; s/ 0:/ /'
    done
    true
}

# From the cache, without refreshing the sources. dnf waits for its lock without limit unless exit_on_lock is set.
dnf_query() {
    found=$("$MANAGER" --quiet --cacheonly --setopt=exit_on_lock=True repoquery \
        --queryformat '%{name} %{epoch}:%{version}-%{release}\n' --available "$@") || return
    printf '%s\n' "$found" | sed 's/ 0:/ /; /^$/d'
}

dnf_candidates() { dnf_query --latest-limit 1 "$@"; }

dnf_versions() {
    known=$(dnf_query "$1") || return
    printf '%s\n' "$known" | cut -d ' ' -f 2 | sort -u
}

dnf_word() { echo "$1-$2"; }

# rpm.vercmp compares whole versions only since rpm 4.16: compare epoch, version and release one by one.
dnf_older() {
    for part in epoch version release; do
        one=$(dnf_part $part "$1") other=$(dnf_part $part "$2")
        case $(rpm --eval "%{lua: print(rpm.vercmp('$one', '$other'))}") in
        -1) return 0 ;;
        1) return 1 ;;
        esac
    done
    return 1
}

dnf_part() {
    rest=${2#*:}
    case $1-$2 in
    epoch-*:*) echo "${2%%:*}" ;;
    epoch-*) echo 0 ;;
    version-*) echo "${rest%-*}" ;;
    release-*) echo "${rest##*-}" ;;
    esac
}

# dnf waits for its lock without limit or, with exit_on_lock, not at all; this waits for LOCK seconds.
dnf_do() {
    until=$(($(date +%s) + LOCK))
    while :; do
        said=$("$MANAGER" --assumeyes --setopt=exit_on_lock=True "$@" 2>&1 </dev/null)
        ended=$?
        [ $ended != 0 ] && [ "$(dnf_trouble "$said")" = locked ] && [ "$(date +%s)" -lt $until ] || break
        sleep 1
    done
    printf '%s\n' "$said"
    return "$ended"
}

dnf_refresh() { dnf_do --refresh makecache; }

dnf_install() { dnf_do --setopt=install_weak_deps=False install "$@"; }

dnf_upgrade() { dnf_do upgrade "$@"; }

dnf_downgrade() { dnf_do downgrade "$@"; }

# dnf hides held versions rather than refuse them, and `--assumeno` exits with the same status as a refusal.
dnf_rehearse() { :; }

# The newest version with and without the two ways to hold a package: the versionlock plugin and excludepkgs.
dnf_held() {
    shown=$(dnf_query --latest-limit 1 "$1") || return
    newest=$(dnf_query --disableplugin=versionlock --disableexcludes=all --latest-limit 1 "$1") || return
    [ "$shown" != "$newest" ] && echo "${newest#* }"
}

dnf_unhold() { echo "dnf versionlock delete $1, or take it out of excludepkgs in /etc/dnf/dnf.conf and the sources"; }

dnf_trouble() {
    case $1 in
    *"already locked by"* | *"Failed to obtain the transaction lock"* | *"create transaction lock"*) echo locked ;;
    *"Failed to download metadata"* | *"Error downloading packages"* | *"Ignoring repositories"*) echo sources ;;
    *"Unable to find a match"* | *"No match for argument"*) echo missing ;;
    esac
}

# rpm's file digests are SHA-256 since Enterprise Linux 6; older packages have MD5.
dnf_unchanged() {
    shipped=$(rpm -qf --queryformat '[%{FILENAMES} %{FILEDIGESTS}\n]' "$1" 2>/dev/null |
        awk -v file="$1" '$1 == file { print $2; exit }')
    case ${#shipped} in
    64) [ "$(sha256sum <"$1")" = "$shipped  -" ] ;;
    32) [ "$(md5sum <"$1")" = "$shipped  -" ] ;;
    *) return 1 ;;
    esac
}
