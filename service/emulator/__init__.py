"""An imitation of Halo's REST API with a tenant in memory: for the demo, for tests and for trying rules.

`app` puts it together; `behaviour` lists what is unknown about the real Halo, one switch each;
`tenant` is the seeded help desk; `tickets` and `actions` are where writes are kept, after `validation`;
`traffic` stands before all of it, with the faults that `control` puts in force.
"""
