"""The thin Halo client and the writer that files decided tickets. Only this package speaks to Halo.

From the wire up: `auth` and `client` (requests, answers and bodies checked by `models`, one error type in
`errors`), `requester`, `lookups` and their `tables` (for whom, which computer, which ids), `resolution` and
`payloads` (the ticket), `filing`, `mending` and `blame` (what Halo refuses is sent otherwise), `note` and `noting`
(the private note), and `writer`, which joins them. `payloads` and `note` are pure: a dry run needs no HTTP library.
`doctor` finds out what is wrong.
"""
