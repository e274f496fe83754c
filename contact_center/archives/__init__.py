"""Reading archives of mail that other programs left: mbox files, Maildirs with their folders, MH, folders of .eml files.

Archives come from anywhere: whatever is in them, memory stays bounded, links are not followed, and what cannot be read is
reported and passed over.
"""
