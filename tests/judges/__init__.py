"""Outside judges: clients of Halo that others wrote, run unchanged against the emulator by `make judges`."""
