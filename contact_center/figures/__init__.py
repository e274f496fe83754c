"""What is kept of figures while the product runs: rollups folded as things end, and alerts.

```
 a stay ends (a trigger marks its quarter of an hour)          running figures, every five seconds
        |                                                              |
 folder.py    counts marked quarters anew                      alerts.py    begins and ends episodes
```

One process does each, under a lease; whoever takes over finds all it needs in rows.
"""
