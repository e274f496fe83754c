"""The live line: numbered news over socket.io, resumable.

    journal --> tail (one a process) --> what each viewer may hear --> sockets
                                    \\-> a socket that was away reads the journal from its own last number

HTTP carries orders, sockets carry news. A console never trusts that it heard everything: it knows the number of the last
event it applied and resumes from there, or is told to start afresh (`reset`).
"""
