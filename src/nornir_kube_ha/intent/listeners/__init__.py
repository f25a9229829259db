"""Section `haproxy.listeners` of the inventory: ports that haproxy serves at the VIPs besides the apiservers'."""
