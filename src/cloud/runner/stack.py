"""The worker's part in `cloud.stack`: on a signal, C code writes where all threads are, whatever they are doing."""

import faulthandler
import signal

from cloud.wire.worker import STACK_SIGNAL


class Stack:
    """The handler. System calls that the signal interrupts are restarted by the kernel (SA_RESTART) or, where it does
    not do that (sleep, poll, select, ...), by Python (PEP 475); only C code that calls those and takes EINTR for an
    error would notice."""

    def __init__(self, memory: int) -> None:
        """Install it; `memory` is where stacks are written, from its file position on."""
        self._memory = memory
        faulthandler.register(STACK_SIGNAL, memory, all_threads=True, chain=False)

    def install(self) -> None:
        """Put it back when a job replaced it."""
        if signal.getsignal(STACK_SIGNAL) is not signal.SIG_DFL:
            signal.signal(STACK_SIGNAL, signal.SIG_DFL)
            faulthandler.unregister(STACK_SIGNAL)
            faulthandler.register(STACK_SIGNAL, self._memory, all_threads=True, chain=False)
