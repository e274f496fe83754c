"""Going out on behalf of strangers reaches public addresses only."""

import pytest
from aiohttp import web

from contact_center.api.media import remote_picture
from contact_center.egress import is_near_or_public, is_public
from contact_center.errors import Unavailable

PRIVATE = [
    "127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "255.255.255.255", "224.0.0.1",
    "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fec0::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:0:127.0.0.1", "::127.0.0.1",
    "2002:7f00:1::", "64:ff9b::7f00:1", "64:ff9b::a00:1", "2001:db8::1", "", "localhost", "127.1",
]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_refused(address: str) -> None:
    """No spelling of an address inside is public."""
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_public_addresses_are_allowed(address: str) -> None:
    """The open internet is reachable, in every spelling."""
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254", "168.63.129.16", "192.0.0.192", "100.100.100.200", "fd00:ec2::254", "fd20:ce::254", "fd20:ce:0:0::254",
        "::ffff:168.63.129.16", "64:ff9b::a83f:8110", "2002:a83f:8110::",
    ],
)  # fmt: skip
def test_metadata_of_clouds_is_out_of_reach(address: str) -> None:
    """Where clouds tell a machine's credentials nobody goes, whether closed networks are allowed or not."""
    assert not is_public(address)
    assert not is_near_or_public(address)


def test_closed_networks_can_be_allowed() -> None:
    """What serves a private network is near, and the open internet as well."""
    assert all(is_near_or_public(address) for address in ("10.0.0.1", "192.168.1.1", "fd00:1::1", "100.64.0.1", "127.0.0.1", "8.8.8.8"))


async def test_local_server_is_never_contacted() -> None:
    """No spelling of a loopback address, and no user name before it, reaches a server on this machine."""
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response(body=b"GIF89a", content_type="image/gif")

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    try:
        for host in ("127.0.0.1", "127.1", "2130706433", "0x7f000001", "[::ffff:127.0.0.1]", "localhost", "8.8.8.8@127.0.0.1", "0.0.0.0"):
            with pytest.raises(Unavailable):
                await remote_picture(f"http://{host}:{port}/a.gif")
        for url in ("file:///etc/passwd", "ftp://127.0.0.1/a.gif", "http://", "http://[", "//127.0.0.1/a.gif"):
            with pytest.raises(Unavailable):
                await remote_picture(url)
    finally:
        await runner.cleanup()
    assert asked == []
