"""Who acts: agent states, offers, and the matcher that decides who is offered what.

```
 a turn opens, an agent frees up, an offer ends            (the journal rings)
        |
 dispatcher.py   reads who is free and what waits  ->  matcher.py (pure)  ->  offers.py (one unit: check again, offer)
        |
 states.py       one open interval an agent; what a lost console and an unanswered offer do to it
```

`simulation.py` runs the same matcher through a day that never was.
"""
