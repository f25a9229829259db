# What a look waits for: answers of others, and what is heard on the wire. After section.sh, before facts.sh.
#
# Set before it:
#   NONCE              the word that marks our own lines
#   INTERFACE          the one that has the VIP
#   ADDRESS, VIP       the node's, and the first VIP
#   ALSO               additional VIPs
#   PORT               haproxy's
#   HEARD              tcpdump's filter
#   GROUP              VRRP's multicast group, as an address of socat
#   ASK_BY_ARP         VIPs
#   ASK_BY_NDP         GROUP,MESSAGE each
#   WHOLE              "" to ask only the VIPs and the host itself
#   LISTENED           "" to listen for other routers
#   LISTEN_AT_LEAST, LISTEN_AT_MOST, REMEMBERED  hundredths of a second
#   WATCH              the file that has the kernel remember other routers; "" for IPv6
#   VRIDS              of the cluster
#   CA_FILE            "" if there is none
#   ENDPOINT           NAME:PORT of the URL
#   SERVED_AT          VIP:PORT
#   AUTHORITY          the CA certificates that the inventory names, in PEM; "" if there is none
#   APISERVERS, PEERS  ADDRESS:PORT each, of apiservers and of the other nodes' haproxy
#   LISTENER_PLACES    VIP:PORT each, of further listeners
#   STATS_URL          the stats page at the VIP
#   OWN_STATS_URL      the node's own
#   STATS_USER         the stats page's user
#   STATS_LOGIN        as curl's config quotes it; "" for the one that the host keeps
export LC_ALL=C TZ=UTC PATH=/usr/sbin:/usr/bin:/sbin:/bin
exec 2>/dev/null

NEWLINE='
'
PROCESSES=/proc

has() { command -v "$1" >/dev/null; }

# PROPERTY SHOWN: set VALUE to the property's value in systemctl's output for a unit.
value() {
    VALUE=${2#*"$NEWLINE$1="}
    VALUE=${VALUE%%"$NEWLINE"*}
}

# Set INSTALLED to "PACKAGE VERSION" of each installed package.
find_packages() {
    INSTALLED=
    # shellcheck disable=SC2086  # a list of words
    [ -z "$FAMILY" ] || INSTALLED=$("${FAMILY}_installed" $NAMES)
}

# Set HAPROXY_SHOWN, KEEPALIVED_SHOWN and NFTABLES_SHOWN, in one call: a call costs systemd more than what it shows. An
# empty line separates the units.
show_units() {
    shown=Id,LoadState,ActiveState,SubState,UnitFileState,NeedDaemonReload,NRestarts,ControlGroup,$LOADED_PROPERTIES
    shown=$(systemctl show --property "$shown,ActiveEnterTimestamp,StateChangeTimestamp,MainPID" haproxy keepalived nftables)
    HAPROXY_SHOWN=$NEWLINE${shown%%"$NEWLINE$NEWLINE"*} shown=${shown#*"$NEWLINE$NEWLINE"}
    # shellcheck disable=SC2034  # facts.sh reads them
    KEEPALIVED_SHOWN=$NEWLINE${shown%%"$NEWLINE$NEWLINE"*} NFTABLES_SHOWN=$NEWLINE${shown#*"$NEWLINE$NEWLINE"}
}

# Set SOCKETS, of each IP version that the kernel has: "tcp LISTEN ..." and "raw UNCONN ...", whose port is the
# protocol's number.
show_sockets() { SOCKETS=$(ss --no-header --listening --tcp --raw --numeric --processes); }

# Set ADDRESSES to the host's. Set WATCHED to what the kernel remembers of routers that use a VRID of the cluster. It is
# empty if the kernel does not watch all of them, and "unreadable" if it cannot be asked.
show_network() {
    WATCHED='' ADDRESSES=$(ip -json address show)
    [ -n "$WATCH" ] && [ -f "$WATCH" ] && has nft || return 0
    if [ -e /run/kube-ha-unwatched ]; then
        WATCHED=unreadable
    elif ! WATCHED=$(timeout 5 nft list table inet kube_ha_watch); then
        timeout 5 nft list tables >/dev/null || WATCHED=unreadable
    elif ! watches_all; then
        WATCHED=
    fi
}

# Whether the kernel watches each VRID on this interface, and the interface takes frames to VRRP's group. A new
# interface of the same name does not.
watches_all() {
    case $WATCHED in *"iifname \"$INTERFACE\" "*) ;; *) return 1 ;; esac
    for vrid in $VRIDS; do case $WATCHED in *"set vrid_$vrid {"*) ;; *) return 1 ;; esac; done
    while read -r _ name _ static address; do
        [ "$name $static $address" != "$INTERFACE 1 01005e000012" ] || return 0
    done </proc/net/dev_mcast
    return 1
}

