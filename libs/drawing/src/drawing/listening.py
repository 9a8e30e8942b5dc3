"""Whether what draws is there. Needs no engine: it is asked often."""

import socket
from pathlib import Path


def answers(place: Path) -> bool:
    """Whether somebody listens there: what the kubelet asks."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
        asking.settimeout(2)
        return asking.connect_ex(str(place)) == 0
