"""Fault 28: all consoles come back at once, without the pauses that real ones make between their tries."""

import asyncio
import time

import aiohttp

from tests.chaos.house import House

HERD = 3000
SECONDS = 240.0


class Herd:
    """Consoles of one employee, as bare as can be: the snapshot, the socket, what was missed, and then the news."""

    def __init__(self, token: str, cookie: str) -> None:
        self._token = token
        self._headers = {"Cookie": cookie}
        self.live = 0
        self.behind: set[int] = set()
        """Consoles that were told to start afresh."""
        self.heard: set[int] = set()
        """Consoles that know of the new ticket."""
        self.tries = self.lost = 0

    async def live_on(self, client: aiohttp.ClientSession, number: int, after: int) -> None:
        """Come back, answer the server's pings until there is a new ticket; and come back again if the line is lost meanwhile."""
        while not await self.hear(number, await self.back(client, number, after)):
            self.live -= 1
            self.lost += 1

    async def back(self, client: aiohttp.ClientSession, number: int, after: int) -> aiohttp.ClientWebSocketResponse:
        """One console comes back, and asks again at once for as long as it is not let in."""
        while True:
            self.tries += 1
            try:
                if not after:
                    after = await self._snapshot(client)
                socket = await client.ws_connect("/socket.io/?EIO=4&transport=websocket", headers=self._headers)
                await socket.receive_str()
                await socket.send_str("40")
                await socket.receive_str()
                await socket.send_str(f'420["resume",{{"after":{after},"contacts":[]}}]')
                while not (answer := await socket.receive_str()).startswith("430"):
                    self._note(number, answer)
                if "reset" in answer:
                    self.behind.add(number)
                self.live += 1
                return socket
            except (aiohttp.ClientError, OSError, TypeError):
                await asyncio.sleep(0.2)

    async def _snapshot(self, client: aiohttp.ClientSession) -> int:
        async with client.get("/api/v1/snapshot", headers=self._headers) as response:
            response.raise_for_status()
            return int((await response.json())["as_of"])

    async def hear(self, number: int, socket: aiohttp.ClientWebSocketResponse) -> bool:
        """Wait for the new ticket; False when the line was lost before."""
        while number not in self.heard:
            message = await socket.receive()
            if message.type is not aiohttp.WSMsgType.TEXT:
                return False
            self._note(number, message.data)
            if message.data == "2":
                await socket.send_str("3")
        return True

    def _note(self, number: int, words: str) -> None:
        if "ticket.created" in words and f'"{self._token}"' in words:
            self.heard.add(number)


async def a_herd_comes_back(house: House) -> None:
    """Fault 28: three thousand consoles begin, the process dies, all come back at once, and all hear what happens next."""
    await asyncio.to_thread(house.server.start)
    await house.connect_mailbox()
    house.deliver(house.tokens(3))
    async with house.client() as client:
        cookie = "; ".join(f"{each.key}={each.value}" for each in client.cookie_jar)
    connector = aiohttp.TCPConnector(limit=0, force_close=True)
    async with aiohttp.ClientSession(house.server.url, connector=connector, timeout=aiohttp.ClientTimeout(SECONDS)) as crowd:
        for name, after in (("first", 0), ("again", 1)):
            (token,) = house.tokens(1)
            herd = Herd(token, cookie)
            begun = time.monotonic()
            heard = [asyncio.ensure_future(herd.live_on(crowd, number, after)) for number in range(HERD)]
            async with asyncio.timeout(SECONDS):
                slowest = await _stranger_waits(house, herd)
            took = time.monotonic() - begun
            begun = time.monotonic()
            house.customers_send([token])
            async with asyncio.timeout(60):
                await asyncio.gather(*heard)
            memory = house.server.measure() // 1024
            print(
                f"  {name}: {herd.live} consoles live in {took:.1f} s after {herd.tries} tries, {herd.lost} lines lost, {len(herd.behind)} behind, "
                f"a stranger waited {slowest:.2f} s at most, all heard a mail in {time.monotonic() - begun:.1f} s, {memory} MB",
                flush=True,
            )
            assert not herd.behind, f"{len(herd.behind)} consoles missed something"
            await house.customers_done()
            if name == "first":
                house.server.kill()
                await asyncio.to_thread(house.server.start)
    house.fault_ended = time.monotonic()
    await house.quiet()


async def _stranger_waits(house: House, herd: Herd) -> float:
    """How long somebody who asks for nothing but a sign of life waits at most, while the herd comes in."""
    slowest = 0.0
    async with aiohttp.ClientSession(house.server.url) as stranger:
        while herd.live < HERD:
            begun = time.monotonic()
            try:
                async with stranger.get("/healthz") as response:
                    await response.read()
            except (aiohttp.ClientError, OSError):
                pass
            slowest = max(slowest, time.monotonic() - begun)
            await asyncio.sleep(0.25)
    return slowest