# KIND: print the sockets of that kind, without this word.
sockets_of() (
    IFS=$NEWLINE
    set -f
    for line in $SOCKETS; do
        case $line in "$1 "*) printf '%s\n' "${line#"$1" }" ;; esac
    done
)

# SECTION COMMAND...: run it in the background, and print in one piece, short enough for a pipe not to split it.
aside() {
    name=$1
    shift
    {
        words=$("$@")
        printf '\n@%s %s\n%.3000s\n' "$NONCE" "$name" "$words"
    } &
}

# Listen for adverts of our VRIDs, and for claims of the VIP, asked for or not. 600 bytes of a packet hold 20 IPv6
# addresses. With the default of 256 KiB, the kernel's buffer has room for 8 packets only, and a busy host loses some.
# The multicast group is joined meanwhile, since the interface is not made promiscuous: that would alarm others.
# It ends once an advert of each VRID and each VIP's holder were heard, within listening_times. If adverts are far
# apart, it does not wait for the next one in order to end.
hear() {
    listening_times
    silent='' ended='' begun=0 pid='' unspoken=$VRIDS
    [ -z "$WHOLE" ] || for vip in $VIP $ALSO; do
        case $ADDRESSES in *"\"local\":\"$vip\""*) ;; *) silent="$silent $vip" ;; esac
    done
    socat -u "${GROUP%:*}:$INTERFACE" OPEN:/dev/null & # INTERFACE was `auto` where GROUP was made
    member=$!
    # shellcheck disable=SC2016  # expanded by the inner shell
    {
        # If adverts are further apart than the shortest time to listen. tcpdump takes a moment to start.
        [ "$LISTEN_AT_LEAST" -le 90 ] || { sleep "$(seconds $((least + 20)))" && echo enough; } &
        sh -c 'echo "pid $$"
            exec tcpdump --immediate-mode --no-promiscuous-mode -s 600 -n -t -e -l -i "$1" "$2" 2>&1' \
            sh "$INTERFACE" "$HEARD"
    } | while read -r line; do
        case $line in
        enough) ;;
        *VRRPv*)
            left=
            for vrid in $unspoken; do case $line in *" vrid $vrid,"*) ;; *) left="$left $vrid" ;; esac done
            unspoken=$left
            ;;
        "pid "*) pid=${line#pid } && continue ;;
        "listening on "*)
            read -r begun _ </proc/uptime
            ask_and_wait "$pid" >/dev/null &
            continue
            ;;
        *" is-at "* | *"neighbor advertisement"*)
            left=
            for vip in $silent; do
                case $line in *" $vip is-at "* | *"tgt is $vip,"*) ;; *) left="$left $vip" ;; esac
            done
            silent=$left
            ;;
        esac
        case $line in enough) ;; *) printf '%s\n' "$line" ;; esac
        case $line in enough) least=0 ;; *VRRPv*) ;; *) continue ;; esac
        [ -n "$ended$silent$unspoken" ] || [ "$(since "$begun")" -lt "$least" ] || {
            ended=yes
            kill "$pid" $!
        }
    done
    kill $member
}

# PID of tcpdump. If this host holds the VIP, no answer comes; if it hears nobody, the listening ends here.
# shellcheck disable=SC2086  # a list of numbers
ask_and_wait() {
    children=
    trap 'kill $children; exit' TERM
    [ -z "$WHOLE" ] || ask_for_vip
    sleep "$(seconds "$LISTEN_AT_MOST")" &
    children="$children $!"
    wait $!
    kill "$1" $children
}

# HUNDREDTHS of a second, in the form that sleep takes.
seconds() { echo "$(($1 / 100)).$(printf %02d $(($1 % 100)))"; }

# Set `least` to the hundredths of a second to listen for. A whole look has to hear every other router: it listens for
# the part of LISTEN_AT_MOST that the kernel has not watched.
listening_times() {
    least=$LISTEN_AT_LEAST
    [ -n "$WHOLE" ] && [ -z "$LISTENED" ] || return 0
    case $WATCHED in
    *'set young {'*) unheard=$((LISTEN_AT_MOST - REMEMBERED + $(hundredths_young "${WATCHED#*set young \{}"))) ;;
    *) unheard=$LISTEN_AT_MOST ;;
    esac
    [ "$unheard" -lt "$LISTEN_AT_MOST" ] || unheard=$LISTEN_AT_MOST
    [ "$unheard" -lt "$least" ] || least=$unheard
}

