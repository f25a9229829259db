"""The picture of one cluster: clients, the VIP, its nodes, the apiservers, and the lines between them."""

from collections.abc import Collection, Iterator, Mapping, Sequence

from nornir_kube_ha.report.html import cluster_state
from nornir_kube_ha.report.html.shapes import ELLIPSIS, Box, Layout, Line, Picture, Text, cut
from nornir_kube_ha.report.model import ClusterReport, HostReport

TOP = 30  # pixels above the columns, for their headings
GAP = 14  # pixels between two boxes of a column
ENTRY = 54  # height of client and VIP, pixels
SERVER = 72  # height of an apiserver, pixels
PORTS = 0.75  # share of a box's edge where lines may end
APART = 9  # largest distance of two lines at a box, pixels
CROSS = 0.88  # position of a cross on its line, as a share of the line
Hosts = Mapping[str, HostReport]
Point = tuple[float, float]


def picture(cluster: ClusterReport, hosts: Hosts, layout: Layout) -> Picture:
    """Return the picture of a cluster.

    Arguments:
        cluster: the cluster's report
        hosts: its nodes, by name
        layout: measures of the picture
    """
    servers = cluster_state.apiservers(cluster, hosts)
    top = TOP + (ENTRY + 30 if layout.stacked else 0)
    height = max(ENTRY, _length(len(hosts), layout.node), _length(len(servers), SERVER))
    middle = top + height / 2
    nodes = dict(zip(hosts, _nodes(hosts, layout, middle), strict=True))
    boxes = dict(zip(servers, _servers(servers, hosts, layout, middle), strict=True))
    client, vip = _entry(cluster, hosts, layout, middle)
    lines = (*_views(hosts, nodes, boxes), *_paths(hosts, vip, nodes, layout), _straight(client, vip))
    headings = tuple(Text(x, top - 12, name, "heading") for x, name in _headings(layout, servers))
    return Picture(layout, top + height + 2, headings, lines, (client, vip, *nodes.values(), *boxes.values()))


def _headings(layout: Layout, servers: Mapping[str, str]) -> Iterator[tuple[int, str]]:
    yield layout.columns[2][0], "load balancers"
    if servers:
        yield layout.columns[3][0], "apiservers"


def _length(count: int, height: float) -> float:
    return max(count, 1) * (height + GAP) - GAP


def _tops(count: int, height: float, middle: float) -> Iterator[float]:
    first = middle - _length(count, height) / 2
    yield from (first + index * (height + GAP) for index in range(count))


def _short(names: Collection[str], most: float) -> dict[str, str]:
    """Return the names without their common domain, if one of them would be too long with it."""
    if len(names) < 2 or max(map(len, names)) <= most:
        return {name: name for name in names}
    labels = [name.split(".") for name in names]
    fewest = min(map(len, labels))
    common = next((n for n in range(1, fewest) if len({each[-n] for each in labels}) > 1), fewest) - 1
    return {name: ".".join(name.split(".")[: -common or None]) + (ELLIPSIS if common else "") for name in names}


def _texts(layout: Layout, x: float, y: float, width: float, lines: Sequence[str]) -> list[Text]:
    """Return a name and the small print below it."""
    room, (large, small, _) = width - 2 * layout.padding, layout.letters
    left = x + layout.padding
    rest = (Text(left, y + 42 + 17 * row, cut(line, room, small), "small") for row, line in enumerate(lines[1:]))
    return [Text(left, y + 23, cut(lines[0], room, large), "name"), *rest]


def _entry(cluster: ClusterReport, hosts: Hosts, layout: Layout, middle: float) -> tuple[Box, Box]:
    """Return the boxes of the clients and the VIP."""
    (x, width), (vip_x, vip_width) = layout.columns[:2]
    y = 1 if layout.stacked else middle - ENTRY / 2
    kind, words = cluster_state.held(hosts)
    endpoint = cluster_state.endpoint(cluster)
    client = Box(x, y, width, ENTRY, "client", "clients", tuple(_texts(layout, x, y + 9, width, ["clients"])))
    names, short = cluster_state.holders(hosts), _short(hosts, layout.most(2))
    holder = f"held by {short[names[0]]}" if len(names) == 1 else words.partition(":")[0]
    texts = _texts(layout, vip_x, y, vip_width, [endpoint, holder])
    return client, Box(vip_x, y, vip_width, ENTRY, f"vip {kind}", f"{endpoint}: {words}", tuple(texts))


def _nodes(hosts: Hosts, layout: Layout, middle: float) -> Iterator[Box]:
    x, width = layout.columns[2]
    short = _short(hosts, layout.most(2))
    for (name, host), y in zip(hosts.items(), _tops(len(hosts), layout.node, middle), strict=True):
        small = [host.role, host.address] if layout.stacked else [f"{host.role}  {host.address}"]
        badges = _badges(layout, x, y + layout.node - 15, _states(host, hosts))
        texts = (*_texts(layout, x, y, width, [short[name], *small]), *badges)
        yield Box(x, y, width, layout.node, _node_kind(host, hosts), cluster_state.node_in_words(name, host), texts)


def _badges(layout: Layout, x: float, y: float, badges: Sequence[tuple[str, str]]) -> Iterator[Text]:
    left = x + layout.padding
    for text, kind in badges:
        width = len(text) * layout.letters[2] + 12
        yield Text(left, y, text, kind, width)
        left += width + 5


