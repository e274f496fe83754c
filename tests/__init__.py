"""The tests."""

import os
import sys

# Where the environment forbids to keep what was compiled, every server that a test starts would compile the whole product anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
