"""Load test: takes tickets at the highest rate that this machine holds, while Halo lets few requests through.

`python -m tests.load` starts the service on SQLite and the emulator at its rate limit, keeps some connections busy, each
with the next ticket as soon as the last has its answer, and watches memory and the time of each answer. In turns with
it, an endpoint as anybody would write it (`reference.py`) gets the same requests: machines differ and drift, so what
counts is the ratio. In the end every ticket that got a 202 is looked for in the database, and again after a restart.
"""
