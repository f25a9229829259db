# What nornir_kube_ha.planning.package_managers.Family says of each function, for dnf.

# Who provides it counts: on Enterprise Linux 9 and later curl-minimal is there in curl's place.
dnf_installed() {
    for package; do
        found=$(rpm -q --whatprovides --queryformat "$package %|EPOCH?{%{EPOCH}:}:{}|%{VERSION}-%{RELEASE}\n" "$package") &&
            printf '%s\n' "$found" | sed '1!d; s/ 0:/ /'
    done
    true
}

# From its cache, without reading the sources again, and without waiting for a lock, which would be for ever.
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

# rpm's own way to compare, part by part: before 4.16 it knows no whole versions.
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

# It would wait for a lock for ever, or not at all.
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

# It tells only by what it hides: a rehearsal would end as a refusal does.
dnf_rehearse() { :; }

# Newest with what keeps versions from it, and without: the plugin versionlock, and lines of excludepkgs.
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

# rpm's digests are SHA-256 since Enterprise Linux 6, and MD5 where a package is older.
dnf_unchanged() {
    shipped=$(rpm -qf --queryformat '[%{FILENAMES} %{FILEDIGESTS}\n]' "$1" 2>/dev/null |
        awk -v file="$1" '$1 == file { print $2; exit }')
    case ${#shipped} in
    64) [ "$(sha256sum <"$1")" = "$shipped  -" ] ;;
    32) [ "$(md5sum <"$1")" = "$shipped  -" ] ;;
    *) return 1 ;;
    esac
}
