"""`make chaos`: every fault with every engine and seed, one line a run; exit code 1 when something did not hold."""