# SET: print the time left of its element in hundredths of a second, rounded up; nft writes 3s700ms. 0 if it has none.
hundredths_young() {
    left=${1%%\}*}
    case $left in
    *'expires '*) left=${left##*expires } ;;
    *) echo 0 && return ;;
    esac
    case $left in
    *s*ms*) echo $((${left%%s*} * 100 + 100)) ;;
    *ms*) echo 100 ;;
    *) echo $((${left%%s*} * 100)) ;;
    esac
}

# UPTIME: print the hundredths of a second since then.
since() {
    read -r now _ </proc/uptime
    echo $((${now%.*}${now#*.} - ${1%.*}${1#*.}))
}

# Print each message once, whatever its destination. tcpdump's own words come first. The rest is cut to what `aside`
# prints whole: a flood is reported, and hides nothing.
heard() {
    hear | awk '
        /^[0-9]+ packets? / { told = told $0 "\n"; next }
        { sub(/ > [0-9a-f:]+,/, " > -,") }
        match($0, / > [0-9a-f:.]+: (ICMP6, neighbor adv|VRRPv)/) {
            whom = substr($0, RSTART, RLENGTH)
            sub(/ > [0-9a-f:.]+:/, " > -:", whom)
            $0 = substr($0, 1, RSTART - 1) whom substr($0, RSTART + RLENGTH)
        }
        known[$0]++ { next }
        { seen++; size += length($0) + 1 }
        size <= 2800 { kept = kept $0 "\n"; next }
        { left++ }
        END {
            if (left) told = told "heard " seen " different messages, and " seen - left " are shown\n"
            printf "%s%s", told, kept
        }'
}

# Ask the whole network who has each VIP, never from a VIP: that would be a claim.
ask_for_vip() {
    for vip in $ASK_BY_ARP; do
        arping_from "$vip" &
        children="$children $!"
    done
    for each in $ASK_BY_NDP; do
        solicit "${each%%,*}" "${each#*,}" &
        children="$children $!"
    done
}

# VIP. An IPv6 node need not have an IPv4 address: arping finds one. If there is none but the VIP, nobody asks.
arping_from() {
    # shellcheck disable=SC2153  # the node's own
    case $ADDRESS in
    *:*) [ -n "$(ip -oneline address show to "$1")" ] || exec arping -q -f -c 2 -w 2 -I "$INTERFACE" "$1" ;;
    *) exec arping -q -f -c 2 -w 2 -s "$ADDRESS" -I "$INTERFACE" "$1" ;;
    esac
}

# GROUP MESSAGE: send a neighbour solicitation twice, as arping does. The kernel itself asks only for what it does not
# know. The hop limit is 255, so that no router can have passed it on (RFC 4861, 7.1.1). It ends with our own hardware
# address, to which the answer goes. The kernel adds the checksum.
solicit() {
    own=
    for byte in $(tr : ' ' <"/sys/class/net/$INTERFACE/address"); do
        own="$own\\0$(printf %03o "0x$byte")"
    done
    for again in 0 0.5; do
        sleep $again
        printf "%b" "$2$own" | socat -u - "IP6-SENDTO:[$1%$INTERFACE]:58,setsockopt-int=41:18:255"
    done
}

# What a client sees: its message or the body, then "status NUMBER". There is time for one lost packet, and no CA but
# ours.
ask() {
    curl --disable --silent --show-error --noproxy '*' --capath /nonexistent --connect-timeout 2.5 --max-time 3.5 \
        --write-out '\nstatus %{http_code}\n' "$@" 2>&1
}

# ADDRESS: print it with haproxy's port.
with_port() { case $1 in *:*) echo "[$1]:$PORT" ;; *) echo "$1:$PORT" ;; esac; }

probe() { ask --output /dev/null "$@"; }

# An answer may never end.
ask_briefly() { ask "$@" | tail -c 3000; }

# COMMAND PATH ADDRESS:PORT: request the API at that address, under the name that clients use.
api() {
    if [ -n "$CA_FILE" ]; then
        "$1" --cacert "$CA_FILE" --connect-to "$ENDPOINT:$3" "https://$ENDPOINT$2"
    else
        "$1" --insecure --connect-to "$ENDPOINT:$3" "https://$ENDPOINT$2"
    fi
}

