# Report when the VIP comes to this host and when it goes. Set before it: VIP, SECONDS_AT_MOST.
#
# Prints "TIME held" or "TIME free" at each change, and "TIME held LINE" or "TIME free LINE" for each line on stdin.
# Times are in seconds since 1970. It ends with its input, so that nothing is left if the controller is gone.
export LC_ALL=C TZ=UTC PATH=/usr/sbin:/usr/bin:/sbin:/bin

say() { printf '%s %s\n' "$(date +%s.%N)" "$*"; }

state() { if [ -n "$(ip -oneline address show to "$VIP")" ]; then echo held; else echo free; fi; }

ip -oneline monitor address | while read -r line; do
    case $line in
    Deleted*" $VIP/"*) say free ;;
    *" $VIP/"*) say held ;;
    esac
done &
{
    sleep "$SECONDS_AT_MOST"
    kill 0
} >/dev/null &
while read -r line; do say "$(state) $line"; done
kill 0
