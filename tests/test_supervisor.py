"""The supervisor: every account runs, under a lease, and none brings another down."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from contact_center.channels import registry, supervisor
from contact_center.channels.base import ChannelKind, Environment, Options
from contact_center.channels.supervisor import Supervisor
from contact_center.errors import ChannelAuthFailed, ChannelMisconfigured, ChannelUnavailable, Unavailable
from contact_center.model.channels import ChannelAccount
from contact_center.model.words import Health


class Plan(Options):
    """What a test's connector does."""

    troubles: int = 0


class Connector:
    """Fails as often as told, then runs until it is cancelled."""

    repeatable = True

    def __init__(self, account: ChannelAccount) -> None:
        self.account = account
        self.runs = 0
        self.troubles: list[Exception] = []
        self.cancelled = False

    async def run(self, inbox: Any) -> None:
        self.runs += 1
        if self.troubles:
            raise self.troubles.pop(0)
        await inbox.report(True)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise


class Inbox:
    def __init__(self, report: Any) -> None:
        self.report = report


class Accounts:
    """The rest of the product, as far as the supervisor sees it."""

    def __init__(self) -> None:
        self.all: list[ChannelAccount] = []
        self.fence: int | None = 1
        self.outages: list[Exception] = []
        self.told: list[tuple[int, Health, str]] = []
        self.released: list[int] = []

    async def load(self) -> list[ChannelAccount]:
        await asyncio.sleep(0)
        return list(self.all)

    async def take_lease(self, _account: ChannelAccount) -> int | None:
        if self.outages:
            raise self.outages.pop(0)
        return self.fence

    async def release_lease(self, account: ChannelAccount) -> None:
        self.released.append(account.id)

    async def report(self, account: ChannelAccount, health: Health, detail: str) -> None:
        if detail == "report fails" or "report" in detail:
            raise Unavailable
        self.told.append((account.id, health, detail))

    def inbox(self, _account: ChannelAccount, _fence: int | None, report: Any) -> Inbox:
        async def tell(ok: bool, detail: str = "") -> None:
            await report(ok, detail)

        return Inbox(tell)


class Stage:
    """A supervisor with its accounts and the connectors it made."""

    def __init__(self) -> None:
        self.accounts = Accounts()
        self.made: list[Connector] = []
        self.troubles: dict[int, list[Exception]] = {}
        self.supervisor = Supervisor(self.accounts, lambda _kind: Environment(Path(), "localhost"))  # type: ignore[arg-type]

    def connect(self, account: ChannelAccount, _options: Any, _environment: Environment) -> Connector:
        connector = Connector(account)
        connector.troubles = self.troubles.get(account.id, [])
        self.made.append(connector)
        return connector

    def add(self, number: int, *troubles: Exception, **options: Any) -> ChannelAccount:
        account = ChannelAccount(number, 1, "test", f"A{number}", f"a{number}@x", 1, options=options)
        self.accounts.all.append(account)
        self.troubles[number] = list(troubles)
        return account

    def health(self, number: int) -> list[Health]:
        return [health for told, health, _ in self.accounts.told if told == number]


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(500):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not happen")


