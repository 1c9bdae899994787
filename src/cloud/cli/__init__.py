"""The command `picloud`."""

import os
import signal
import sys

if os.path.basename(sys.argv[0] if sys.argv else "") in ("picloud", "-m"):
    # Until `main` is there and takes it back, Ctrl-C ends the program without a word, and not with a traceback.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
