"""The service: takes tickets over REST, decides them by the rules, keeps them, and sees them filed in Halo.

A ticket's way: `routes` reads the request; `requesters` asks Halo for what rules read and the sender left out;
`intake` has it decided and writes ticket and decision to disk -> the sender gets its 202 -> `worker` takes it from
`store`, which is the queue, and calls `delivery`, one attempt at a time, for as long as it takes. `budget` counts what
Halo is asked. `app` puts the parts together and starts what the process's role needs. `settings` and `problems` say
what is wrong in words for people.
"""