def _states(host: HostReport, hosts: Hosts) -> list[tuple[str, str]]:
    if not host.state:
        return [(cluster_state.unseen(host), "unknown")]
    state = (host.state.vrrp or "no answer")[:9]
    kind = {"MASTER": "holder", "BACKUP": "plain"}.get(state, "fault")
    return [(state, kind), *([("holds VIP", cluster_state.held(hosts)[0])] if host.state.holds_vip else [])]


def _node_kind(host: HostReport, hosts: Hosts) -> str:
    if not host.state:
        return "unknown"
    if host.state.holds_vip:
        return cluster_state.held(hosts)[0]
    return "plain" if host.state.vrrp in {"MASTER", "BACKUP"} else "ailing"


def _servers(servers: Mapping[str, str], hosts: Hosts, layout: Layout, middle: float) -> Iterator[Box]:
    x, width = layout.columns[3]
    short = _short(servers, layout.most(3))
    for (name, address), y in zip(servers.items(), _tops(len(servers), SERVER, middle), strict=True):
        kind, summary = _summary([cluster_state.kind_of(cluster_state.view_of(host, name)) for host in hosts.values()])
        *texts, last = _texts(layout, x, y, width, [short[name], address, summary])
        title = cluster_state.server_in_words(name, address, hosts)
        yield Box(x, y, width, SERVER, kind, title, (*texts, Text(last.x, last.y, last.text, f"small {kind}")))


def _summary(kinds: Sequence[str]) -> tuple[str, str]:
    up, down, unknown = map(kinds.count, ("up", "down", "unknown"))
    if down:
        return "down", f"down for {down} of {len(kinds)}"
    if not up:
        return "unknown", cluster_state.UNKNOWN
    return "up", f"up for {up}, {unknown} unknown" if unknown else f"up for {up} of {up}"


def _straight(start: Box, end: Box) -> Line:
    return Line(f"M{start.right} {start.middle}H{end.x}", "plain", "clients connect to the VIP", _arrow(end))


def _paths(hosts: Hosts, vip: Box, nodes: Mapping[str, Box], layout: Layout) -> list[Line]:
    """Return the lines from the VIP to each node; the holder's comes last, so that it is drawn on top."""
    line = _trunk if layout.stacked else _direct
    lines = [_path(name, hosts, nodes[name], line(vip, nodes[name])) for name in hosts]
    return sorted(lines, key=lambda line: bool(line.mark))


def _path(name: str, hosts: Hosts, box: Box, path: str) -> Line:
    state = hosts[name].state
    if not state:
        return Line(path, "unknown", f"whether {name} holds the VIP is {cluster_state.UNKNOWN}")
    if not state.holds_vip:
        return Line(path, "idle", f"{name} does not hold the VIP")
    return Line(path, cluster_state.held(hosts)[0], f"{name} holds the VIP", _arrow(box))


def _views(hosts: Hosts, nodes: Mapping[str, Box], servers: Mapping[str, Box]) -> list[Line]:
    """Return the lines from each node to each apiserver; those that are down come last, drawn on top."""
    lines = [
        _view(name, hosts[name], server, (node.right, start), (box.x, end))
        for (name, node), ends in zip(nodes.items(), _across(servers, nodes), strict=True)
        for (server, box), start, end in zip(servers.items(), _ports(node, len(servers)), ends, strict=True)
    ]
    return sorted(lines, key=lambda line: bool(line.mark))


def _across(servers: Mapping[str, Box], nodes: Mapping[str, Box]) -> Iterator[tuple[float, ...]]:
    """Yield for each node where its lines end at the apiservers."""
    ports = [_ports(box, len(nodes)) for box in servers.values()]
    yield from (tuple(each[index] for each in ports) for index in range(len(nodes)))


def _ports(box: Box, count: int) -> list[float]:
    """Return where lines end at a box, at equal distances."""
    apart = min(APART, box.height * PORTS / max(count, 1))
    return [box.middle + (index - (count - 1) / 2) * apart for index in range(count)]


def _view(name: str, host: HostReport, server: str, start: Point, end: Point) -> Line:
    status = cluster_state.view_of(host, server)
    kind = cluster_state.kind_of(status)
    live = " live" if host.state and host.state.holds_vip else ""
    mark = _cross(start, end) if kind == "down" else ""
    return Line(_curve(start, end), f"{kind}{live}", f"{server} is {status} at {name}", mark)


def _curve(start: Point, end: Point) -> str:
    half = (start[0] + end[0]) / 2
    return f"M{start[0]} {start[1]}C{half} {start[1]} {half} {end[1]} {end[0]} {end[1]}"


def _direct(start: Box, end: Box) -> str:
    return _curve((start.right, start.middle), (end.x, end.middle))


def _trunk(start: Box, end: Box) -> str:
    """Return a line down from the first box, and along the left edge to the second."""
    bottom = start.y + start.height
    return f"M{start.x + start.width / 2} {bottom}V{bottom + 10}H9V{end.middle}H{end.x}"


def _arrow(end: Box) -> str:
    return f"M{end.x - 8} {end.middle - 5}L{end.x - 1} {end.middle}L{end.x - 8} {end.middle + 5}"


def _cross(start: Point, end: Point) -> str:
    """Return a cross near the end of a curve, which is a Bezier curve with horizontal handles of half its width."""
    along, back = CROSS, 1 - CROSS
    x = start[0] + (end[0] - start[0]) * (1.5 * back * along + along**3)
    y = start[1] + (end[1] - start[1]) * along**2 * (3 - 2 * along)
    return f"M{x - 3.5:.1f} {y - 3.5:.1f}l7 7m0 -7l-7 7"
