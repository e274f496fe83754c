"""`make demo`: the product with a living story, so that whoever opens it sees it at work within a minute.

    letters.py   who writes, and what: the generator of mails that demo, pictures and benchmarks share
    history.py   a shop, its people and channels, and some thousand tickets of the past, by the ordinary pipeline
    colleagues.py the people of the shop, who take what waits and answer it while one watches
    outside.py   the world around: a text-message gateway, and customers who write, call, fill in forms and answer

Nothing here is a double inside the product: mails come by SMTP, texts, calls and forms by the same requests that real
gateways, PBXs and browsers send.
"""
