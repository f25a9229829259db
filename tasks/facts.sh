# One look at a load-balancer node, in one round trip. Reads and never changes.
#
# Set before it: NONCE, FILES, UNITS, PACKAGES, HAPROXY_SOCKET, VIP, READYZ_URL, CA_FILE, STATS_URL, STATS_LOGIN (as
# curl's config quotes it). Everything it prints stands between lines "@NONCE SECTION", so that what a login shell adds
# is told apart; the last line is "@NONCE end".
export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin
exec 2>/dev/null

section() { printf '\n@%s %s\n' "$NONCE" "$*"; }

section os
cat /etc/os-release
section user
id -u

section package_manager
command -v apt-get

section packages
# shellcheck disable=SC2086  # a list of words
dpkg-query --show --showformat '${Package} ${Version} ${db:Status-Status}\n' $PACKAGES
missing=
for package in $PACKAGES; do
    [ "$(dpkg-query --show --showformat '${db:Status-Status}' "$package")" = installed ] || missing="$missing $package"
done
section candidates
# Without its caches: apt-cache would write them anew, and this only looks.
# shellcheck disable=SC2086  # a list of words
[ -z "$missing" ] || apt-cache -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= policy $missing

for file in $FILES; do
    [ -f "$file" ] || continue
    section file "$file" "$(stat -c '%04a %U %G' "$file")"
    base64 "$file"
done

section units
# shellcheck disable=SC2086  # a list of words
systemctl show --property Id,LoadState,ActiveState,SubState,UnitFileState,NeedDaemonReload $UNITS
for unit in $UNITS; do
    case $(systemctl is-active "$unit") in
    active) ;;
    *)
        section journal "$unit"
        # Without what haproxy logs of each connection, which would fill these lines (local0 and local1).
        journalctl --unit "$unit" --facility daemon --lines 15 --no-pager --output cat
        ;;
    esac
done

section run_folder
[ ! -d /run/kube-ha ] || echo there
section pending
ls /run/kube-ha-pending

section addresses
ip -json address show

section listeners
ss --no-header --listening --tcp --numeric --processes

section haproxy
[ ! -S "$HAPROXY_SOCKET" ] || echo 'show stat' | socat -t 2 - "UNIX-CONNECT:$HAPROXY_SOCKET"

# keepalived writes its state to a file when it gets this signal. The file counts when it is newer than the signal and
# whole: JSON's last bracket is there.
section keepalived
pid=$(systemctl show --property MainPID --value keepalived)
if [ "${pid:-0}" -gt 0 ] && signal=$(keepalived --signum=JSON); then
    dump=/tmp/keepalived.json
    before=$(stat -c '%i %y' $dump)
    kill -s "$signal" "$pid"
    tries=40
    while [ $tries -gt 0 ]; do
        # Newer first, then read, and read once: another look may have it written again at any moment. And anybody may
        # own a name in /tmp.
        if [ "$(stat -c '%i %y' $dump)" != "$before" ] && [ "$(stat -c %u $dump)" = 0 ]; then
            state=$(cat $dump)
            case $state in
            *]) echo "$state" && break ;;
            esac
        fi
        tries=$((tries - 1))
        sleep 0.025
    done
fi

section ping
if ping -n -q -c 1 -W 1 "$VIP" >/dev/null; then echo answered; else echo silent; fi

# What a client sees. The password goes through a pipe: an argument would show in the process list.
probe() {
    curl --disable --silent --show-error --noproxy '*' --connect-timeout 1 --max-time 3 --output /dev/null \
        --write-out '\nstatus %{http_code}\n' "$@" 2>&1
}
if command -v curl >/dev/null; then
    section readyz
    if [ -n "$CA_FILE" ]; then probe --cacert "$CA_FILE" "$READYZ_URL"; else probe --insecure "$READYZ_URL"; fi
    section stats_open
    probe "$STATS_URL"
    section stats_login
    printf 'user = %s\n' "$STATS_LOGIN" | probe --config - "$STATS_URL"
fi
section end