# SECTION URL OPTION...: print a request for `ask_all`; options as curl's config has them, one a line.
wanted() {
    name=$1 url=$2
    shift 2
    printf '%s\n' next "url = \"$url\"" 'output = "/dev/null"' 'noproxy = "*"' 'capath = "/nonexistent"' \
        "connect-timeout = 2.5" "max-time = 3.5" \
        "write-out = \"\\n@$NONCE $name\\ncurl: (%{exitcode}) %{errormsg}\\nstatus %{http_code}\\n\"" "$@"
}

# SECTION PATH ADDRESS:PORT: print a request to the API at that address, under the name that clients use.
wanted_of_api() {
    trust=insecure
    [ -z "$CA_FILE" ] || trust="cacert = \"$CA_FILE\""
    wanted "$1" "https://$ENDPOINT$2" "$trust" "connect-to = \"$ENDPOINT:$3\""
}

all_wanted() {
    wanted_of_api readyz /readyz "$SERVED_AT"
    for vip in $ALSO; do wanted_of_api "also_readyz $vip" /readyz "$(with_port "$vip")"; done
    wanted stats_open "$STATS_URL"
    [ -n "$stranger" ] || wanted stats_login "$OWN_STATS_URL" "$(own_login)"
    [ -n "$WHOLE" ] || return 0
    for peer in $PEERS; do wanted_of_api "peer $peer" /readyz "$peer"; done
}

# One process asks all at once: a process costs as much as all its requests. Each piece is short enough to be printed
# whole.
ask_all() {
    ! stranger_listens || printf '\n@%s stats_login\n%s\nstatus 000\n' "$NONCE" "$stranger"
    rest=$(all_wanted | curl --disable --silent --parallel --parallel-immediate --config -)
    case $rest in *"$NEWLINE@$NONCE "*) ;; *) rest="$NEWLINE@$NONCE readyz$NEWLINE$rest" ;; esac # curl does not run
    while :; do
        case $rest in *"$NEWLINE@$NONCE "*) ;; *) break ;; esac
        rest=${rest#*"$NEWLINE@$NONCE "}
        printf '\n@%s %.3000s\n' "$NONCE" "${rest%%"$NEWLINE@$NONCE "*}"
    done
}

# Since 7.75, curl reports an error message for each request.
can_ask_all() {
    version=$NEWLINE$INSTALLED
    version=${version#*"${NEWLINE}curl "}
    version=${version%%"$NEWLINE"*}
    case ${version#*:} in 7.7[5-9].* | 7.[89][0-9].* | [89].* | [1-9][0-9].*) ;; *) return 1 ;; esac
}

# PID: whether it is a process of haproxy's unit. Its name and its program prove nothing: any user may run both. A
# user's process is in no control group of the system, whatever the name of its unit.
is_haproxys() {
    [ -n "$unit_group" ] || return
    while IFS= read -r line; do
        case $line in
        "0::$unit_group") return 0 ;;
        *:name=systemd:*)
            case ${line%%:*} in *[!0-9]*) continue ;; esac
            [ "${line#*:}" != "name=systemd:$unit_group" ] || return 0
            ;;
        esac
    done <"$PROCESSES/$1/cgroup"
    return 1
}

# ADDRESS:PORT: print the PID of each process that has its socket, "-" if unknown. A connection reaches the socket that
# is bound to its address, or else one that is bound to all.
owners_of() {
    wanted=${1%:*}
    sockets_of tcp | while read -r _ _ _ local _ users; do
        [ "${local##*:}" = "${1##*:}" ] || continue
        host=${local%:*}
        case $host in
        \[*%*\]) host=${host%%%*}] ;;
        *) host=${host%%%*} ;; # bound to one interface: taken as bound to all
        esac
        case $wanted:$host in
        "$wanted:$wanted" | *:\* | [0-9]*:0.0.0.0 | [0-9]*:"[::ffff:$wanted]" | \[*:\[::\]) ;;
        *) continue ;;
        esac
        case $users in *pid=*) ;; *) echo - ;; esac
        while :; do
            case $users in *pid=*) ;; *) break ;; esac
            users=${users#*pid=}
            echo "${users%%,*}"
        done
    done
}

# ADDRESS:PORT: print why its listener must not get the password; nothing if only haproxy's unit listens.
stranger_at() {
    value ControlGroup "$HAPROXY_SHOWN"
    unit_group=$VALUE
    owners=$(owners_of "$1")
    [ -n "$owners" ] || echo "nothing listens on $1"
    for owner in $owners; do
        if ! is_haproxys "$owner"; then
            echo "$1 belongs to process $owner of user $(stat -c %U "/proc/$owner" || echo unknown), not to haproxy.service"
            return
        fi
    done
}

