"""A channel to begin from: copy this folder under its own name, and change nothing else of the product.

    options.py    what an administrator sets; the console draws the form from it
    parse.py      pure: bytes to meaning; runs in a parser process and again in every replay
    connector.py  talks to the other side; `KIND` is what the product finds

A folder whose name begins with an underscore is passed over, so this one is no channel. As it stands it takes messages
by a signed web request and sends them by one: enough to see each part of the contract (`channels/base.py`) at work.
`docs/howto/channel.md` walks through it, and `tests/channels/test_contract.py` holds every channel to the same promises.
"""
