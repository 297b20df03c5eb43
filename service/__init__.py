"""The service: takes tickets over REST, decides them by the rules, keeps them, and sees them filed in Halo.

A ticket's way: `routes` reads the request and has it decided -> `store` writes ticket and decision to disk in
one transaction with the order to file it -> the sender gets its 202 -> `delivery` files it, one attempt at a
time, for as long as it takes. `engine` is what calls `delivery` again after a failure, a pause or a crash;
only that file imports dbos. `app` puts the parts together and starts them. `settings` and `problems` say what
is wrong in words for people.
"""