# Only the node's own haproxy is asked: another program at the VIP, or here, must not get the password. It goes through
# a pipe, since the process list shows arguments.
stats_login() {
    if stranger_listens; then
        printf '%s\nstatus 000\n' "$stranger"
    else
        own_login | probe --config - "$OWN_STATS_URL"
    fi
}

# Set `stranger` to the reason why the password is not sent.
stranger_listens() {
    at=${OWN_STATS_URL#http://}
    stranger=$(stranger_at "${at%%/*}")
    [ -n "$stranger" ] && stranger="$stranger; the password was not sent"
}

# Print the login as curl's config has it.
own_login() {
    login=$STATS_LOGIN
    if [ -z "$login" ]; then
        kept=$(sed -n "s/^[[:space:]]*stats[[:space:]]*auth[[:space:]]*['\"]\{0,1\}\($STATS_USER:[^'\" ]*\).*/\1/p" /etc/haproxy/haproxy.cfg)
        login=\"${kept%%"$NEWLINE"*}\"
    fi
    printf 'user = %s\n' "$login"
}

# ADDRESS:PORT: print openssl's verdict, and the certificate. It is held against the CA of the inventory, not that of the
# host's file: a deploy has to know whether haproxy will trust it. Names are compared elsewhere.
certificate() {
    shown=$(timeout 3 openssl s_client -connect "$1" ${AUTHORITY:+-no-CApath -CAfile /dev/fd/3} </dev/null 3<<EOF
$AUTHORITY
EOF
    )
    case $shown in
    *"Verify return code: "*)
        verdict=${shown#*Verify return code: }
        printf 'verify=%s\n' "${verdict%%"$NEWLINE"*}"
        ;;
    esac
    own=${shown#*-----BEGIN CERTIFICATE-----}
    own="-----BEGIN CERTIFICATE-----${own%%-----END CERTIFICATE-----*}-----END CERTIFICATE-----"
    # A longer one would not be printed whole.
    [ ${#own} -le 2800 ] || own=$(printf '%s\n' "$own" | openssl x509 -noout -enddate -issuer -nameopt RFC2253 -ext subjectAltName)
    printf '%s\n' "$own"
}

# One answer is enough; the second try is for a lost packet.
pinged() {
    if ping -n -q -c 1 -W 1 "$1" >/dev/null || ping -n -q -c 1 -W 1 "$1" >/dev/null; then echo answered; else echo silent; fi
}

# VIP:PORT: print `open` if a connection stays open for a moment, or why it does not. haproxy accepts a connection before
# it looks for a server, and ends it at once if it finds none or refuses the client's address.
connection_to() {
    kind=TCP4
    case $1 in \[*) kind=TCP6 ;; esac
    words=$(timeout 4 socat -d -d -u -T 0.4 "$kind:$1,connect-timeout=2" OPEN:/dev/null 2>&1)
    case $words in
    *"inactivity timeout"*) echo open ;;
    *"starting data transfer"*) echo "haproxy closes the connection at once" ;;
    *) printf '%s\n' "$words" | sed -n 's/.* E //p' | tail -n 1 | grep . || echo "no connection within 2 s" ;;
    esac
}

probes() {
    if has ping; then
        aside ping pinged "$VIP"
        for vip in $ALSO; do aside "also_ping $vip" pinged "$vip"; done
    fi
    if has curl; then
        [ -z "$WHOLE" ] || aside version api ask_briefly /version "$SERVED_AT"
        if can_ask_all; then
            ask_all &
        else
            aside stats_login stats_login
            aside readyz api probe /readyz "$SERVED_AT"
            for vip in $ALSO; do aside "also_readyz $vip" api probe /readyz "$(with_port "$vip")"; done
            aside stats_open probe "$STATS_URL"
            [ -z "$WHOLE" ] || for peer in $PEERS; do aside "peer $peer" api probe /readyz "$peer"; done
        fi
    fi
    if [ -n "$WHOLE" ] && has openssl; then
        for apiserver in $APISERVERS; do aside "certificate $apiserver" certificate "$apiserver"; done
    fi
    if [ -n "$WHOLE" ] && has socat; then
        for place in $LISTENER_PLACES; do aside "listener $place" connection_to "$place"; done
    fi
    if has tcpdump && has arping && has socat; then aside heard heard; fi
    wait
}
