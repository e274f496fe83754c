"""Kill -9 at every failpoint of intake and sending, in one life of a product with a real mailbox and a mail server."""

import tempfile
from pathlib import Path

from tests.chaos.house import Report, house
from tests.chaos.kill_points import POINTS, die_at
from tests.servers import dovecot

SEED = 7


async def test_nothing_is_lost_doubled_or_answered_twice_wherever_it_dies(tmp_path: Path) -> None:
    """After a death at each place in turn, every mail is one entry and every answer came out once, or somebody is asked."""
    # Not in pytest's own folder: its name is too long for the sockets that Dovecot makes.
    with tempfile.TemporaryDirectory(prefix="cc-dovecot-", ignore_cleanup_errors=True) as folder, dovecot(Path(folder)) as mailbox:
        async with house(tmp_path / "house", mailbox, seed=SEED) as made:
            assert made.server.start(), (made.folder / "server.log").read_text()[-2000:]
            await made.connect_mailbox()
            spared = await die_at(made, POINTS, mails=4)
            await made.quiet()
            report = await made.check(Report("kill points", "sqlite", SEED))
    assert spared == [], "these places were not passed"
    assert report.broken == [], report.line()