@pytest.fixture
async def stage(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    made = Stage()
    kind = ChannelKind("test", "Test", Plan, made.connect)  # type: ignore[arg-type]
    monkeypatch.setattr(registry, "kinds", lambda: {"test": kind})
    for name in ("FIRST_RETRY", "LEASE_RENEWAL"):
        monkeypatch.setattr(supervisor, name, 0.01)
    yield made
    await made.supervisor.close()


async def test_an_outage_is_waited_out(stage: Stage) -> None:
    """A connector that cannot reach its server, or crashes, is started again; the recovery is told."""
    stage.add(1, ChannelUnavailable("down"), KeyError("bug"))
    await stage.supervisor.start()
    await until(lambda: Health.OK in stage.health(1))
    assert stage.health(1) == [Health.UNAVAILABLE, Health.UNAVAILABLE, Health.OK]
    assert stage.made[0].runs == 3


async def test_what_is_mended_is_no_longer_told(stage: Stage) -> None:
    """A word about a part that does not work goes away when it works again, and is told once while it does not."""
    account = stage.add(1)
    await stage.supervisor.start()
    await until(lambda: Health.OK in stage.health(1))
    for detail in ("a folder is missing", "a folder is missing", ""):
        await stage.supervisor._tell(account, Health.OK, detail)
    assert [detail for _, _, detail in stage.accounts.told] == ["", "a folder is missing", ""]


@pytest.mark.parametrize(
    ("trouble", "health"), [(ChannelAuthFailed("no"), Health.AUTH_FAILED), (ChannelMisconfigured("no"), Health.MISCONFIGURED)]
)
async def test_what_only_a_person_can_mend_is_not_hammered(stage: Stage, trouble: Exception, health: Health) -> None:
    """A refused password stays refused until the settings change; the other accounts run."""
    account = stage.add(1, trouble)
    stage.add(2)
    await stage.supervisor.start()
    await until(lambda: Health.OK in stage.health(2))
    await asyncio.sleep(0.1)
    assert (stage.made[0].runs, stage.health(1)) == (1, [health])
    stage.accounts.all[0] = replace(account, options={"troubles": 1})
    stage.troubles[1] = []
    await stage.supervisor.refresh()
    await until(lambda: stage.health(1)[-1] is Health.OK)
    assert len([connector for connector in stage.made if connector.account.id == 2]) == 1


async def test_an_account_that_cannot_start_stands_alone(stage: Stage) -> None:
    """Options nobody understands and a kind that is gone are told; the accounts after them run."""
    stage.add(1, nonsense=True)
    stage.accounts.all.append(ChannelAccount(2, 1, "telex", "T", "t", 1))
    stage.add(3)
    await stage.supervisor.start()
    await until(lambda: Health.OK in stage.health(3))
    assert (stage.health(1), stage.health(2)) == ([Health.MISCONFIGURED], [Health.MISCONFIGURED])


async def test_an_outage_of_the_database_ends_no_channel(stage: Stage) -> None:
    """Leases that cannot be taken or renewed are asked for again."""
    stage.add(1)
    stage.accounts.outages = [Unavailable("gone"), Unavailable("gone")]
    await stage.supervisor.start()
    await until(lambda: Health.OK in stage.health(1))
    stage.accounts.outages = [Unavailable("gone")]
    await until(lambda: stage.made[0].runs == 2)


async def test_a_lost_lease_stops_the_connector(stage: Stage) -> None:
    """Who is replaced stops, and starts again when the lease comes back."""
    stage.add(1)
    await stage.supervisor.start()
    await until(lambda: Health.OK in stage.health(1))
    stage.accounts.fence = None
    await until(lambda: stage.made[0].cancelled)
    stage.accounts.fence = 7
    await until(lambda: stage.made[0].runs == 2)


async def test_switching_off_and_closing_give_the_lease_back(stage: Stage) -> None:
    """A stopped account leaves its mailbox to others at once."""
    account = stage.add(1)
    stage.add(2)
    await stage.supervisor.start()
    await until(lambda: bool(stage.health(1) and stage.health(2)))
    stage.accounts.all[0] = replace(account, enabled=False)
    await stage.supervisor.refresh()
    assert (stage.accounts.released, stage.supervisor.connector(1)) == ([1], None)
    await stage.supervisor.close()
    assert stage.accounts.released == [1, 2]


async def test_refreshing_from_many_sides_starts_each_account_once(stage: Stage) -> None:
    """Changes saved at the same moment neither start an account twice nor stumble over each other."""
    for number in range(1, 5):
        stage.add(number)
    await stage.supervisor.start()
    stage.accounts.all = [replace(account, queue_id=2) for account in stage.accounts.all]
    await asyncio.gather(*(stage.supervisor.refresh() for _ in range(5)))
    assert len(stage.made) == 8
