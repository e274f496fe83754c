"""Rules at work: the journal is read after a cursor of its own, time is looked at in SQL, and every effect comes about once.

`happenings.py` makes of events what a rule can look at; `firing.py` holds the units of work; `runner.py` drives them; `trying.py` says
what a rule would have done, and why it did or did not.
"""
