"""Crash test: kills the service at random moments, again and again, and asks Halo whether each ticket is there once.

`python -m tests.crash` starts the service as a user does, and the emulator as its Halo; on SQLite that is one process,
on PostgreSQL two that take tickets and two that file them. Senders post tickets, and post each again, with the same
Idempotency-Key, until they have its 202. All the while every process of the service is killed (SIGKILL) after a random
time and started again, as is PostgreSQL; Halo delays, cuts connections before and after it has written, answers errors
after it has written, forgets its tokens, sends half an answer, and goes away. Then the faults end, the processes run
until nothing is left to file, and Halo is asked: every ticket that got a 202 must be there once, with one note.

What is promised holds as long as Halo has finished a write by the end of the grace period that follows the intent to
ask for it. No client can tell a write that comes later from one that never comes, so the delays of this test end within
that time, and it measures how far the emulator, on a busy machine, lags behind. What is not promised: that a ticket for
which the sender saw no 202 is not filed (it may have been kept, and the answer lost), nor that anything outlives the
disk. The machine does not crash here, only processes do.
"""
